package strategies_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

var ringBearer, gardener = &hobbit{Name: "frodo"}, &hobbit{Name: "sam"}

// devices are the IDs of a user's devices as they are listed.
func (h *harbour) devices(t *testing.T, user *hobbit) (ids []string) {
	t.Helper()
	for _, d := range must(h.jwt.Devices(t.Context(), user)) {
		ids = append(ids, d.ID)
	}
	return ids
}

// ended says that nothing of a device works any more.
func (h *harbour) ended(t *testing.T, pairs ...*strategies.TokenPair) {
	t.Helper()
	for _, p := range pairs {
		assert.Equal(t, 401, h.send(p.Access()).Code)
		assert.Equal(t, 401, h.exchange(p.Refresh(), strategies.RefreshRequest{Client: p.Claims.Client}).Code)
	}
}

// alive says that everything of it works.
func (h *harbour) alive(t *testing.T, p *strategies.TokenPair) {
	t.Helper()
	h.letsIn(t, p.Access())
	h.letsIn(t, h.refresh(t, p.Refresh()).Access())
}

func TestADeviceIsWhereItWasLastRefreshed(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		pair := h.issue(t, strategies.PairOptions{Address: "198.51.100.7"})
		h.refresh(t, pair.Refresh())
		list := must(h.jwt.Devices(t.Context(), ringBearer))
		require.Len(t, list, 1)
		assert.Equal(t, "192.0.2.1", list[0].Address, "the request's, which nobody had to name")
	})
}

func TestDevices(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		phone := h.issue(t, strategies.PairOptions{Name: "phone", Client: "palantir", Scopes: []string{"rings:read"}, Address: "192.0.2.7"})
		h.clock.Advance(time.Hour)
		laptop := h.issue(t, strategies.PairOptions{})
		must(h.jwt.Issue(t.Context(), gardener, strategies.PairOptions{Name: "oven"}))
		assert.Equal(t, []string{laptop.Claims.Device, phone.Claims.Device}, h.devices(t, ringBearer), "the last used first")
		h.clock.Advance(time.Hour)
		got := h.exchange(phone.Refresh(), strategies.RefreshRequest{Client: "palantir", Address: "192.0.2.8"})
		require.Equal(t, 200, got.Code)
		list := must(h.jwt.Devices(t.Context(), ringBearer))
		require.Len(t, list, 2)
		assert.Equal(t, strategies.Device{ID: phone.Claims.Device, Name: "phone", Client: "palantir", Scopes: []string{"rings:read"}, Address: "192.0.2.8",
			Created: landing, LastUsed: landing.Add(2 * time.Hour), Expires: landing.Add(90 * day)}, list[0])
		assert.Equal(t, strategies.Device{ID: laptop.Claims.Device, Scopes: []string{},
			Created: landing.Add(time.Hour), LastUsed: landing.Add(time.Hour), Expires: landing.Add(90*day + time.Hour)}, list[1])
		t.Run("as JSON have no secrets", func(t *testing.T) {
			text := string(must(json.Marshal(list)))
			assert.JSONEq(t, fmt.Sprintf(`[{"id":%q,"name":"phone","client":"palantir","scopes":["rings:read"],"address":"192.0.2.8","created_at":"3018-09-23T12:00:00.6Z",
				"last_used_at":"3018-09-23T14:00:00.6Z","expires_at":"3018-12-22T12:00:00.6Z"},
				{"id":%q,"name":"","scopes":[],"created_at":"3018-09-23T13:00:00.6Z","last_used_at":"3018-09-23T13:00:00.6Z","expires_at":"3018-12-22T13:00:00.6Z"}]`,
				phone.Claims.Device, laptop.Claims.Device), text)
			row, _ := h.stored(t, phone)
			for _, secret := range []string{row.Hash, row.State, piecesOf(got.pair).proof, piecesOf(got.pair).secret} {
				assert.NotContains(t, text+fmt.Sprintf("%+v", list), secret)
			}
		})
		t.Run("that are over are not listed", func(t *testing.T) {
			h.clock.Advance(14*day - 2*time.Hour)
			assert.Len(t, h.devices(t, ringBearer), 2)
			h.clock.Advance(time.Hour)
			assert.Equal(t, []string{phone.Claims.Device}, h.devices(t, ringBearer))
			h.clock.Advance(time.Hour)
			assert.Empty(t, h.devices(t, ringBearer))
		})
	})
	t.Run("of what is no user are an error", func(t *testing.T) {
		h := newHarbour(t)
		for _, user := range []any{nil, (*hobbit)(nil), "frodo"} {
			_, err := h.jwt.Devices(t.Context(), user)
			require.Error(t, err)
			_, err = h.jwt.Revoke(t.Context(), user, strings.Repeat("a", 22))
			require.Error(t, err)
			_, err = h.jwt.RevokeAll(t.Context(), user, "")
			require.Error(t, err)
		}
	})
	t.Run("without a store are none", func(t *testing.T) {
		h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Store = nil })
		pair := h.issue(t, strategies.PairOptions{})
		assert.Empty(t, h.devices(t, ringBearer))
		assert.False(t, must(h.jwt.Revoke(t.Context(), ringBearer, strings.Repeat("a", 22))))
		h.letsIn(t, pair.Access())
		assert.Zero(t, must(h.jwt.RevokeAll(t.Context(), ringBearer, "")))
		assert.Equal(t, 401, h.send(pair.Access()).Code, "but all access tokens of a user can end")
	})
}

