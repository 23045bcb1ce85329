package strategies_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// stored returns everything that the store keeps of a device.
func (h *harbour) stored(t *testing.T, p *strategies.TokenPair) (row *tokenstores.Token, text string) {
	t.Helper()
	row, err := h.store.Find(t.Context(), h.jwt.Type(), p.Claims.Device)
	require.NoError(t, err)
	require.NotNil(t, row)
	return row, fmt.Sprintf("%#v", *row)
}

// R73: who has the database has no token.
func TestStoredDevicesHaveNoTokens(t *testing.T) {
	for name, keys := range map[string]*strategies.TokenKeys{"without keys": nil, "with keys": tokenKeys("a")} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Keys = keys })
			pairs := []*strategies.TokenPair{h.issue(t, strategies.PairOptions{Name: "phone", Client: "palantir"})}
			for range 3 {
				got := h.exchange(pairs[len(pairs)-1].Refresh(), strategies.RefreshRequest{Client: "palantir"})
				require.Equal(t, 200, got.Code)
				pairs = append(pairs, got.pair)
			}
			row, text := h.stored(t, pairs[0])
			for _, p := range pairs {
				secret := piecesOf(p)
				for _, part := range []string{p.Access(), p.Refresh(), secret.proof, secret.secret} {
					assert.NotContains(t, text, part)
				}
			}
			t.Run("and nothing in it is one", func(t *testing.T) {
				var state map[string]any
				require.NoError(t, json.Unmarshal([]byte(row.State), &state))
				for _, found := range []any{row.Hash, state["proof"], state["former"], state["nonce"]} {
					hash := found.(string)
					h.withholds(t, hash, nil)
					hash = hash[strings.LastIndex(hash, ":")+1:] + strings.Repeat("0", 65)
					last := piecesOf(pairs[3])
					h.withholds(t, resummed("kahu_refresh_"+last.id+hash[:65]), nil)
					h.withholds(t, resummed("kahu_refresh_"+last.id+hash[:22]+last.secret), nil)
				}
				assert.Equal(t, 200, h.exchange(pairs[3].Refresh(), strategies.RefreshRequest{Client: "palantir"}).Code, "none of it was taken for a theft")
			})
		})
	}
}

func TestARowThatIsMovedProvesNothing(t *testing.T) {
	h := newHarbour(t)
	mine, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
	row, _ := h.stored(t, mine)
	_, err := h.store.Delete(t.Context(), row.Type, other.Claims.Device, "")
	require.NoError(t, err)
	moved := *row
	moved.ID = other.Claims.Device
	require.NoError(t, h.store.Insert(t.Context(), &moved))
	m := piecesOf(mine)
	h.withholds(t, resummed("kahu_refresh_"+other.Claims.Device+m.proof+m.secret), nil)
	h.refresh(t, mine.Refresh())
}

func TestADeviceThatCannotBeReadIsNone(t *testing.T) {
	for _, state := range []string{"", "{", "null", `{"proof":""}`, `{"proof":7}`, "\xff"} {
		h := newHarbour(t)
		pair := h.issue(t, strategies.PairOptions{})
		row, _ := h.stored(t, pair)
		must(h.store.Delete(t.Context(), row.Type, row.ID, ""))
		row.State = strings.ToValidUTF8(state, "?")
		require.NoError(t, h.store.Insert(t.Context(), row))
		h.withholds(t, pair.Refresh(), nil, state)
		assert.Contains(t, h.log.String(), "cannot be read")
		assert.Empty(t, must(h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})))
		must(h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, ""))
		assert.Nil(t, must(h.store.Find(t.Context(), row.Type, row.ID)))
	}
}

func TestPairsPrintWithoutTokens(t *testing.T) {
	h := newHarbour(t)
	h.jwt = h.jwt.With(func(o *strategies.JWTOptions) { o.Refresh.Keys = tokenKeys("a") })
	first := h.issue(t, strategies.PairOptions{})
	second := h.refresh(t, first.Refresh())
	h.refresh(t, first.Refresh())
	h.withholds(t, second.Refresh()+"x", nil)
	h.clock.Advance(time.Minute)
	h.withholds(t, first.Refresh(), strategies.ErrTokenReused)
	h.exchange("kahu_refresh_secret", strategies.RefreshRequest{})
	events, err := json.Marshal(h.events)
	require.NoError(t, err)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("a pair", "pair", first, "in", map[string]any{"pair": second}, "claims", first.Claims)
	}
	log.WriteString(h.log.String() + string(events) + fmt.Sprintf("%v %+v %#v %s %q %x %d", first, first, first, first, first, first, first))
	log.WriteString(fmt.Sprintf("%v %+v %#v", []any{second, *first}, h.events, map[string]any{"p": second}))
	// What a JSON handler writes of a map is the pair as it goes out; nothing else is.
	printed := strings.ReplaceAll(log.String(), string(must(json.Marshal(second))), "")
	for _, p := range []*strategies.TokenPair{first, second} {
		assert.NotContains(t, printed, p.Access())
		assert.NotContains(t, printed, p.Access()[strings.LastIndex(p.Access(), ".")+1:])
		assert.NotContains(t, printed, p.Refresh())
		assert.NotContains(t, printed, piecesOf(p).secret)
	}
	assert.NotContains(t, printed, "kahu_refresh_secret")
}

