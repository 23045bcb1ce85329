package strategies_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

type maia struct{ Name string }

// maiar are another kind of user with the same subjects.
type maiar struct{}

func (maiar) Serialize(_ context.Context, user any) (string, error) {
	if u, ok := user.(*maia); ok {
		return u.Name, nil
	}
	return "", errors.New("no maia")
}

func (maiar) Deserialize(_ context.Context, subject string) (any, error) { return &maia{subject}, nil }

func TestAUserWhoIsRememberedIsNoAdministrator(t *testing.T) {
	rows, tokens := sessionstores.NewMemory(), tokenstores.NewMemory()
	remember := func(users app.Serializer, kind string) *strategies.Remember {
		return strategies.NewRemember(tokens, users, strategies.RememberOptions{Kind: kind})
	}
	assert.Panics(t, func() {
		app.NewSessions(rows, maiar{}, app.SessionOptions{Kind: "admin", Remember: remember(maiar{}, "")})
	}, "cookies and rows would be those of the users")
	users := app.NewSessions(rows, &people{}, app.SessionOptions{Remember: remember(&people{}, "")})
	admins := app.NewSessions(rows, maiar{}, app.SessionOptions{Kind: "admin", Remember: remember(maiar{}, "admin")})
	a := app.New().Use(users.Layer, admins.Layer, func(ctx *app.Context, _ app.Handler) error {
		ctx.Status = 204
		if ctx.Request.URL.Path == "/login" {
			return users.Login(ctx, &hobbit{Name: "1"}, app.Remember(true))
		}
		return admins.RequireLogin(ctx, func(*app.Context) error { return nil })
	})
	c := newVisitor(t, newHearth(), a, "")
	c.Now = time.Now
	require.Equal(t, 204, c.Post("/login", "", "").Status)
	c.SetCookie("__Host-remember-admin", cookieOf(c))
	assert.Equal(t, 401, c.Get("/admin").Status)
}

func TestAThiefWhoUsedTheCookieOnceIsFoundAtLoginAndLogout(t *testing.T) {
	for _, path := range []string{"/logout", "/login?as=frodo", "/login?as=sam"} {
		t.Run(path[1:], func(t *testing.T) {
			h := newHearth()
			owner := h.guest(t, "frodo")
			thief := h.thief(t, cookieOf(owner))
			require.Equal(t, "frodo by session", who(thief))
			h.clock.Advance(20 * time.Minute)
			require.Equal(t, 204, owner.Post(path, "", "").Status)
			assert.Equal(t, "nobody", who(thief))
			assert.Empty(t, h.series(t, "frodo"))
			assert.Len(t, h.reused(), 1)
		})
	}
}

func TestWhoCannotBeLoadedLosesTheSessionsOfTheThiefToo(t *testing.T) {
	h := newHearth()
	owner := h.guest(t, "frodo")
	thief := h.thief(t, cookieOf(owner))
	for range 2 {
		h.later()
		require.Equal(t, "frodo by session", who(thief))
	}
	h.users.err = assert.AnError
	require.Equal(t, 204, owner.Post("/logout", "", "").Status)
	h.users.err = nil
	assert.Equal(t, "nobody", who(thief))
	require.Len(t, h.reused(), 1)
	assert.Equal(t, "frodo", h.reused()[0].Subject)
}

func TestATheftThatIsFoundWhileAStoreIsDownIsFoundAgain(t *testing.T) {
	for name, fail := range map[string]func(h *hearth){
		"that of the sessions": func(h *hearth) { h.sessions.Fail("DeleteSessions") },
		"that of the series":   func(h *hearth) { h.store.Fail("DeleteAll") },
	} {
		for _, path := range []string{"/", "/logout", "/direct"} {
			t.Run(name+" "+path, func(t *testing.T) {
				h := newHearth()
				owner := h.guest(t, "frodo")
				thief := h.thief(t, cookieOf(owner))
				h.later()
				require.Equal(t, "frodo by session", who(thief))
				h.clock.Advance(time.Minute)
				fail(h)
				res := owner.Post(path, "", "")
				require.Equal(t, 503, res.Status)
				require.Nil(t, res.SetCookie(remembering))
				h.store.Heal()
				h.sessions.Heal()
				owner.Post(path, "", "")
				assert.Equal(t, "nobody", who(thief))
				assert.Empty(t, h.series(t, "frodo"))
				assert.Len(t, h.reused(), 1)
			})
		}
	}
}

// A browser has two connections, and only one of them has the answer yet.
func TestALogoutEndsWhatTheSameClientWasGivenMeanwhile(t *testing.T) {
	for _, path := range []string{"/logout", "/login?as=sam", "/login?as=frodo"} {
		t.Run(path[1:], func(t *testing.T) {
			onEachHearth(t, func(t *testing.T, h *hearth) {
				one, phone := h.guest(t, "frodo"), h.guest(t, "frodo")
				h.later()
				two := h.thief(t, cookieOf(one))
				require.Equal(t, "frodo by session", who(one))
				require.Equal(t, "frodo by session", who(phone))
				h.clock.Advance(time.Second)
				require.Equal(t, 204, two.Post(path, "", "").Status)
				assert.Equal(t, "nobody", who(one))
				assert.Equal(t, "frodo by session", who(phone))
				assert.Empty(t, h.reused())
			})
		})
	}
}

func TestALogoutWithoutTheCookieCostsNoQuestionMore(t *testing.T) {
	h := newHearth()
	c := h.visitor(t)
	require.Equal(t, 204, c.Post("/login?as=frodo", "", "").Status)
	before := len(h.sessions.Calls())
	require.Equal(t, 204, c.Post("/logout", "", "").Status)
	assert.NotContains(t, h.sessions.Calls()[before:], "ListSessions")
	assert.Empty(t, h.store.Calls())
}

