package app_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// The headers are there before the Body, whatever it is; it comes without headers of its own.
func TestFlush(t *testing.T) {
	for name, c := range map[string]struct {
		before func(ctx *app.Context)
		body   func(ctx *app.Context)
		status int
		kind   string
		length string
		want   string
	}{
		"text":     {func(ctx *app.Context) { ctx.SetType("html") }, func(ctx *app.Context) { ctx.Body = "<b>" }, 200, "text/html; charset=utf-8", "", "<b>"},
		"JSON":     {func(ctx *app.Context) { ctx.SetType("text/plain") }, func(ctx *app.Context) { ctx.Body = map[string]int{"a": 1} }, 200, "text/plain; charset=utf-8", "", `{"a":1}`},
		"bytes":    {nil, func(ctx *app.Context) { ctx.Body = []byte("x") }, 200, "", "", "x"},
		"a stream": {nil, func(ctx *app.Context) { ctx.Body = strings.NewReader("hello") }, 200, "", "", "hello"},
		"nothing":  {nil, func(*app.Context) {}, 200, "", "", ""},
		"a status": {func(ctx *app.Context) { ctx.Status = 401 }, func(ctx *app.Context) { ctx.Body = "no" }, 401, "", "", "no"},
		"a status that comes too late": {nil, func(ctx *app.Context) {
			ctx.Status, ctx.Body = 401, "no"
			ctx.Header().Set("X-Late", "1")
		}, 200, "", "", "no"},
		"a Body that was there":  {func(ctx *app.Context) { ctx.Body = 1 }, func(*app.Context) {}, 200, typeOfJSON, "", "1"},
		"a length that holds":    {func(ctx *app.Context) { ctx.SetLength(2) }, func(ctx *app.Context) { ctx.Body = "no" }, 200, "", "2", "no"},
		"a stream with a length": {func(ctx *app.Context) { ctx.SetLength(5) }, func(ctx *app.Context) { ctx.Body = strings.NewReader("hello") }, 200, "", "5", "hello"},
		"what is written before it": {nil, func(ctx *app.Context) {
			_, _ = io.WriteString(ctx.Writer(), "one ")
			ctx.Body = "ring"
		}, 200, "", "", "one ring"},
		"another Flush":          {nil, func(ctx *app.Context) { _ = ctx.Flush(); ctx.Body = "x" }, 200, "", "", "x"},
		"a Body of nil pointers": {nil, func(ctx *app.Context) { ctx.Body = (*stream)(nil) }, 200, "", "", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			read := make(chan struct{})
			w := newRespWire(t, last(func(ctx *app.Context) error {
				if c.before != nil {
					c.before(ctx)
				}
				if err := ctx.Flush(); err != nil {
					return err
				}
				assert.True(t, ctx.Sent())
				<-read
				c.body(ctx)
				return nil
			}))
			conn := w.dial("GET", "/", "Connection", "close")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil) // before there is a Body
			require.NoError(t, err)
			close(read)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			assert.Equal(t, c.status, res.StatusCode)
			assert.Equal(t, c.kind, res.Header.Get("Content-Type"))
			assert.Equal(t, c.length, res.Header.Get("Content-Length"))
			assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
			assert.NotContains(t, res.Header, "X-Late")
			assert.Equal(t, c.want, string(body))
			assert.Empty(t, w.reports())
		})
	}
}

func TestFlushThenWhatCannotBeSent(t *testing.T) {
	for name, h := range map[string]app.Handler{
		"an error":        func(*app.Context) error { return errBoom },
		"a panic":         func(*app.Context) error { panic(errBoom) },
		"what is no JSON": func(ctx *app.Context) error { ctx.Body = func() {}; return nil },
		"a stream that fails": func(ctx *app.Context) error {
			ctx.Body = io.MultiReader(strings.NewReader("half"), breaking{})
			return nil
		},
	} {
		t.Run(name+" cuts the connection and is told once", func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error {
				if err := ctx.Flush(); err != nil {
					return err
				}
				return h(ctx)
			}))
			assert.True(t, w.ask("GET", "/").cut)
			assert.Len(t, w.reports(), 1)
		})
	}
	for name, body := range map[string]func() any{
		"shorter text": func() any { return "ring" }, "longer text": func() any { return "one ring" }, "longer JSON": func() any { return "one ring" }, "a shorter stream": func() any { return strings.NewReader("ring") },
		"a longer stream": func() any { return strings.NewReader("one ring") },
	} {
		t.Run(name+" than was said cuts the connection", func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error {
				ctx.SetLength(6)
				err := ctx.Flush()
				ctx.Body = body()
				return err
			}))
			got := w.ask("GET", "/")
			assert.Equal(t, "6", got.respLength())
			assert.True(t, got.cut)
			assert.Len(t, w.reports(), 1)
		})
	}
}

