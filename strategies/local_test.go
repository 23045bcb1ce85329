package strategies_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
)

var errDown = errors.New("database down")

type hobbit struct {
	Name     string
	Disabled bool
}

// A gate is a login with everything that it asks in view.
type gate struct {
	mu      sync.Mutex
	costs   []int // of the hashes computed
	lookups []string
	err     error // of the next look-ups
	clock   *apptest.Clock
	log     bytes.Buffer
	hashes  map[string]string // by name

	disableFrodo bool
	local        *strategies.Local
	handler      http.Handler
}

const (
	password = "precious-ring-1954"
)

// newGate makes one with bcrypt at cost 5. frodo, also known as ring-bearer, has a
// password; bilbo is disabled, gollum has none, boromir's hash is of a lower cost, and
// saruman's is planted to take hours.
func newGate(t *testing.T, o strategies.LocalOptions) *gate {
	t.Helper()
	g := &gate{clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 5, Gate: passwords.NewGate(passwords.GateOptions{Concurrent: 2, Queue: 1000}), Observe: g.observe})
	weaker := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4})
	hash := func(h *passwords.Bcrypt) string {
		text, err := h.Hash(t.Context(), password)
		require.NoError(t, err)
		return text
	}
	frodo := hash(hasher)
	g.hashes = map[string]string{
		"frodo": frodo, "ring-bearer": frodo, "bilbo": hash(hasher), "gollum": "", "boromir": hash(weaker),
		"saruman": strings.Replace(frodo, "$05$", "$31$", 1),
	}
	g.costs = nil
	if o.Hasher == nil {
		o.Hasher = hasher
	}
	o.Disabled = func(user any) bool { return user.(*hobbit).Disabled }
	o.Clock = g.clock.Now
	o.Logger = slog.New(slog.NewTextHandler(&g.log, nil))
	g.local = strategies.NewLocal(g.find, o)
	a := app.New().Use(app.Authenticate(g.local), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = ctx.User().(*hobbit).Name
		return nil
	})
	a.Logger = o.Logger
	g.handler = a
	return g
}

func (g *gate) observe(cost int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.costs = append(g.costs, cost)
}

func (g *gate) computed() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	costs := g.costs
	g.costs = nil
	return costs
}

func (g *gate) find(_ context.Context, name string) (*hobbit, string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookups = append(g.lookups, name)
	if g.err != nil {
		return nil, "", g.err
	}
	hash, known := g.hashes[name]
	if !known {
		return nil, "", sql.ErrNoRows
	}
	return &hobbit{name, name == "bilbo" || g.disableFrodo && name == "frodo"}, hash, nil
}

func (g *gate) send(contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	return w
}

func (g *gate) login(name, password string) *httptest.ResponseRecorder {
	return g.send("application/json", fmt.Sprintf(`{"username":%q,"password":%q}`, name, password))
}

