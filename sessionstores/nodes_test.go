package sessionstores_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/sessionstores"
)

// onTwoNodes runs test with two sites that have nothing in common but a database, or the
// memory of one process.
func onTwoNodes(t *testing.T, o app.SessionOptions, test func(t *testing.T, a, b *site)) {
	t.Helper()
	run := func(t *testing.T, a, b app.SessionStore) { test(t, newSiteWith(a, o), newSiteWith(b, o)) }
	t.Run("memory", func(t *testing.T) {
		store := sessionstores.NewMemory()
		run(t, store, store)
	})
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			run(t, sessionstores.NewBun(migrated(t, at)), sessionstores.NewBun(migrated(t, at)))
		})
	}
	t.Run("Redis", func(t *testing.T) {
		at := redistest.URL(t)
		run(t, sessionstores.NewRedis(dialTo(t, at)), sessionstores.NewRedis(dialTo(t, at)))
	})
}

// assertIn wants these cookies to be somebody's, or nobody's, on each node.
func assertIn(t *testing.T, want bool, cookies []*http.Cookie, nodes ...*site) {
	t.Helper()
	status := map[bool]int{true: 204, false: 401}[want]
	for i, node := range nodes {
		for k, cookie := range cookies {
			assert.Equal(t, status, node.send("/me", cookie).Code, "session %d on node %d", k, i)
		}
	}
}

func TestWhatOneNodeEndsIsOverOnTheNextRequestOfEvery(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(t *testing.T, b *site, cookies []*http.Cookie)
		left int // how many of three sessions, from the first
	}{
		"LogoutAll": {func(t *testing.T, b *site, _ []*http.Cookie) {
			n, err := b.sessions.LogoutAll(t.Context(), "frodo")
			require.NoError(t, err)
			assert.Equal(t, 3, n)
		}, 0},
		"LogoutOthers": {func(t *testing.T, b *site, cookies []*http.Cookie) {
			require.Equal(t, 204, b.send("/logout/others", cookies[0]).Code)
		}, 1},
		"End": {func(t *testing.T, b *site, cookies []*http.Cookie) {
			ended, err := b.sessions.End(t.Context(), "frodo", b.handle(t, cookies[2]))
			require.NoError(t, err)
			assert.True(t, ended)
		}, 2},
		"Logout": {func(t *testing.T, b *site, cookies []*http.Cookie) {
			require.Equal(t, 204, b.send("/logout", cookies[2]).Code)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			onTwoNodes(t, app.SessionOptions{}, func(t *testing.T, a, b *site) {
				frodo := []*http.Cookie{a.login(t), a.login(t), a.login(t)}
				sam := a.send("/login/sam", nil).Result().Cookies()
				assertIn(t, true, append(frodo, sam...), a, b) // each node has asked, and keeps no answer
				end.do(t, b, frodo)
				assertIn(t, true, append(frodo[:end.left:end.left], sam...), a, b)
				assertIn(t, false, frodo[end.left:], a, b)
				live, err := a.sessions.List(t.Context(), "frodo")
				require.NoError(t, err)
				assert.Len(t, live, end.left)
			})
		})
	}
}

// handle is that of the session of a cookie.
func (s *site) handle(t *testing.T, cookie *http.Cookie) (handle string) {
	t.Helper()
	s.ask(t, cookie, func(ctx *app.Context) error {
		session, err := ctx.Session()
		handle = session.Handle()
		return err
	})
	require.NotEmpty(t, handle)
	return handle
}

// ask runs h for whoever has the cookie.
func (s *site) ask(t *testing.T, cookie *http.Cookie, h app.Handler) {
	t.Helper()
	a := app.New().Use(s.sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
		ctx.Status = 204
		return h(ctx)
	})
	require.Equal(t, 204, serve(a, "/", cookie).Code)
}

func TestWhoeverEndsTheSessionOfAnotherEndsNone(t *testing.T) {
	onTwoNodes(t, app.SessionOptions{}, func(t *testing.T, a, b *site) {
		frodo := a.login(t)
		ended, err := b.sessions.End(t.Context(), "sam", a.handle(t, frodo))
		require.NoError(t, err)
		assert.False(t, ended)
		assertIn(t, true, []*http.Cookie{frodo}, a, b)
	})
}