func TestFlushWithoutABody(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		status int
	}{"204": {"GET", 204}, "304": {"GET", 304}, "HEAD": {"HEAD", 200}} {
		t.Run(name, func(t *testing.T) {
			s := &stream{Reader: panicking{}}
			w := newRespWire(t, last(func(ctx *app.Context) error {
				ctx.SetType("html")
				ctx.Status = c.status
				err := ctx.Flush()
				ctx.Body = s
				return err
			}))
			got := w.ask(c.method, "/")
			assert.Equal(t, c.status, got.status)
			assert.Equal(t, name == "HEAD", len(got.header["Content-Type"]) == 1)
			assert.True(t, strings.HasSuffix(got.raw, "\r\n\r\n"))
			assert.Empty(t, w.reports())
			assert.Equal(t, 1, s.closed)
		})
	}
}

// A stream that is flushed comes piece by piece.
func TestFlushedStreamIsNotHeldBack(t *testing.T) {
	r, pipe := io.Pipe()
	w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = r; return ctx.Flush() }))
	res, err := http.ReadResponse(bufio.NewReader(w.dial("GET", "/")), nil)
	require.NoError(t, err)
	assert.Equal(t, "application/octet-stream", res.Header.Get("Content-Type"))
	for range 3 {
		_, err = io.WriteString(pipe, "ring")
		require.NoError(t, err)
		piece := make([]byte, 4)
		_, err = io.ReadFull(res.Body, piece)
		require.NoError(t, err)
		assert.Equal(t, "ring", string(piece))
	}
	require.NoError(t, pipe.Close())
	_, err = res.Body.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}

func TestFlushErrors(t *testing.T) {
	t.Run("a status that is none", func(t *testing.T) {
		for _, status := range []int{-1, 1, 100, 103, 199, 1000} {
			w, told := answered(get("/"), last(func(ctx *app.Context) error {
				ctx.Status = status
				return ctx.Flush()
			}))
			assert.Equal(t, 500, w.Code)
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "no status")
		}
	})
	t.Run("a copy of the context", func(t *testing.T) {
		serve(get("/"), last(func(ctx *app.Context) error {
			assert.ErrorIs(t, copyOf(ctx).Flush(), app.ErrCopied)
			_, err := copyOf(ctx).EventStream()
			assert.ErrorIs(t, err, app.ErrCopied)
			assert.False(t, ctx.Sent())
			return nil
		}))
	})
	t.Run("a session that cannot be saved is 503 and nothing follows", func(t *testing.T) {
		s, store := memorySessions()
		var flushed error
		w, told := answered(get("/"), s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			require.NoError(t, x.Set("ring", 1))
			store.Fail("Insert", "Update")
			flushed = ctx.Flush()
			ctx.Body = "hello"
			return nil
		}))
		assert.Error(t, flushed)
		assert.Equal(t, 503, w.Code)
		assert.NotContains(t, w.Body.String(), "hello")
		assert.Len(t, told, 1)
	})
	t.Run("a middleware that holds answers back", func(t *testing.T) {
		var flushed error
		w := newRespWire(t, app.Wrap(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, 1<<40, "") }), last(func(ctx *app.Context) error {
			flushed = ctx.Flush()
			ctx.Body = "hello"
			return nil
		}))
		assert.Equal(t, "hello", w.ask("GET", "/").body, "it is sent later")
		assert.ErrorIs(t, flushed, http.ErrNotSupported)
	})
}

// Who flushed above a net/http middleware said the headers for it: its body is sent as it is.
func TestFlushAndNetHTTPMiddleware(t *testing.T) {
	changing := app.Wrap(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(shouting{w}, r) })
	})
	flush := func(ctx *app.Context, next app.Handler) error {
		if err := ctx.Flush(); err != nil {
			return err
		}
		return next(ctx)
	}
	t.Run("below it", func(t *testing.T) {
		w := newRespWire(t, func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			ctx.Body = "too late"
			return err
		}, changing, flush, last(func(ctx *app.Context) error { ctx.Body = "hello"; return nil }))
		assert.Equal(t, "HELLO", w.ask("GET", "/").body)
	})
	t.Run("above it", func(t *testing.T) {
		w := newRespWire(t, flush, func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			ctx.Body = ctx.Body.(string) + " there" // it can still be changed
			return err
		}, changing, last(func(ctx *app.Context) error { ctx.Body = "hello"; return nil }))
		assert.Equal(t, "hello there", w.ask("GET", "/").body)
	})
}

// shouting changes what passes.
type shouting struct{ http.ResponseWriter }

func (s shouting) Write(b []byte) (int, error) {
	_, err := s.ResponseWriter.Write([]byte(strings.ToUpper(string(b))))
	return len(b), err
}

func (s shouting) Unwrap() http.ResponseWriter { return s.ResponseWriter }
