package strategies_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestNewJWTRefusesWhatIsUnsafe(t *testing.T) {
	remote := strategies.NewRemoteKeys("https://rohan.example/jwks.json", strategies.RemoteKeysOptions{Algorithms: []string{"ES256"}})
	good := func() strategies.JWTOptions {
		return strategies.JWTOptions{Issuer: shire, Audience: shireAPI, Keys: keysFor(t, "ES256"), Denylist: tokenstores.NewMemoryDenylist(),
			Refresh: strategies.RefreshOptions{Store: tokenstores.NewMemory()}}
	}
	require.NotPanics(t, func() { strategies.NewJWT(&people{}, good()) })
	var noList *tokenstores.MemoryDenylist
	var noStore *tokenstores.Memory
	type options = strategies.JWTOptions
	for name, edit := range map[string]func(o *options){
		"no issuer": func(o *options) { o.Issuer = "" }, "no audience": func(o *options) { o.Audience = "" }, "an issuer with a newline": func(o *options) { o.Issuer = "a\nb" },
		"an issuer that is too long": func(o *options) { o.Issuer = strings.Repeat("a", 256) }, "an audience that does not show": func(o *options) { o.Audience = "\u200b" },
		"no keys": func(o *options) { o.Keys = nil }, "two kinds of keys": func(o *options) { o.Remote, o.Refresh.Store = remote, nil },
		"no way to end a token": func(o *options) { o.Denylist = nil }, "a denylist that is nil": func(o *options) { o.Denylist = noList },
		"a denylist and an allowlist": func(o *options) { o.Allowlist = true }, "a denylist that is not to be asked": func(o *options) { o.InsecureIrrevocable = true },
		"an allowlist that is not to be asked": func(o *options) { o.Denylist, o.Allowlist, o.InsecureIrrevocable = nil, true, true },
		"an allowlist without its store":       func(o *options) { o.Denylist, o.Allowlist, o.Refresh.Store = nil, true, nil },
		"an allowlist with a store of nil":     func(o *options) { o.Denylist, o.Allowlist, o.Refresh.Store = nil, true, noStore },
		"a kind with a space":                  func(o *options) { o.Kind = "a b" }, "a kind that is too long": func(o *options) { o.Kind = strings.Repeat("a", 65) },
		"a type with a newline": func(o *options) { o.Typ = "a\n" }, "a realm with a quote": func(o *options) { o.Realm = `a"b` }, "a realm beyond ASCII": func(o *options) { o.Realm = "é" },
		"a negative expiry": func(o *options) { o.Expiry = -time.Second }, "an expiry under a second": func(o *options) { o.Expiry = time.Millisecond }, "an expiry over 30 days": func(o *options) { o.Expiry = 30*24*time.Hour + 1 },
		"the largest expiry": func(o *options) { o.Expiry = math.MaxInt64 }, "never": func(o *options) { o.Expiry = strategies.Never },
		"a negative leeway": func(o *options) { o.Leeway = -1 }, "a leeway over a minute": func(o *options) { o.Leeway = time.Minute + 1 }, "a negative timeout": func(o *options) { o.Timeout = -1 },
		"refresh tokens of another issuer":               func(o *options) { o.Keys, o.Remote = nil, remote },
		"an access token for refreshing without a store": func(o *options) { o.Refresh.Store, o.Refresh.NeedsAccess = nil, true },
		"an end at refreshing without a store":           func(o *options) { o.Refresh.Store, o.Refresh.EndsAccess = nil, true },
		"an end at refreshing that nothing can make":     func(o *options) { o.Denylist, o.InsecureIrrevocable, o.Refresh.EndsAccess = nil, true, true },
		"refresh tokens shorter than access tokens":      func(o *options) { o.Refresh.Idle = time.Minute }, "a negative absolute limit": func(o *options) { o.Refresh.Absolute = -1 },
		"an idle limit over 100 years": func(o *options) { o.Refresh.Idle = math.MaxInt64 }, "a grace over a minute": func(o *options) { o.Refresh.Grace = time.Minute + 1 }, "a negative grace": func(o *options) { o.Refresh.Grace = -2 },
		"a prefix with a space": func(o *options) { o.Refresh.Prefix = "a b" }, "a prefix that is too long": func(o *options) { o.Refresh.Prefix = strings.Repeat("a", 33) },
	} {
		o := good()
		edit(&o)
		assert.Panics(t, func() { strategies.NewJWT(&people{}, o) }, name)
	}
	var nobody *people
	assert.PanicsWithValue(t, "strategies: NewJWT needs a Serializer", func() { strategies.NewJWT(nil, good()) })
	assert.Panics(t, func() { strategies.NewJWT(nobody, good()) })
}

// What cannot be put into a token is not issued, and no device is left behind.
func TestJWTIssuesNothingThatCannotBeKept(t *testing.T) {
	type pair = strategies.PairOptions
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.Claims = func(_ context.Context, user any) (map[string]any, error) {
			switch user.(*hobbit).Name {
			case "reserved":
				return map[string]any{"Sub": "sauron"}, nil
			case "unencodable":
				return map[string]any{"x": math.NaN()}, nil
			case "long":
				return map[string]any{"x": strings.Repeat("a", 8<<10)}, nil
			}
			return nil, nil
		}
	})
	for name, o := range map[string]pair{
		"a long name": {Name: strings.Repeat("a", 201)}, "a name with a newline": {Name: "a\nb"}, "a scope with a space": {Scopes: []string{"a b"}}, "an empty scope": {Scopes: []string{""}},
		"many scopes": {Scopes: strings.Fields(strings.Repeat("a ", 101))}, "a client with a NUL": {Client: "a\x00"}, "a long client": {Client: strings.Repeat("a", 256)},
		"a claim that is reserved": {Claims: map[string]any{"sub": "sauron"}}, "a claim without a name": {Claims: map[string]any{"": 1}}, "a claim that cannot be encoded": {Claims: map[string]any{"x": func() {}}},
		"much to claim": {Claims: map[string]any{"x": strings.Repeat("a", 20<<10)}}, "more than a token takes": {NoRefresh: true, Claims: map[string]any{"x": strings.Repeat("a", 8<<10)}},
	} {
		_, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, name)
	}
	for _, subject := range []string{"reserved", "unencodable", "long", "a\nb", strings.Repeat("a", 256)} {
		_, err := h.jwt.Issue(t.Context(), &hobbit{Name: subject}, pair{})
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, subject)
		left, err := h.jwt.Devices(t.Context(), &hobbit{Name: subject})
		require.NoError(t, err)
		assert.Empty(t, left, subject)
	}
	for name, user := range map[string]any{"nobody": nil, "a nil pointer": (*hobbit)(nil), "another type": "frodo", "an empty subject": &hobbit{}} {
		_, err := h.jwt.Issue(t.Context(), user, pair{})
		assert.Error(t, err, name)
	}
	left, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestJWTIssueTellsOfFaults(t *testing.T) {
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.Claims = func(context.Context, any) (map[string]any, error) { return nil, errDown }
	})
	_, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{})
	require.ErrorIs(t, err, errDown)
	assert.False(t, errors.Is(err, strategies.ErrTokenOptions))
}
