package strategies_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
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
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A node is one process of an application that issues JWTs.
type node struct {
	jwt   *strategies.JWT
	clock *apptest.Clock
	app   *app.App

	mu     sync.Mutex
	events []app.EventName
}

// newNode makes one over stores that it shares with others. All nodes have one key.
func newNode(store tokenstores.Store, denylist tokenstores.Denylist, edit ...func(o *strategies.JWTOptions)) *node {
	n := &node{clock: apptest.NewClock(landing)}
	o := strategies.JWTOptions{
		Issuer: shire, Audience: shireAPI, Denylist: denylist, Refresh: strategies.RefreshOptions{Store: store}, Clock: n.clock.Now,
		Keys:    must(strategies.NewJWTKeys(strategies.JWTKey{ID: "shared", Algorithm: "HS256", Key: []byte("speak, friend, and enter the mines")})),
		Timeout: time.Minute, // of which a crowd on a slow machine may need more than two seconds
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, f := range edit {
		f(&o)
	}
	n.jwt = strategies.NewJWT(&people{}, o)
	n.app = app.New().Use(n.route)
	n.app.Logger = o.Logger
	n.app.OnEvent = func(_ *app.Context, e app.Event) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, e.Name)
	}
	return n
}

func (n *node) route(ctx *app.Context, _ app.Handler) error {
	switch ctx.Request.URL.Path {
	case "/refresh":
		pair, err := n.jwt.Refresh(ctx, ctx.Request.Header.Get("Refresh"), strategies.RefreshRequest{})
		if err == nil {
			ctx.Body = pair
		}
		return err
	case "/logout":
		return app.Authenticate(n.jwt)(ctx, func(ctx *app.Context) error {
			ctx.Status = http.StatusNoContent
			return ctx.Logout()
		})
	}
	return app.Authenticate(n.jwt)(ctx, fine)
}

// A wirePair is what a client knows.
type wirePair struct {
	Status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (n *node) refresh(text string) (p wirePair) {
	r := httptest.NewRequest(http.MethodPost, "/refresh", nil)
	r.Header.Set("Refresh", text)
	w := httptest.NewRecorder()
	n.app.ServeHTTP(w, r)
	if p.Status = w.Code; p.Status == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			panic(err)
		}
	}
	return p
}

func (n *node) get(path, access string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+access)
	w := httptest.NewRecorder()
	n.app.ServeHTTP(w, r)
	return w.Code
}

func (n *node) login(t testing.TB) wirePair {
	t.Helper()
	pair, err := n.jwt.Issue(t.Context(), ringBearer, strategies.PairOptions{})
	require.NoError(t, err)
	return wirePair{200, pair.Access(), pair.Refresh()}
}

// crowd calls refresh from many goroutines at once, and returns what they were answered.
func (n *node) crowd(size int, text string) []wirePair {
	answers := make([]wirePair, size)
	var ready, all sync.WaitGroup
	ready.Add(size)
	for i := range answers {
		all.Go(func() {
			ready.Done()
			ready.Wait()
			answers[i] = n.refresh(text)
		})
	}
	all.Wait()
	return answers
}

// stores opens those of one sort twice, as two processes would.
type stores func(t testing.TB) (tokenstores.Store, tokenstores.Denylist)

func openBun(t testing.TB, address string) (tokenstores.Store, tokenstores.Denylist) {
	t.Helper()
	db, err := database.Open(address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	return tokenstores.NewBun(db), tokenstores.NewBunDenylist(db)
}

func openRedis(t testing.TB, address string) (tokenstores.Store, tokenstores.Denylist) {
	t.Helper()
	o, err := redis.ParseURL(address)
	require.NoError(t, err)
	o.PoolTimeout = time.Minute
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return tokenstores.NewRedis(c), tokenstores.NewRedisDenylist(c)
}

var backends = map[string]stores{
	"memory": func(testing.TB) (tokenstores.Store, tokenstores.Denylist) {
		return tokenstores.NewMemory(), tokenstores.NewMemoryDenylist()
	},
	"SQLite": func(t testing.TB) (tokenstores.Store, tokenstores.Denylist) {
		return openBun(t, "file:"+filepath.Join(t.TempDir(), "app.db"))
	},
	"Postgres": func(t testing.TB) (tokenstores.Store, tokenstores.Denylist) { return openBun(t, pgtest.URL(t)) },
	"Redis":    func(t testing.TB) (tokenstores.Store, tokenstores.Denylist) { return openRedis(t, redistest.URL(t)) },
}

// onEachStore runs a test on a node over each sort of store.
func onEachStore(t *testing.T, test func(t *testing.T, n *node), edit ...func(o *strategies.JWTOptions)) {
	t.Helper()
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			store, denylist := open(t)
			test(t, newNode(store, denylist, edit...))
		})
	}
}