func tokenKeys(ids ...string) *strategies.TokenKeys {
	var list []strategies.TokenKey
	for _, id := range ids {
		list = append(list, strategies.TokenKey{ID: id, Secret: bytes.Repeat([]byte(id), 32)})
	}
	return must(strategies.NewTokenKeys(list...))
}

func TestRefreshUnderOtherTokenKeys(t *testing.T) {
	under := func(h *harbour, ids ...string) {
		h.jwt = h.jwt.With(func(o *strategies.JWTOptions) {
			if o.Refresh.Keys = nil; len(ids) > 0 {
				o.Refresh.Keys = tokenKeys(ids...)
			}
		})
	}
	t.Run("a new key, and the old one for a while", func(t *testing.T) {
		h := newHarbour(t)
		under(h, "a")
		first := h.issue(t, strategies.PairOptions{})
		under(h, "b", "a")
		second := h.refresh(t, first.Refresh())
		assert.Equal(t, second.Refresh(), h.refresh(t, first.Refresh()).Refresh())
		under(h, "b")
		h.letsIn(t, h.refresh(t, second.Refresh()).Access(), "what was refreshed since needs the old one no more")
	})
	t.Run("a new key within the grace", func(t *testing.T) {
		h := newHarbour(t)
		under(h, "a")
		first := h.issue(t, strategies.PairOptions{})
		second := h.refresh(t, first.Refresh())
		under(h, "b", "a")
		assert.Equal(t, second.Refresh(), h.refresh(t, first.Refresh()).Refresh())
		third := h.refresh(t, second.Refresh())
		assert.Equal(t, third.Refresh(), h.refresh(t, second.Refresh()).Refresh())
	})
	t.Run("the first key of all within the grace", func(t *testing.T) {
		h := newHarbour(t)
		first := h.issue(t, strategies.PairOptions{})
		second := h.refresh(t, first.Refresh())
		under(h, "a")
		assert.Equal(t, second.Refresh(), h.refresh(t, first.Refresh()).Refresh())
		h.refresh(t, second.Refresh())
		row, _ := h.stored(t, first)
		assert.NotContains(t, row.Hash+row.State, "sha256:"+row.Hash[:1], "plain hashes are gone")
	})
	// Trap: a key that is gone makes a token look used, and its device stolen.
	t.Run("a key that is gone makes no thieves", func(t *testing.T) {
		for login, refresh := range map[string][]string{"": {"a"}, "a": {"a"}, "c": {"a", "c"}} {
			h := newHarbour(t)
			under(h, strings.Fields(login)...)
			first := h.issue(t, strategies.PairOptions{})
			under(h, refresh...)
			second := h.refresh(t, first.Refresh())
			under(h, "b")
			for _, p := range []*strategies.TokenPair{first, second} {
				h.withholds(t, p.Refresh(), nil, login)
			}
			assert.NotContains(t, h.names(), app.EventReused)
			under(h, "b", "a")
			h.refresh(t, first.Refresh())
			h.refresh(t, second.Refresh())
		}
	})
	t.Run("the successor takes the key, too", func(t *testing.T) {
		h := newHarbour(t)
		under(h, "a")
		first := h.issue(t, strategies.PairOptions{})
		second := h.refresh(t, first.Refresh())
		h.jwt = h.jwt.With(func(o *strategies.JWTOptions) {
			o.Refresh.Keys = must(strategies.NewTokenKeys(strategies.TokenKey{ID: "a", Secret: bytes.Repeat([]byte("x"), 32)}))
		})
		h.withholds(t, first.Refresh(), nil)
		h.withholds(t, second.Refresh(), nil)
	})
}

// R71: what was issued for one is nothing to another, whatever they share.
func TestRefreshTokensOfAnotherJWT(t *testing.T) {
	for name, change := range map[string]func(o *strategies.JWTOptions){
		"for another audience":  func(o *strategies.JWTOptions) { o.Audience = "https://mordor.example" },
		"of another issuer":     func(o *strategies.JWTOptions) { o.Issuer = "https://mordor.example" },
		"for another kind":      func(o *strategies.JWTOptions) { o.Kind = "admin" },
		"with names that merge": func(o *strategies.JWTOptions) { o.Audience, o.Kind = o.Audience+"a", "dmin" },
		"with another prefix":   func(o *strategies.JWTOptions) { o.Refresh.Prefix, o.Kind = "other_", "x" },
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, h *harbour) {
				pair := h.issue(t, strategies.PairOptions{})
				there := *h
				there.jwt = h.jwt.With(change)
				assert.NotEqual(t, h.jwt.Type(), there.jwt.Type())
				assert.Equal(t, 401, there.exchange(pair.Refresh(), strategies.RefreshRequest{}).Code)
				assert.Equal(t, 401, there.send(pair.Access()).Code)
				assert.Empty(t, must(there.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})))
				assert.False(t, must(there.jwt.Revoke(t.Context(), &hobbit{Name: "frodo"}, pair.Claims.Device)))
				h.letsIn(t, pair.Access())
				assert.Zero(t, must(there.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, pair.Claims.Device)))
				h.letsIn(t, h.refresh(t, pair.Refresh()).Access())
			})
		})
	}
}
