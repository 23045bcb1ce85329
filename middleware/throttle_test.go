package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/throttle"
)

// counters are all that there are, each without counts.
var counters = map[string]func(t *testing.T) throttle.Counter{
	"memory": func(*testing.T) throttle.Counter { return throttle.NewMemory() },
	"sqlite": func(t *testing.T) throttle.Counter {
		return bunCounter(t, "file:"+filepath.Join(t.TempDir(), "app.db"))
	},
	"postgres": func(t *testing.T) throttle.Counter { return bunCounter(t, pgtest.URL(t)) },
	"redis": func(t *testing.T) throttle.Counter {
		o, err := redis.ParseURL(redistest.URL(t))
		require.NoError(t, err)
		c := redis.NewClient(o)
		t.Cleanup(func() { assert.NoError(t, c.Close()) })
		return throttle.NewRedis(c)
	},
}

func bunCounter(t *testing.T, address string) throttle.Counter {
	t.Helper()
	db, err := database.Open(address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, throttle.Migrate(t.Context(), db))
	return throttle.NewBun(db)
}

// from is a request of a client.
func from(address string) *http.Request {
	r := get("/")
	r.RemoteAddr = address
	return r
}

const client = "192.0.2.7:4711"

func TestThrottleOnEachCounter(t *testing.T) {
	for name, open := range counters {
		t.Run(name, func(t *testing.T) {
			t.Run("lets exactly the limit of 200 at once through", func(t *testing.T) {
				counter, clock := open(t), apptest.NewClock(start)
				var let atomic.Int64
				a := quiet(middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 10, Clock: clock.Now, Timeout: time.Minute}), last(func(ctx *app.Context) error {
					let.Add(1)
					return ok(ctx)
				}))
				var all sync.WaitGroup
				var mu sync.Mutex
				seen := map[string]int{}
				for range 200 {
					all.Go(func() {
						w := httptest.NewRecorder()
						a.ServeHTTP(w, from(client))
						mu.Lock()
						defer mu.Unlock()
						seen[strconv.Itoa(w.Code)+" "+w.Header().Get("RateLimit")]++
					})
				}
				all.Wait()
				assert.EqualValues(t, 10, let.Load())
				want := map[string]int{`429 "default";r=0;t=60`: 190}
				for left := range 10 {
					want[fmt.Sprintf(`200 "default";r=%d;t=60`, left)] = 1
				}
				assert.Equal(t, want, seen, "each allowed one has a number of its own, the last one none left")

				clock.Advance(time.Minute)
				assert.Equal(t, 200, ask(from(client), middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 10, Clock: clock.Now}), last(ok)).Code, "the next window")
			})
			t.Run("keeps policies and clients apart", func(t *testing.T) {
				counter := open(t)
				throttles := []app.Middleware{
					middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1}),
					middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1, Name: "search"}),
					middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1, Window: time.Hour}),
					middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 2}),
				}
				for i, limit := range throttles {
					assert.Equal(t, 200, ask(from(client), limit, last(ok)).Code, i)
					assert.Equal(t, 200, ask(from("192.0.2.8:1"), limit, last(ok)).Code, i)
				}
				assert.Equal(t, 429, ask(from(client), throttles[0], last(ok)).Code)
				same := middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1})
				assert.Equal(t, 429, ask(from("192.0.2.8:1"), same, last(ok)).Code, "the same policy counts together, in another process, say")
			})
			t.Run("answers 503 if it cannot count", func(t *testing.T) {
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				w := ask(from(client).WithContext(gone), middleware.Throttle(open(t), middleware.ThrottleOptions{Limit: 1}), last(ok))
				assert.Equal(t, 503, w.Code)
				assert.Empty(t, w.Header().Get("RateLimit"))
			})
		})
	}
}

