package strategies_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A breakdown is a call of one of the stores that fails, before its work or after it.
type breakdown struct {
	store interface {
		FailCall(n int)
		LoseAnswers()
		Heal()
		Calls() []string
	}
	name string
	late bool
}

func (h *harbour) breakdowns() (list []breakdown) {
	for _, late := range []bool{false, true} {
		list = append(list, breakdown{h.store, "store", late}, breakdown{h.denylist, "denylist", late})
	}
	return list
}

// A deed is done, and told by its status.
type deed func() int

// inTurn runs a deed once for each call that it makes, which fails. prepare makes the
// harbour as it is before, and tells what is to be done and what must be so after.
func inTurn(t *testing.T, prepare func(t *testing.T) (h *harbour, do deed, after func(t *testing.T, failed string))) {
	t.Helper()
	for i := range 4 {
		for n := 1; ; n++ {
			h, do, after := prepare(t)
			broken := h.breakdowns()[i]
			before := len(broken.store.Calls())
			broken.store.FailCall(n)
			if broken.late {
				broken.store.LoseAnswers()
			}
			got := do()
			made := broken.store.Calls()[before:]
			if len(made) < n {
				require.Less(t, got, 500, "no call failed")
				break
			}
			failed := fmt.Sprintf("%s.%s, late: %v", broken.name, made[n-1], broken.late)
			assert.Equal(t, 503, got, failed)
			broken.store.Heal()
			after(t, failed)
		}
	}
}

// statusOf is that of an answer with this error.
func statusOf(err error) int {
	if fault, ok := errors.AsType[*app.Error](err); ok {
		return fault.Status
	}
	if errors.Is(err, app.ErrInvalidCredentials) {
		return 401
	}
	if err != nil {
		return 500
	}
	return 200
}

func TestRefreshAfterAFault(t *testing.T) {
	for name, edit := range map[string]func(*harbour, *strategies.JWTOptions){
		"as it is": func(*harbour, *strategies.JWTOptions) {}, "that ends access": endsAccess, "that needs access": needsAccess,
	} {
		t.Run(name, func(t *testing.T) {
			for way, end := range waysToEnd {
				t.Run(way, func(t *testing.T) {
					inTurn(t, func(t *testing.T) (*harbour, deed, func(*testing.T, string)) {
						h := newHarbour(t, edit, end)
						first := h.issue(t, strategies.PairOptions{})
						try := func() refreshed {
							return h.exchange(first.Refresh(), strategies.RefreshRequest{Access: first.Access()})
						}
						return h, func() int { return try().Code }, func(t *testing.T, failed string) {
							h.clock.Advance(9 * time.Second)
							again := try()
							require.Equal(t, 200, again.Code, "%s: trying again works", failed)
							h.letsIn(t, again.pair.Access(), failed)
							third := h.exchange(again.pair.Refresh(), strategies.RefreshRequest{Access: again.pair.Access()})
							require.Equal(t, 200, third.Code, failed)
							assert.Equal(t, third.pair.Refresh(), h.exchange(again.pair.Refresh(), strategies.RefreshRequest{Access: again.pair.Access()}).pair.Refresh(), failed)
						}
					})
				})
			}
		})
	}
}

func TestAnsweringAgainAfterAFault(t *testing.T) {
	for way, end := range waysToEnd {
		t.Run(way, func(t *testing.T) {
			inTurn(t, func(t *testing.T) (*harbour, deed, func(*testing.T, string)) {
				h := newHarbour(t, end, endsAccess)
				first := h.issue(t, strategies.PairOptions{})
				next := h.refresh(t, first.Refresh())
				try := func() refreshed { return h.exchange(first.Refresh(), strategies.RefreshRequest{}) }
				return h, func() int { return try().Code }, func(t *testing.T, failed string) {
					assert.Equal(t, next.Refresh(), try().pair.Refresh(), failed)
					h.letsIn(t, next.Access())
				}
			})
		})
	}
}

