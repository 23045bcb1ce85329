package kahu_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
	tokentest "github.com/kahu-go/kahu/tokenstores/storetest"
)

var securityOfFailures = []claim{
	{"503 for every request that asks for a session", func(t *testing.T, status int) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := loggedIn(t, store, app.SessionOptions{})
		store.Fail()
		res := c.Get("/me")
		assert.Equal(t, status, res.Status)
		assert.Nil(t, res.SetCookie("__Host-session"))
		assert.Equal(t, 404, c.Get("/").Status, "asks nobody")
		store.Heal()
		assert.Equal(t, 204, c.Get("/me").Status)
	}},
	{"a logout that was answered 503 was not done", func(t *testing.T, status int) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := loggedIn(t, store, app.SessionOptions{})
		store.Fail("Delete")
		assert.Equal(t, status, c.Post("/logout", "application/json", "").Status)
		store.Heal()
		assert.Equal(t, 204, c.Get("/me").Status)
	}},
	{"logins are 503, there is no free try; `middleware.Throttle` is 503 too", counterIsDown},
	{"503 for every JWT", func(t *testing.T, status int) {
		list := tokentest.NewFaultyDenylist(tokenstores.NewMemoryDenylist())
		j := jwtWith(t, func(o *strategies.JWTOptions) { o.Denylist, o.Refresh.Store = list, nil })
		r := request(t, "/", "")
		r.Header.Set("Authorization", "Bearer "+apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{}).Access())
		list.Fail()
		assert.Equal(t, status, statusOf(t, r, app.Authenticate(j)))
	}},
	{"401 for who was logged in there", func(t *testing.T, status int) {
		store := &forgetful{Memory: sessionstores.NewMemory()}
		c := loggedIn(t, store, app.SessionOptions{})
		store.Memory = sessionstores.NewMemory()
		assert.Equal(t, status, c.Get("/me").Status)
	}},
	{"503 with `Retry-After: 1`; other pages work", otherPagesWork},
	{"503 after the question's time-out", fullPool},
	{"500, and the process lives on", func(t *testing.T, status int) {
		sessions := sessionsWith(app.SessionOptions{})
		a := app.New().Use(sessions.Layer, onPath(map[string]app.Handler{
			"/panic":  func(*app.Context) error { panic("the Balrog") },
			"/throws": app.Handler(app.Compose(app.Authenticate(balrog{})).Then(fine)),
			"/":       fine,
		}))
		a.OnError = func(*app.Context, error) {}
		c := apptest.NewClient(t, a)
		assert.Equal(t, status, c.Get("/panic").Status)
		assert.Equal(t, status, c.Get("/throws").Status)
		assert.Equal(t, 204, c.Get("/").Status)
	}},
	{"as long as its keys may be used, then 503", func(t *testing.T, status int) {
		clock := reviewClock()
		x := newIssuer(t, clock)
		require.True(t, x.verifies(t, x.token))
		x.away = true
		clock.Advance(2 * day)
		r := request(t, "/", "")
		r.Header.Set("Authorization", "Bearer "+x.token)
		assert.Equal(t, status, statusOf(t, r, app.Authenticate(x.jwt)))
	}},
	{"401: it is nobody's, and is reported", func(t *testing.T, status int) {
		store := &forgetful{Memory: sessionstores.NewMemory()}
		c := loggedIn(t, store, app.SessionOptions{})
		store.damaged = true
		assert.Equal(t, status, c.Get("/me").Status)
	}},
}

// A forgetful store can lose or damage what it holds.
type forgetful struct {
	*sessionstores.Memory
	damaged bool
}

func (f *forgetful) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if f.damaged {
		return nil, fmt.Errorf("%w: by the Balrog", app.ErrSessionDamaged)
	}
	return f.Memory.Find(ctx, key)
}

// balrog panics.
type balrog struct{}

func (balrog) Authenticate(*app.Context) (*app.Identity, error) { panic("the Balrog") }

// brokenCounter is down.
type brokenCounter struct{ silentCounter }

func (brokenCounter) Add(context.Context, string, int64, time.Time, time.Duration) (throttle.Count, error) {
	return throttle.Count{}, storetest.ErrFault
}

func counterIsDown(t *testing.T, login, layer int) {
	found := 0
	l := strategies.NewLocal(func(context.Context, string) (*reviewed, string, error) { found++; return ringbearer, "", nil },
		strategies.LocalOptions{Attempts: brokenCounter{}, Hasher: quick()})
	assert.Equal(t, login, statusOf(t, request(t, "/", `{"username":"frodo","password":"guess"}`), app.Authenticate(l)))
	assert.Zero(t, found)
	for open, want := range map[bool]int{false: layer, true: 204} {
		throttled := middleware.Throttle(brokenCounter{}, middleware.ThrottleOptions{Limit: 1, InsecureFailOpen: open})
		assert.Equal(t, want, statusOf(t, request(t, "/", ""), throttled, onPath(map[string]app.Handler{"/": fine})))
	}
}

func otherPagesWork(t *testing.T, status, seconds int) {
	synctest.Test(t, func(t *testing.T) {
		gate, open := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1, InsecurePriority: true}), make(chan struct{})
		fill(t, gate, 1, 1, open)
		hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: gate})
		attempts := throttle.NewMemory()
		l := strategies.NewLocal(func(context.Context, string) (*reviewed, string, error) { return ringbearer, "", nil },
			strategies.LocalOptions{Hasher: hasher, Attempts: attempts})
		c := apptest.NewClient(t, app.New().Use(onPath(map[string]app.Handler{"/": fine}), app.Authenticate(l)))
		res := c.PostJSON("/login", map[string]string{"username": "frodo", "password": "guess"})
		assert.Equal(t, status, res.Status)
		assert.Equal(t, fmt.Sprint(seconds), res.Header.Get("Retry-After"))
		assert.Equal(t, 204, c.Get("/").Status)
		count, err := attempts.Add(t.Context(), "login:name:frodo", 0, time.Now(), time.Hour)
		require.NoError(t, err)
		assert.Zero(t, count.N, "given back")
		close(open)
		synctest.Wait()
	})
}
