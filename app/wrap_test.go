package app_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var errBoom = errors.New("boom")

// zip is a net/http middleware that wraps the writer.
func zip(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Del("Content-Length")
		z := gzip.NewWriter(w)
		defer z.Close()
		h.ServeHTTP(&zipWriter{w, z}, r)
	})
}

type zipWriter struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (z *zipWriter) WriteHeader(status int) {
	z.Header().Del("Content-Length")
	z.ResponseWriter.WriteHeader(status)
}
func (z *zipWriter) Write(b []byte) (int, error) { return z.z.Write(b) }
func (z *zipWriter) Unwrap() http.ResponseWriter { return z.ResponseWriter }

func unzip(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	z, err := gzip.NewReader(w.Body)
	require.NoError(t, err, "the body is no gzip")
	return text(t, z)
}

// setting changes the session, then answers.
func setting(ctx *app.Context) error {
	s, err := ctx.Session()
	if err != nil {
		return err
	}
	ctx.Body = "set"
	return s.Set("ring", 1)
}

func memorySessions() (*app.Sessions, *storetest.Faulty) {
	store := storetest.NewFaulty(sessionstores.NewMemory())
	return app.NewSessions(store, &hobbits{}, app.SessionOptions{}), store
}

func TestWrap(t *testing.T) {
	t.Run("a middleware sees the answer and changes it", func(t *testing.T) {
		w := serve(get("/"), app.Wrap(zip), last(ok))
		assert.Equal(t, "ok", unzip(t, w))
		assert.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	})
	t.Run("an error below is answered through the middleware and reaches the layers above", func(t *testing.T) {
		var seen error
		var sent bool
		above := func(ctx *app.Context, next app.Handler) error {
			seen = next(ctx)
			sent = ctx.Sent()
			return seen
		}
		w := serve(get("/"), above, app.Wrap(zip), last(func(ctx *app.Context) error { ctx.Body = "never"; return errBoom }))
		assert.Equal(t, 500, w.Code)
		assert.JSONEq(t, `{"errors":[{"title":"Internal Server Error","status":500}]}`, unzip(t, w))
		assert.ErrorIs(t, seen, errBoom)
		assert.True(t, sent)
	})
	t.Run("an error is reported once", func(t *testing.T) {
		reported := 0
		a := quiet()
		a.OnError = func(*app.Context, error) { reported++ }
		a.Use(app.Wrap(zip), app.Wrap(zip), last(func(*app.Context) error { return errBoom }))
		a.ServeHTTP(httptest.NewRecorder(), get("/"))
		assert.Equal(t, 1, reported)
	})
	t.Run("the session is saved before the headers", func(t *testing.T) {
		for name, middleware := range map[string]func(http.Handler) http.Handler{
			"a wrapping middleware": zip, "one that passes its writer on": func(h http.Handler) http.Handler { return h },
		} {
			s, store := memorySessions()
			w := serve(get("/"), s.Layer, app.Wrap(middleware), last(setting))
			assert.Equal(t, "set", unzip(t, w), name)
			assert.Len(t, w.Result().Cookies(), 1, name)
			assert.Equal(t, []string{"Insert"}, store.Calls(), name)
		}
	})
	t.Run("a mounted handler below saves the session too", func(t *testing.T) {
		s, _ := memorySessions()
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, err := app.FromContext(r.Context()).Session()
			assert.NoError(t, err)
			assert.NoError(t, session.Set("ring", 1))
			io.WriteString(w, "mounted")
		})
		w := serve(get("/"), s.Layer, app.Wrap(func(h http.Handler) http.Handler { return h }), last(app.Mount(h)))
		assert.Equal(t, "mounted", w.Body.String())
		assert.Len(t, w.Result().Cookies(), 1)
	})
	t.Run("a store that fails is 503 in the middleware's own coding", func(t *testing.T) {
		s, store := memorySessions()
		store.Fail("Insert")
		w := serve(get("/"), s.Layer, app.Wrap(zip), last(setting))
		assert.Equal(t, 503, w.Code)
		assert.JSONEq(t, `{"errors":[{"title":"Service Unavailable","status":503}]}`, unzip(t, w))
		assert.Empty(t, w.Result().Cookies())
	})
	t.Run("a middleware that ends the request runs nothing below", func(t *testing.T) {
		stop := func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "stop", http.StatusTeapot) })
		}
		ran := false
		w := serve(get("/"), app.Wrap(stop), last(func(*app.Context) error { ran = true; return nil }))
		assert.Equal(t, 418, w.Code)
		assert.False(t, ran)
	})
	t.Run("a middleware that replaces the request's context is seen below and not above", func(t *testing.T) {
		mw := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r2 := r.Clone(r.Context())
				r2.URL.Path = "/inner"
				h.ServeHTTP(w, r2)
			})
		}
		var inner, outer string
		serve(get("/outer"), func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			outer = ctx.Request.URL.Path
			return err
		}, app.Wrap(mw), last(func(ctx *app.Context) error { inner = ctx.Request.URL.Path; return nil }))
		assert.Equal(t, "/inner", inner)
		assert.Equal(t, "/outer", outer)
	})
	t.Run("a middleware that calls its handler twice is an error and runs it once", func(t *testing.T) {
		twice := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r); h.ServeHTTP(w, r) })
		}
		ran := 0
		var seen error
		a := quiet().Use(func(ctx *app.Context, next app.Handler) error { seen = next(ctx); return nil },
			app.Wrap(twice), last(func(ctx *app.Context) error { ran++; return ok(ctx) }))
		a.ServeHTTP(httptest.NewRecorder(), get("/"))
		assert.Equal(t, 1, ran)
		assert.ErrorIs(t, seen, app.ErrNext)
	})
	t.Run("a panic below passes through the middleware", func(t *testing.T) {
		w := serve(get("/"), app.Wrap(func(h http.Handler) http.Handler { return h }), last(func(*app.Context) error { panic("boom") }))
		assert.Equal(t, 500, w.Code)
	})
}

