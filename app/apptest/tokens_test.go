package apptest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

var users = serializer.New(func(name string) string { return name }, func(_ context.Context, name string) (string, error) { return name, nil })

func newJWT(t testing.TB, edit func(o *strategies.JWTOptions)) *strategies.JWT {
	t.Helper()
	o := strategies.JWTOptions{
		Issuer: "https://shire.example", Audience: "https://api.shire.example", Clock: apptest.NewClock(start).Now,
		Refresh: strategies.RefreshOptions{Store: tokenstores.NewMemory()}, Denylist: tokenstores.NewMemoryDenylist(),
		Logger: slog.New(slog.DiscardHandler),
	}
	edit(&o)
	if o.Keys == nil {
		key, err := strategies.GenerateJWTKey("a", "ES256")
		require.NoError(t, err)
		o.Keys, err = strategies.NewJWTKeys(key)
		require.NoError(t, err)
	}
	return strategies.NewJWT(users, o)
}

// states are what an application under test answers to a pair: to its access token, and to
// its refresh token with the cause of that.
func states(t testing.TB, j *strategies.JWT, p *strategies.TokenPair) (access, refresh int, cause error) {
	t.Helper()
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		if ctx.Request.URL.Path == "/refresh" {
			_, cause = j.Refresh(ctx, p.Refresh(), strategies.RefreshRequest{Access: p.Access()})
			ctx.Status = 200
			return cause
		}
		return app.Authenticate(j)(ctx, func(ctx *app.Context) error {
			ctx.Body = ctx.User()
			return nil
		})
	})
	c := apptest.NewClient(t, a)
	c.Header.Set("Authorization", "Bearer "+p.Access())
	access = c.Get("/").Status
	return access, c.Post("/refresh", "", "").Status, cause
}

func TestTokensInEveryState(t *testing.T) {
	type helper func(testing.TB, *strategies.JWT, any, strategies.PairOptions) *strategies.TokenPair
	for name, edit := range map[string]func(o *strategies.JWTOptions){
		"as it is":            func(*strategies.JWTOptions) {},
		"with an allowlist":   func(o *strategies.JWTOptions) { o.Denylist, o.Allowlist = nil, true },
		"with the access too": func(o *strategies.JWTOptions) { o.Refresh.NeedsAccess = true },
		"with a leeway":       func(o *strategies.JWTOptions) { o.Leeway = time.Minute },
		"with the real clock": func(o *strategies.JWTOptions) { o.Clock = nil },
		"with short limits":   func(o *strategies.JWTOptions) { o.Refresh.Idle, o.Refresh.Absolute = 15*time.Minute, 15*time.Minute },
		"with endless limits": func(o *strategies.JWTOptions) {
			o.Refresh.Idle, o.Refresh.Absolute = 36500*24*time.Hour, 36500*24*time.Hour
		},
		"with a secret":        func(o *strategies.JWTOptions) { o.Keys = secret() },
		"with a stamp of each": func(o *strategies.JWTOptions) { o.Stamp = func(user any) string { return user.(string) } },
	} {
		t.Run(name, func(t *testing.T) {
			for name, c := range map[string]struct {
				pair            helper
				access, refresh int
				cause           error
			}{
				"good":          {apptest.JWTPair, 200, 200, nil},
				"expired":       {apptest.ExpiredPair, 401, 401, strategies.ErrTokenExpired},
				"half expired":  {apptest.ExpiredAccess, 401, 200, nil},
				"revoked":       {apptest.RevokedPair, 401, 401, strategies.ErrTokenRevoked},
				"somebody else": {apptest.ForeignPair, 401, 401, nil},
			} {
				j := newJWT(t, edit)
				for _, user := range []string{"frodo", "sam"} {
					pair := c.pair(t, j, user, strategies.PairOptions{Scopes: []string{"rings:read"}})
					assert.Equal(t, user, pair.Claims.Subject)
					assert.Equal(t, []string{"rings:read"}, pair.Claims.Scopes)
					access, refresh, cause := states(t, j, pair)
					assert.Equal(t, []int{c.access, c.refresh}, []int{access, refresh}, name)
					if c.cause != nil {
						assert.ErrorIs(t, cause, c.cause, name)
					}
				}
			}
		})
	}
}

