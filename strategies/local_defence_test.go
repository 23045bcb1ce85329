package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
)

func frodo(password string) strategies.Credentials {
	return strategies.Credentials{Name: "frodo", Password: password}
}

func TestLocalReadsSixteenKiB(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{})
	body := func(n int) string {
		const rest = `{"username":"frodo","password":""}`
		return `{"username":"frodo","password":"` + strings.Repeat("x", n-len(rest)) + `"}`
	}
	assert.Equal(t, 401, g.send("application/json", body(16<<10)).Code)
	g.computed()
	assert.Equal(t, 413, g.send("application/json", body(16<<10+1)).Code)
	assert.Equal(t, 413, g.send("application/x-www-form-urlencoded", "username=frodo&password="+strings.Repeat("x", 16<<10)).Code)
	assert.Empty(t, g.computed())
}

// One body may not cost many times its size before anything is throttled.
func TestLocalBoundsWhatABodyCosts(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{})
	for _, size := range []int{16 << 10, 1 << 20} {
		for _, part := range []string{"0,", "{},", "[],", `{"":0},`} {
			body := `{"x":[` + strings.Repeat(part, (size-20)/len(part)) + `0]}`
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			g.handler.ServeHTTP(httptest.NewRecorder(), r)
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*16<<10), "%s %d", part, size)
		}
	}
	assert.Empty(t, g.lookups)
}

// A hanging counter never answers. Asked without a time limit it fails, so that the test does not hang as well.
type hanging struct {
	throttle.Counter
	add, takeBack, reset bool
}

var errUnbounded = errors.New("asked without a time limit")

func hang(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errUnbounded
	}
	<-ctx.Done()
	return ctx.Err()
}

func (h hanging) Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (throttle.Count, error) {
	if h.add {
		return throttle.Count{}, hang(ctx)
	}
	return h.Counter.Add(ctx, key, n, now, window)
}

func (h hanging) TakeBack(ctx context.Context, key string, n int64, until time.Time) error {
	if h.takeBack {
		return hang(ctx)
	}
	return h.Counter.TakeBack(ctx, key, n, until)
}

func (h hanging) Reset(ctx context.Context, key string) error {
	if h.reset {
		return hang(ctx)
	}
	return h.Counter.Reset(ctx, key)
}

// failing is a hasher out of order.
type failing struct {
	passwords.Hasher
	err error
}

func (f failing) Verify(context.Context, string, string) error { return f.err }

// A handler that calls Local itself answers its faults like a guard does: 503.
func TestLocalFaultsAre503(t *testing.T) {
	memory := throttle.NewMemory()
	wait := func(ctx context.Context, _ string) (*hobbit, string, error) { return nil, "", hang(ctx) }
	fail := func(context.Context, string) (*hobbit, string, error) { return nil, "", errDown }
	nobody := func(context.Context, string) (*hobbit, string, error) { return nil, "", nil }
	for name, c := range map[string]struct {
		find  func(context.Context, string) (*hobbit, string, error)
		o     strategies.LocalOptions
		cause error
	}{
		"a look-up that fails":       {fail, strategies.LocalOptions{}, errDown},
		"a look-up that hangs":       {wait, strategies.LocalOptions{}, context.DeadlineExceeded},
		"a counter that fails":       {nobody, strategies.LocalOptions{Attempts: brokenCounter{}}, errDown},
		"a counter that hangs":       {nobody, strategies.LocalOptions{Attempts: hanging{Counter: memory, add: true}}, context.DeadlineExceeded},
		"a hasher that fails":        {nobody, strategies.LocalOptions{Hasher: failing{err: errDown}}, errDown},
		"a client that has hung up":  {nobody, strategies.LocalOptions{Hasher: failing{err: context.Canceled}}, context.Canceled},
		"a fault and a hung counter": {fail, strategies.LocalOptions{Attempts: hanging{Counter: memory, takeBack: true}}, errDown},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Timeout = time.Millisecond
			local := strategies.NewLocal(c.find, c.o)
			_, err := local.Verify(t.Context(), strategies.Credentials{Name: "sauron", Password: "x"})
			var fault *app.Error
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, 503, fault.Status)
			assert.ErrorIs(t, err, c.cause)
			assert.NotErrorIs(t, err, app.ErrInvalidCredentials)

			a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
				_, err := local.Authenticate(ctx)
				return err
			})
			a.OnError = func(*app.Context, error) {}
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("username=sauron&password=x"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a.ServeHTTP(w, r)
			assert.Equal(t, 503, w.Code)
		})
	}
	t.Run("what says itself how to answer keeps its answer", func(t *testing.T) {
		local := strategies.NewLocal(func(context.Context, string) (*hobbit, string, error) {
			return nil, "", &app.Error{Status: 421}
		}, strategies.LocalOptions{})
		_, err := local.Verify(t.Context(), frodo("x"))
		var e *app.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 421, e.Status)
	})
}