func TestThrottleHeaders(t *testing.T) {
	clock := apptest.NewClock(start.Add(300 * time.Millisecond))
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, Window: 90 * time.Second, LegacyHeaders: true, Clock: clock.Now})
			for i, want := range []int{end.status, 429, 429} {
				w := ask(from(client), limit, end.layer)
				assert.Equal(t, want, w.Code)
				assert.Equal(t, []string{`"default";q=1;w=90`}, w.Header()["Ratelimit-Policy"])
				assert.Equal(t, []string{`"default";r=0;t=90`}, w.Header()["Ratelimit"])
				assert.Equal(t, "1", w.Header().Get("X-RateLimit-Limit"))
				assert.Equal(t, "0", w.Header().Get("X-RateLimit-Remaining"))
				assert.Equal(t, strconv.FormatInt(start.Unix()+91, 10), w.Header().Get("X-RateLimit-Reset"), "whole seconds, not before the window is over")
				assert.Equal(t, i > 0, w.Header().Get("Retry-After") != "", "only if it is refused")
			}
		})
	}
	t.Run("Retry-After counts down and is never 0", func(t *testing.T) {
		clock := apptest.NewClock(start)
		limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, Window: 10 * time.Second, Clock: clock.Now})
		ask(from(client), limit, last(ok))
		for _, want := range []string{"10", "7", "4", "1"} {
			w := ask(from(client), limit, last(ok))
			assert.Equal(t, want, w.Header().Get("Retry-After"))
			assert.Equal(t, `"default";r=0;t=`+want, w.Header().Get("RateLimit"))
			clock.Advance(3 * time.Second)
		}
		assert.Equal(t, 200, ask(from(client), limit, last(ok)).Code)
	})
	t.Run("legacy ones only if asked for and none if not wanted", func(t *testing.T) {
		for _, c := range []struct{ none, legacy, wantNew, wantOld bool }{{false, false, true, false}, {true, false, false, false}, {true, true, false, true}} {
			w := ask(from(client), middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, NoHeaders: c.none, LegacyHeaders: c.legacy}), last(ok))
			assert.Equal(t, c.wantNew, w.Header().Get("RateLimit") != "" && w.Header().Get("RateLimit-Policy") != "")
			assert.Equal(t, c.wantOld, w.Header().Get("X-RateLimit-Limit") != "")
		}
	})
	t.Run("two on one route list both", func(t *testing.T) {
		c := throttle.NewMemory()
		clock := middleware.ThrottleOptions{Clock: apptest.NewClock(start).Now}
		all, few := clock, clock
		all.Limit, few.Limit, few.Name, few.Window = 100, 2, "search", time.Second
		w := ask(from(client), middleware.Throttle(c, all), middleware.Throttle(c, few), last(ok))
		assert.Equal(t, []string{`"default";q=100;w=60`, `"search";q=2;w=1`}, w.Header()["Ratelimit-Policy"])
		assert.Equal(t, []string{`"default";r=99;t=60`, `"search";r=1;t=1`}, w.Header()["Ratelimit"])
	})
	t.Run("a layer above has them in the error", func(t *testing.T) {
		limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1})
		ask(from(client), limit, last(ok))
		w := ask(from(client), func(ctx *app.Context, next app.Handler) error {
			var e *app.Error
			require.ErrorAs(t, next(ctx), &e)
			assert.Equal(t, 429, e.Status)
			assert.NotEmpty(t, e.Header.Get("Retry-After"))
			ctx.Status, ctx.Body = e.Status, "Retry in "+e.Header.Get("Retry-After")
			return nil
		}, limit, last(ok))
		assert.Regexp(t, `^Retry in \d+$`, w.Body.String())
	})
}

func TestThrottleByAddress(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		together            bool
	}{
		{"one address from two ports", "192.0.2.7:1", "192.0.2.7:2", true}, {"two addresses", "192.0.2.7:1", "192.0.2.8:1", false},
		{"one /64", "[2001:db8:0:1::7]:1", "[2001:db8:0:1:ffff::8]:1", true}, {"two /64", "[2001:db8:0:1::7]:1", "[2001:db8:0:2::7]:1", false},
		{"IPv4 as IPv6", "192.0.2.7:1", "[::ffff:192.0.2.7]:1", true}, {"zones", "[fe80::1%eth0]:1", "[fe80::2%eth1]:1", true},
		{"addresses that are not known", "", "@", true}, {"one that is not known and one that is", "", "192.0.2.7:1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1})
			assert.Equal(t, 200, ask(from(c.first), limit, last(ok)).Code)
			assert.Equal(t, c.together, ask(from(c.second), limit, last(ok)).Code == 429)
		})
	}
	t.Run("a client cannot claim another's address", func(t *testing.T) {
		limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1})
		ask(from(client), limit, last(ok))
		for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
			r := from(client)
			r.Header.Set(header, "198.51.100.1")
			assert.Equal(t, 429, ask(r, limit, last(ok)).Code, header)
		}
	})
	t.Run("behind a proxy each client is one", func(t *testing.T) {
		a := quiet(middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1}), last(ok))
		a.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.7"}})
		for _, c := range []struct {
			forwarded string
			want      int
		}{{"192.0.2.7", 200}, {"192.0.2.8", 200}, {"192.0.2.7", 429}, {"198.51.100.1, 192.0.2.7", 429}} {
			r, w := from("10.0.0.7:1"), httptest.NewRecorder()
			r.Header.Set("X-Forwarded-For", c.forwarded)
			a.ServeHTTP(w, r)
			assert.Equal(t, c.want, w.Code, c.forwarded)
		}
	})
}

