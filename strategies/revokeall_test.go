package strategies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/strategies"
)

func TestRevokeAllDevices(t *testing.T) {
	type house struct {
		*harbour
		one, two, sams *strategies.TokenPair
	}
	built := func(t *testing.T, test func(t *testing.T, h house)) {
		t.Helper()
		eachWay(t, func(t *testing.T, h *harbour) {
			test(t, house{h, h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{}), must(h.jwt.Issue(t.Context(), gardener, strategies.PairOptions{}))})
		})
	}
	t.Run("ends everything", func(t *testing.T) {
		built(t, func(t *testing.T, h house) {
			assert.Equal(t, 2, must(h.jwt.RevokeAll(t.Context(), ringBearer, "")))
			h.ended(t, h.one, h.two)
			assert.Empty(t, h.devices(t, ringBearer))
			h.alive(t, h.sams)
			assert.Zero(t, must(h.jwt.RevokeAll(t.Context(), ringBearer, "")))
			h.alive(t, h.issue(t, strategies.PairOptions{}))
		})
	})
	t.Run("but the one that is kept", func(t *testing.T) {
		built(t, func(t *testing.T, h house) {
			assert.Equal(t, 1, must(h.jwt.RevokeAll(t.Context(), ringBearer, h.two.Claims.Device)))
			h.ended(t, h.one)
			assert.Equal(t, []string{h.two.Claims.Device}, h.devices(t, ringBearer))
			h.alive(t, h.two)
			assert.Zero(t, must(h.jwt.RevokeAll(t.Context(), ringBearer, h.two.Claims.Device)))
			h.letsIn(t, h.two.Access())
			assert.Equal(t, 1, must(h.jwt.RevokeAll(t.Context(), ringBearer, "")))
			h.ended(t, h.two)
		})
	})
	t.Run("keeps nothing for an id that is not the user's", func(t *testing.T) {
		for _, keep := range []string{"another's", strings.Repeat("a", 22), "' OR 1=1 --", strings.Repeat("a", 1<<20), "\x00"} {
			built(t, func(t *testing.T, h house) {
				id := keep
				if keep == "another's" {
					id = h.sams.Claims.Device
				}
				assert.Equal(t, 2, must(h.jwt.RevokeAll(t.Context(), ringBearer, id)))
				h.ended(t, h.one, h.two)
				h.alive(t, h.sams)
				h.alive(t, h.issue(t, strategies.PairOptions{}))
			})
		}
	})
	// The hole of one second: what was issued in the second of the event itself.
	t.Run("in the second in which they were issued, and no later ones", func(t *testing.T) {
		built(t, func(t *testing.T, h house) {
			must(h.jwt.RevokeAll(t.Context(), ringBearer, ""))
			later := h.issue(t, strategies.PairOptions{})
			h.ended(t, h.one, h.two)
			h.alive(t, later)
			must(h.jwt.RevokeAll(t.Context(), ringBearer, ""))
			h.ended(t, later)
		})
	})
	t.Run("for as long as a token could live, pruned or not", func(t *testing.T) {
		built(t, func(t *testing.T, h house) {
			must(h.jwt.RevokeAll(t.Context(), ringBearer, ""))
			h.clock.Advance(15*time.Minute - time.Second)
			must(h.jwt.Prune(t.Context()))
			h.ended(t, h.one, h.two)
		})
	})
}