func TestTheListOfSessionsIsTheSameOnEachNodeAndOpensNone(t *testing.T) {
	now := start
	onTwoNodes(t, app.SessionOptions{Clock: func() time.Time { return now }}, func(t *testing.T, a, b *site) {
		first := a.login(t)
		now = now.Add(30 * time.Second)
		second := b.login(t)
		for i, node := range []*site{a, b} {
			var list []app.SessionInfo
			node.ask(t, first, func(ctx *app.Context) (err error) {
				list, err = node.sessions.Mine(ctx)
				return err
			})
			require.Len(t, list, 2, "node %d", i)
			assert.Equal(t, []bool{false, true}, []bool{list[0].Current, list[1].Current})
			for k, created := range []time.Time{now, now.Add(-30 * time.Second)} { // the last used first
				assert.Equal(t, created, list[k].Created)
				assert.Equal(t, created, list[k].LoggedIn)
				assert.Equal(t, created, list[k].Seen)
				assert.Equal(t, "Palantir/1.0", list[k].Agent)
				assert.Equal(t, "192.0.2.1", list[k].Address)
			}
			shown := fmt.Sprintf("%+v", list)
			for _, cookie := range []*http.Cookie{first, second} {
				assert.NotContains(t, shown, cookie.Value)
			}
			for _, one := range list {
				assertIn(t, false, []*http.Cookie{{Name: first.Name, Value: one.Handle}}, a, b)
			}
		}
		now = now.Add(-30 * time.Second)
	})
}

func TestFiftyLoginsAtOnceLeaveAsManySessionsAsAUserMayHave(t *testing.T) {
	for _, most := range []int{5, 1} {
		t.Run(fmt.Sprint("at most ", most), func(t *testing.T) {
			onTwoNodes(t, app.SessionOptions{MaxPerUser: most}, func(t *testing.T, a, b *site) {
				sam := a.send("/login/sam", nil).Result().Cookies()
				cookies := make([]*http.Cookie, 50)
				var wg sync.WaitGroup
				for i := range cookies {
					wg.Go(func() {
						w := []*site{a, b}[i%2].send("/login", nil)
						if assert.Equal(t, 204, w.Code, w.Body) {
							cookies[i] = w.Result().Cookies()[0]
						}
					})
				}
				wg.Wait()
				works := 0
				for _, cookie := range cookies {
					status := a.send("/me", cookie).Code
					assert.Equal(t, status, b.send("/me", cookie).Code)
					if status == 204 {
						works++
					} else {
						assert.Equal(t, 401, status)
					}
				}
				assert.Equal(t, most, works)
				live, err := b.sessions.List(t.Context(), "frodo")
				require.NoError(t, err)
				assert.Len(t, live, most)
				n, err := a.sessions.LogoutAll(t.Context(), "frodo") // counts what is stored, over or not
				require.NoError(t, err)
				assert.Equal(t, most, n)
				assertIn(t, true, sam, a, b)
			})
		})
	}
}

func TestALoginBeyondTheLimitEndsTheOldest(t *testing.T) {
	now := start
	o := app.SessionOptions{MaxPerUser: 2, Idle: time.Hour, Clock: func() time.Time { now = now.Add(time.Second); return now }}
	onTwoNodes(t, o, func(t *testing.T, a, b *site) {
		first, second := a.login(t), b.login(t)
		now = now.Add(2 * time.Minute)
		assertIn(t, true, []*http.Cookie{first}, a) // it is the last that was used, and still the oldest
		third := a.login(t)
		assertIn(t, false, []*http.Cookie{first}, a, b)
		assertIn(t, true, []*http.Cookie{second, third}, a, b)

		again := b.send("/login", second).Result().Cookies() // replaces the session of that browser
		assertIn(t, false, []*http.Cookie{second}, a, b)
		assertIn(t, true, append(again, third), a, b)

		now = now.Add(time.Hour) // the two are over
		fourth, fifth := a.login(t), b.login(t)
		assertIn(t, true, []*http.Cookie{fourth, fifth}, a, b)
	})
}

func TestInSingleSessionModeWhoeverLogsInIsLoggedOutElsewhere(t *testing.T) {
	onTwoNodes(t, app.SessionOptions{MaxPerUser: 1}, func(t *testing.T, a, b *site) {
		visitor := a.send("/set/cart", nil).Result().Cookies()
		sam := b.send("/login/sam", nil).Result().Cookies()
		before := a.login(t)
		for i := range 6 {
			after := []*site{b, a}[i%2].login(t)
			assertIn(t, false, []*http.Cookie{before}, a, b)
			assertIn(t, true, []*http.Cookie{after}, a, b)
			before = after
		}
		assertIn(t, true, sam, a, b)
		a.ask(t, visitor[0], func(ctx *app.Context) error {
			session, err := ctx.Session()
			assert.NotEmpty(t, session.Handle(), "visitors are nobody's sessions")
			return err
		})
	})
}