// What was found to be stolen stays so, whichever step of ending it failed.
func TestReuseAfterAFault(t *testing.T) {
	for way, end := range waysToEnd {
		t.Run(way, func(t *testing.T) {
			inTurn(t, func(t *testing.T) (*harbour, deed, func(*testing.T, string)) {
				h := newHarbour(t, end)
				first := h.issue(t, strategies.PairOptions{})
				next := h.refresh(t, first.Refresh())
				h.clock.Advance(time.Minute)
				try := func() refreshed { return h.exchange(first.Refresh(), strategies.RefreshRequest{}) }
				return h, func() int { return try().Code }, func(t *testing.T, failed string) {
					assert.Equal(t, 401, try().Code, failed)
					assert.Equal(t, 401, h.send(next.Access()).Code, failed)
					assert.Equal(t, 401, h.exchange(next.Refresh(), strategies.RefreshRequest{}).Code, failed)
					assert.Empty(t, must(h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})), failed)
				}
			})
		})
	}
}

// Trap: a device that was ended by half, and is alive again when the denylist forgets it.
func TestADeviceThatWasEndedByHalfStaysEnded(t *testing.T) {
	h := newHarbour(t)
	first := h.issue(t, strategies.PairOptions{})
	next := h.refresh(t, first.Refresh())
	h.clock.Advance(time.Minute)
	h.store.Fail("Delete")
	require.Equal(t, 503, h.exchange(first.Refresh(), strategies.RefreshRequest{}).Code)
	h.store.Heal()
	h.clock.Advance(13 * day)
	must(h.jwt.Prune(t.Context()))
	h.withholds(t, next.Refresh(), strategies.ErrTokenRevoked)
}

// Without a grace a lost answer is a lost device: that is what was chosen.
func TestALostAnswerWithoutGrace(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first := h.issue(t, strategies.PairOptions{})
		h.store.LoseAnswers()
		h.store.Fail("Renew")
		lost := h.exchange(first.Refresh(), strategies.RefreshRequest{})
		require.Equal(t, 503, lost.Code)
		assert.Empty(t, lost.Header()["Www-Authenticate"])
		assert.Nil(t, lost.pair)
		h.store.Heal()
		h.withholds(t, first.Refresh(), strategies.ErrTokenReused)
	}, noGrace)
}

func TestAnIssueThatFailsLeavesNothing(t *testing.T) {
	h := newHarbour(t)
	for method, store := range map[string]interface {
		Fail(...string)
		Heal()
	}{"Insert": h.store, "Find": h.denylist} {
		store.Fail(method)
		pair, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{})
		require.Error(t, err, method)
		assert.Nil(t, pair)
		store.Heal()
		assert.Empty(t, must(h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})))
	}
}

// F12: the connection broke after the commit.
func TestALostAnswerOfARefresh(t *testing.T) {
	lost := func(t *testing.T, h *harbour) *strategies.TokenPair {
		first := h.issue(t, strategies.PairOptions{})
		h.refresh(t, first.Refresh()) // what it returns never arrives
		return first
	}
	t.Run("retried after a second is made up for", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := lost(t, h)
			h.clock.Advance(time.Second)
			again := h.refresh(t, first.Refresh())
			h.letsIn(t, again.Access(), "nobody is logged out")
			h.clock.Advance(time.Hour)
			h.refresh(t, again.Refresh())
			assert.Len(t, must(h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})), 1)
		})
	})
	t.Run("retried after twenty is a theft", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := lost(t, h)
			h.clock.Advance(20 * time.Second)
			h.events = nil
			h.withholds(t, first.Refresh(), strategies.ErrTokenReused)
			require.Len(t, h.events, 1)
			assert.ErrorIs(t, h.events[0].Reason, strategies.ErrTokenReused)
			assert.Contains(t, h.log.String(), "level=WARN")
			assert.Empty(t, must(h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})))
		})
	})
}

func TestUsersWhoCannotBeLoadedAreAFault(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first := h.issue(t, strategies.PairOptions{})
		h.users.err = errDown
		assert.Equal(t, 503, h.exchange(first.Refresh(), strategies.RefreshRequest{}).Code)
		h.users.err = nil
		h.refresh(t, first.Refresh())
	})
}
