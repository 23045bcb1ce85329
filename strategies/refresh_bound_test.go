package strategies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

func TestRefreshIsBoundToTheClient(t *testing.T) {
	h := newHarbour(t)
	bound, free := h.issue(t, strategies.PairOptions{Client: "palantir"}), h.issue(t, strategies.PairOptions{})
	for _, client := range []string{"", "Palantir", "palantir ", "mirror"} {
		h.refusal(t, h.exchange(bound.Refresh(), strategies.RefreshRequest{Client: client}), nil, client)
	}
	got := h.exchange(bound.Refresh(), strategies.RefreshRequest{Client: "palantir"})
	require.NoError(t, got.err, "those of others used nothing up")
	assert.Equal(t, "palantir", got.pair.Claims.Client)
	h.refusal(t, h.exchange(got.pair.Refresh(), strategies.RefreshRequest{}), nil, "nor is the next one anybody's")
	assert.Equal(t, 200, h.exchange(free.Refresh(), strategies.RefreshRequest{Client: "mirror"}).Code)
	t.Run("also within the grace", func(t *testing.T) {
		h.refusal(t, h.exchange(bound.Refresh(), strategies.RefreshRequest{Client: "mirror"}), nil)
		assert.Equal(t, 200, h.exchange(bound.Refresh(), strategies.RefreshRequest{Client: "palantir"}).Code)
	})
	t.Run("but reuse is reuse, whoever says so", func(t *testing.T) {
		h.clock.Advance(time.Minute)
		h.refusal(t, h.exchange(bound.Refresh(), strategies.RefreshRequest{Client: "mirror"}), strategies.ErrTokenReused)
	})
}

func TestRefreshScopesNeverGrow(t *testing.T) {
	long := strings.Repeat("a", 1000)
	for name, c := range map[string]struct {
		login, asked, want []string
		status             int
	}{
		"none asked for: those of the login": {[]string{"a", "b"}, nil, []string{"a", "b"}, 200},
		"fewer":                              {[]string{"a", "b"}, []string{"b"}, []string{"b"}, 200},
		"none at all":                        {[]string{"a", "b"}, []string{}, nil, 200},
		"the same":                           {[]string{"a", "b"}, []string{"b", "a"}, []string{"b", "a"}, 200},
		"one more":                           {[]string{"a", "b"}, []string{"a", "c"}, nil, 400},
		"everything":                         {[]string{"a", "b"}, []string{"*"}, nil, 400},
		"two in one":                         {[]string{"a", "b"}, []string{"a b"}, nil, 400},
		"another case":                       {[]string{"a", "b"}, []string{"A"}, nil, 400},
		"an empty one":                       {[]string{"a"}, []string{""}, nil, 400},
		"some of a login with none":          {nil, []string{"a"}, nil, 400},
		"everything of everything":           {[]string{"*"}, []string{"*"}, []string{"*"}, 200},
		"one of everything":                  {[]string{"*"}, []string{"a"}, []string{"a"}, 200},
		"no scope, of everything":            {[]string{"*"}, []string{"a b"}, nil, 400},
		"an empty one of everything":         {[]string{"*"}, []string{""}, nil, 400},
		"a line break, of everything":        {[]string{"*"}, []string{"a\nb"}, nil, 400},
		"a quote, of everything":             {[]string{"*"}, []string{`a"`}, nil, 400},
		"a long one, of everything":          {[]string{"*"}, []string{long}, nil, 400},
		"many, of everything":                {[]string{"*"}, strings.Split(long, ""), nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, h *harbour) {
				first := h.issue(t, strategies.PairOptions{Scopes: c.login})
				got := h.exchange(first.Refresh(), strategies.RefreshRequest{Scopes: c.asked})
				require.Equal(t, c.status, got.Code)
				if c.status == 400 {
					assert.JSONEq(t, `{"errors":[{"title":"More than the login allows","status":400}]}`, got.Body.String())
					assert.NotContains(t, h.store.Calls(), "Renew", "and it uses nothing up")
					h.clock.Advance(time.Hour)
					got = refreshed{pair: h.refresh(t, first.Refresh())}
					assert.ElementsMatch(t, c.login, got.pair.Claims.Scopes)
					return
				}
				assert.ElementsMatch(t, c.want, got.pair.Claims.Scopes)
				again := h.refresh(t, got.pair.Refresh())
				assert.ElementsMatch(t, c.login, again.Claims.Scopes, "what was not asked for once can be the next time")
			}, noGrace)
		})
	}
}

