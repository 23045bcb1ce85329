package strategies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// Each comes between any two steps of the other.
func TestRevokeAllButOneRevivesNothingThatRevokeAllHasEnded(t *testing.T) {
	for way, edit := range waysOfNodes {
		for _, around := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, around: %v", way, around), func(t *testing.T) {
				interleave(t, edit, func(n *node) (func(), func(), func(*testing.T, int)) {
					kept, lost := must(n.jwt.Issue(t.Context(), ringBearer, strategies.PairOptions{})), must(n.jwt.Issue(t.Context(), ringBearer, strategies.PairOptions{}))
					some := func() { must(n.jwt.RevokeAll(t.Context(), ringBearer, kept.Claims.Device)) }
					all := func() { must(n.jwt.RevokeAll(t.Context(), ringBearer, "")) }
					check := func(t *testing.T, at int) {
						for _, p := range []*strategies.TokenPair{kept, lost} {
							assert.Nil(t, must(n.jwt.Introspect(t.Context(), p.Access())), "the other one before step %d", at)
						}
						assert.Empty(t, must(n.jwt.Devices(t.Context(), ringBearer)))
						later := must(n.jwt.Issue(t.Context(), ringBearer, strategies.PairOptions{}))
						assert.NotNil(t, must(n.jwt.Introspect(t.Context(), later.Access())))
					}
					if around {
						return all, some, check
					}
					return some, all, check
				})
			})
		}
	}
}

func TestAGuardAsksAgainWhenTheCookieChanges(t *testing.T) {
	h := newHarbour(t, withSources(strategies.FromCookie("token")))
	frodo, sam := h.issue(t, strategies.PairOptions{}), must(h.jwt.Issue(t.Context(), gardener, strategies.PairOptions{}))
	r := httptest.NewRequest(http.MethodGet, shireAPI+"/", nil)
	reached := false
	h.under(r, func(ctx *app.Context, _ app.Handler) error {
		reached = true
		_, err := ctx.Authenticate(h.guard)
		require.ErrorIs(t, err, app.ErrNoCredentials)
		for _, p := range []struct {
			cookie, name string
		}{{frodo.Access(), "frodo"}, {sam.Access(), "sam"}, {frodo.Access(), "frodo"}} {
			ctx.Request.Header.Set("Cookie", "token="+p.cookie)
			id, err := ctx.Authenticate(h.guard)
			require.NoError(t, err)
			assert.Equal(t, p.name, id.User.(*hobbit).Name)
			assert.Equal(t, p.name, h.guard.User(ctx).(*hobbit).Name)
			asked := h.users.asked
			_, err = ctx.Authenticate(h.guard)
			require.NoError(t, err)
			assert.Equal(t, asked, h.users.asked, "the same one is not asked about again")
		}
		ctx.Request.Header.Set("Cookie", "token=forged")
		_, err = ctx.Authenticate(h.guard)
		require.ErrorIs(t, err, app.ErrInvalidCredentials)
		ctx.Request.Header.Del("Cookie")
		id, err := ctx.Authenticate(h.guard)
		require.ErrorIs(t, err, app.ErrNoCredentials)
		assert.Nil(t, id)
		return nil
	})
	assert.True(t, reached)
}

func TestAClockThatIsSetBackDoesNotStretchTheGrace(t *testing.T) {
	for name, c := range map[string]struct {
		back time.Duration
		good bool
	}{
		"as far as two nodes may be apart": {time.Minute - time.Second, true}, "a minute": {time.Minute, false}, "a day": {day, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			first := h.issue(t, strategies.PairOptions{})
			h.clock.Advance(2 * day) // too far
			second := h.refresh(t, first.Refresh())
			h.clock.Advance(-c.back) // set right
			if c.good {
				assert.Equal(t, second.Refresh(), h.refresh(t, first.Refresh()).Refresh())
				return
			}
			h.withholds(t, first.Refresh(), strategies.ErrTokenReused)
			h.ended(t, second)
		})
	}
}
