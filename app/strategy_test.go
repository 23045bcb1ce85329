package app_test

import (
	"database/sql/driver"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestSessionsAreAStrategy(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	c := w.client(t)
	c.Get("/login")
	guarded := quiet().Use(w.sessions.Layer, app.Authenticate(ender{new(int), nil}, w.sessions), last(func(ctx *app.Context) error {
		if ctx.Request.URL.Path == "/logout" {
			return ctx.Logout()
		}
		id, err := ctx.Identity()
		ctx.Body = id.Via
		return err
	}))
	t.Run("nobody is asked for either", func(t *testing.T) {
		res := record(guarded, get("/"))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{`Cookie realm="session"`}, res.Header()["Www-Authenticate"])
	})
	t.Run("a session proves its user", func(t *testing.T) {
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, "session", record(guarded, r).Body.String())
	})
	t.Run("a token before it proves its own", func(t *testing.T) {
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		r.Header.Set("Authorization", "x")
		assert.Equal(t, "ender", record(guarded, r).Body.String())
	})
	t.Run("a request from another site is refused, as everywhere", func(t *testing.T) {
		r := post("/", "text/plain", "")
		r.AddCookie(c.Cookie(cookieName))
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 403, record(guarded, r).Code)
	})
	t.Run("a fault is a fault", func(t *testing.T) {
		w.store.Fail("Find")
		defer w.store.Heal()
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 503, record(guarded, r).Code)
	})
	t.Run("logout ends the session", func(t *testing.T) {
		r := get("/logout")
		r.AddCookie(c.Cookie(cookieName))
		record(guarded, r)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
}

func TestContextAuthenticate(t *testing.T) {
	var id *app.Identity
	var err error
	serve(get("/"), last(func(ctx *app.Context) error {
		id, err = ctx.Authenticate(always{&hobbit{"frodo"}})
		assert.True(t, ctx.IsAuthenticated(), "the user is the request's from now on")
		return nil
	}))
	require.NoError(t, err)
	assert.Equal(t, "frodo", id.User.(*hobbit).Name)
	res := serve(get("/"), last(func(ctx *app.Context) error {
		id, err = ctx.Authenticate(ender{new(int), nil}, app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Kind: "other"}))
		assert.False(t, ctx.IsAuthenticated())
		return err
	}))
	assert.Nil(t, id)
	assert.Equal(t, 503, res.Code, "a strategy without its layer is a fault")
}

func TestRequireAnyScope(t *testing.T) {
	for name, test := range map[string]struct {
		scopes []string
		status int
	}{
		"none": {[]string{}, 403}, "another": {[]string{"c"}, 403}, "one of them": {[]string{"b"}, 200}, "all": {[]string{"*"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			res := serve(get("/"), app.Authenticate(scoped(test.scopes)), app.RequireAnyScope("a", "b"), last(ok))
			assert.Equal(t, test.status, res.Code)
		})
	}
	assert.Panics(t, func() { app.RequireAnyScope() })
}

type scoped []string

func (s scoped) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: &hobbit{"frodo"}, Scopes: s, Via: "scoped"}, nil
}

func TestValuesAreOneRequests(t *testing.T) {
	type key struct{}
	a := quiet().Use(func(ctx *app.Context, next app.Handler) error {
		assert.Nil(t, ctx.Value(key{}))
		ctx.SetValue(key{}, 1)
		return next(ctx)
	}, last(func(ctx *app.Context) error {
		assert.Equal(t, 1, ctx.Value(key{}))
		return nil
	}))
	record(a, get("/"))
	record(a, get("/"))
}

func TestEventsAreTimed(t *testing.T) {
	var got []app.Event
	a := quiet().Use(last(func(ctx *app.Context) error {
		ctx.Emit(app.Event{Name: app.EventUsed, Via: "api"})
		return nil
	}))
	a.OnEvent = func(_ *app.Context, e app.Event) { got = append(got, e) }
	record(a, get("/"))
	require.Len(t, got, 1)
	assert.WithinDuration(t, time.Now(), got[0].Time, time.Minute)
	assert.NotPanics(t, func() { serve(get("/"), last(func(ctx *app.Context) error { ctx.Emit(app.Event{}); return nil })) })
}

func TestErrorsAreTranslated(t *testing.T) {
	a := quiet().Use(app.Authenticate(scopedNobody{}), last(ok))
	a.Translate = func(ctx *app.Context, title string) string {
		if ctx.Request.Header.Get("Accept-Language") == "de" && title == "Unauthorized" {
			return "Nicht angemeldet"
		}
		return title
	}
	r := get("/")
	assert.Contains(t, record(a, r).Body.String(), "Unauthorized")
	r.Header.Set("Accept-Language", "de")
	assert.JSONEq(t, `{"errors":[{"title":"Nicht angemeldet","status":401}]}`, record(a, r).Body.String())
}

type scopedNobody struct{}

func (scopedNobody) Authenticate(*app.Context) (*app.Identity, error) {
	return nil, app.ErrNoCredentials
}

type sqlState string

func (s sqlState) Error() string    { return "database: " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

// What a handler passes on of a database that restarts is no bug of its own.
func TestDatabaseThatIsAwayIs503(t *testing.T) {
	for state, want := range map[sqlState]int{"57P01": 503, "08006": 503, "57014": 503, "40001": 503, "53300": 503, "23505": 500, "42601": 500} {
		res := serve(get("/"), last(func(*app.Context) error { return fmt.Errorf("list: %w", state) }))
		assert.Equal(t, want, res.Code, string(state))
		assert.NotContains(t, res.Body.String(), string(state))
	}
	assert.Equal(t, 503, serve(get("/"), last(func(*app.Context) error { return driver.ErrBadConn })).Code)
}
