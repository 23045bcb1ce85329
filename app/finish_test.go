package app_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

// A scribe notes what happens, in order.
type scribe struct{ notes []string }

func (s *scribe) note(text string) func() { return func() { s.notes = append(s.notes, text) } }

// layer registers a note that is taken when the request is over.
func (s *scribe) layer(text string) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		ctx.OnFinish(s.note(text))
		defer s.note(text + " returns")()
		return next(ctx)
	}
}

func TestOnFinish(t *testing.T) {
	t.Run("what was registered last is called first after the answer", func(t *testing.T) {
		var s scribe
		res := serve(get("/"), s.layer("outer"), s.layer("inner"), last(func(ctx *app.Context) error {
			ctx.OnFinish(func() {
				assert.True(t, ctx.Sent())
				assert.Equal(t, 418, ctx.Status)
				s.note("handler")()
			})
			ctx.Status = 418
			return nil
		}))
		assert.Equal(t, 418, res.Code)
		assert.Equal(t, []string{"inner returns", "outer returns", "handler", "inner", "outer"}, s.notes)
	})
	t.Run("of an error it knows the status", func(t *testing.T) {
		var status int
		serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			ctx.OnFinish(func() { status = ctx.Status })
			return next(ctx)
		}, app.Authenticate(rejects("No")), last(ok))
		assert.Equal(t, 401, status)
	})
	t.Run("after a panic", func(t *testing.T) {
		var s scribe
		res := serve(get("/"), s.layer("outer"), last(func(*app.Context) error { panic("the bridge") }))
		assert.Equal(t, 500, res.Code)
		assert.Equal(t, []string{"outer returns", "outer"}, s.notes)
	})
	t.Run("after an abort", func(t *testing.T) {
		var s scribe
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			serve(get("/"), s.layer("outer"), last(func(*app.Context) error { panic(http.ErrAbortHandler) }))
		})
		assert.Equal(t, []string{"outer returns", "outer"}, s.notes)
	})
	t.Run("after a panic in an answer that has begun", func(t *testing.T) {
		var s scribe
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			serve(get("/"), s.layer("outer"), last(func(ctx *app.Context) error {
				_, err := io.WriteString(ctx.Writer(), "half")
				require.NoError(t, err)
				panic("the bridge")
			}))
		})
		assert.Equal(t, []string{"outer returns", "outer"}, s.notes)
	})
	t.Run("one that panics is reported and keeps none from being called", func(t *testing.T) {
		var s scribe
		var reported []error
		a := quiet().Use(s.layer("outer"), func(ctx *app.Context, next app.Handler) error {
			ctx.OnFinish(func() { panic("the bridge") })
			return next(ctx)
		}, s.layer("inner"), last(ok))
		a.OnError = func(_ *app.Context, err error) { reported = append(reported, err) }
		assert.Equal(t, 200, record(a, get("/")).Code)
		assert.Equal(t, []string{"inner returns", "outer returns", "inner", "outer"}, s.notes)
		require.Len(t, reported, 1)
		assert.EqualError(t, reported[0], "app: panic: the bridge")
	})
	t.Run("one that aborts keeps none from being called", func(t *testing.T) {
		var s scribe
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			serve(get("/"), s.layer("outer"), func(ctx *app.Context, next app.Handler) error {
				ctx.OnFinish(func() { panic(http.ErrAbortHandler) })
				return next(ctx)
			}, s.layer("inner"), last(ok))
		})
		assert.Equal(t, []string{"inner returns", "outer returns", "inner", "outer"}, s.notes)
	})
	t.Run("one that registers another has it called", func(t *testing.T) {
		var s scribe
		serve(get("/"), s.layer("outer"), last(func(ctx *app.Context) error {
			ctx.OnFinish(func() {
				s.note("first")()
				ctx.OnFinish(s.note("second"))
			})
			return nil
		}))
		assert.Equal(t, []string{"outer returns", "first", "second", "outer"}, s.notes)
	})
	t.Run("each request has its own", func(t *testing.T) {
		var s scribe
		a := quiet().Use(s.layer("x"), last(ok))
		record(a, get("/"))
		record(a, get("/"))
		assert.Equal(t, []string{"x returns", "x", "x returns", "x"}, s.notes)
	})
}