func TestLocalDoesNotWaitForAHungCounterAfterASuccess(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{
		Timeout: time.Millisecond, Attempts: hanging{Counter: throttle.NewMemory(), reset: true, takeBack: true},
	})
	c := frodo(password)
	c.Address = netip.MustParseAddr("192.0.2.1")
	user, err := g.local.Verify(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, &hobbit{Name: "frodo"}, user)
	assert.Contains(t, g.log.String(), "were not reset")
	assert.NotContains(t, g.log.String(), errUnbounded.Error())
}

// A reservation is taken back where it was made: an attempt that hangs until its window is over buys none in the next.
func TestLocalGivesBackToTheSameWindow(t *testing.T) {
	const limit = 10
	real := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4})
	held := &holding{Hasher: real, arrived: make(chan struct{}), goOn: make(chan struct{})}
	g := newGate(t, strategies.LocalOptions{Hasher: held, AccountLimit: limit})
	address := netip.MustParseAddr("192.0.2.1")
	var wg sync.WaitGroup
	for range limit {
		wg.Go(func() {
			_, err := g.local.Verify(t.Context(), strategies.Credentials{Name: "frodo", Password: "held", Address: address})
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	for range limit {
		<-held.arrived
	}
	g.clock.Advance(time.Hour)
	for range limit {
		assert.Equal(t, 401, g.login("frodo", "wrong").Code)
	}
	assert.Equal(t, 429, g.login("frodo", "wrong").Code)
	close(held.goOn)
	wg.Wait()
	for range limit {
		assert.Equal(t, 429, g.login("frodo", "wrong").Code)
	}
}

// holding keeps those who send the password "held" waiting, and then gives up on them.
type holding struct {
	passwords.Hasher
	arrived, goOn chan struct{}
}

func (h *holding) Verify(ctx context.Context, hash, password string) error {
	if password != "held" {
		return h.Hasher.Verify(ctx, hash, password)
	}
	h.arrived <- struct{}{}
	<-h.goOn
	return context.Canceled
}

// That a name is throttled says nothing about another name: what is answered, and at what price, depends on what was typed.
func TestLocalAliasesRevealNothingWhenThrottled(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{AccountLimit: 5})
	for range 6 {
		g.login("frodo", "wrong")
	}
	require.Equal(t, 429, g.login("frodo", "wrong").Code)
	g.computed()
	for i, try := range []string{"wrong", password, "wrong", password, "wrong", password, "wrong"} {
		want := g.login("nobody", try)
		price := g.computed()
		got := g.login("ring-bearer", try)
		assert.Equal(t, price, g.computed(), i)
		assert.Equal(t, want.Code, got.Code, i)
		assert.Equal(t, want.Body.String(), got.Body.String(), i)
		assert.Equal(t, want.Header(), got.Header(), i)
	}
	g.clock.Advance(time.Hour)
	assert.Equal(t, 200, g.login("ring-bearer", password).Code, "until the window ends")
}

func TestLocalCountsByTheAddressItIsTold(t *testing.T) {
	behindProxy := func(address func(*app.Context) netip.Addr) func(client string) int {
		g := newGate(t, strategies.LocalOptions{AddressLimit: 2, Address: address})
		n := 0
		return func(client string) int {
			n++
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf("username=orc%d&password=x", n)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Real-Ip", client)
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, r)
			return w.Code
		}
	}
	t.Run("nil is the peer", func(t *testing.T) {
		try := behindProxy(nil)
		assert.Equal(t, []int{401, 401, 429}, []int{try("192.0.2.1"), try("192.0.2.2"), try("192.0.2.3")})
	})
	t.Run("each client of a proxy has a limit of its own", func(t *testing.T) {
		try := behindProxy(func(ctx *app.Context) netip.Addr {
			a, _ := netip.ParseAddr(ctx.Request.Header.Get("X-Real-Ip"))
			return a
		})
		assert.Equal(t, []int{401, 401, 429}, []int{try("192.0.2.1"), try("192.0.2.1"), try("192.0.2.1")})
		assert.Equal(t, 401, try("192.0.2.2"))
	})
	t.Run("an invalid one switches it off", func(t *testing.T) {
		try := behindProxy(func(*app.Context) netip.Addr { return netip.Addr{} })
		for range 10 {
			assert.Equal(t, 401, try("192.0.2.1"))
		}
	})
}