// Trap: a middleware that answers before its inner handler ended.
func TestMiddlewareThatAnswersBeforeItsInnerHandlerEnded(t *testing.T) {
	s, store := memorySessions()
	release := make(chan struct{})
	returned := false
	timeout := func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Millisecond, "late") }
	above := func(ctx *app.Context, next app.Handler) error {
		err := next(ctx)
		assert.True(t, returned, "Wrap returned while what is below was at work")
		assert.Equal(t, 503, ctx.Status)
		return err
	}
	a := quiet().Use(s.Layer, above, app.Wrap(timeout), last(func(ctx *app.Context) error {
		<-ctx.Context().Done()
		<-release
		returned = true
		return setting(ctx)
	}))
	w := &signalWriter{ResponseRecorder: httptest.NewRecorder(), wrote: make(chan struct{})}
	done := make(chan struct{})
	go func() { defer close(done); a.ServeHTTP(w, get("/")) }()
	<-w.wrote
	close(release)
	<-done
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, "late", w.Body.String())
	assert.Empty(t, w.Result().Cookies())
	assert.NotContains(t, store.Calls(), "Insert", "the answer was gone, so nothing is to be saved")
}

type signalWriter struct {
	*httptest.ResponseRecorder
	wrote chan struct{}
}

func (s *signalWriter) WriteString(text string) (int, error) {
	n, err := s.ResponseRecorder.WriteString(text)
	close(s.wrote)
	return n, err
}

func TestMount(t *testing.T) {
	t.Run("a handler that writes nothing has answered 200", func(t *testing.T) {
		w := serve(get("/"), last(app.Mount(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
		assert.Equal(t, 200, w.Code)
		assert.Empty(t, w.Body.String())
	})
	t.Run("the Context is in the request's context", func(t *testing.T) {
		var found *app.Context
		serve(get("/"), last(func(ctx *app.Context) error {
			err := app.Mount(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { found = app.FromContext(r.Context()) }))(ctx)
			assert.Same(t, ctx, found)
			return err
		}))
		require.NotNil(t, found)
	})
	t.Run("without one it is nil", func(t *testing.T) { assert.Nil(t, app.FromContext(t.Context())) })
	t.Run("a status set above is not the mounted handler's", func(t *testing.T) {
		w := serve(get("/"), last(func(ctx *app.Context) error {
			ctx.Status, ctx.Body = 201, "dropped"
			return app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }))(ctx)
		}))
		assert.Equal(t, 404, w.Code)
		assert.NotContains(t, w.Body.String(), "dropped")
	})
}

func TestAdapt(t *testing.T) {
	s, _ := memorySessions()
	mux := http.NewServeMux()
	mux.Handle("GET /me", app.Adapt(app.RequireLogin)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := app.UserFrom[*hobbit](r.Context())
		io.WriteString(w, u.Name)
	})))
	mux.HandleFunc("GET /in", func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, app.FromContext(r.Context()).Login(&hobbit{"sam"}))
		w.WriteHeader(204)
	})
	h := app.Adapt(s.Layer)(mux)
	do := func(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	in := do(h, get("/in"))
	require.Equal(t, 204, in.Code)
	cookie := in.Result().Cookies()[0]
	withCookie := func(path string) *http.Request {
		r := get(path)
		r.AddCookie(cookie)
		return r
	}
	t.Run("layers guard handlers of a ServeMux", func(t *testing.T) {
		assert.Equal(t, 401, do(h, get("/me")).Code)
		w := do(h, withCookie("/me"))
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, "sam", w.Body.String())
	})
	t.Run("what the mux says stays", func(t *testing.T) { assert.Equal(t, 404, do(h, get("/none")).Code) })
	t.Run("a guard without Sessions above is 500", func(t *testing.T) {
		assert.Equal(t, 500, do(quiet().Adapt(app.RequireLogin)(mux), get("/me")).Code)
	})
	// Trap: an in-process sub-request that inherits the user.
	t.Run("a request made inside the process inherits no user", func(t *testing.T) {
		for name, inner := range map[string]http.Handler{"with its own Sessions": h, "with a guard alone": quiet().Adapt(app.RequireLogin)(mux)} {
			var code int
			outer := app.Adapt(s.Layer)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				assert.NotNil(t, app.FromContext(r.Context()).User())
				code = do(inner, get("/me").WithContext(r.Context())).Code
			}))
			do(outer, withCookie("/"))
			assert.NotEqual(t, 200, code, name)
		}
	})
}

