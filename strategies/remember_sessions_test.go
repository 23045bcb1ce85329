package strategies_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// K18.2: the session is over, the user is back.
func TestARememberedUserIsBack(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		c := h.guest(t, "frodo")
		session, text := c.Cookie(sitting).Value, cookieOf(c)
		h.clock.Advance(time.Minute)
		require.Equal(t, "frodo by session", who(c))
		require.Equal(t, text, cookieOf(c), "a session that lives uses no cookie up")
		h.later()
		res := c.Get("/")
		require.Equal(t, "frodo by session", res.Body)
		assert.NotEqual(t, session, res.SetCookie(sitting).Value)
		assert.NotEqual(t, text, res.SetCookie(remembering).Value)
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		again := c.Get("/")
		assert.Equal(t, "frodo by session", again.Body)
		assert.Nil(t, again.SetCookie(remembering))
		assert.Nil(t, again.SetCookie(sitting))
		list := must(h.kinds.List(t.Context(), ringBearer))
		require.Len(t, list, 1)
		assert.Equal(t, h.clock.Now(), list[0].Created)
		assert.Contains(t, h.names(), "credential used")
		assert.NotContains(t, h.names()[3:], "login", "it is none")
	})
}

func TestWhoIsNotRememberedIsNobody(t *testing.T) {
	h := newHearth()
	c := h.visitor(t)
	require.Equal(t, 204, c.Post("/login?as=frodo", "", "").Status)
	require.Nil(t, c.Cookie(remembering))
	require.Equal(t, "frodo by session", who(c))
	h.later()
	assert.Equal(t, "nobody", who(c))
	assert.Empty(t, h.store.Calls(), "and costs no question")
}

func TestToBeRememberedIsNoRecentLogin(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	require.Equal(t, 200, c.Get("/recent").Status)
	c.SetCookie(sitting, "")
	require.Equal(t, "frodo by session", who(c))
	assert.Equal(t, 401, c.Get("/recent").Status, "though the login was a moment ago")
	assert.Equal(t, 401, c.Get("/recent").Status)
	h.later()
	assert.Equal(t, 401, c.Get("/recent").Status)
	require.Equal(t, 204, c.Post("/login?remember&as=frodo", "", "").Status)
	assert.Equal(t, 200, c.Get("/recent").Status)
}

func TestLogoutForgetsTheClient(t *testing.T) {
	for name, before := range map[string]func(h *hearth, c *apptestClient){
		"with a session":                       func(*hearth, *apptestClient) {},
		"without one":                          func(_ *hearth, c *apptestClient) { c.SetCookie(sitting, "") },
		"with one that is over":                func(h *hearth, _ *apptestClient) { h.later() },
		"with one that it was brought back by": func(h *hearth, c *apptestClient) { h.later(); who(c) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachHearth(t, func(t *testing.T, h *hearth) {
				c, other := h.guest(t, "frodo"), h.guest(t, "frodo")
				before(h, c)
				text := cookieOf(c)
				res := c.Post("/logout", "", "")
				require.Equal(t, 204, res.Status)
				assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
				assert.Equal(t, "nobody", who(c))
				assert.Equal(t, "nobody", who(h.thief(t, text)), "who kept the cookie")
				assert.Equal(t, "frodo by session", who(other))
				assert.Empty(t, h.reused())
			})
		})
	}
}

// An identity that was asked for before the logout is not the next one after it.
func TestLogoutInTheRequestThatWasBroughtBack(t *testing.T) {
	for _, grace := range []time.Duration{0, strategies.NoGrace} {
		h := newHearth(func(o *hearthOptions) { o.remember.Grace = grace })
		c := h.guest(t, "frodo")
		h.later()
		text := cookieOf(c)
		a := app.New().Use(h.kinds.Layer, func(ctx *app.Context, _ app.Handler) error {
			assert.True(t, ctx.IsAuthenticated())
			assert.NoError(t, ctx.Logout())
			assert.False(t, ctx.IsAuthenticated())
			ctx.Status = 204
			return nil
		})
		res := newVisitor(t, h, a, text).Get("/")
		require.Equal(t, 204, res.Status)
		assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
		assert.Empty(t, h.series(t, "frodo"))
		assert.Empty(t, must(h.kinds.List(t.Context(), ringBearer)))
		assert.Equal(t, "nobody", who(h.thief(t, text)))
	}
}

