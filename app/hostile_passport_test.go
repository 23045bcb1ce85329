package app_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestTwoSessionsOfOneKindInAStackAreRefused(t *testing.T) {
	store := sessionstores.NewMemory()
	users := app.NewSessions(store, &hobbits{}, app.SessionOptions{})
	admins := app.NewSessions(store, &hobbits{}, app.SessionOptions{Cookie: app.SessionCookie{Name: "__Host-admin"}})
	var fault error
	a := quiet().Use(users.Layer, admins.Layer, last(ok))
	a.OnError = func(_ *app.Context, err error) { fault = err }
	assert.Equal(t, 500, record(a, get("/")).Code)
	assert.ErrorContains(t, fault, `are of the kind "session"`)
}

func TestARemembererOfAnotherKindIsRefusedByWithToo(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	assert.Panics(t, func() { w.sessions.With(func(o *app.SessionOptions) { o.Kind = "admin" }) })
	assert.NotPanics(t, func() { w.sessions.With(func(o *app.SessionOptions) { o.Kind = "" }) })
}

// A login that a strategy says was long ago is no recent one, though it makes a session.
func TestALoginByAnOldCredentialIsNoRecentLogin(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "&remember")
	login := app.AuthenticateWith(app.AuthenticateOptions{Login: true}, w.mellon)
	a := quiet().Use(w.sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
		if ctx.Request.URL.Path == "/back" {
			return login(ctx, whoami)
		}
		return w.route(ctx)
	})
	w.clock.Advance(20 * 24 * time.Hour)
	b := apptest.NewClient(t, a)
	b.SetCookie(userMellonCookie, c.Cookie(userMellonCookie).Value)
	require.Equal(t, "frodo", b.Get("/back").Body)
	assert.Equal(t, 401, b.Get("/recent").Status)
	assert.Equal(t, w.clock.Now().Add(-20*24*time.Hour), w.mine(b)[0].LoggedIn)
	require.Equal(t, 204, b.Get("/confirm?name=frodo").Status)
	assert.Equal(t, 200, b.Get("/recent").Status)
}

func TestASessionAllowsNoMoreThanWhatLoggedIn(t *testing.T) {
	for name, c := range map[string]struct {
		scopes []string
		status int
	}{"all": {[]string{"*"}, 200}, "one": {[]string{"rings:read"}, 403}, "none": {nil, 403}} {
		t.Run(name, func(t *testing.T) {
			s, store := memorySessions()
			form := app.AuthenticateWith(app.AuthenticateOptions{Login: true, Failure: "/login", SuccessFlash: &app.Flash{Text: "Welcome"}}, asks("Key", proves("frodo", c.scopes...)))
			res := serve(get("/"), s.Layer, form, last(ok))
			assert.Equal(t, c.status, res.Code)
			rows, err := store.ListSessions(t.Context(), "session", "frodo")
			require.NoError(t, err)
			if c.status == 200 {
				assert.Len(t, rows, 1)
				return
			}
			assert.Empty(t, rows)
			assert.Empty(t, res.Header()["Set-Cookie"])
			assert.Equal(t, `Key error="insufficient_scope"`, res.Header().Get("WWW-Authenticate"))
		})
	}
}

// twinned returns two sessions of one remembered client, as two nodes make them at once.
func twinned(w *buckland) (one, two *apptest.Client) {
	one, two = w.in("frodo", "&remember"), w.client()
	handle, now := w.mellon.handles()[0], w.clock.Now()
	one.SetCookie(userMellonCookie, "")
	require.Equal(w.t, 204, two.Get("/login?name=frodo").Status)
	list, err := w.store.Memory.ListSessions(w.t.Context(), "session", "frodo")
	require.NoError(w.t, err)
	for _, r := range list {
		r.Data["_remember"] = []byte(`"` + handle + `"`)
		r.Seen = now
		require.NoError(w.t, w.store.Update(w.t.Context(), r.Key, &r.SessionRecord))
	}
	return one, two
}

func TestEndingOneSessionOfARememberedClientEndsItsOthers(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	one, two := twinned(w)
	other, sam := w.in("frodo", "&remember"), w.in("sam", "&remember")
	w.told.take()
	there, err := w.sessions.End(t.Context(), &hobbit{"frodo"}, currentOf(w, one))
	require.NoError(t, err)
	assert.True(t, there)
	assert.Len(t, w.told.take(), 2, "each is told once")
	assert.Equal(t, []int{401, 401, 200, 200}, []int{one.Get("/me").Status, two.Get("/me").Status, other.Get("/me").Status, sam.Get("/me").Status})
	assert.Len(t, w.mellon.handles(), 2)
}

func currentOf(w *buckland, c *apptest.Client) string {
	for _, s := range w.mine(c) {
		if s.Current {
			return s.Handle
		}
	}
	return ""
}