func TestThrottleByUser(t *testing.T) {
	s, store := shire(app.SessionOptions{})
	frodo, sam := cookieOf(t, s, "frodo"), cookieOf(t, s, "sam")
	limit := func() []app.Middleware {
		return []app.Middleware{s.Layer, middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, Key: middleware.ByUser}), last(ok)}
	}
	as := func(cookie, address string) *http.Request {
		r := from(address)
		setIf(r.Header, "Cookie", cookie)
		return r
	}
	t.Run("wherever they are", func(t *testing.T) {
		stack := limit()
		assert.Equal(t, 200, ask(as(frodo, "192.0.2.7:1"), stack...).Code)
		assert.Equal(t, 200, ask(as(sam, "192.0.2.7:1"), stack...).Code, "two users at one address")
		assert.Equal(t, 429, ask(as(frodo, "192.0.2.8:1"), stack...).Code, "one user at two")
	})
	t.Run("nobody by address", func(t *testing.T) {
		stack := limit()
		assert.Equal(t, 200, ask(as("", "192.0.2.7:1"), stack...).Code)
		assert.Equal(t, 429, ask(as("__Host-session=made-up", "192.0.2.7:1"), stack...).Code, "made-up sessions are nobody")
		assert.Equal(t, 200, ask(as("", "192.0.2.8:1"), stack...).Code)
	})
	t.Run("one user whatever proved it", func(t *testing.T) {
		c := throttle.NewMemory()
		limit := middleware.Throttle(c, middleware.ThrottleOptions{Limit: 1, Key: middleware.ByUser})
		token := app.Authenticate(proving{app.Identity{User: &hobbit{"frodo"}, Subject: "frodo", Via: "bearer"}})
		assert.Equal(t, 200, ask(as(frodo, client), s.Layer, limit, last(ok)).Code)
		assert.Equal(t, 429, ask(as("", client), token, limit, last(ok)).Code)
		wizard := app.Authenticate(proving{app.Identity{User: struct{ Name string }{"frodo"}, Subject: "frodo", Via: "bearer"}})
		assert.Equal(t, 200, ask(as("", client), wizard, limit, last(ok)).Code, "another kind of user with that subject is another")
		unnamed := app.Authenticate(proving{app.Identity{User: &hobbit{"frodo"}, Via: "basic"}})
		assert.Equal(t, 200, ask(as("", client), unnamed, limit, last(ok)).Code)
		assert.Equal(t, 429, ask(as("", client), unnamed, limit, last(ok)).Code, "one without a subject is an address")
	})
	t.Run("a fault is no anonymous", func(t *testing.T) {
		store.Fail("Find")
		defer store.Heal()
		assert.Equal(t, 503, ask(as(frodo, client), limit()...).Code)
	})
}

func TestThrottleWhoIsCounted(t *testing.T) {
	key := func(ctx *app.Context) (string, error) {
		name := ctx.Request.Header.Get("X-Key")
		if name == "broken" {
			return "", assert.AnError
		}
		return name, nil
	}
	is := func(name string) func(*app.Context) bool {
		return func(ctx *app.Context) bool { return ctx.Request.Header.Get(name) != "" }
	}
	for _, c := range []struct {
		name    string
		headers []string
		want    []int
		counted bool
	}{
		{"a key", []string{"X-Key", "a"}, []int{200, 429}, true},
		{"nobody", nil, []int{200, 200}, false},
		{"who is let through", []string{"X-Key", "a", "X-Skip", "1"}, []int{200, 200}, false},
		{"who is denied", []string{"X-Key", "a", "X-Deny", "1"}, []int{403, 403}, false},
		{"who is denied and let through", []string{"X-Key", "a", "X-Deny", "1", "X-Skip", "1"}, []int{403, 403}, false},
		{"who is let through is not asked for", []string{"X-Key", "broken", "X-Skip", "1"}, []int{200, 200}, false},
		{"a key that cannot be told", []string{"X-Key", "broken"}, []int{500, 500}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			counter := &failing{Counter: throttle.NewMemory()}
			limit := middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1, Key: key, Deny: is("X-Deny"), Skip: is("X-Skip")})
			for _, want := range c.want {
				w := ask(get("/", c.headers...), limit, last(ok))
				assert.Equal(t, want, w.Code)
				assert.Equal(t, c.counted, w.Header().Get("RateLimit") != "")
			}
			assert.Equal(t, c.counted, counter.asked > 0)
		})
	}
	t.Run("what is refused runs nothing below", func(t *testing.T) {
		limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1})
		ran := 0
		for range 3 {
			ask(from(client), limit, last(func(*app.Context) error { ran++; return nil }))
		}
		assert.Equal(t, 1, ran)
	})
}

// failing is a counter that may be down.
type failing struct {
	throttle.Counter
	err   error
	hangs bool
	asked int
}

func (f *failing) Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (throttle.Count, error) {
	f.asked++
	if f.hangs {
		<-ctx.Done()
		return throttle.Count{}, ctx.Err()
	}
	if f.err != nil {
		return throttle.Count{}, f.err
	}
	return f.Counter.Add(ctx, key, n, now, window)
}