func TestARememberedClientHasOneSession(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		c := h.guest(t, "frodo")
		for range 5 {
			h.clock.Advance(11 * time.Second)
			c = h.thief(t, cookieOf(c))
			require.Equal(t, "frodo by session", who(c))
		}
		list := must(h.kinds.List(t.Context(), ringBearer))
		require.Len(t, list, 1)
		assert.Equal(t, h.clock.Now(), list[0].Created, "the last one")
		assert.Equal(t, "frodo by session", who(c))
	})
}

func TestOneReturningBrowserOustsNobodyElse(t *testing.T) {
	h := newHearth(func(o *hearthOptions) { o.session.MaxPerUser = 5 })
	laptop := h.guest(t, "frodo")
	h.later()
	phone, tablet := h.guest(t, "frodo"), h.guest(t, "frodo")
	h.tabs(t, 20, "/", cookieOf(laptop))
	assert.Equal(t, []string{"frodo by session", "frodo by session"}, []string{who(phone), who(tablet)})
	assert.Len(t, must(h.kinds.List(t.Context(), ringBearer)), 3)
	assert.Len(t, h.series(t, "frodo"), 3)
}

func TestWhoLogsInIsLoggedOutElsewhereThoughThatSessionIsOver(t *testing.T) {
	for name, between := range map[string]func(h *hearth){"while there is a session": func(*hearth) {}, "and when that is over too": (*hearth).later} {
		for how, want := range map[string]string{"&remember": "frodo by session", "": "nobody"} {
			t.Run(name+how, func(t *testing.T) {
				h := newHearth(func(o *hearthOptions) { o.session.MaxPerUser = 1 })
				old, now := h.guest(t, "frodo"), h.visitor(t)
				h.clock.Advance(31 * time.Minute)
				require.Equal(t, 204, now.Post("/login?as=frodo"+how, "", "").Status)
				between(h)
				assert.Equal(t, "nobody", who(old))
				assert.Empty(t, cookieOf(old))
				if name == "while there is a session" {
					assert.Equal(t, "frodo by session", who(now))
					h.later()
				}
				assert.Equal(t, want, who(now))
			})
		}
	}
}

func TestWhoIsRememberedIsNotBroughtBackBeforeSoManyNewerLogins(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		old := h.guest(t, "frodo")
		h.clock.Advance(time.Hour)
		first := h.guest(t, "frodo")
		h.clock.Advance(31 * time.Minute)
		second := h.guest(t, "frodo")
		require.Equal(t, "frodo by session", who(first), "one login is newer, and two may stay")
		res := old.Get("/")
		assert.Equal(t, "nobody", res.Body)
		assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
		assert.Nil(t, res.SetCookie(sitting))
		assert.Equal(t, []string{"frodo by session", "frodo by session"}, []string{who(first), who(second)})
		assert.Len(t, h.series(t, "frodo"), 2)
	}, func(o *hearthOptions) { o.session.MaxPerUser = 2 })
}

func TestALoginAtAnyStepOfBeingBroughtBackStays(t *testing.T) {
	for _, around := range []bool{false, true} {
		meet(t, func(o *hearthOptions) { o.session.MaxPerUser = 1 }, func(h *hearth) (func(), func(), func(*testing.T, int)) {
			old, now := h.guest(t, "frodo"), h.visitor(t)
			h.later()
			outer, inner := func() { old.Get("/") }, func() { assert.Equal(t, 204, now.Post("/login?remember&as=frodo", "", "").Status) }
			if around {
				outer, inner = inner, outer
			}
			return outer, inner, func(t *testing.T, at int) {
				require.Equal(t, "frodo by session", who(now), at)
				require.Equal(t, "nobody", who(old), at)
				require.Len(t, h.series(t, "frodo"), 1, at)
			}
		})
	}
}

func TestWhatCannotBeSettledBringsNobodyBackYet(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	h.later()
	h.sessions.Fail("ListSessions")
	res := c.Get("/")
	assert.Equal(t, 503, res.Status)
	assert.Nil(t, res.SetCookie(sitting))
	h.sessions.Heal()
	assert.Empty(t, must(h.kinds.List(t.Context(), ringBearer)))
	assert.Equal(t, "frodo by session", who(c))
}

func TestATokenFromAnotherSiteBesideACookieThatRemembers(t *testing.T) {
	h := newHearth()
	keys := strategies.NewAPIKey(tokenstores.NewMemory(), h.users, strategies.APIKeyOptions{Clock: h.clock.Now})
	key, err := keys.Issue(t.Context(), ringBearer, strategies.TokenOptions{Name: "x", Scopes: []string{"*"}})
	require.NoError(t, err)
	c := h.guest(t, "frodo")
	h.later()
	a := app.New().Use(h.kinds.Layer, app.Authenticate(keys), func(ctx *app.Context, _ app.Handler) error {
		id, err := h.kinds.Identity(ctx)
		assert.Nil(t, id)
		ctx.Status = 204
		return err
	})
	v := newVisitor(t, h, a, cookieOf(c))
	r := v.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("X-API-Key", key.Text())
	r.Header.Set("Sec-Fetch-Site", "same-site")
	before := h.calls()
	assert.Equal(t, 204, v.Do(r).Status)
	assert.Equal(t, before, h.calls(), "the cookie is not asked")
	assert.Equal(t, "frodo by session", who(c))
}