func TestOnFinishUnderForeignCode(t *testing.T) {
	t.Run("under Wrap once and at the end of the whole request", func(t *testing.T) {
		var s scribe
		foreign := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				s.note("foreign returns")()
			})
		}
		serve(get("/"), s.layer("outer"), app.Wrap(foreign), s.layer("inner"), last(ok))
		assert.Equal(t, []string{"inner returns", "foreign returns", "outer returns", "inner", "outer"}, s.notes)
	})
	t.Run("under Adapt within Mount once and at the end of the whole request", func(t *testing.T) {
		var s scribe
		h := app.Adapt(s.layer("inner"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.note("handler")() }))
		serve(get("/"), s.layer("outer"), last(app.Mount(h)))
		assert.Equal(t, []string{"handler", "inner returns", "outer returns", "inner", "outer"}, s.notes)
	})
	t.Run("under Adapt alone when its handler has answered", func(t *testing.T) {
		var s scribe
		h := app.Adapt(s.layer("inner"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
		assert.Equal(t, 204, record(h, get("/")).Code)
		assert.Equal(t, []string{"inner returns", "inner"}, s.notes)
	})
	t.Run("after a panic of an adapted handler", func(t *testing.T) {
		var s scribe
		h := app.Adapt(s.layer("inner"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { record(h, get("/")) })
		assert.Equal(t, []string{"inner returns", "inner"}, s.notes)
	})
	t.Run("after a hijack when the layers have returned", func(t *testing.T) {
		var s scribe
		done := make(chan struct{})
		a := quiet().Use(func(ctx *app.Context, next app.Handler) error {
			ctx.OnFinish(func() { close(done) }) // called last
			return next(ctx)
		}, s.layer("outer"), last(func(ctx *app.Context) error {
			conn, buf, err := http.NewResponseController(ctx.Writer()).Hijack()
			if err != nil {
				return err
			}
			_, err = buf.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
			return errors.Join(err, buf.Flush(), conn.Close())
		}))
		res, err := http.Get(start(t, a).URL)
		require.NoError(t, err)
		assert.Equal(t, "hello", text(t, res.Body))
		require.NoError(t, res.Body.Close())
		<-done
		assert.Equal(t, []string{"outer returns", "outer"}, s.notes)
	})
}

func TestKnown(t *testing.T) {
	known := func(r *http.Request, layers ...app.Middleware) (before, after *app.Identity) {
		serve(r, append([]app.Middleware{func(ctx *app.Context, next app.Handler) error {
			before = ctx.Known()
			err := next(ctx)
			after = ctx.Known()
			return err
		}}, layers...)...)
		return before, after
	}
	t.Run("nobody", func(t *testing.T) {
		before, after := known(get("/"), last(ok))
		assert.Nil(t, before)
		assert.Nil(t, after)
	})
	t.Run("who was proved", func(t *testing.T) {
		before, after := known(get("/"), app.Authenticate(always{&hobbit{"frodo"}}), last(ok))
		assert.Nil(t, before, "it asks nobody")
		require.NotNil(t, after)
		assert.Equal(t, &hobbit{"frodo"}, after.User)
	})
	t.Run("nobody of those who were refused", func(t *testing.T) {
		_, after := known(get("/"), app.Authenticate(rejects("No")), last(ok))
		assert.Nil(t, after)
	})
	t.Run("it does not load a session", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		cookie := w.loggedIn(t)
		calls := len(w.store.Calls())
		_, after := known(with(get("/"), cookie), w.sessions.Layer, last(ok))
		assert.Nil(t, after)
		assert.Len(t, w.store.Calls(), calls)
	})
	t.Run("who is logged in once somebody asked", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		_, after := known(with(get("/"), w.loggedIn(t)), w.sessions.Layer, app.RequireLogin, last(ok))
		require.NotNil(t, after)
		assert.Equal(t, &hobbit{"frodo"}, after.User)
	})
	t.Run("when the request is over it is logged", func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		s := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{})
		serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			ctx.OnFinish(func() { logger.Info("request", "status", ctx.Status, "subject", ctx.Known().Subject) })
			return next(ctx)
		}, s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"sam"}) }))
		assert.Contains(t, log.String(), "status=404 subject=sam")
	})
}
