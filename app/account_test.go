package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestAuthorize(t *testing.T) {
	t.Run("connects an account and leaves user and session as they are", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		before := len(w.store.Calls())
		a := quiet().Use(w.sessions.Layer, app.RequireLogin, app.Authorize(proves("sam", "read")), last(func(ctx *app.Context) error {
			id := ctx.Account()
			require.NotNil(t, id)
			assert.Equal(t, &hobbit{"sam"}, id.User)
			assert.Equal(t, "the credential", id.Info)
			own, err := ctx.Identity()
			assert.Equal(t, "session", own.Via)
			assert.Equal(t, []string{"*"}, own.Scopes, "those of the account are not the user's")
			ctx.Body = own.User.(*hobbit).Name
			return err
		}))
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		res := record(a, r)
		assert.Equal(t, "frodo", res.Body.String())
		assert.Empty(t, res.Header()["Set-Cookie"])
		assert.Equal(t, []string{"Find"}, w.store.Calls()[before:])
		assert.Equal(t, "frodo", c.Get("/me").Body)
	})
	t.Run("there is none without it", func(t *testing.T) {
		res := serve(get("/"), app.Authenticate(proves("frodo")), last(func(ctx *app.Context) error {
			assert.Nil(t, ctx.Account())
			return ok(ctx)
		}))
		assert.Equal(t, 200, res.Code)
	})
	t.Run("logs in nobody", func(t *testing.T) {
		s, _ := memorySessions()
		res := serve(get("/"), s.Layer, app.Authorize(proves("sam")), last(func(ctx *app.Context) error {
			assert.False(t, ctx.IsAuthenticated())
			return app.RequireLogin(ctx, ok)
		}))
		assert.Equal(t, 401, res.Code)
		assert.Empty(t, res.Header()["Set-Cookie"])
	})
	t.Run("logout below ends what proved the user and not the account", func(t *testing.T) {
		user, account := new(int), new(int)
		r := get("/")
		r.Header.Set("Authorization", "x")
		serve(r, app.Authenticate(ender{user, nil}), app.Authorize(ender{account, nil}), last(func(ctx *app.Context) error { return ctx.Logout() }))
		assert.Equal(t, 1, *user)
		assert.Zero(t, *account)
	})
	t.Run("guards below ask for what proves the user", func(t *testing.T) {
		res := serve(get("/"), app.Identify(asks("User", passes())), app.Authorize(asks("Account", proves("sam"))), app.RequireLogin, last(ok))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{"User"}, res.Header()["Www-Authenticate"])
	})
	for _, test := range []struct {
		name      string
		s         app.Strategy
		status    int
		challenge string
	}{
		{"no credentials", passes(), 401, "Account"},
		{"wrong credentials", rejects("No"), 401, `Account error="invalid_token"`},
		{"anonymous", fails(app.ErrAnonymous), 401, "Account"},
		{"a fault", fails(errBoom), 503, ""},
		{"a place to go first", fails(&app.Redirection{URL: "https://login.example.com/"}), 303, ""},
	} {
		t.Run(test.name+" lets nobody in", func(t *testing.T) {
			res := serve(get("/"), app.Authenticate(proves("frodo")), app.Authorize(asks("Account", test.s)), last(ok))
			assert.Equal(t, test.status, res.Code)
			assert.Equal(t, test.challenge, res.Header().Get("WWW-Authenticate"))
		})
	}
	t.Run("is refused while building without a strategy", func(t *testing.T) {
		assert.PanicsWithValue(t, "app: Authorize needs a strategy", func() { app.Authorize() })
		assert.PanicsWithValue(t, "app: Authorize: strategy 1 is nil", func() { app.Authorize(passes(), nil) })
	})
}
