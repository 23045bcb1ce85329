package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// answered serves one request and returns what OnError was told.
func answered(r *http.Request, layers ...app.Middleware) (*httptest.ResponseRecorder, []error) {
	var told []error
	a := app.New()
	a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
	w := httptest.NewRecorder()
	a.Use(layers...).ServeHTTP(w, r)
	return w, told
}

func returning(err error) app.Middleware {
	return last(func(*app.Context) error { return err })
}

// A title is what the default JSON body says.
func title(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Errors []struct {
			Title  string
			Status int
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body)
	require.Len(t, body.Errors, 1)
	assert.Equal(t, w.Code, body.Errors[0].Status)
	return body.Errors[0].Title
}

// fragile is an error whose methods take its pointer for granted.
type fragile struct{ cause error }

func (f *fragile) Error() string { return f.cause.Error() }
func (f *fragile) Unwrap() error { return f.cause }

func TestErrorsAreAnswered(t *testing.T) {
	const secret = "the password is mellon"
	var (
		noError     *app.Error
		noRejection *app.Rejection
		noRedirect  *app.Redirection
		noPanic     *app.PanicError
		noFragile   *fragile
	)
	tests := []struct {
		name   string
		err    error
		status int
		title  string
		faults int // what OnError is told
	}{
		{"a status with its words", &app.Error{Status: 404}, 404, "Not Found", 0},
		{"a message below 500 is shown", &app.Error{Status: 409, Message: "Already there", Cause: errors.New(secret)}, 409, "Already there", 0},
		{"a message of 500 and above is not", &app.Error{Status: 500, Message: secret}, 500, "Internal Server Error", 1},
		{"nor of 503", &app.Error{Status: 503, Message: secret, Cause: errBoom}, 503, "Service Unavailable", 1},
		{"a wrapped one", fmt.Errorf("%s: %w", secret, &app.Error{Status: 422, Message: "No"}), 422, "No", 0},
		{"a joined one", errors.Join(errors.New(secret), &app.Error{Status: 410}), 410, "Gone", 0},
		{"a status without words", &app.Error{Status: 499}, 499, "499", 0},
		{"a fault without words", &app.Error{Status: 599, Message: secret}, 599, "599", 1},
		{"a plain error", errors.New(secret), 500, "Internal Server Error", 1},
		{"a file that is missing", fmt.Errorf("open: %w", os.ErrNotExist), 500, "Internal Server Error", 1},
		{"status 0", &app.Error{Message: secret}, 500, "Internal Server Error", 1},
		{"status 200", &app.Error{Status: 200, Message: secret}, 500, "Internal Server Error", 1},
		{"status 302", &app.Error{Status: 302, Message: secret}, 500, "Internal Server Error", 1},
		{"status 399", &app.Error{Status: 399, Message: secret}, 500, "Internal Server Error", 1},
		{"status 600", &app.Error{Status: 600, Message: secret}, 500, "Internal Server Error", 1},
		{"status 9999", &app.Error{Status: 9999, Message: secret}, 500, "Internal Server Error", 1},
		{"status -1", &app.Error{Status: -1, Message: secret}, 500, "Internal Server Error", 1},
		{"status 400 and 599 are in range", errors.Join(&app.Error{Status: 400}), 400, "Bad Request", 0},
		{"a nil *Error", noError, 500, "Internal Server Error", 1},
		{"a nil *Rejection", noRejection, 500, "Internal Server Error", 1},
		{"a nil *Redirection", noRedirect, 500, "Internal Server Error", 1},
		{"a nil *PanicError", noPanic, 500, "Internal Server Error", 1},
		{"a nil pointer whose methods panic", noFragile, 500, "Internal Server Error", 1},
		{"a wrapped nil *Error", fmt.Errorf("x: %w", noError), 500, "Internal Server Error", 1},
		{"login required", app.ErrLoginRequired, 401, "Login required", 0},
		{"login required, wrapped", fmt.Errorf("%s: %w", secret, app.ErrLoginRequired), 401, "Login required", 0},
		{"no credentials", app.ErrNoCredentials, 401, "Unauthorized", 0},
		{"invalid credentials", app.ErrInvalidCredentials, 401, "Unauthorized", 0},
		{"a rejection", &app.Rejection{Cause: errors.New(secret)}, 401, "Unauthorized", 0},
		{"a rejection with a message", &app.Rejection{Status: 400, Message: "Half a credential", Cause: errors.New(secret)}, 400, "Half a credential", 0},
		{"a rejection with a silly status", &app.Rejection{Status: 200}, 500, "Internal Server Error", 1},
		{"a rejection with 503 shows no message", &app.Rejection{Status: 503, Message: secret}, 503, "Service Unavailable", 1},
		{"a deadline", fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), 503, "Service Unavailable", 1},
		{"a cancelled query of a client that is there", context.Canceled, 503, "Service Unavailable", 1},
		{"headers sent", app.ErrHeadersSent, 500, "Internal Server Error", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, told := answered(get("/"), returning(test.err))
			assert.Equal(t, test.status, w.Code)
			assert.Equal(t, test.title, title(t, w))
			assert.NotContains(t, w.Body.String()+fmt.Sprint(w.Header()), secret)
			assert.Len(t, told, test.faults)
			assert.Equal(t, test.status == 401, w.Header().Get("WWW-Authenticate") != "")
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
	t.Run("Throw", func(t *testing.T) {
		w, told := answered(get("/"), last(func(ctx *app.Context) error { return ctx.Throw(418, "") }))
		assert.Equal(t, "I'm a teapot", title(t, w))
		assert.Empty(t, told)
	})
	t.Run("a client that has gone is nobody's fault", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, told := answered(get("/").WithContext(ctx), returning(fmt.Errorf("query: %w", context.Canceled)))
		assert.Empty(t, told)
	})
	t.Run("an error that a layer dealt with is not reported", func(t *testing.T) {
		w, told := answered(get("/"), func(ctx *app.Context, next app.Handler) error {
			_ = next(ctx)
			return ok(ctx)
		}, returning(errBoom))
		assert.Equal(t, 200, w.Code)
		assert.Empty(t, told)
	})
}