func TestDetachKeepsTheUserAndOutlivesTheRequest(t *testing.T) {
	s, _ := memorySessions()
	w := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
		require.NoError(t, ctx.Login(&hobbit{"frodo"}))
		cancelled, cancel := context.WithCancel(ctx.Context())
		ctx.SetContext(cancelled)
		later := ctx.Detach()
		cancel()
		assert.NoError(t, later.Err())
		u, found := app.UserFrom[*hobbit](later)
		assert.True(t, found)
		assert.Equal(t, "frodo", u.Name)
		assert.Nil(t, app.FromContext(later))
		return nil
	}))
	assert.Equal(t, 404, w.Code)
}

// Every way to send headers saves the session before, once.
func TestHeadersAreSentAfterTheSession(t *testing.T) {
	ways := map[string]func(w http.ResponseWriter) error{
		"Write":       func(w http.ResponseWriter) error { _, err := w.Write([]byte("x")); return err },
		"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err },
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(202); return nil },
		"ReadFrom":    func(w http.ResponseWriter) error { _, err := io.Copy(w, strings.NewReader("x")); return err },
		"Flush":       func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"Flusher":     func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil },
		"1xx first":   func(w http.ResponseWriter) error { w.WriteHeader(103); w.WriteHeader(202); return nil },
		"nothing":     func(http.ResponseWriter) error { return nil },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			s, store := memorySessions()
			server := start(t, quiet().Use(s.Layer, last(func(ctx *app.Context) error {
				if err := setting(ctx); err != nil {
					return err
				}
				if err := way(ctx.Writer()); err != nil || !ctx.Sent() {
					return err
				}
				session, err := ctx.Session()
				assert.NoError(t, err)
				assert.ErrorIs(t, session.Set("late", 1), app.ErrHeadersSent)
				assert.ErrorIs(t, ctx.Login(&hobbit{"sam"}), app.ErrHeadersSent)
				assert.ErrorIs(t, ctx.Logout(), app.ErrHeadersSent)
				return nil
			})))
			res, err := http.Get(server.URL)
			require.NoError(t, err)
			defer res.Body.Close()
			assert.Len(t, res.Cookies(), 1)
			assert.Equal(t, []string{"Insert"}, store.Calls())
		})
		t.Run(name+" with a store that fails", func(t *testing.T) {
			s, store := memorySessions()
			store.Fail("Insert")
			server := start(t, quiet().Use(s.Layer, last(func(ctx *app.Context) error {
				if err := setting(ctx); err != nil {
					return err
				}
				return way(ctx.Writer())
			})))
			res, err := http.Get(server.URL)
			require.NoError(t, err)
			defer res.Body.Close()
			assert.Equal(t, 503, res.StatusCode)
			assert.Empty(t, res.Cookies())
			assert.JSONEq(t, `{"errors":[{"title":"Service Unavailable","status":503}]}`, text(t, res.Body))
		})
	}
	t.Run("Hijack", func(t *testing.T) {
		s, store := memorySessions()
		server := start(t, quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			if err := setting(ctx); err != nil {
				return err
			}
			conn, _, err := http.NewResponseController(ctx.Writer()).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			assert.True(t, ctx.Sent())
			_, err = io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n")
			return err
		})))
		res, err := http.Get(server.URL)
		require.NoError(t, err)
		assert.Equal(t, 299, res.StatusCode)
		assert.Equal(t, []string{"Insert"}, store.Calls())
	})
	t.Run("Hijack with a store that fails is refused", func(t *testing.T) {
		s, store := memorySessions()
		store.Fail("Insert")
		server := start(t, quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			if err := setting(ctx); err != nil {
				return err
			}
			_, _, err := http.NewResponseController(ctx.Writer()).Hijack()
			return err
		})))
		res, err := http.Get(server.URL)
		require.NoError(t, err)
		assert.Equal(t, 503, res.StatusCode)
	})
}
