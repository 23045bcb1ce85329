package strategies_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
)

const day = 24 * time.Hour

func TestRefreshLimits(t *testing.T) {
	for name, c := range map[string]struct {
		idle, absolute time.Duration
		pauses         []time.Duration // between refreshes, of which the last is refused or not
		dead           bool
	}{
		"idle for 14 days but a second":               {0, 0, []time.Duration{14*day - time.Second}, false},
		"idle for 14 days":                            {0, 0, []time.Duration{14 * day}, true},
		"idle for 14 days and a second":               {0, 0, []time.Duration{14*day + time.Second}, true},
		"idle since the last refresh, not the login":  {0, 0, []time.Duration{13 * day, 14*day - time.Second}, false},
		"idle again":                                  {0, 0, []time.Duration{13 * day, 14 * day}, true},
		"90 days but a second after the login":        {0, 0, []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12*day - time.Second}, false},
		"90 days after the login, however often used": {0, 0, []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12 * day}, true},
		"90 days and a second":                        {0, 0, []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12*day + time.Second}, true},
		"limits of one's own, a second before":        {time.Hour, 2 * time.Hour, []time.Duration{time.Hour - time.Second, time.Hour - time.Second, time.Second}, false},
		"an idle limit of one's own":                  {time.Hour, 2 * time.Hour, []time.Duration{time.Hour}, true},
		"an absolute limit of one's own":              {time.Hour, 2 * time.Hour, []time.Duration{time.Hour - time.Second, time.Hour - time.Second, 2 * time.Second}, true},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, h *harbour) {
				text := h.issue(t, strategies.PairOptions{}).Refresh()
				for i, pause := range c.pauses {
					h.clock.Advance(pause)
					if i == len(c.pauses)-1 && c.dead {
						h.withholds(t, text, strategies.ErrTokenExpired)
						assert.NotContains(t, h.store.Calls(), "Delete", "it is no theft")
						return
					}
					text = h.refresh(t, text).Refresh()
				}
			}, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Idle, o.Refresh.Absolute = c.idle, c.absolute })
		})
	}
}

// RFC 9700 section 4.14.2: what was granted has an end that no refresh moves.
func TestAnAccessTokenNeverOutlivesItsDevice(t *testing.T) {
	hour := func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Idle, o.Refresh.Absolute = time.Hour, time.Hour }
	eachWay(t, func(t *testing.T, h *harbour) {
		h.clock.Advance(400 * time.Millisecond) // to a whole second
		first := h.issue(t, strategies.PairOptions{})
		h.clock.Advance(59 * time.Minute)
		last := h.refresh(t, first.Refresh())
		assert.Equal(t, time.Minute, last.ExpiresIn())
		h.clock.Advance(59 * time.Second)
		h.letsIn(t, last.Access())
		again := h.refresh(t, last.Refresh())
		assert.Equal(t, time.Second, again.ExpiresIn())
		h.letsIn(t, again.Access())
		h.clock.Advance(time.Second)
		for _, p := range []*strategies.TokenPair{last, again} {
			h.refuses(t, p.Access(), "expired")
			h.withholds(t, p.Refresh(), strategies.ErrTokenExpired)
		}
	}, hour)
	t.Run("nor does the first one", func(t *testing.T) {
		h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Absolute = time.Minute })
		assert.LessOrEqual(t, h.issue(t, strategies.PairOptions{}).ExpiresIn(), time.Minute)
		assert.Equal(t, 15*time.Minute, h.issue(t, strategies.PairOptions{NoRefresh: true}).ExpiresIn(), "it has no device")
	})
}

func TestRefreshLimitsThatAreRefused(t *testing.T) {
	for name, edit := range map[string]func(o *strategies.RefreshOptions){
		"a negative idle limit":                 func(o *strategies.RefreshOptions) { o.Idle = -1 },
		"an idle limit that outlives us":        func(o *strategies.RefreshOptions) { o.Idle = 101 * 365 * day },
		"one shorter than an access token":      func(o *strategies.RefreshOptions) { o.Idle = time.Minute },
		"a negative absolute limit":             func(o *strategies.RefreshOptions) { o.Absolute = -1 },
		"an absolute limit that outlives us":    func(o *strategies.RefreshOptions) { o.Absolute = 101 * 365 * day },
		"a grace over a minute":                 func(o *strategies.RefreshOptions) { o.Grace = time.Minute + 1 },
		"a negative grace":                      func(o *strategies.RefreshOptions) { o.Grace = -2 },
		"a prefix with blanks":                  func(o *strategies.RefreshOptions) { o.Prefix = "a b" },
		"a prefix that is too long":             func(o *strategies.RefreshOptions) { o.Prefix = "a23456789012345678901234567890123" },
		"no store, and a choice that needs one": func(o *strategies.RefreshOptions) { o.Store, o.NeedsAccess = nil, true },
		"no store, and another":                 func(o *strategies.RefreshOptions) { o.Store, o.EndsAccess = nil, true },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { require.Regexp(t, "^strategies: RefreshOptions", recover()) }()
			newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { edit(&o.Refresh) })
		})
	}
}