func TestRefreshEndsWithTheUser(t *testing.T) {
	stamp := "one"
	stamped := func(_ *harbour, o *strategies.JWTOptions) { o.Stamp = func(any) string { return stamp } }
	t.Run("who is gone", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			h.users.gone = true
			h.withholds(t, first.Refresh(), nil)
			h.refuses(t, first.Access(), "gone")
			assert.NotContains(t, h.store.Calls(), "Renew")
			h.users.gone = false
			h.refresh(t, first.Refresh())
		})
	})
	t.Run("who has changed", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			stamp += "!"
			h.withholds(t, first.Refresh(), strategies.ErrTokenRevoked)
			h.refuses(t, first.Access(), "revoked")
			assert.NotContains(t, h.store.Calls(), "Renew")
			h.refresh(t, h.issue(t, strategies.PairOptions{}).Refresh())
		}, stamped)
	})
	t.Run("also within the grace", func(t *testing.T) {
		eachWay(t, func(t *testing.T, h *harbour) {
			first := h.issue(t, strategies.PairOptions{})
			next := h.refresh(t, first.Refresh())
			stamp += "!"
			h.withholds(t, first.Refresh(), strategies.ErrTokenRevoked)
			h.withholds(t, next.Refresh(), strategies.ErrTokenRevoked)
		}, stamped)
	})
}

func needsAccess(_ *harbour, o *strategies.JWTOptions) { o.Refresh.NeedsAccess = true }