func TestLocal(t *testing.T) {
	t.Run("takes JSON and forms", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		assert.Equal(t, "frodo", g.login("frodo", password).Body.String())
		assert.Equal(t, "frodo", g.send("application/x-www-form-urlencoded", "username=frodo&password="+password).Body.String())
	})
	t.Run("takes fields of other names", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{Username: "email", Password: "secret"})
		assert.Equal(t, 200, g.send("application/json", `{"email":"frodo","secret":"`+password+`"}`).Code)
		assert.Equal(t, 401, g.login("frodo", password).Code)
	})
	t.Run("a credential of neither field is none", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		for _, body := range []string{"{}", `{"USERNAME":"frodo","PASSWORD":"x"}`, ""} {
			assert.Equal(t, 401, g.send("application/json", body).Code, body)
		}
		assert.Empty(t, g.lookups)
	})
	t.Run("one field, an empty one, and what is no string are 400 before any question", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		for _, body := range []string{
			`{"username":"frodo"}`, `{"password":"x"}`, `{"username":"","password":"x"}`, `{"username":"frodo","password":""}`,
			`{"username":["frodo"],"password":"x"}`, `{"username":{"a":1},"password":"x"}`, `{"username":"frodo","password":0}`,
			`{"username":"frodo","password":null}`, `{"username":"frodo","password":true}`, `{"username":"frodo","PASSWORD":"x"}`,
			`{"username":"frodo","username":"sam","password":"x"}`, `{"username":"frodo","password":"x"}{}`, `[]`, `"frodo"`, `{`,
		} {
			w := g.send("application/json", body)
			assert.Equal(t, 400, w.Code, body)
		}
		assert.Empty(t, g.lookups)
		assert.Empty(t, g.computed())
	})
	t.Run("the query string is not read", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		r := httptest.NewRequest(http.MethodPost, "/?username=frodo&password="+password, nil)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		assert.Equal(t, 401, w.Code)
		r = httptest.NewRequest(http.MethodPost, "/?password="+password, strings.NewReader("username=frodo"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w = httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		assert.Equal(t, 400, w.Code)
		assert.Empty(t, g.lookups)
	})
	t.Run("names are canonical, and no names are 400 before any question", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		assert.Equal(t, 200, g.login(" FRODO ", password).Code)
		assert.Equal(t, []string{"frodo"}, g.lookups)
		for _, name := range []string{"fro\x00do", "fro\ndo", "\u202efrodo", strings.Repeat("a", 257), " ", "fro\u200bdo"} {
			assert.Equal(t, 400, g.login(name, password).Code, name)
		}
		assert.Len(t, g.lookups, 1)
	})
	t.Run("a fault of the look-up is 5xx, never a wrong password", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		g.err = errDown
		assert.Equal(t, 503, g.login("frodo", password).Code)
	})
	t.Run("is one look-up", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		g.login("frodo", password)
		assert.Len(t, g.lookups, 1)
	})
	t.Run("construction refuses what makes no sense", func(t *testing.T) {
		find := func(context.Context, string) (*hobbit, string, error) { return nil, "", nil }
		assert.Panics(t, func() { strategies.NewLocal[*hobbit](nil, strategies.LocalOptions{}) })
		for _, o := range []strategies.LocalOptions{{AccountLimit: -1}, {AddressLimit: -1}, {Window: -1}, {Timeout: -1}} {
			assert.Panics(t, func() { strategies.NewLocal(find, o) })
		}
	})
}

// Everything that is wrong about a pair is one answer at the price of one hash of the
// configured cost. (A hash at the price of the decoy's: traps "a decoy hash made late"
// and "sql.ErrNoRows as a 500 for unknown names".)
func TestLocalAnswersAlikeForEveryWrongPair(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{})
	want := g.login("sauron", password)
	require.Equal(t, 401, want.Code)
	assert.JSONEq(t, `{"errors":[{"title":"Wrong username or password","status":401}]}`, want.Body.String())
	assert.NotEmpty(t, want.Header().Get("WWW-Authenticate"))
	assert.Equal(t, []int{5}, g.computed())
	for name, pair := range map[string][2]string{
		"a wrong password":                  {"frodo", "wrong"},
		"a disabled user's right password":  {"bilbo", password},
		"a disabled user's wrong password":  {"bilbo", "wrong"},
		"a user without a password":         {"gollum", password},
		"a hash that would take hours":      {"saruman", password},
		"a password with a tail":            {"frodo", password + "x"},
		"a password with a space":           {"frodo", password + " "},
		"a password in other case":          {"frodo", strings.ToUpper(password)},
		"a password with NUL":               {"frodo", password + "\x00"},
		"the password, NUL, the password":   {"frodo", password + "\x00" + password},
		"NUL alone":                         {"frodo", "\x00"},
		"more than 72 bytes":                {"frodo", password + strings.Repeat("x", 100)},
		"ten thousand bytes":                {"frodo", strings.Repeat("x", 10_000)},
		"what looks like a query":           {"' OR '1'='1", "' OR '1'='1"},
		"a name that is another's password": {password, "frodo"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.send("application/json", fmt.Sprintf(`{"username":%q,"password":"%s"}`, pair[0], strings.ReplaceAll(pair[1], "\x00", `\u0000`)))
			assert.Equal(t, want.Code, got.Code)
			assert.Equal(t, want.Body.String(), got.Body.String())
			assert.Equal(t, want.Header(), got.Header())
			assert.Equal(t, []int{5}, g.computed())
		})
	}
	assert.NotContains(t, g.log.String(), password)
	assert.NotContains(t, g.log.String(), g.hashes["frodo"])
	assert.Contains(t, g.log.String(), "cannot be used", "the owner hears of the planted hash")
}

