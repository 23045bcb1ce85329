package kahu_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/jws"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

var securityOfTokens = []claim{
	{"an opaque token lives for | 30 days; forever", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return issuedBy(t, bearerWith(strategies.BearerOptions{Clock: clock.Now}))
		})
	}},
	{"an API key lives for | 365 days", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return issuedBy(t, keyWith(strategies.APIKeyOptions{Clock: clock.Now}))
		})
	}},
	{"an opaque token or API key ends if not used for | no limit; 2 minutes at least, if set", func(t *testing.T, d time.Duration) {
		least(t, d, func(d time.Duration) { bearerWith(strategies.BearerOptions{IdleLimit: d}) })
		least(t, d, func(d time.Duration) { keyWith(strategies.APIKeyOptions{IdleLimit: d}) })
	}},
	{"its last use is written at most once in | 1 minute of requests", useOfAToken},
	{"as long as the caller says, 30 days at most", overlapOfTokens},
	{"a one-time token lives for | 1 hour; 30 days at most", func(t *testing.T, d, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool { return lookedAt(t, clock) })
		most(t, longest, func(d time.Duration) { onceWith(strategies.OneTimeOptions{Expiry: d}) })
	}},
	{"a mail to reset a password is good for | 1 hour; 1 minute to 24 hours", func(t *testing.T, d, shortest, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return mailed(t, clock, "/users/resets", accounts.PurposeReset)
		})
		build := func(d time.Duration) { openInn(t, accounts.Options{Mail: accounts.MailOptions{Expiry: d}}) }
		least(t, shortest, build)
		most(t, longest, build)
	}},
	{"a mail to confirm an address is good for | 24 hours after", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return mailed(t, clock, "/users/verifications", accounts.PurposeVerify)
		})
	}},
	{"an access token (JWT) lives for | 15 minutes; 30 days at most", func(t *testing.T, d, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return accessed(t, jwtOptions(t, clock.Now, strategies.RefreshOptions{}))
		})
		most(t, longest, func(d time.Duration) {
			jwtWith(t, func(o *strategies.JWTOptions) { o.Expiry, o.Refresh.Idle = d, longest })
		})
	}},
	{"clocks of others may be off by | 0 seconds; 1 minute at most", leeway},
	{"a device has to log in again if not refreshed for | 14 days", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return refreshes(t, newDevice(t, clock, strategies.RefreshOptions{}))
		})
	}},
	{"a device has to log in again after its login in | 90 days", func(t *testing.T, d time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			return refreshes(t, newDevice(t, clock, strategies.RefreshOptions{Idle: 2 * d}))
		})
	}},
	{"gets the same successor again for | 10 seconds; 1 minute at most", func(t *testing.T, d, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			again := refreshes(t, newDevice(t, clock, strategies.RefreshOptions{}))
			require.True(t, again())
			return again
		})
		most(t, longest, func(d time.Duration) { jwtWith(t, func(o *strategies.JWTOptions) { o.Refresh.Grace = d }) })
	}},
	{"is remembered beyond the JWT's own end for | 1 minute more", denialIsKept},
	{"JWT | 8 KiB, looked at before", longestJWT},
	{"name of a token; scopes; each scope; meta | 200 bytes; 100 scopes; 100 bytes; 16 KiB", tokenOptions},
}

func bearerWith(o strategies.BearerOptions) *strategies.Bearer {
	return strategies.NewBearer(tokenstores.NewMemory(), reviewedUsers, o)
}

func keyWith(o strategies.APIKeyOptions) *strategies.Bearer {
	return strategies.NewAPIKey(tokenstores.NewMemory(), reviewedUsers, o).Bearer
}

func onceWith(o strategies.OneTimeOptions) *strategies.OneTime {
	o.Type = "reset"
	return strategies.NewOneTime(tokenstores.NewMemory(), o)
}