func secret() *strategies.JWTKeys {
	keys, err := strategies.NewJWTKeys(strategies.JWTKey{ID: "s", Algorithm: "HS256", Key: []byte("speak, friend, and enter the mines")})
	if err != nil {
		panic(err)
	}
	return keys
}

func TestExpiredAccessLeavesAWholeDevice(t *testing.T) {
	clock := apptest.NewClock(start)
	j := newJWT(t, func(o *strategies.JWTOptions) {
		o.Clock, o.Refresh.Idle, o.Refresh.Absolute = clock.Now, time.Hour, time.Hour
	})
	left := apptest.ExpiredAccess(t, j, "frodo", strategies.PairOptions{})
	over := apptest.ExpiredAccess(t, j, "frodo", strategies.PairOptions{})
	clock.Advance(time.Hour - time.Second)
	_, refresh, _ := states(t, j, left)
	assert.Equal(t, 200, refresh)
	clock.Advance(time.Second)
	_, refresh, _ = states(t, j, over)
	assert.Equal(t, 401, refresh)
}

func TestForeignPairsLeaveNothing(t *testing.T) {
	j := newJWT(t, func(*strategies.JWTOptions) {})
	good := apptest.JWTPair(t, j, "frodo", strategies.PairOptions{})
	foreign := apptest.ForeignPair(t, j, "frodo", strategies.PairOptions{})
	header := func(p *strategies.TokenPair) string { text, _, _ := strings.Cut(p.Access(), "."); return text }
	assert.Equal(t, header(good), header(foreign), "it is a forgery, no token of another issuer")
	devices, err := j.Devices(t.Context(), "frodo")
	require.NoError(t, err)
	assert.Len(t, devices, 1)
}

// A failing is a test that notes that it failed, and ends when it is told to.
type failing struct {
	testing.TB
	why      string
	cleanups []func()
}

func (f *failing) Cleanup(clean func()) { f.cleanups = append(f.cleanups, clean) }

func (f *failing) cleanup() {
	for _, clean := range slices.Backward(f.cleanups) {
		clean()
	}
}

func (f *failing) Helper() {}

func (f *failing) Context() context.Context { return context.Background() }

func (f *failing) Fatalf(format string, args ...any) {
	f.why = fmt.Sprintf(format, args...)
	panic(errStopped)
}

var errStopped = errors.New("the test has ended")

func TestTokensThatCannotBe(t *testing.T) {
	for want, try := range map[string]func(t testing.TB){
		"apptest: strategies: unusable token options: ": func(t testing.TB) {
			apptest.JWTPair(t, newJWT(t, func(*strategies.JWTOptions) {}), "frodo", strategies.PairOptions{Scopes: []string{""}})
		},
		"strategies: a JWT that no Denylist and no Refresh.Store knows": func(t testing.TB) {
			j := newJWT(t, func(o *strategies.JWTOptions) { o.Denylist, o.Refresh.Store, o.InsecureIrrevocable = nil, nil, true })
			apptest.RevokedPair(t, j, "frodo", strategies.PairOptions{})
		},
	} {
		f := &failing{TB: t}
		assert.PanicsWithError(t, errStopped.Error(), func() { try(f) })
		assert.Contains(t, f.why, want)
	}
}

func ExampleExpiredAccess() {
	t := &failing{} // in a test, its own t
	j := newJWT(t, func(*strategies.JWTOptions) {})
	rings := app.New().Use(app.Authenticate(j), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = fmt.Sprint("the rings of ", ctx.User())
		return nil
	})
	for _, pair := range []*strategies.TokenPair{
		apptest.JWTPair(t, j, "frodo", strategies.PairOptions{}),
		apptest.ExpiredAccess(t, j, "frodo", strategies.PairOptions{}),
		apptest.RevokedPair(t, j, "frodo", strategies.PairOptions{}),
		apptest.ForeignPair(t, j, "frodo", strategies.PairOptions{}),
	} {
		r := httptest.NewRequest("GET", "/rings", nil)
		r.Header.Set("Authorization", "Bearer "+pair.Access())
		w := httptest.NewRecorder()
		rings.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 the rings of frodo
	// 401 {"errors":[{"title":"Invalid token","status":401}]}
	// 401 {"errors":[{"title":"Invalid token","status":401}]}
	// 401 {"errors":[{"title":"Invalid token","status":401}]}
}
