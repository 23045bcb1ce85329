package kahu_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
)

var securityOfKeySets = []claim{
	{"are used before they are asked for again for | 10 minutes", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			x := newIssuer(t, clock)
			require.True(t, x.verifies(t, x.token))
			return func() bool { return x.verifies(t, x.token) && x.asked == 1 }
		})
	}},
	{"are used beyond that, while the issuer does not answer, for | 24 hours more", func(t *testing.T, d time.Duration) {
		ends(t, 10*time.Minute+d, func(clock *apptest.Clock) func() bool {
			x := newIssuer(t, clock)
			require.True(t, x.verifies(t, x.token))
			x.away = true
			return func() bool { return x.verifies(t, x.token) }
		})
	}},
	{"1 minute; 5 seconds while there are no keys at all", cooldown},
	{"time for one question | 5 seconds", func(t *testing.T, d time.Duration) {
		lasts(t, d, func(t *testing.T) {
			x := newIssuer(t, reviewClock())
			x.hangs = true
			assert.Error(t, x.keys.Refresh(t.Context()))
		})
	}},
	{"256 KiB and 100 keys", sizeOfAKeySet},
}

// An issuer publishes its keys, unless it is away.
type issuer struct {
	keys        *strategies.RemoteKeys
	jwt         *strategies.JWT // here
	token       string          // of theirs
	set         string
	asked       int
	away, hangs bool
}

func newIssuer(t *testing.T, clock *apptest.Clock) *issuer {
	t.Helper()
	x := &issuer{}
	there := jwtOptions(t, clock.Now, strategies.RefreshOptions{})
	there.Expiry, there.Refresh.Idle = 30*day, 30*day
	x.token = apptest.JWTPair(t, strategies.NewJWT(reviewedUsers, there), ringbearer, strategies.PairOptions{}).Access()
	there.Keys.Clock = clock.Now
	x.set = apptest.NewClient(t, app.New().Use(onPath(map[string]app.Handler{"/": there.Keys.Publish}))).Get("/").Body
	x.keys = strategies.NewRemoteKeys("https://shire.example/keys", strategies.RemoteKeysOptions{
		Algorithms: []string{"ES256"}, Client: &http.Client{Transport: x}, Clock: clock.Now, Logger: slog.New(slog.DiscardHandler),
	})
	x.jwt = strategies.NewJWT(reviewedUsers, strategies.JWTOptions{Issuer: there.Issuer, Audience: there.Audience, Remote: x.keys, Clock: clock.Now})
	return x
}

// RoundTrip implements [http.RoundTripper].
func (x *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	x.asked++
	if x.hangs {
		return nil, silent(r.Context())
	}
	if x.away {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(x.set)), Request: r}, nil
}

func (x *issuer) verifies(t *testing.T, token string) bool {
	t.Helper()
	found, err := x.jwt.Introspect(t.Context(), token)
	return err == nil && found != nil
}

func cooldown(t *testing.T, usual, without time.Duration) {
	ends(t, usual, func(clock *apptest.Clock) func() bool {
		x, other := newIssuer(t, clock), newIssuer(t, clock)
		require.True(t, x.verifies(t, x.token))
		stranger := strategies.NewJWT(reviewedUsers, withKeyID(t, clock, "unknown"))
		token := apptest.JWTPair(t, stranger, ringbearer, strategies.PairOptions{}).Access()
		require.NotEqual(t, x.token, other.token)
		return func() bool { return !x.verifies(t, token) && x.asked == 1 }
	})
	ends(t, without, func(clock *apptest.Clock) func() bool {
		x := newIssuer(t, clock)
		x.away = true
		require.False(t, x.verifies(t, x.token))
		return func() bool { return !x.verifies(t, x.token) && x.asked == 1 }
	})
}

// withKeyID are the options of somebody who signs with a key that the issuer does not have.
func withKeyID(t *testing.T, clock *apptest.Clock, id string) strategies.JWTOptions {
	t.Helper()
	o := jwtOptions(t, clock.Now, strategies.RefreshOptions{})
	key, err := strategies.GenerateJWTKey(id, "ES256")
	require.NoError(t, err)
	o.Keys, err = strategies.NewJWTKeys(key)
	require.NoError(t, err)
	return o
}

func sizeOfAKeySet(t *testing.T, size, keys int) {
	x := newIssuer(t, reviewClock())
	refreshed := func(set string) error {
		x.set = set
		return x.keys.Refresh(t.Context())
	}
	assert.NoError(t, refreshed(x.set+strings.Repeat(" ", size-len(x.set))))
	assert.Error(t, refreshed(x.set+" "))
	list := func(n int) string {
		return `{"keys":[` + string(bytes.Join(bytes.Fields([]byte(strings.Repeat("{} ", n))), []byte(","))) + `]}`
	}
	assert.NoError(t, refreshed(list(keys)))
	assert.Error(t, refreshed(list(keys+1)))
}