func jwtWith(t *testing.T, change func(o *strategies.JWTOptions)) *strategies.JWT {
	t.Helper()
	o := jwtOptions(t, reviewClock().Now, strategies.RefreshOptions{Store: tokenstores.NewMemory()})
	change(&o)
	return strategies.NewJWT(reviewedUsers, o)
}

// live tells whether an authority knows a text.
func live(t *testing.T, by strategies.TokenAuthority, text string) bool {
	t.Helper()
	found, err := by.Introspect(t.Context(), text)
	require.NoError(t, err)
	return found != nil
}

func issuedBy(t *testing.T, b *strategies.Bearer) func() bool {
	t.Helper()
	text := apptest.Token(t, b, ringbearer, strategies.TokenOptions{})
	return func() bool { return live(t, b, text) }
}

func lookedAt(t *testing.T, clock *apptest.Clock) func() bool {
	t.Helper()
	once := onceWith(strategies.OneTimeOptions{Clock: clock.Now})
	token, err := once.Issue(t.Context(), "frodo", nil)
	require.NoError(t, err)
	return func() bool {
		_, err := once.Look(t.Context(), token.Text())
		return err == nil
	}
}

func mailed(t *testing.T, clock *apptest.Clock, path string, p accounts.Purpose) func() bool {
	t.Helper()
	x := openInn(t, accounts.Options{Clock: clock.Now})
	require.Equal(t, 200, x.client.PostJSON(path, map[string]string{"email": "frodo@shire.example"}).Status)
	body := fmt.Sprintf(`{"token":%q,"password":"there-and-back-again"}`, x.tokens[p])
	return func() bool {
		r := request(t, path, body)
		r.Method = "PATCH"
		return x.client.Do(r).Status == 200
	}
}

func accessed(t *testing.T, o strategies.JWTOptions) func() bool {
	t.Helper()
	j := strategies.NewJWT(reviewedUsers, o)
	access := apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{}).Access()
	return func() bool { return live(t, j, access) }
}

func useOfAToken(t *testing.T, d time.Duration) {
	ends(t, d, func(clock *apptest.Clock) func() bool {
		store := storetest.NewFaulty(tokenstores.NewMemory())
		b := strategies.NewBearer(store, reviewedUsers, strategies.BearerOptions{Clock: clock.Now})
		c := apptest.NewClient(t, app.New().Use(app.Authenticate(b), onPath(map[string]app.Handler{"/": fine})))
		c.Header.Set("Authorization", "Bearer "+apptest.Token(t, b, ringbearer, strategies.TokenOptions{}))
		written := func() int {
			require.Equal(t, 204, c.Get("/").Status)
			return len(slices.DeleteFunc(store.Calls(), func(call string) bool { return call != "Touch" }))
		}
		require.Equal(t, 1, written())
		return func() bool { return written() == 1 }
	})
}

func overlapOfTokens(t *testing.T, d time.Duration) {
	b := bearerWith(strategies.BearerOptions{})
	issued, err := b.Issue(t.Context(), ringbearer, strategies.TokenOptions{})
	require.NoError(t, err)
	_, err = b.Rotate(t.Context(), issued.Token, d+1)
	assert.ErrorIs(t, err, strategies.ErrTokenOptions)
	_, err = b.Rotate(t.Context(), issued.Token, d)
	assert.NoError(t, err)
}

func leeway(t *testing.T, usual, longest time.Duration) {
	const life = time.Hour
	for own, want := range map[time.Duration]time.Duration{0: usual, longest: longest} {
		ends(t, life+want, func(clock *apptest.Clock) func() bool {
			o := jwtOptions(t, clock.Now, strategies.RefreshOptions{})
			o.Expiry, o.Leeway = life, own
			return accessed(t, o)
		})
	}
	most(t, longest, func(d time.Duration) { jwtWith(t, func(o *strategies.JWTOptions) { o.Leeway = d }) })
}

// A hobbitDevice is a login that is kept up by refresh tokens.
type hobbitDevice struct {
	jwt     *strategies.JWT
	refresh string // the first
}