func TestErrorsSpeakToTheLog(t *testing.T) {
	cause := errors.New("disk full")
	for _, err := range []error{&app.Error{Status: 500, Cause: cause}, &app.Rejection{Cause: cause}, &app.PanicError{Value: cause}} {
		assert.ErrorIs(t, err, cause)
		assert.ErrorContains(t, err, "disk full")
	}
	assert.EqualError(t, &app.Error{Status: 404}, "404 Not Found")
	assert.EqualError(t, &app.Error{Status: 409, Message: "Taken"}, "409 Taken")
	assert.ErrorIs(t, &app.Rejection{Status: 400}, app.ErrInvalidCredentials)
	assert.NotErrorIs(t, &app.Rejection{}, app.ErrNoCredentials)
	assert.NoError(t, (&app.PanicError{Value: "text"}).Unwrap())
	for _, err := range []error{(*app.Error)(nil), (*app.Rejection)(nil)} {
		assert.Contains(t, err.Error(), "nil")
		assert.NoError(t, errors.Unwrap(err))
	}
	assert.NotContains(t, (&app.Redirection{URL: "https://example.org/?state=secret"}).Error(), "secret")
}

func TestPanics(t *testing.T) {
	var noError *app.Error
	values := map[string]any{
		"text":                   "the ring",
		"an error":               errBoom,
		"an error that says 404": &app.Error{Status: 404, Message: "shown?"},
		"a rejection":            &app.Rejection{},
		"a redirection":          &app.Redirection{URL: "/elsewhere"},
		"login required":         app.ErrLoginRequired,
		"a number":               42,
		"nil":                    nil,
		"a nil pointer":          noError,
		"a nil error":            error(nil),
		"a nil fragile":          (*fragile)(nil),
		"an empty struct":        struct{}{},
		"a deadline":             context.DeadlineExceeded,
		"a cancelled context":    context.Canceled,
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			w, told := answered(get("/"), func(ctx *app.Context, next app.Handler) error {
				ctx.Header().Set("X-Request-Id", "7")
				return next(ctx)
			}, last(func(*app.Context) error { panic(v) }))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Equal(t, "Internal Server Error", title(t, w))
			assert.Equal(t, "7", w.Header().Get("X-Request-Id"))
			require.Len(t, told, 1)
			var p *app.PanicError
			require.ErrorAs(t, told[0], &p)
			assert.Contains(t, string(p.Stack), "TestPanics")
			assert.NotEmpty(t, p.Error())
		})
	}
	t.Run("a nil dereference", func(t *testing.T) {
		w, told := answered(get("/"), last(func(*app.Context) error { return noError.Cause }))
		assert.Equal(t, 500, w.Code)
		assert.Len(t, told, 1)
	})
	t.Run("http.ErrAbortHandler goes through and is not reported", func(t *testing.T) {
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			_, told := answered(get("/"), last(func(*app.Context) error { panic(http.ErrAbortHandler) }))
			assert.Empty(t, told)
		})
	})
	t.Run("the process lives on", func(t *testing.T) {
		a := quiet().Use(last(func(ctx *app.Context) error {
			if ctx.Request.URL.Path == "/panic" {
				panic("x")
			}
			return ok(ctx)
		}))
		server := start(t, a)
		for _, path := range []string{"/panic", "/", "/panic", "/"} {
			res, err := http.Get(server.URL + path)
			require.NoError(t, err)
			res.Body.Close()
			assert.Equal(t, path == "/panic", res.StatusCode == 500)
		}
	})
}