// slow lets the clock run while it checks, and something happen meanwhile.
type slow struct {
	passwords.Hasher
	meanwhile func()
}

func (s slow) Verify(ctx context.Context, hash, password string) error {
	err := s.Hasher.Verify(ctx, hash, password)
	s.meanwhile()
	return err
}

func TestLocalAsksAgainAfterALongWait(t *testing.T) {
	for name, c := range map[string]struct {
		took     time.Duration
		change   func(g *gate)
		status   int
		lookups  int
		disabled bool
	}{
		"no wait, nothing changed":                 {0, nil, 200, 1, false},
		"a second, and one read is enough":         {time.Second, nil, 200, 1, false},
		"longer, and nothing changed":              {time.Second + time.Microsecond, nil, 200, 2, false},
		"longer, and the password was changed":     {8 * time.Second, func(g *gate) { g.hashes["frodo"] = g.hashes["bilbo"] }, 401, 2, false},
		"longer, and the user is gone":             {8 * time.Second, func(g *gate) { delete(g.hashes, "frodo") }, 401, 2, false},
		"longer, and the password was removed":     {8 * time.Second, func(g *gate) { g.hashes["frodo"] = "" }, 401, 2, false},
		"longer, and the user was disabled":        {8 * time.Second, nil, 401, 2, true},
		"longer, and the look-up is out of order":  {8 * time.Second, func(g *gate) { g.err = errDown }, 503, 2, false},
		"longer, and what was changed was another": {8 * time.Second, func(g *gate) { g.hashes["bilbo"] = "" }, 200, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &slow{Hasher: passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5}), meanwhile: func() {}}
			g := newGate(t, strategies.LocalOptions{Hasher: s})
			wrong := g.login("frodo", "wrong")
			g.lookups = nil
			s.meanwhile = func() {
				g.clock.Advance(c.took)
				if c.change != nil {
					c.change(g)
				}
				g.disableFrodo = c.disabled
			}
			got := g.login("frodo", password)
			assert.Equal(t, c.status, got.Code)
			assert.Len(t, g.lookups, c.lookups)
			if c.status == 401 {
				assert.Equal(t, wrong.Body.String(), got.Body.String())
			}
		})
	}
}

// Whether a user is disabled cannot be told by the time: a hash cheaper or dearer than the configured one is not touched.
func TestLocalDisabledCostsWhatAMismatchCosts(t *testing.T) {
	for _, cost := range []int{4, 5, 6} {
		g := newGate(t, strategies.LocalOptions{})
		hash, err := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: cost}).Hash(t.Context(), password)
		require.NoError(t, err)
		g.hashes["bilbo"] = hash
		for _, try := range []string{password, "wrong", strings.Repeat("x", 80)} {
			assert.Equal(t, 401, g.login("bilbo", try).Code)
			assert.Equal(t, []int{5}, g.computed(), "%d %q", cost, try)
		}
	}
}