func TestLocalTellsUnknownOnlyIfAsked(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{InsecureTellUnknown: true})
	assert.JSONEq(t, `{"errors":[{"title":"User not found","status":401}]}`, g.login("sauron", "x").Body.String())
	assert.JSONEq(t, `{"errors":[{"title":"Password does not match","status":401}]}`, g.login("frodo", "x").Body.String())
}

func TestLocalRenewsHashes(t *testing.T) {
	type call struct{ name, old, hash string }
	var calls []call
	var fail error
	o := strategies.LocalOptions{Rehash: func(_ context.Context, user any, old, hash string) error {
		calls = append(calls, call{user.(*hobbit).Name, old, hash})
		return fail
	}}
	g := newGate(t, o)
	assert.Equal(t, 200, g.login("frodo", password).Code)
	assert.Equal(t, 401, g.login("boromir", "wrong").Code)
	assert.Empty(t, calls, "a hash that is strong enough, and a wrong password")
	assert.Equal(t, 200, g.login("boromir", password).Code)
	require.Len(t, calls, 1)
	assert.Equal(t, "boromir", calls[0].name)
	assert.Equal(t, g.hashes["boromir"], calls[0].old)
	assert.True(t, strings.HasPrefix(calls[0].hash, "$2a$05$"))
	fail = errDown
	assert.Equal(t, 200, g.login("boromir", password).Code, "a hash that cannot be stored does not fail the login")
	assert.Contains(t, g.log.String(), "could not be renewed")
	assert.NotContains(t, g.log.String(), calls[0].hash)
}

func TestLocalThrottlesAccounts(t *testing.T) {
	const limit = 10
	// try200 tries that many wrong passwords at once, under names in turn.
	try200 := func(g *gate, names ...string) (refused int32) {
		var n atomic.Int32
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				if w := g.login(names[i%len(names)], "wrong"); w.Code == 429 {
					n.Add(1)
				}
			})
		}
		wg.Wait()
		return n.Load()
	}
	t.Run("of 200 at once the limit is tried, and the right password is refused alike until the window ends", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AccountLimit: limit, Window: time.Hour})
		assert.EqualValues(t, 200-limit, try200(g, "frodo", "Frodo", " FRODO\t"))
		assert.Len(t, g.computed(), limit, "spellings share the count")
		wrong, right := g.login("frodo", "wrong"), g.login("frodo", password)
		assert.Equal(t, 429, right.Code)
		assert.Equal(t, wrong.Body.String(), right.Body.String())
		assert.Equal(t, wrong.Header(), right.Header())
		assert.Equal(t, "3600", right.Header().Get("Retry-After"))
		assert.Empty(t, g.computed(), "nothing is hashed")
		g.clock.Advance(time.Hour - time.Second)
		assert.Equal(t, "1", g.login("frodo", password).Header().Get("Retry-After"))
		g.clock.Advance(time.Second)
		assert.Equal(t, 200, g.login("frodo", password).Code)
		for range limit {
			assert.Equal(t, 401, g.login("frodo", "wrong").Code)
		}
		assert.Equal(t, 429, g.login("frodo", "wrong").Code, "armed again after the window")
	})
	t.Run("of 200 at once under several names the limit is tried against the account's hash", func(t *testing.T) {
		spy := &checks{Hasher: passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: passwords.NewGate(passwords.GateOptions{Queue: 1000})})}
		g := newGate(t, strategies.LocalOptions{AccountLimit: limit, Hasher: spy})
		assert.EqualValues(t, 200-2*limit, try200(g, "frodo", "ring-bearer", "RING-bearer", "Frodo"))
		assert.EqualValues(t, limit, spy.real.Load(), "aliases share the account's count")
		assert.EqualValues(t, limit, spy.decoys.Load(), "and cost what unknown names cost")
		for _, name := range []string{"frodo", "ring-bearer"} {
			assert.Equal(t, 429, g.login(name, password).Code, name)
		}
	})
	t.Run("an unknown name is throttled as a known one is", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AccountLimit: limit})
		for range limit {
			assert.Equal(t, 401, g.login("sauron", "wrong").Code)
		}
		assert.Equal(t, 429, g.login("sauron", "wrong").Code)
		assert.Equal(t, 401, g.login("saruman", "wrong").Code)
	})
	t.Run("a success forgets the failures", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AccountLimit: limit})
		for range 5 {
			for range limit - 1 {
				require.Equal(t, 401, g.login("frodo", "wrong").Code)
			}
			require.Equal(t, 200, g.login("frodo", password).Code)
		}
	})
	t.Run("a password that was not checked is not counted", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AccountLimit: 1})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 5 {
			_, err := g.local.Verify(ctx, strategies.Credentials{Name: "frodo", Password: password})
			require.ErrorIs(t, err, context.Canceled)
		}
		_, err := g.local.Verify(t.Context(), strategies.Credentials{Name: "frodo", Password: password})
		assert.NoError(t, err)
	})
	t.Run("a counter that fails is 5xx, and nothing is hashed", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{Attempts: brokenCounter{}})
		assert.Equal(t, 503, g.login("frodo", password).Code)
		assert.Empty(t, g.computed())
	})
}