func TestThrottleWithoutItsCounter(t *testing.T) {
	for _, c := range []struct {
		name    string
		counter *failing
	}{
		{"a counter that is down", &failing{err: assert.AnError}}, {"a counter that hangs", &failing{hangs: true}},
	} {
		bubble(t, c.name, func(t *testing.T) {
			began := time.Now()
			w := ask(from(client), middleware.Throttle(c.counter, middleware.ThrottleOptions{Limit: 1}), last(ok))
			assert.Equal(t, 503, w.Code)
			assert.NotContains(t, w.Body.String(), "assert.AnError")
			assert.Empty(t, w.Header().Get("Retry-After"))
			assert.Empty(t, w.Header().Get("RateLimit"))
			assert.LessOrEqual(t, time.Since(began), 2*time.Second)
		})
		bubble(t, c.name+" lets through if that is wanted", func(t *testing.T) {
			var l lines
			w := ask(from(client), middleware.Throttle(c.counter, middleware.ThrottleOptions{Limit: 1, InsecureFailOpen: true, Timeout: time.Second, Logger: l.logger()}), last(ok))
			assert.Equal(t, 200, w.Code)
			assert.Empty(t, w.Header().Get("RateLimit"))
			require.Len(t, l.all(t), 1)
			assert.Equal(t, "WARN", l.all(t)[0]["level"])
		})
	}
	t.Run("a key that cannot be told is no reason to let through", func(t *testing.T) {
		o := middleware.ThrottleOptions{Limit: 1, InsecureFailOpen: true, Key: func(*app.Context) (string, error) { return "", assert.AnError }}
		assert.Equal(t, 500, ask(from(client), middleware.Throttle(throttle.NewMemory(), o), last(ok)).Code)
	})
	t.Run("a login is counted though requests are not", func(t *testing.T) {
		// Both over one counter: the general one is open, the login's own answers for itself.
		counter := &failing{err: assert.AnError}
		open := middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1, InsecureFailOpen: true, Logger: slog.New(slog.DiscardHandler)})
		strict := middleware.Throttle(counter, middleware.ThrottleOptions{Limit: 1, Name: "login"})
		assert.Equal(t, 503, ask(from(client), open, strict, last(ok)).Code)
	})
}

func TestThrottleRefuses(t *testing.T) {
	one := func(change func(o *middleware.ThrottleOptions)) func() {
		return func() {
			o := middleware.ThrottleOptions{Limit: 1}
			change(&o)
			middleware.Throttle(throttle.NewMemory(), o)
		}
	}
	for name, c := range map[string]struct {
		want string
		f    func()
	}{
		"no counter":              {"needs a counter", func() { middleware.Throttle(nil, middleware.ThrottleOptions{Limit: 1}) }},
		"no limit":                {"from one to a million", one(func(o *middleware.ThrottleOptions) { o.Limit = 0 })},
		"a negative limit":        {"from one to a million", one(func(o *middleware.ThrottleOptions) { o.Limit = -1 })},
		"too high a limit":        {"from one to a million", one(func(o *middleware.ThrottleOptions) { o.Limit = 1_000_001 })},
		"a negative window":       {"whole seconds", one(func(o *middleware.ThrottleOptions) { o.Window = -time.Minute })},
		"a window below a second": {"whole seconds", one(func(o *middleware.ThrottleOptions) { o.Window = time.Millisecond })},
		"parts of a second":       {"whole seconds", one(func(o *middleware.ThrottleOptions) { o.Window = 1500 * time.Millisecond })},
		"a window of two years":   {"at most a year", one(func(o *middleware.ThrottleOptions) { o.Window = 2 * 366 * 24 * time.Hour })},
		"a negative timeout":      {"Timeout is negative", one(func(o *middleware.ThrottleOptions) { o.Timeout = -1 })},
		"a name with a quote":     {"is no name", one(func(o *middleware.ThrottleOptions) { o.Name = `a"b` })},
		"a name with a space":     {"is no name", one(func(o *middleware.ThrottleOptions) { o.Name = "a b" })},
		"a name of two lines":     {"is no name", one(func(o *middleware.ThrottleOptions) { o.Name = "a\r\nb" })},
	} {
		t.Run(name, func(t *testing.T) { panics(t, c.want, c.f) })
	}
}

func ExampleThrottle() {
	a := app.New().Use(middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 2}), last(ok))
	for range 3 {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		left, _, _ := strings.Cut(w.Header().Get("RateLimit"), ";t=")
		fmt.Println(w.Code, left, w.Header().Get("Retry-After") != "")
	}
	// Output:
	// 200 "default";r=1 false
	// 200 "default";r=0 false
	// 429 "default";r=0 true
}
