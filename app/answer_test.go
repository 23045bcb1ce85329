package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// answering is a layer that prepares one answer.
func answering(status int, body any) app.Middleware {
	return last(func(ctx *app.Context) error {
		ctx.Status, ctx.Body = status, body
		return nil
	})
}

func TestAnswer(t *testing.T) {
	type hobbitView struct {
		Name string `json:"name"`
	}
	tests := []struct {
		name   string
		status int
		body   any
		want   int
		kind   string
		text   string
	}{
		{"a string", 0, "hi", 200, errorText, "hi"},
		{"a string that looks like a page stays text", 0, "<b>hi</b>", 200, errorText, "<b>hi</b>"},
		{"an empty string", 0, "", 200, errorText, ""},
		{"bytes", 0, []byte("hi"), 200, "application/octet-stream", "hi"},
		{"a stream", 0, strings.NewReader("hi"), 200, "application/octet-stream", "hi"},
		{"an object", 201, hobbitView{"frodo"}, 201, errorJSON, `{"name":"frodo"}`},
		{"a list", 0, []int{1, 2}, 200, errorJSON, `[1,2]`},
		{"zero", 0, 0, 200, errorJSON, `0`},
		{"false", 0, false, 200, errorJSON, `false`},
		{"raw JSON", 0, json.RawMessage(`{"a":1}`), 200, errorJSON, `{"a":1}`},
		{"a nil pointer in it", 0, (*hobbitView)(nil), 200, errorJSON, `null`},
		{"nothing", 0, nil, 404, errorJSON, `{"errors":[{"title":"Not Found","status":404}]}`},
		{"a status of 2xx alone", 202, nil, 202, "", ""},
		{"a status of 4xx alone", 409, nil, 409, errorJSON, `{"errors":[{"title":"Conflict","status":409}]}`},
		{"a status of 5xx alone", 503, nil, 503, errorJSON, `{"errors":[{"title":"Service Unavailable","status":503}]}`},
		{"a status beyond 599 alone", 799, nil, 799, "", ""},
		{"an error's body of its own", 404, "no such ring", 404, errorText, "no such ring"},
		{"204 with a body", 204, "x", 204, "", ""},
		{"205 with a body", 205, "x", 205, "", ""},
		{"304 with a body", 304, hobbitView{}, 304, "", ""},
		{"204 with a body that is no JSON", 204, func() {}, 204, "", ""},
		{"a status below 200", 150, "x", 500, errorJSON, `{"errors":[{"title":"Internal Server Error","status":500}]}`},
		{"a status of four digits", 1000, "x", 500, errorJSON, `{"errors":[{"title":"Internal Server Error","status":500}]}`},
		{"a negative status", -1, nil, 500, errorJSON, `{"errors":[{"title":"Internal Server Error","status":500}]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serve(get("/"), answering(test.status, test.body))
			assert.Equal(t, test.want, w.Code)
			assert.Equal(t, test.kind, w.Header().Get("Content-Type"))
			assert.Equal(t, test.text, w.Body.String())
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
	t.Run("a status that is none is reported", func(t *testing.T) {
		_, told := answered(get("/"), answering(1000, nil))
		require.Len(t, told, 1)
		assert.ErrorContains(t, told[0], "1000")
	})
	t.Run("a type that was set stays", func(t *testing.T) {
		for body, kinds := range map[any][2]string{"x": {"text/csv", "text/csv"}, 1: {"application/vnd.x+json", "application/vnd.x+json"}, true: {"text/csv", errorJSON}} {
			w := serve(get("/"), last(func(ctx *app.Context) error {
				ctx.Header().Set("Content-Type", kinds[0])
				ctx.Body = body
				return nil
			}))
			assert.Equal(t, kinds[1], w.Header().Get("Content-Type"))
		}
	})
	t.Run("layers above can change it", func(t *testing.T) {
		w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			ctx.Status, ctx.Body = 202, ctx.Body.(string)+" there"
			return err
		}, answering(200, "hi"))
		assert.Equal(t, 202, w.Code)
		assert.Equal(t, "hi there", w.Body.String())
	})
}

func TestHEADHasTheHeadersOfGET(t *testing.T) {
	for name, layers := range map[string][]app.Middleware{
		"text":   {answering(0, "hello")},
		"bytes":  {answering(0, []byte("hello"))},
		"JSON":   {answering(0, map[string]int{"a": 1})},
		"404":    nil,
		"errors": {returning(&app.Error{Status: 409})},
		"panics": {last(func(*app.Context) error { panic("x") })},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(get("/"), layers...)
			b := serve(httptest.NewRequest("HEAD", "/", nil), layers...)
			assert.Equal(t, a.Code, b.Code)
			assert.Equal(t, a.Header(), b.Header())
			assert.NotEmpty(t, a.Header().Get("Content-Length"))
			assert.NotEmpty(t, a.Body.String())
			assert.Empty(t, b.Body.String())
		})
	}
	t.Run("a stream is not read", func(t *testing.T) {
		s := &stream{Reader: iotest.ErrReader(errBoom)}
		w, told := answered(httptest.NewRequest("HEAD", "/", nil), answering(0, s))
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, 1, s.closed)
		assert.Empty(t, told)
	})
}

// A stream counts how often it is closed.
type stream struct {
	io.Reader
	closed int
}

func (s *stream) Close() error {
	s.closed++
	return nil
}

func TestStreamsAreClosed(t *testing.T) {
	tests := []struct {
		name   string
		layers func(s *stream) []app.Middleware
		status int
	}{
		{"after they were sent", func(s *stream) []app.Middleware { return []app.Middleware{answering(0, s)} }, 200},
		{"if the status has no body", func(s *stream) []app.Middleware { return []app.Middleware{answering(304, s)} }, 304},
		{"if an error is answered instead", func(s *stream) []app.Middleware {
			return []app.Middleware{last(func(ctx *app.Context) error {
				ctx.Body = s
				return errBoom
			})}
		}, 500},
		{"if a panic is answered instead", func(s *stream) []app.Middleware {
			return []app.Middleware{last(func(ctx *app.Context) error {
				ctx.Body = s
				panic(errBoom)
			})}
		}, 500},
		{"if the status is none", func(s *stream) []app.Middleware { return []app.Middleware{answering(9999, s)} }, 500},
		{"if the client is sent elsewhere", func(s *stream) []app.Middleware {
			return []app.Middleware{func(ctx *app.Context, next app.Handler) error {
				if err := next(ctx); err != nil {
					return err
				}
				return ctx.Redirect("/login")
			}, answering(0, s)}
		}, 303},
		{"if next was called twice", func(s *stream) []app.Middleware {
			return []app.Middleware{func(ctx *app.Context, next app.Handler) error {
				_, _ = next(ctx), next(ctx)
				return nil
			}, answering(0, s)}
		}, 500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &stream{Reader: strings.NewReader("hello")}
			w := serve(get("/"), test.layers(s)...)
			assert.Equal(t, test.status, w.Code)
			assert.Equal(t, 1, s.closed)
			assert.Equal(t, test.status == 200, w.Body.String() == "hello")
		})
	}
}

func TestStreamThatFailsCutsTheConnection(t *testing.T) {
	for name, rest := range map[string]io.Reader{"an error": iotest.ErrReader(errBoom), "a panic": panicking{}} {
		t.Run(name, func(t *testing.T) {
			var told []error
			s := &stream{Reader: io.MultiReader(strings.NewReader("half"), rest)}
			a := app.New()
			a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
			a.Use(answering(0, s))
			w := httptest.NewRecorder()
			assert.PanicsWithValue(t, http.ErrAbortHandler, func() { a.ServeHTTP(w, get("/")) })
			assert.Equal(t, "half", w.Body.String())
			assert.Equal(t, 1, s.closed)
			require.Len(t, told, 1)
			assert.ErrorIs(t, told[0], errBoom)
		})
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic(errBoom) }

func TestTRACEAndCONNECTAreRefused(t *testing.T) {
	for _, method := range []string{"TRACE", "CONNECT"} {
		r := get("/")
		r.Method = method
		w := serve(r, last(func(*app.Context) error {
			t.Error("the stack ran")
			return nil
		}))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Contains(t, w.Header().Get("Allow"), "GET")
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	}
}

func TestEveryBodyIsNosniff(t *testing.T) {
	for name, h := range map[string]app.Handler{
		"prepared": ok,
		"an error": func(*app.Context) error { return errors.New("x") },
		"written by hand": func(ctx *app.Context) error {
			_, err := io.WriteString(ctx.Writer(), "<b>")
			return err
		},
		"mounted": app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, bytes.NewReader([]byte("<b>"))) })),
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(get("/"), last(h))
			assert.NotEmpty(t, w.Body.String())
			assert.Equal(t, []string{"nosniff"}, w.Header()["X-Content-Type-Options"])
		})
	}
}