func newDevice(t *testing.T, clock *apptest.Clock, o strategies.RefreshOptions) hobbitDevice {
	t.Helper()
	o.Store = tokenstores.NewMemory()
	j := strategies.NewJWT(reviewedUsers, jwtOptions(t, clock.Now, o))
	return hobbitDevice{j, apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{}).Refresh()}
}

// refreshes tells whether the first refresh token of a device is answered.
func refreshes(t *testing.T, d hobbitDevice) func() bool {
	t.Helper()
	return func() bool {
		return inRequest(t, func(ctx *app.Context) error {
			_, err := d.jwt.Refresh(ctx, d.refresh, strategies.RefreshRequest{})
			return err
		}) == nil
	}
}

// A ledger notes what it is to deny.
type ledger struct {
	tokenstores.Denylist
	denied []tokenstores.Denial
}

func (l *ledger) Deny(ctx context.Context, d ...tokenstores.Denial) error {
	l.denied = append(l.denied, d...)
	return l.Denylist.Deny(ctx, d...)
}

func denialIsKept(t *testing.T, d time.Duration) {
	list := &ledger{Denylist: tokenstores.NewMemoryDenylist()}
	j := jwtWith(t, func(o *strategies.JWTOptions) { o.Denylist, o.Refresh.Store = list, nil })
	pair := apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{})
	_, err := j.RevokeText(t.Context(), pair.Access(), "")
	require.NoError(t, err)
	require.Len(t, list.denied, 1)
	assert.Equal(t, d, list.denied[0].Until.Sub(pair.Claims.Expires))
}

// longestJWT makes a token longer and longer until it is one too many.
func longestJWT(t *testing.T, n int) {
	length := func(pad int) (int, error) {
		j := jwtWith(t, func(o *strategies.JWTOptions) {
			o.Claims = func(context.Context, any) (map[string]any, error) {
				return map[string]any{"pad": strings.Repeat("a", pad)}, nil
			}
		})
		pair, err := j.Issue(t.Context(), ringbearer, strategies.PairOptions{})
		if err != nil {
			return 0, err
		}
		assert.True(t, live(t, j, pair.Access()))
		return len(pair.Access()), nil
	}
	longest, err := length(0)
	require.NoError(t, err)
	for pad := (n-longest)*3/4 - 8; err == nil; pad++ {
		var got int
		got, err = length(pad)
		longest = max(longest, got)
	}
	assert.LessOrEqual(t, longest, n)
	assert.Greater(t, longest, n-4, "three bytes are four characters")
	_, err = jws.Parse(strings.Repeat("a.", n/2) + "a")
	assert.ErrorContains(t, err, "longer", "before anything else is seen")
}

func tokenOptions(t *testing.T, name, scopes, scope, meta int) {
	text := func(n int) string { return strings.Repeat("a", n) }
	for what, o := range map[string]func(n int) strategies.TokenOptions{
		"name":   func(n int) strategies.TokenOptions { return strategies.TokenOptions{Name: text(name + n)} },
		"scopes": func(n int) strategies.TokenOptions { return strategies.TokenOptions{Scopes: make([]string, scopes+n)} },
		"scope":  func(n int) strategies.TokenOptions { return strategies.TokenOptions{Scopes: []string{text(scope + n)}} },
		"meta": func(n int) strategies.TokenOptions {
			return strategies.TokenOptions{Meta: map[string]any{"a": text(meta + n - len(`{"a":""}`))}}
		},
	} {
		issue := func(o strategies.TokenOptions) error {
			for i := range o.Scopes {
				o.Scopes[i] = cmp.Or(o.Scopes[i], "read")
			}
			_, err := bearerWith(strategies.BearerOptions{}).Issue(t.Context(), ringbearer, o)
			return err
		}
		assert.NoError(t, issue(o(0)), what)
		assert.ErrorIs(t, issue(o(1)), strategies.ErrTokenOptions, what)
	}
}