func TestAnAccessTokenAloneIsNoDevice(t *testing.T) {
	h := newHarbour(t)
	pair := h.issue(t, strategies.PairOptions{NoRefresh: true})
	assert.Empty(t, pair.Refresh())
	assert.Empty(t, pair.Claims.Device)
	assert.Empty(t, h.devices(t, ringBearer))
	h.letsIn(t, pair.Access())
	require.Equal(t, 204, h.logout(pair.Access()).Code)
	h.refuses(t, pair.Access(), "revoked")
	t.Run("and so is on no allowlist", func(t *testing.T) {
		h := newHarbour(t, waysToEnd["allowlist"])
		_, err := h.jwt.Issue(t.Context(), ringBearer, strategies.PairOptions{NoRefresh: true})
		assert.ErrorIs(t, err, strategies.ErrTokenOptions)
	})
}

func TestRevokeADevice(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		one, two := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
		h.letsIn(t, one.Access())
		for name, c := range map[string]struct {
			user *hobbit
			id   string
		}{
			"of another user":  {gardener, one.Claims.Device},
			"that is none":     {ringBearer, strings.Repeat("a", 22)},
			"without an id":    {ringBearer, ""},
			"by hostile text":  {ringBearer, "' OR 1=1 --"},
			"by a long text":   {ringBearer, strings.Repeat("a", 1<<20)},
			"by the token's":   {ringBearer, one.Claims.ID},
			"by the whole one": {ringBearer, one.Refresh()},
		} {
			denials := len(h.denylist.Calls())
			assert.False(t, must(h.jwt.Revoke(t.Context(), c.user, c.id)), name)
			assert.Len(t, h.denylist.Calls(), denials, name)
			assert.NotContains(t, h.store.Calls(), "Delete", name)
		}
		assert.True(t, must(h.jwt.Revoke(t.Context(), ringBearer, one.Claims.Device)))
		h.ended(t, one)
		assert.False(t, must(h.jwt.Revoke(t.Context(), ringBearer, one.Claims.Device)), "once")
		h.alive(t, two)
		assert.NotContains(t, h.names(), app.EventReused, "what was revoked is no theft")
	})
}

func TestLogoutEndsTheDevice(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		one, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
		two := h.refresh(t, one.Refresh())
		assert.Equal(t, 204, h.logout(one.Access()).Code)
		h.ended(t, one, two)
		h.alive(t, other)
		assert.Equal(t, 401, h.logout(one.Access()).Code, "nobody is logged out twice")
		h.clock.Advance(13 * day)
		must(h.jwt.Prune(t.Context()))
		h.ended(t, one, two)
	})
	// 1.E-12: a logout with a token that cannot be read, and one of a user who is gone.
	t.Run("and is 401 for what is no token", func(t *testing.T) {
		h := newHarbour(t)
		one := h.issue(t, strategies.PairOptions{})
		for _, text := range []string{"garbage", "a.b.c", one.Access() + "x", one.Refresh()} {
			assert.Equal(t, 401, h.logout(text).Code)
		}
		h.users.gone = true
		assert.Equal(t, 401, h.logout(one.Access()).Code)
	})
}