func TestALoginForgetsWhoeverWasRememberedThere(t *testing.T) {
	for path, names := range map[string][]string{"/login?as=sam": {}, "/login?remember&as=sam": {"sam"}, "/login?remember&as=frodo": {"frodo"}, "/login?as=frodo": {}} {
		t.Run(path[1:], func(t *testing.T) {
			h := newHearth()
			c, other := h.guest(t, "frodo"), h.guest(t, "frodo")
			text := cookieOf(c)
			require.Equal(t, 204, c.Post(path, "", "").Status)
			assert.Len(t, h.series(t, "sam"), count(names, "sam"))
			assert.Len(t, h.series(t, "frodo"), 1+count(names, "frodo"))
			assert.Equal(t, "nobody", who(h.thief(t, text)))
			h.later()
			want := "nobody"
			if len(names) > 0 {
				want = names[0] + " by session"
			}
			assert.Equal(t, want, who(c))
			assert.Equal(t, "frodo by session", who(other), "another browser")
		})
	}
}

func count(names []string, name string) (n int) {
	for _, one := range names {
		if one == name {
			n++
		}
	}
	return n
}

func TestEndingSessionsForgetsTheirClients(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(t *testing.T, h *hearth, here *apptestClient)
		stays []string // who still is remembered: here, there
	}{
		"LogoutAll": {func(t *testing.T, h *hearth, _ *apptestClient) {
			require.Equal(t, 2, must(h.kinds.LogoutAll(t.Context(), ringBearer)))
		}, []string{"nobody", "nobody"}},
		"LogoutOthers": {func(t *testing.T, _ *hearth, here *apptestClient) {
			require.Equal(t, 204, here.Post("/others", "", "").Status)
		}, []string{"frodo by session", "nobody"}},
		"End": {func(t *testing.T, h *hearth, _ *apptestClient) {
			list := must(h.kinds.List(t.Context(), ringBearer))
			require.True(t, must(h.kinds.End(t.Context(), ringBearer, list[0].Handle)))
		}, []string{"nobody", "frodo by session"}},
		"Revoke of the series alone": {func(t *testing.T, h *hearth, here *apptestClient) {
			require.True(t, must(h.remember.Revoke(t.Context(), ringBearer, partsOf(cookieOf(here)).id)))
			assert.Equal(t, "frodo by session", who(here), "until the session is over")
		}, []string{"nobody", "frodo by session"}},
	} {
		t.Run(name, func(t *testing.T) {
			onEachHearth(t, func(t *testing.T, h *hearth) {
				there := h.guest(t, "frodo")
				h.clock.Advance(time.Minute)
				here := h.guest(t, "frodo")
				texts := []string{cookieOf(here), cookieOf(there)}
				c.end(t, h, here)
				h.later()
				assert.Equal(t, c.stays, []string{who(h.thief(t, texts[0])), who(h.thief(t, texts[1]))})
			})
		})
	}
}

func TestAnOustedSessionIsNotBroughtBack(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		first := h.guest(t, "frodo")
		h.clock.Advance(time.Minute)
		second := h.guest(t, "frodo")
		assert.Equal(t, "nobody", who(first))
		assert.Equal(t, "frodo by session", who(second))
		assert.Len(t, h.series(t, "frodo"), 1)
	}, func(o *hearthOptions) { o.session.MaxPerUser = 1 })
}

