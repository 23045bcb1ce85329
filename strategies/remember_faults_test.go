package strategies_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// R: a fault is never "not remembered". The cookie stays, and is good when the store is back.
func TestAFaultIsNotForgottenness(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for name, c := range map[string]struct {
			path string
			fail func(h *hearth)
		}{
			"Find directly":          {"/direct", func(h *hearth) { h.store.Fail("Find") }},
			"Renew directly":         {"/direct", func(h *hearth) { h.store.Fail("Renew") }},
			"the Serializer":         {"/direct", func(h *hearth) { h.users.err = assert.AnError }},
			"Find":                   {"/", func(h *hearth) { h.store.Fail("Find") }},
			"Renew":                  {"/", func(h *hearth) { h.store.Fail("Renew") }},
			"the second Find":        {"/", func(h *hearth) { h.store.FailCall(3) }},
			"Insert of the session":  {"/", func(h *hearth) { h.sessions.Fail("Insert") }},
			"Find of the session":    {"/", func(h *hearth) { h.sessions.Fail("Find") }},
			"the Serializer's again": {"/", func(h *hearth) { h.users.err = assert.AnError }},
		} {
			t.Run(fmt.Sprintf("%s lost %v", name, lost), func(t *testing.T) {
				h := newHearth()
				v := h.guest(t, "frodo")
				h.later()
				if lost {
					h.store.LoseAnswers()
					h.sessions.LoseAnswers()
				}
				c.fail(h)
				res := v.Get(c.path)
				require.Equal(t, 503, res.Status)
				set := res.SetCookie(remembering)
				assert.True(t, set == nil || set.MaxAge > 0, "what was replaced is given, nothing is taken")
				assert.Nil(t, res.SetCookie(sitting))
				h.store.Heal()
				h.sessions.Heal()
				h.users.err = nil
				assert.Contains(t, v.Get(c.path).Body, "frodo by")
				assert.Len(t, h.series(t, "frodo"), 1)
				assert.Empty(t, h.reused())
			})
		}
	}
}

func TestAFaultAtLoginRemembersNobody(t *testing.T) {
	for name, fail := range map[string]func(h *hearth){
		"of the series":  func(h *hearth) { h.store.Fail("Insert") },
		"of the session": func(h *hearth) { h.sessions.Fail("Insert") },
		"of the limit":   func(h *hearth) { h.sessions.Fail("InsertLimited") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) {
				if name == "of the limit" {
					o.session.MaxPerUser = 1
				}
			})
			fail(h)
			v := h.visitor(t)
			res := v.Post("/login?remember&as=frodo", "", "")
			require.Equal(t, 503, res.Status)
			assert.Empty(t, res.Header["Set-Cookie"])
			h.store.Heal()
			h.sessions.Heal()
			assert.Empty(t, h.series(t, "frodo"))
			assert.Equal(t, "nobody", who(v))
		})
	}
}

func TestAFaultOfRememberByItselfGivesNoCookie(t *testing.T) {
	h := newHearth()
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		_, err := h.remember.Remember(ctx, ringBearer)
		ctx.Status = 204
		return err
	})
	h.store.Fail("Insert")
	res := newVisitor(t, h, a, "").Get("/")
	assert.Equal(t, 503, res.Status)
	assert.Empty(t, res.Header["Set-Cookie"])
	h.store.Heal()
	assert.NotEmpty(t, newVisitor(t, h, a, "").Get("/").Header["Set-Cookie"])
}

func TestAFaultAtLogoutLeavesTheCookie(t *testing.T) {
	for _, call := range []string{"Find", "Delete"} {
		t.Run(call, func(t *testing.T) {
			h := newHearth()
			v := h.guest(t, "frodo")
			h.store.Fail(call)
			res := v.Post("/logout", "", "")
			require.Equal(t, 503, res.Status)
			assert.Empty(t, res.Header["Set-Cookie"])
			h.store.Heal()
			require.Equal(t, 204, v.Post("/logout", "", "").Status)
			assert.Empty(t, h.series(t, "frodo"))
		})
	}
}

func TestAFaultWhileAThiefIsFound(t *testing.T) {
	h := newHearth()
	owner := h.guest(t, "frodo")
	thief := h.thief(t, cookieOf(owner))
	h.later()
	require.Equal(t, "frodo by session", who(owner))
	h.clock.Advance(time.Minute)
	h.store.Fail("DeleteAll")
	res := thief.Get("/")
	assert.Equal(t, 503, res.Status)
	assert.Nil(t, res.SetCookie(remembering))
	h.store.Heal()
	assert.Equal(t, "nobody", who(thief))
	assert.Equal(t, "nobody", who(owner))
	assert.Len(t, h.reused(), 1)
}

func TestFaultsOfTheRest(t *testing.T) {
	h := newHearth()
	h.guest(t, "frodo")
	id := &app.Identity{Handle: h.series(t, "frodo")[0].ID, Subject: "frodo"}
	require.True(t, must(h.remember.Remembers(t.Context(), id)))
	require.NoError(t, h.remember.Recheck(t.Context(), id))
	for name, other := range map[string]*app.Identity{"another's": {Handle: id.Handle, Subject: "sam"}, "of nobody": {Handle: "aaaaaaaaaaaaaaaaaaaaaa", Subject: "frodo"}, "no handle": {Subject: "frodo"}} {
		assert.False(t, must(h.remember.Remembers(t.Context(), other)), name)
		assert.ErrorIs(t, h.remember.Recheck(t.Context(), other), app.ErrInvalidCredentials, name)
	}
	h.store.Fail()
	var failed []error
	_, err := h.remember.List(t.Context(), ringBearer)
	failed = append(failed, err)
	_, err = h.remember.Revoke(t.Context(), ringBearer, id.Handle)
	failed = append(failed, err)
	_, err = h.remember.RevokeAll(t.Context(), ringBearer, "")
	failed = append(failed, err)
	_, err = h.remember.Remembers(t.Context(), id)
	failed = append(failed, err, h.remember.Recheck(t.Context(), id))
	for _, err := range failed {
		var e *app.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, http.StatusServiceUnavailable, e.Status)
	}
	_, err = h.remember.Prune(t.Context())
	require.Error(t, err)
	h.store.Heal()
	h.clock.Advance(30 * day)
	assert.False(t, must(h.remember.Remembers(t.Context(), id)), "it is over")
}

// A row that cannot be read is no series, and is reported.
func TestADamagedSeriesIsNone(t *testing.T) {
	store := tokenstores.NewMemory()
	h := newHearth(func(o *hearthOptions) { o.tokens = store })
	v := h.guest(t, "frodo")
	row := h.series(t, "frodo")[0]
	stored := must(store.Find(t.Context(), "remember", row.ID))
	require.NoError(t, store.Renew(t.Context(), "remember", row.ID, stored.Hash, tokenstores.Renewal{Hash: "other", State: "{}", Used: landing}))
	v.SetCookie(sitting, "")
	assert.Equal(t, 204, h.thief(t, cookieOf(v)).Post("/logout", "", "").Status)
	assert.Equal(t, "nobody", who(v))
	assert.Empty(t, cookieOf(v))
	assert.Contains(t, h.log.String(), "cannot be read")
}