func TestErrorsKeepAndDropHeaders(t *testing.T) {
	kept := map[string]string{
		"Set-Cookie": "a=1", "Vary": "Origin", "Access-Control-Allow-Origin": "https://example.org", "Access-Control-Allow-Credentials": "true",
		"X-Request-Id": "7", "Strict-Transport-Security": "max-age=1", "Www-Authenticate": "Own", "Retry-After": "3",
	}
	dropped := map[string]string{
		"Content-Length": "4", "Content-Encoding": "gzip", "Content-Disposition": "attachment", "Content-Range": "bytes 0-1/2", "Content-Language": "qya", "Content-Location": "/a",
		"Accept-Ranges": "bytes", "Etag": `"1"`, "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT", "Expires": "Thu, 01 Jan 2170 00:00:00 GMT", "Location": "/elsewhere", "Cache-Control": "public, max-age=60",
	}
	for name, fail := range map[string]app.Handler{
		"an error": func(*app.Context) error { return &app.Error{Status: 401, Header: http.Header{"x-own": {"1"}}} },
		"a fault":  func(*app.Context) error { return errBoom },
		"a panic":  func(*app.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := answered(get("/"), last(func(ctx *app.Context) error {
				for name, value := range kept {
					ctx.Header().Set(name, value)
				}
				for name, value := range dropped {
					ctx.Header().Set(name, value)
				}
				ctx.Header().Set("Content-Type", "image/png")
				ctx.Status, ctx.Body = 206, []byte("half")
				return fail(ctx)
			}))
			for name, value := range kept {
				assert.Contains(t, w.Header()[name], value, name)
			}
			for name, value := range dropped {
				assert.NotContains(t, w.Header()[name], value, name)
			}
			assert.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
			assert.NotContains(t, w.Body.String(), "half")
			assert.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
			if name == "an error" {
				assert.Equal(t, "1", w.Header().Get("X-Own"))
			}
		})
	}
	t.Run("an error that many requests share stays as it is", func(t *testing.T) {
		shared := &app.Error{Status: 429, Header: http.Header{"Vary": append(make([]string, 0, 8), "X-Mine")}}
		for range 3 {
			w, _ := answered(get("/"), returning(shared))
			assert.Equal(t, []string{"X-Mine", "Accept"}, w.Header()["Vary"])
		}
		assert.Equal(t, []string{"X-Mine", ""}, shared.Header["Vary"][:2], "nothing was written into its slice")
	})
	t.Run("a status without a body keeps what was said of it", func(t *testing.T) {
		w, told := answered(get("/"), last(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", "public, max-age=60")
			ctx.Status = 410
			return nil
		}))
		assert.Equal(t, "public, max-age=60", w.Header().Get("Cache-Control"))
		assert.Equal(t, "Gone", title(t, w))
		assert.Empty(t, told)
	})
}

func TestEvery401HasAChallenge(t *testing.T) {
	tests := []struct {
		name    string
		handler app.Handler
		want    string
	}{
		{"an error", func(ctx *app.Context) error { return ctx.Throw(401, "No") }, `Cookie realm="session"`},
		{"a status", func(ctx *app.Context) error { ctx.Status = 401; return nil }, `Cookie realm="session"`},
		{"a status with a body", func(ctx *app.Context) error { ctx.Status, ctx.Body = 401, "no"; return nil }, `Cookie realm="session"`},
		{"a foreign handler", app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })), `Cookie realm="session"`},
		{"one that has its own", func(ctx *app.Context) error {
			ctx.Header().Set("WWW-Authenticate", "Own")
			return ctx.Throw(401, "")
		}, "Own"},
		{"one in the error", func(*app.Context) error {
			return &app.Error{Status: 401, Header: http.Header{"www-authenticate": {"Theirs"}}}
		}, "Theirs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serve(get("/"), last(test.handler))
			assert.Equal(t, 401, w.Code)
			assert.Equal(t, []string{test.want}, w.Header()["Www-Authenticate"])
		})
	}
}