// A browser that was closed has lost the cookie of a session that lives: it ousts its own.
func TestABrowserThatOustsItsOwnSessionStaysRemembered(t *testing.T) {
	h := newHearth(func(o *hearthOptions) { o.session.MaxPerUser = 1 })
	c := h.guest(t, "frodo")
	for range 3 {
		h.clock.Advance(time.Minute)
		c.SetCookie(sitting, "")
		require.Equal(t, "frodo by session", who(c))
	}
	assert.Len(t, must(h.kinds.List(t.Context(), ringBearer)), 1)
	assert.Len(t, h.series(t, "frodo"), 1)
}

func TestARequestFromAnotherSiteBringsNobodyBack(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	h.later()
	before := h.calls()
	r := c.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, 403, c.Do(r).Status)
	assert.Equal(t, before, h.calls())
	assert.Equal(t, "frodo by session", who(c))
}

// Neither a page that asks nobody, nor a session that lives, nor a visitor asks for the series.
func TestWhatRememberingCosts(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	for _, step := range []struct {
		name              string
		client            *apptestClient
		path              string
		before            func()
		session, remember []string
	}{
		{"a page that asks nobody", c, "/public", nil, nil, nil},
		{"a session that lives", c, "/", nil, []string{"Find"}, nil},
		{"a visitor without cookies", h.visitor(t), "/", nil, nil, nil},
		{"garbage", h.thief(t, "garbage"), "/", nil, nil, nil},
		{"a page that asks nobody when the session is over", c, "/public", h.later, nil, nil},
		{"the session is over", c, "/", nil, []string{"Find", "Insert", "ListSessions"}, []string{"Find", "Renew", "Find"}},
		{"the session that was brought back", c, "/", nil, []string{"Find"}, nil},
	} {
		if step.before != nil {
			step.before()
		}
		sessions, series := len(h.sessions.Calls()), h.calls()
		step.client.Get(step.path)
		assert.Equal(t, step.session, append([]string(nil), h.sessions.Calls()[sessions:]...), step.name)
		assert.Equal(t, step.remember, append([]string(nil), h.store.Calls()[series:]...), step.name)
	}
}

// A transaction that does not last takes its cookie back. A browser with a secret that the store
// has forgotten would be taken for a thief.
func TestATransactionThatDoesNotLastReplacesNoCookie(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db := must(database.Open(address(t)))
			t.Cleanup(func() { _ = db.Close() })
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			h := newHearth(func(o *hearthOptions) { o.tokens = tokenstores.NewBun(db) })
			c := h.guest(t, "frodo")
			h.later()
			text := cookieOf(c)
			steps := map[string]func(ctx *app.Context){
				"direct":  func(ctx *app.Context) { must(h.remember.Authenticate(ctx)) },
				"session": func(ctx *app.Context) { assert.True(t, ctx.IsAuthenticated()) },
				"forget":  func(ctx *app.Context) { assert.NoError(t, justError(h.remember.Forget(ctx))) },
				"another": func(ctx *app.Context) { must(h.remember.Remember(ctx, gardener)) },
			}
			for name, step := range steps {
				a := app.New().Use(h.kinds.Layer, func(ctx *app.Context, _ app.Handler) error {
					outside := ctx.Context()
					err := database.Transact(outside, db, func(inside context.Context) error {
						ctx.SetContext(inside)
						step(ctx)
						return assert.AnError
					})
					require.ErrorIs(t, err, assert.AnError)
					ctx.SetContext(outside)
					return tellWho(ctx)
				})
				v := newVisitor(t, h, a, text)
				res := v.Get("/")
				require.Equal(t, "frodo by session", res.Body, name)
				h.clock.Advance(time.Hour)
				text = cookieOf(v)
			}
			h.clock.Advance(time.Hour)
			assert.Equal(t, "frodo by remember", h.thief(t, text).Get("/direct").Body)
			assert.Empty(t, h.series(t, "sam"))
			assert.Empty(t, h.reused())
		})
	}
}
