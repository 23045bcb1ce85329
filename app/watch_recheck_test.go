package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// unwatching is a strategy that cannot recheck.
type unwatching struct{}

func (unwatching) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: &gaffer{"sam", ""}, Info: "ring", Via: "unwatching"}, nil
}

// watchman can, and notes the Info it is asked about.
type watchman struct {
	unwatching
	info *any
	err  error
}

func (p watchman) Recheck(_ context.Context, id *app.Identity) error {
	*p.info = id.Info
	return p.err
}

func watchInfo(context.Context, *app.Identity) (any, error) { return "changed", nil }

func TestWhileLoggedInRefuses(t *testing.T) {
	open := func(ctx *app.Context) error {
		_, cancel, err := ctx.WhileLoggedIn(0)
		if err == nil {
			cancel()
		}
		return err
	}
	var failed error
	watch := func(layers ...app.Middleware) int {
		return serve(get("/"), append(layers, func(ctx *app.Context, _ app.Handler) error {
			failed = open(ctx)
			return failed
		})...).Code
	}
	sessions, _ := memorySessions()
	t.Run("nobody with 401", func(t *testing.T) {
		assert.Equal(t, 401, watch(sessions.Layer))
		assert.ErrorIs(t, failed, app.ErrLoginRequired)
	})
	t.Run("a strategy that cannot recheck with 500", func(t *testing.T) {
		assert.Equal(t, 500, watch(app.Authenticate(unwatching{})))
		assert.ErrorContains(t, failed, "app_test.unwatching is no app.Rechecker")
	})
	t.Run("one that cannot behind WithInfo as well", func(t *testing.T) {
		assert.Equal(t, 500, watch(app.Authenticate(app.WithInfo(unwatching{}, watchInfo))))
		assert.ErrorContains(t, failed, "app_test.unwatching is no app.Rechecker")
	})
	t.Run("a login for one request", func(t *testing.T) {
		assert.Equal(t, 500, watch(func(ctx *app.Context, next app.Handler) error {
			require.NoError(t, ctx.Login(&hobbit{"sam"}, app.WithoutSession()))
			return next(ctx)
		}))
	})
	t.Run("a store that is down with 503", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		w.store.Fail("Find")
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 503, serve(r, w.sessions.Layer, last(open)).Code)
	})
}

func TestWhileLoggedInGivesAStrategyItsOwnInfoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, seen any
		serve(get("/"), app.Authenticate(app.WithInfo(watchman{info: &asked, err: &app.Rejection{Cause: errBoom}}, watchInfo)), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			open, cancel, err := ctx.WhileLoggedIn(0)
			require.NoError(t, err)
			defer cancel()
			<-open.Done()
			seen = id.Info
			assert.ErrorIs(t, context.Cause(open), app.ErrLoggedOut)
			assert.ErrorIs(t, context.Cause(open), errBoom, "and why")
			return nil
		}))
		assert.Equal(t, "changed", seen)
		assert.Equal(t, "ring", asked)
	})
}

func TestWhileLoggedInOfACredentialThatIsNoneAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked any
		serve(get("/"), app.Authenticate(watchman{info: &asked, err: app.ErrNoCredentials}), last(func(ctx *app.Context) error {
			open, cancel, err := ctx.WhileLoggedIn(0)
			require.NoError(t, err)
			defer cancel()
			<-open.Done()
			assert.ErrorIs(t, context.Cause(open), app.ErrLoggedOut)
			return nil
		}))
	})
}

// rewritten is a store whose rows become somebody else's.
type rewritten struct {
	app.SessionStore
	change *func(r *app.SessionRecord)
}

func (f rewritten) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	r, err := f.SessionStore.Find(ctx, key)
	if r != nil && *f.change != nil {
		(*f.change)(r)
	}
	return r, err
}

func TestRecheckOfSessions(t *testing.T) {
	var change func(r *app.SessionRecord)
	var failed error
	sessions := app.NewSessions(unreadable{rewritten{sessionstores.NewMemory(), &change}, &failed}, &hobbits{}, app.SessionOptions{})
	var id *app.Identity
	a := quiet().Use(sessions.Layer, last(func(ctx *app.Context) (err error) {
		if ctx.Request.URL.Path == "/login" {
			return ctx.Login(&hobbit{"sam"})
		}
		id, err = ctx.Identity()
		return err
	}))
	c := apptest.NewClient(t, a)
	c.Get("/login")
	c.Get("/")
	require.NotNil(t, id)
	recheck := func() error { return sessions.Recheck(t.Context(), id) }
	require.NoError(t, recheck())
	for name, f := range map[string]func(r *app.SessionRecord){
		"of another user":            func(r *app.SessionRecord) { r.Subject = "gollum" },
		"of nobody":                  func(r *app.SessionRecord) { r.Subject = "" },
		"of another kind":            func(r *app.SessionRecord) { r.Kind = "admin" },
		"whose joined user is gone":  func(r *app.SessionRecord) { r.Joined = true },
		"whose joined user is a nil": func(r *app.SessionRecord) { r.Joined, r.User = true, (*hobbit)(nil) },
	} {
		t.Run("refuses a row "+name, func(t *testing.T) {
			change = f
			_, rejected := errors.AsType[*app.Rejection](recheck())
			assert.True(t, rejected)
		})
	}
	change = nil
	t.Run("refuses a row that cannot be read", func(t *testing.T) {
		failed = app.ErrSessionDamaged
		_, rejected := errors.AsType[*app.Rejection](recheck())
		assert.True(t, rejected)
	})
	t.Run("says that a fault is one", func(t *testing.T) {
		failed = errBoom
		err := recheck()
		_, rejected := errors.AsType[*app.Rejection](err)
		assert.False(t, rejected)
		assert.ErrorIs(t, err, errBoom)
	})
}

// unreadable is a store whose Find fails with an error of its own.
type unreadable struct {
	app.SessionStore
	err *error
}

func (b unreadable) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if *b.err != nil {
		return nil, *b.err
	}
	return b.SessionStore.Find(ctx, key)
}