func TestErrorAfterTheHeadersCutsTheConnection(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error":   func() error { return errBoom },
		"one of 4xx": func() error { return &app.Error{Status: 404, Cause: errBoom} },
		"a panic":    func() error { panic(errBoom) },
		"next again": func() error { return fmt.Errorf("%w: %w", app.ErrNext, errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan error, 3)
			a := app.New()
			a.OnError = func(ctx *app.Context, err error) {
				assert.True(t, ctx.Sent())
				told <- err
			}
			server := start(t, a.Use(last(func(ctx *app.Context) error {
				io.WriteString(ctx.Writer(), "half of ")
				assert.NoError(t, http.NewResponseController(ctx.Writer()).Flush())
				return fail()
			})))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			res, err := http.Get(server.URL)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client must not take it for whole")
			assert.Equal(t, "half of ", string(body))
			server.Close() // waits for the request
			require.Len(t, told, 1)
			assert.ErrorIs(t, <-told, errBoom)
		})
	}
}

func TestLogIsOneLineForAnEvent(t *testing.T) {
	const hostile = "evil\r\nlevel=INFO msg=\"all is well\"\x1b[2J"
	var buffer bytes.Buffer
	writer, flags := log.Writer(), log.Flags()
	log.SetOutput(&buffer)
	t.Cleanup(func() { log.SetOutput(writer); log.SetFlags(flags) })
	loggers := map[string]*slog.Logger{
		"text":        slog.New(slog.NewTextHandler(&buffer, nil)),
		"JSON":        slog.New(slog.NewJSONHandler(&buffer, nil)),
		"the default": nil,
	}
	for name, logger := range loggers {
		for kind, fail := range map[string]app.Handler{
			"error": func(*app.Context) error { return errors.New(hostile) },
			"panic": func(*app.Context) error { panic(hostile) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				buffer.Reset()
				a := app.New()
				a.Logger = logger
				r := post("/%0d%0alevel=INFO?password=mellon", formType, "password=mellon")
				r.Header.Set("Authorization", "Bearer mellon")
				r.Header.Set("Cookie", "session=mellon")
				r.Method, r.Pattern = hostile, hostile
				w := httptest.NewRecorder()
				a.Use(last(fail)).ServeHTTP(w, r)
				assert.Equal(t, 500, w.Code)
				line := buffer.String()
				assert.Equal(t, 1, strings.Count(line, "\n"), line)
				assert.NotContains(t, line, "\r")
				assert.NotContains(t, line, "\x1b")
				assert.NotContains(t, line, "mellon")
				assert.Contains(t, line, "request failed")
				assert.Equal(t, kind == "panic", strings.Contains(line, "error_test.go"), "a panic has its stack")
			})
		}
	}
}

func TestBodyThatIsNoJSON(t *testing.T) {
	for name, body := range map[string]any{
		"a channel":                 make(chan int),
		"a function":                func() {},
		"NaN":                       math.NaN(),
		"raw bytes that are broken": json.RawMessage(`{"a":`),
		"a method that fails":       failing{errBoom},
		"a method that panics":      failing{},
	} {
		t.Run(name, func(t *testing.T) {
			w, told := answered(get("/"), last(func(ctx *app.Context) error {
				ctx.Status, ctx.Body = 201, body
				ctx.Header().Set("Set-Cookie", "kept=1")
				return nil
			}))
			assert.Equal(t, 500, w.Code)
			assert.Equal(t, "Internal Server Error", title(t, w))
			assert.Equal(t, "kept=1", w.Header().Get("Set-Cookie"))
			assert.Len(t, told, 1)
		})
	}
	t.Run("saves no session", func(t *testing.T) {
		s, store := memorySessions()
		w := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			ctx.Body = math.NaN()
			x, err := ctx.Session()
			require.NoError(t, err)
			return x.Set("name", "value")
		}))
		assert.Equal(t, 500, w.Code)
		assert.Empty(t, w.Header()["Set-Cookie"])
		assert.NotContains(t, store.Calls(), "Insert")
	})
}

// failing does not encode.
type failing struct{ err error }

func (f failing) MarshalJSON() ([]byte, error) {
	if f.err == nil {
		panic("not today")
	}
	return nil, f.err
}