// checks counts the passwords that are compared with a hash, and those with none.
type checks struct {
	passwords.Hasher
	real, decoys atomic.Int32
}

func (c *checks) Verify(ctx context.Context, hash, password string) error {
	if hash == "" {
		c.decoys.Add(1)
	} else {
		c.real.Add(1)
	}
	return c.Hasher.Verify(ctx, hash, password)
}

type brokenCounter struct{}

func (brokenCounter) Add(context.Context, string, int64, time.Time, time.Duration) (throttle.Count, error) {
	return throttle.Count{}, errDown
}
func (brokenCounter) TakeBack(context.Context, string, int64, time.Time) error { return errDown }
func (brokenCounter) Reset(context.Context, string) error                      { return errDown }

func TestLocalThrottlesAddresses(t *testing.T) {
	g := newGate(t, strategies.LocalOptions{AddressLimit: 3})
	verify := func(name, password, address string) error {
		_, err := g.local.Verify(t.Context(), strategies.Credentials{Name: name, Password: password, Address: netip.MustParseAddr(address)})
		return err
	}
	for i := range 3 {
		assert.ErrorIs(t, verify(fmt.Sprint("orc", i), "x", "2001:db8::1"), app.ErrInvalidCredentials)
	}
	tooMany := func(err error) bool {
		e, ok := errors.AsType[*app.Error](err)
		return ok && e.Status == 429
	}
	assert.True(t, tooMany(verify("orc9", "x", "2001:db8::1")))
	assert.True(t, tooMany(verify("orc9", "x", "2001:db8::ffff:1")), "a /64 is one address")
	assert.True(t, tooMany(verify("frodo", password, "2001:db8::1")), "the right password too")
	assert.NoError(t, verify("frodo", password, "2001:db8:0:1::1"), "another network")
	assert.NoError(t, verify("frodo", password, "192.0.2.1"))
	for range 10 {
		assert.NoError(t, verify("frodo", password, "192.0.2.1"), "successes do not count")
	}
	for i := range 3 {
		assert.ErrorIs(t, verify(fmt.Sprint("orc", i), "x", "192.0.2.1"), app.ErrInvalidCredentials)
	}
	assert.True(t, tooMany(verify("orc9", "x", "::ffff:192.0.2.1")), "an IPv4 address in IPv6 is the same")
}

func TestLocalUnderLoadSaysWhenToComeBack(t *testing.T) {
	hashing, goOn := make(chan struct{}), make(chan struct{})
	once := sync.Once{}
	busy := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1}), Observe: func(int) {
		once.Do(func() { close(hashing) })
		<-goOn
	}})
	g := newGate(t, strategies.LocalOptions{Hasher: busy, AccountLimit: 2})
	var wg sync.WaitGroup
	wg.Go(func() { g.login("sauron", "x") })
	<-hashing
	codes := make(chan int, 10)
	for i := range 10 {
		wg.Go(func() {
			w := g.login(fmt.Sprint("orc", i), "x")
			if w.Code == 503 {
				assert.Equal(t, "1", w.Header().Get("Retry-After"))
			}
			codes <- w.Code
		})
	}
	for range 9 {
		assert.Equal(t, 503, <-codes)
	}
	close(goOn)
	wg.Wait()
	assert.Equal(t, 401, <-codes, "the one that waited")
}

func TestCredentialsPrintNoPassword(t *testing.T) {
	c := strategies.Credentials{Name: "frodo", Password: password}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", c, c, c, &c), password)
	b, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, `{"username":"frodo"}`, string(b))
}