func TestRefreshNeedsAccess(t *testing.T) {
	with := func(h *harbour, p *strategies.TokenPair, access string) refreshed {
		return h.exchange(p.Refresh(), strategies.RefreshRequest{Access: access})
	}
	eachWay(t, func(t *testing.T, h *harbour) {
		first, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
		sam := must(h.jwt.Issue(t.Context(), &hobbit{Name: "sam"}, strategies.PairOptions{}))
		foreign := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
			o.Keys = must(strategies.NewJWTKeys(must(strategies.GenerateJWTKey(kidOf("ES256"), "ES256"))))
		}).issue(t, strategies.PairOptions{})
		alone := h.jwt.With(func(o *strategies.JWTOptions) { o.Denylist, o.Allowlist, o.InsecureIrrevocable = nil, false, true })
		t.Run("and is refused without", func(t *testing.T) {
			got := h.exchange(first.Refresh(), strategies.RefreshRequest{})
			assert.Equal(t, 401, got.Code)
			assert.Equal(t, wantsToken, got.Header().Get("WWW-Authenticate"))
			require.ErrorIs(t, got.err, app.ErrNoCredentials)
		})
		t.Run("and with a header that cannot be read", func(t *testing.T) {
			got := h.exchange(first.Refresh(), strategies.RefreshRequest{}, "Bearer")
			assert.Equal(t, 400, got.Code)
			assert.Equal(t, badHeader, got.Header().Get("WWW-Authenticate"))
		})
		t.Run("and with one that does not go with it", func(t *testing.T) {
			for name, access := range map[string]string{
				"garbage":                       "garbage",
				"the refresh token itself":      first.Refresh(),
				"without its signature":         first.Access()[:strings.LastIndex(first.Access(), ".")+1],
				"with another's signature":      first.Access()[:strings.LastIndex(first.Access(), ".")] + other.Access()[strings.LastIndex(other.Access(), "."):],
				"signed with another key":       foreign.Access(),
				"of another device of the user": other.Access(),
				"of another user":               sam.Access(),
				"of no device":                  must(alone.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{NoRefresh: true})).Access(),
			} {
				got := with(h, first, access)
				assert.Equal(t, 401, got.Code, name)
				assert.Equal(t, badToken, got.Header().Get("WWW-Authenticate"), name)
				assert.NotContains(t, got.Body.String(), "device")
			}
			assert.NotContains(t, h.store.Calls(), "Renew")
			assert.NotContains(t, h.store.Calls(), "Delete")
		})
		t.Run("and works with its own, from the request or from the header", func(t *testing.T) {
			got := with(h, first, first.Access())
			require.Equal(t, 200, got.Code)
			got = h.exchange(got.pair.Refresh(), strategies.RefreshRequest{}, "Bearer "+got.pair.Access())
			require.Equal(t, 200, got.Code)
			h.clock.Advance(10 * day)
			h.refuses(t, got.pair.Access(), "expired")
			got = with(h, got.pair, got.pair.Access())
			assert.Equal(t, 200, got.Code, "also if that has expired")
			h.clock.Advance(time.Second)
			first = got.pair
		})
		t.Run("and not with one that was revoked", func(t *testing.T) {
			n, err := h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, first.Claims.Device)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			assert.Equal(t, 200, with(h, first, first.Access()).Code, "that of the device which is kept is not")
			h.refusal(t, with(h, other, other.Access()), strategies.ErrTokenRevoked)
			_, err = h.jwt.RevokeText(t.Context(), sam.Access(), "")
			require.NoError(t, err)
			h.refusal(t, with(h, sam, sam.Access()), strategies.ErrTokenRevoked)
		})
	}, needsAccess)
	t.Run("which is not asked for unless chosen", func(t *testing.T) {
		h := newHarbour(t)
		assert.Equal(t, 200, h.exchange(h.issue(t, strategies.PairOptions{}).Refresh(), strategies.RefreshRequest{Access: "garbage"}, "Bearer").Code)
	})
}

func endsAccess(_ *harbour, o *strategies.JWTOptions) { o.Refresh.EndsAccess = true }

func TestRefreshEndsAccess(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
		next := h.refresh(t, first.Refresh())
		h.refuses(t, first.Access(), "revoked")
		h.letsIn(t, next.Access())
		again := h.refresh(t, first.Refresh())
		h.letsIn(t, again.Access(), "the one that is answered again is not the one before")
		h.letsIn(t, next.Access())
		third := h.refresh(t, next.Refresh())
		for _, p := range []*strategies.TokenPair{first, next, again} {
			h.refuses(t, p.Access(), "revoked")
		}
		h.letsIn(t, third.Access())
		h.letsIn(t, other.Access(), "and no other device's")
	}, endsAccess)
}

// The call that wins ends the access token with which the others came.
func TestRefreshThatNeedsAndEndsAccess(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		first := h.issue(t, strategies.PairOptions{})
		next := h.exchange(first.Refresh(), strategies.RefreshRequest{Access: first.Access()})
		require.Equal(t, 200, next.Code)
		h.clock.Advance(time.Second)
		again := h.exchange(first.Refresh(), strategies.RefreshRequest{Access: first.Access()})
		require.Equal(t, 200, again.Code, "a lost answer is answered again")
		assert.Equal(t, next.pair.Refresh(), again.pair.Refresh())
		third := h.exchange(next.pair.Refresh(), strategies.RefreshRequest{Access: next.pair.Access()})
		require.Equal(t, 200, third.Code)
		got := h.exchange(third.pair.Refresh(), strategies.RefreshRequest{Access: first.Access()})
		assert.Equal(t, 401, got.Code)
		assert.ErrorIs(t, got.err, strategies.ErrTokenRevoked, "one that ended earlier proves nothing")
	}, needsAccess, endsAccess)
}