// Whichever step of an ending fails, it is 503, and trying again ends everything.
func TestEndingADeviceAfterAFault(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, h *harbour, p *strategies.TokenPair) error{
		"Revoke": func(t *testing.T, h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.Revoke(t.Context(), ringBearer, p.Claims.Device)
			return err
		},
		"RevokeAll": func(t *testing.T, h *harbour, _ *strategies.TokenPair) error {
			_, err := h.jwt.RevokeAll(t.Context(), ringBearer, "")
			return err
		},
		"EndIssued": func(t *testing.T, h *harbour, p *strategies.TokenPair) error { return h.jwt.EndIssued(t.Context(), p) },
		"revoking the access token": func(t *testing.T, h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.RevokeText(t.Context(), p.Access(), "")
			return err
		},
		"revoking the refresh token": func(t *testing.T, h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.RevokeText(t.Context(), p.Refresh(), "")
			return err
		},
		"logout": func(_ *testing.T, h *harbour, p *strategies.TokenPair) error {
			if w := h.logout(p.Access()); w.Code != 204 && w.Code != 401 {
				return &app.Error{Status: w.Code, Cause: tokenstest.ErrFault}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for way, edit := range waysToEnd {
				t.Run(way, func(t *testing.T) {
					inTurn(t, func(t *testing.T) (*harbour, deed, func(*testing.T, string)) {
						h := newHarbour(t, edit)
						pair := h.issue(t, strategies.PairOptions{})
						return h, func() int { return statusOf(end(t, h, pair)) }, func(t *testing.T, failed string) {
							require.NoError(t, end(t, h, pair), failed)
							h.ended(t, pair)
							h.clock.Advance(13 * day)
							must(h.jwt.Prune(t.Context()))
							h.ended(t, pair)
						}
					})
				})
			}
		})
	}
}

func TestPruneRemovesWhatIsOver(t *testing.T) {
	h := newHarbour(t)
	for range 3 {
		h.issue(t, strategies.PairOptions{})
	}
	h.clock.Advance(7 * day)
	kept := h.issue(t, strategies.PairOptions{})
	require.Equal(t, 204, h.logout(h.issue(t, strategies.PairOptions{}).Access()).Code)
	h.clock.Advance(16*time.Minute - time.Second)
	assert.Zero(t, must(h.jwt.Prune(t.Context())))
	h.clock.Advance(time.Second)
	assert.Equal(t, 2, must(h.jwt.Prune(t.Context())), "the denials of a token and of its device")
	h.clock.Advance(7 * day)
	assert.Equal(t, 3, must(h.jwt.Prune(t.Context())), "idle devices")
	h.refresh(t, kept.Refresh())
	for _, store := range []interface {
		Fail(...string)
		Heal()
	}{h.store, h.denylist} {
		store.Fail("Prune")
		_, err := h.jwt.Prune(t.Context())
		assert.ErrorIs(t, err, tokenstest.ErrFault)
		store.Heal()
	}
}

func TestDevicesThroughAGuard(t *testing.T) {
	h := newHarbour(t)
	var pair *strategies.TokenPair
	h.under(withHeader("X-None", ""), func(ctx *app.Context, _ app.Handler) error {
		var err error
		pair, err = h.guard.Login(ctx, ringBearer, strategies.PairOptions{Name: "phone"})
		return err
	})
	require.Len(t, h.devices(t, ringBearer), 1)
	w := h.under(withHeader("Authorization", "Bearer "+pair.Access()), func(ctx *app.Context, _ app.Handler) error {
		revoked, err := h.guard.Logout(ctx)
		assert.True(t, revoked)
		ctx.Status = http.StatusNoContent
		return err
	})
	require.Equal(t, 204, w.Code)
	h.ended(t, pair)
	assert.Empty(t, h.devices(t, ringBearer))
}