func TestAnOustedClientLosesItsOtherSessions(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{MaxPerUser: 2})
	one, two := twinned(w)
	w.clock.Advance(time.Second)
	third := w.in("frodo", "")
	assert.Equal(t, []int{401, 401, 200}, []int{one.Get("/me").Status, two.Get("/me").Status, third.Get("/me").Status})
}

// A robbery is a Rememberer whose credential was used before. It may know no user.
type robbery struct {
	*mellon
	hook bool
}

func (r robbery) Authenticate(ctx *app.Context) (*app.Identity, error) {
	if _, err := ctx.Request.Cookie(userMellonCookie); err != nil {
		return nil, app.ErrNoCredentials
	}
	stolen := &app.Stolen{Subject: "frodo"}
	if r.hook {
		if err := ctx.EndStolen(r, stolen); err != nil {
			return nil, err
		}
	}
	return nil, &app.Rejection{Cause: stolen}
}

func (r robbery) Forget(ctx *app.Context) ([]*app.Identity, error) {
	_, err := r.Authenticate(ctx)
	return nil, err
}

func TestATheftEndsSessionsWithoutAUser(t *testing.T) {
	for name, find := range map[string]func(s *app.Sessions, ctx *app.Context) error{
		"found by who comes back": func(s *app.Sessions, ctx *app.Context) error { _, err := s.Identity(ctx); return err },
		"found by who logs out":   (*app.Sessions).Logout,
	} {
		t.Run(name, func(t *testing.T) {
			w := newBuckland(t, app.SessionOptions{})
			s := w.sessions.With(func(o *app.SessionOptions) { o.Remember = robbery{w.mellon, false} })
			thief, sam := w.in("frodo", ""), w.in("sam", "")
			w.users.err = errBoom
			owner := apptest.NewClient(t, quiet().Use(s.Layer, last(func(ctx *app.Context) error { return find(s, ctx) })))
			owner.SetCookie(userMellonCookie, "x")
			owner.Get("/")
			w.users.err = nil
			assert.Equal(t, []int{401, 200}, []int{thief.Get("/me").Status, sam.Get("/me").Status})
		})
	}
}

func TestEndStolen(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		fail   bool
		status int
		after  int
	}{"ends the sessions of its kind": {"session", false, 401, 401}, "of another kind none": {"admin", false, 401, 200}, "fails with the store": {"session", true, 503, 200}} {
		t.Run(name, func(t *testing.T) {
			w := newBuckland(t, app.SessionOptions{})
			thief := w.in("frodo", "")
			by := robbery{newMellon(w.clock, c.kind), true}
			if c.fail {
				w.store.fail["DeleteSessions"] = errBoom
			}
			r := get("/")
			r.AddCookie(&http.Cookie{Name: userMellonCookie, Value: "x"})
			assert.Equal(t, c.status, serve(r, w.sessions.Layer, app.Authenticate(by), last(ok)).Code)
			assert.Equal(t, c.after, thief.Get("/me").Status)
		})
	}
	t.Run("without sessions does nothing", func(t *testing.T) {
		r := get("/")
		r.AddCookie(&http.Cookie{Name: userMellonCookie, Value: "x"})
		assert.Equal(t, 401, serve(r, app.Authenticate(robbery{newMellon(nil, "session"), true}), last(ok)).Code)
	})
}

// A node whose clock is ahead has made the later session: that one stays, and its cookie.
func TestOfTwoThatAreBroughtBackAtOnceTheLaterOneStays(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "&remember")
	w.lapse()
	ahead := w.sessions.With(func(o *app.SessionOptions) { o.Clock = func() time.Time { return w.clock.Now().Add(time.Second) } })
	other := apptest.NewClient(t, quiet().Use(ahead.Layer, last(whoami)))
	w.mellon.during = func(method string) error {
		if method == "Remembers" { // the session of c is there by now
			w.mellon.during = nil
			handle := w.mellon.handles()[0]
			row := w.mellon.rows[handle]
			row.word = sha256.Sum256([]byte("friend"))
			w.mellon.rows[handle] = row
			other.SetCookie(userMellonCookie, handle+".friend")
			assert.Equal(t, "frodo", other.Get("/").Body)
		}
		return nil
	}
	before := c.Cookie(cookieName).Value
	assert.Equal(t, "frodo", c.Get("/me").Body)
	assert.Equal(t, before, c.Cookie(cookieName).Value, "the browser keeps what the other answer gave it")
	list, err := w.sessions.List(context.Background(), &hobbit{"frodo"})
	require.NoError(t, err)
	assert.Len(t, list, 1)
	assert.Equal(t, "frodo", other.Get("/").Body)
}
