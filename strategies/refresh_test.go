package strategies_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A refreshed is what came of a refresh.
type refreshed struct {
	*httptest.ResponseRecorder
	pair *strategies.TokenPair
	err  error
}

// exchange asks for a successor, as a route does that answers with it.
func (h *harbour) exchange(text string, o strategies.RefreshRequest, header ...string) (got refreshed) {
	r := httptest.NewRequest(http.MethodPost, shireAPI+"/refresh", nil)
	if len(header) > 0 {
		r.Header["Authorization"] = header
	}
	got.ResponseRecorder = h.under(r, func(ctx *app.Context, _ app.Handler) error {
		if got.pair, got.err = h.jwt.Refresh(ctx, text, o); got.err != nil {
			return got.err
		}
		ctx.Body = got.pair
		return nil
	})
	return got
}

// refresh is an exchange that works.
func (h *harbour) refresh(t testing.TB, text string) *strategies.TokenPair {
	t.Helper()
	got := h.exchange(text, strategies.RefreshRequest{})
	require.NoError(t, got.err)
	require.Equal(t, 200, got.Code)
	return got.pair
}

// withholds says that there is no successor, for a cause that the client is not told.
func (h *harbour) withholds(t testing.TB, text string, cause error, why ...any) {
	t.Helper()
	h.refusal(t, h.exchange(text, strategies.RefreshRequest{}), cause, why...)
}

func (h *harbour) refusal(t testing.TB, got refreshed, cause error, why ...any) {
	t.Helper()
	assert.Equal(t, 401, got.Code, why...)
	assert.Equal(t, []string{badToken}, got.Header()["Www-Authenticate"], why...)
	assert.JSONEq(t, `{"errors":[{"title":"Invalid refresh token","status":401}]}`, got.Body.String(), why...)
	require.ErrorIs(t, got.err, app.ErrInvalidCredentials, why...)
	for _, known := range []error{strategies.ErrTokenExpired, strategies.ErrTokenRevoked, strategies.ErrTokenReused} {
		is := assert.NotErrorIs
		if known == cause {
			is = assert.ErrorIs
		}
		is(t, got.err, known, why...)
	}
}

// names are those of the events so far.
func (h *harbour) names() (names []app.EventName) {
	for _, e := range h.events {
		names = append(names, e.Name)
	}
	return names
}

// waysToEnd are those in which access tokens can end before they expire.
var waysToEnd = map[string]func(*harbour, *strategies.JWTOptions){
	"denylist":  func(*harbour, *strategies.JWTOptions) {},
	"allowlist": func(_ *harbour, o *strategies.JWTOptions) { o.Denylist, o.Allowlist = nil, true },
}

// eachWay runs a test on a harbour for each way to end access tokens.
func eachWay(t *testing.T, test func(t *testing.T, h *harbour), edit ...func(*harbour, *strategies.JWTOptions)) {
	t.Helper()
	for name, way := range waysToEnd {
		t.Run(name, func(t *testing.T) { test(t, newHarbour(t, append(edit, way)...)) })
	}
}

func noGrace(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Grace = strategies.NoGrace }

func TestRefreshRotates(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first := h.issue(t, strategies.PairOptions{Name: "phone", Scopes: []string{"rings:read"}, Claims: map[string]any{"role": "bearer"}})
		pairs := []*strategies.TokenPair{first}
		for range 5 {
			h.clock.Advance(time.Minute)
			last := pairs[len(pairs)-1]
			next := h.refresh(t, last.Refresh())
			assert.NotEqual(t, last.Refresh(), next.Refresh())
			assert.NotEqual(t, last.Claims.ID, next.Claims.ID)
			assert.Equal(t, 15*time.Minute, next.ExpiresIn(), "of whole seconds")
			pairs = append(pairs, next)
		}
		for _, p := range pairs {
			assert.Equal(t, []string{"frodo", first.Claims.Device, "rings:read"}, []string{p.Claims.Subject, p.Claims.Device, p.Claims.Scopes[0]})
			var claims struct{ Role string }
			require.NoError(t, p.Claims.Decode(&claims))
			assert.Equal(t, "bearer", claims.Role)
			h.letsIn(t, p.Access(), "a refresh ends no access token unless that is asked for")
		}
		devices, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
		require.NoError(t, err)
		require.Len(t, devices, 1, "one login is one device")
		assert.Equal(t, h.clock.Now(), devices[0].LastUsed)
		last := h.events[4] // after those, letsIn was no guard's
		assert.Equal(t, app.EventRefreshed, last.Name)
		assert.Equal(t, "frodo", last.User.(*hobbit).Name)
		assert.Equal(t, pairs[5].Claims, last.Info)
	})
}

func TestRefreshAnswersAsRFC6749Says(t *testing.T) {
	h := newHarbour(t)
	got := h.exchange(h.issue(t, strategies.PairOptions{Scopes: []string{"a", "b"}}).Refresh(), strategies.RefreshRequest{})
	assert.JSONEq(t, `{"access_token":"`+got.pair.Access()+`","token_type":"Bearer","expires_in":900,"refresh_token":"`+got.pair.Refresh()+`","scope":"a b"}`, got.Body.String())
	assert.Equal(t, "no-store", got.Header().Get("Cache-Control"))
}