const crowdSize = 200

// rounds are those of the race that happens to honest clients; rarer ones take a fifth, since
// all of them would take minutes under the race detector.
var rounds = flag.Int("rounds", 100, "how often a race of refreshes is run on each store")

// F11: whoever comes while the token is being exchanged gets the one successor.
func TestACrowdOfRefreshesHasOneSuccessor(t *testing.T) {
	onEachStore(t, func(t *testing.T, n *node) {
		for range *rounds {
			first := n.login(t)
			second := n.oneSuccessor(t, n.crowd(crowdSize, first.Refresh))
			n.oneLiveBranch(t, first, second)
		}
	})
}

// oneSuccessor returns the pair that all were answered with.
func (n *node) oneSuccessor(t *testing.T, answers []wirePair) wirePair {
	t.Helper()
	for _, a := range answers {
		require.Equal(t, 200, a.Status)
		require.Equal(t, answers[0].Refresh, a.Refresh)
		require.Equal(t, answers[0].Access, a.Access, "HS256 makes the same text of the same claims")
	}
	return answers[0]
}

// oneLiveBranch follows the successor, and then shows that the device is one.
func (n *node) oneLiveBranch(t *testing.T, first, second wirePair) {
	t.Helper()
	require.Len(t, must(n.jwt.Devices(t.Context(), ringBearer)), 1)
	third := n.refresh(second.Refresh)
	require.Equal(t, 200, third.Status)
	require.Equal(t, 200, n.get("/", third.Access))
	require.Equal(t, 401, n.refresh(first.Refresh).Status, "its successor was used")
	n.dead(t, first, second, third)
	require.Empty(t, must(n.jwt.Devices(t.Context(), ringBearer)))
}

func (n *node) dead(t *testing.T, pairs ...wirePair) {
	t.Helper()
	for _, p := range pairs {
		require.Equal(t, 401, n.refresh(p.Refresh).Status)
		require.Equal(t, 401, n.get("/", p.Access))
	}
}

func TestACrowdWithoutGraceEndsTheDevice(t *testing.T) {
	onEachStore(t, func(t *testing.T, n *node) {
		for range *rounds / 5 {
			first := n.login(t)
			pairs := []wirePair{first}
			for _, a := range n.crowd(crowdSize, first.Refresh) {
				if a.Status == 200 {
					pairs = append(pairs, a)
					continue
				}
				require.Equal(t, 401, a.Status)
			}
			require.LessOrEqual(t, len(pairs), 2, "at most one successor")
			n.dead(t, pairs...)
			require.Empty(t, must(n.jwt.Devices(t.Context(), ringBearer)))
		}
		assert.Contains(t, n.events, app.EventReused)
	}, func(o *strategies.JWTOptions) { o.Refresh.Grace = strategies.NoGrace })
}

// endings are ways in which a device ends while it is being refreshed. They report whether
// they did it.
var endings = map[string]func(n *node, p wirePair) bool{
	"RevokeAll": func(n *node, _ wirePair) bool {
		_, err := n.jwt.RevokeAll(context.Background(), ringBearer, "")
		return err == nil
	},
	"Revoke": func(n *node, p wirePair) bool {
		_, err := n.jwt.Revoke(context.Background(), ringBearer, p.Refresh[len("kahu_refresh_"):][:22])
		return err == nil
	},
	"revoking a refresh token": func(n *node, p wirePair) bool {
		_, err := n.jwt.RevokeText(context.Background(), p.Refresh, "")
		return err == nil
	},
	"logout": func(n *node, p wirePair) bool { return n.get("/logout", p.Access) == 204 },
}

// R72: whoever refreshes at the same time keeps nothing.
func TestEndingADeviceThatIsBeingRefreshed(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, n *node) {
				for range *rounds / 5 {
					first := n.login(t)
					n.dead(t, during(func() { assert.True(t, end(n, first)) }, func() []wirePair { return n.follow(first) })...)
					first = n.login(t)
					n.dead(t, during(func() { assert.True(t, end(n, first)) }, func() []wirePair { return n.crowd(8, first.Refresh) })...)
					n.dead(t, first)
				}
			})
		})
	}
}

// during does both at once, and returns the pairs that there were.
func during(end func(), refresh func() []wirePair) (pairs []wirePair) {
	var both sync.WaitGroup
	both.Go(func() { pairs = refresh() })
	both.Go(end)
	both.Wait()
	return slices.DeleteFunc(pairs, func(p wirePair) bool { return p.Status == 401 })
}

// follow refreshes a device, token by token, until it is ended.
func (n *node) follow(first wirePair) (pairs []wirePair) {
	for last := first; last.Status == 200; last = n.refresh(last.Refresh) {
		pairs = append(pairs, last)
	}
	return pairs
}