// Whoever uses a token again has either stolen it or been stolen from.
func TestReuseEndsTheDevice(t *testing.T) {
	reuse := func(t *testing.T, h *harbour, old string, pairs ...*strategies.TokenPair) {
		t.Helper()
		other, sam := h.issue(t, strategies.PairOptions{}), must(h.jwt.Issue(t.Context(), &hobbit{Name: "sam"}, strategies.PairOptions{}))
		h.events = nil
		h.log.Reset()
		h.withholds(t, old, strategies.ErrTokenReused)
		assert.Contains(t, h.log.String(), "its device was ended")
		assert.Contains(t, h.log.String(), pairs[0].Claims.Device)
		for _, p := range pairs {
			h.refuses(t, p.Access(), "revoked")
			h.withholds(t, p.Refresh(), strategies.ErrTokenRevoked)
		}
		h.withholds(t, old, strategies.ErrTokenRevoked, "it is merely unknown now")
		require.Equal(t, app.EventReused, h.events[0].Name)
		assert.Equal(t, "frodo", h.events[0].User.(*hobbit).Name)
		assert.ErrorIs(t, h.events[0].Reason, strategies.ErrTokenReused)
		assert.NotContains(t, h.names()[1:], app.EventReused, "it is told of once")
		for _, p := range []*strategies.TokenPair{other, sam} {
			h.letsIn(t, p.Access(), "other devices and other users are none of it")
			h.refresh(t, p.Refresh())
		}
	}
	t.Run("once the grace is over", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			next := h.refresh(t, first.Refresh())
			h.clock.Advance(10 * time.Second)
			reuse(t, h, first.Refresh(), first, next)
		})
	})
	t.Run("inside the grace if its successor was used", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			second := h.refresh(t, first.Refresh())
			third := h.refresh(t, second.Refresh())
			reuse(t, h, first.Refresh(), first, second, third)
		})
	})
	t.Run("at once if there is no grace", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			next := h.refresh(t, first.Refresh())
			reuse(t, h, first.Refresh(), first, next)
		}, noGrace)
	})
	t.Run("many refreshes later", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			last := first
			for range 9 {
				h.clock.Advance(time.Hour)
				last = h.refresh(t, last.Refresh())
			}
			reuse(t, h, first.Refresh(), last)
		})
	})
	t.Run("with its proof and a secret that never was", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
			reuse(t, h, resummed(piecesOf(first).proven+piecesOf(other).secret), first)
		})
	})
}

// pieces are a refresh token, cut: its id names the device, its proof says that somebody
// had a token of it, its secret is good once.
type pieces struct{ id, proof, proven, secret string }

func piecesOf(p *strategies.TokenPair) pieces {
	const prefix, id, proof, sum = len("kahu_refresh_"), 22, 22, 6
	text := p.Refresh()
	return pieces{text[prefix : prefix+id], text[prefix+id : prefix+id+proof], text[:prefix+id+proof], text[prefix+id+proof : len(text)-sum]}
}

// An answer can be lost, and two tabs can ask at once.
func TestGraceAnswersTheSameAgain(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first := h.issue(t, strategies.PairOptions{})
		next := h.refresh(t, first.Refresh())
		for range 9 {
			h.clock.Advance(time.Second)
			again := h.refresh(t, first.Refresh())
			assert.Equal(t, next.Refresh(), again.Refresh())
			assert.Equal(t, next.Claims.ID, again.Claims.ID, "an access token by another name would be one more to end")
			assert.Equal(t, next.Claims.Expires, again.Claims.Expires)
			h.letsIn(t, again.Access())
		}
		h.letsIn(t, h.refresh(t, next.Refresh()).Access())
	})
}

func TestGraceCountsFromTheFirstUse(t *testing.T) {
	for name, c := range map[string]struct {
		grace, after time.Duration
		dead         bool
	}{
		"10 seconds, a second before":      {0, 9 * time.Second, false},
		"10 seconds, a microsecond left":   {0, 10*time.Second - time.Microsecond, false},
		"10 seconds, at the end":           {0, 10 * time.Second, true},
		"10 seconds, a second after":       {0, 11 * time.Second, true},
		"a minute, a second before":        {time.Minute, 59 * time.Second, false},
		"a minute, at the end":             {time.Minute, time.Minute, true},
		"none":                             {strategies.NoGrace, 0, true},
		"none, and a clock that goes back": {strategies.NoGrace, -time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Grace = c.grace })
			first := h.issue(t, strategies.PairOptions{})
			h.refresh(t, first.Refresh())
			h.clock.Advance(c.after)
			if c.dead {
				h.withholds(t, first.Refresh(), strategies.ErrTokenReused)
				return
			}
			h.refresh(t, first.Refresh())
			h.clock.Advance(time.Second)
			if c.after+time.Second >= 10*time.Second && c.grace == 0 {
				h.withholds(t, first.Refresh(), strategies.ErrTokenReused, "using it again does not make it last longer")
			}
		})
	}
	t.Run("and each token has its own", func(t *testing.T) {
		h := newHarbour(t)
		first := h.issue(t, strategies.PairOptions{})
		second := h.refresh(t, first.Refresh())
		h.clock.Advance(9 * time.Second)
		third := h.refresh(t, second.Refresh())
		h.clock.Advance(9 * time.Second)
		assert.Equal(t, third.Refresh(), h.refresh(t, second.Refresh()).Refresh())
	})
}

// Who has a token of the application may still not have one for a device.
func TestRefreshWithoutAStoreIsAFault(t *testing.T) {
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Store = nil })
	pair := h.issue(t, strategies.PairOptions{})
	assert.Empty(t, pair.Refresh())
	assert.Equal(t, 500, h.exchange("kahu_refresh_x", strategies.RefreshRequest{}).Code)
}
