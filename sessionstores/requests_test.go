package sessionstores_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
)

// onEveryStore runs test with each store of this package.
func onEveryStore(t *testing.T, test func(t *testing.T, store app.SessionStore)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, sessionstores.NewMemory()) })
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) { test(t, sessionstores.NewBun(migrated(t, address(t)))) })
	}
	t.Run("Redis", func(t *testing.T) { test(t, sessionstores.NewRedis(dial(t))) })
}

// names is a Serializer of users that are their own subjects.
var names = serializer.New(func(name string) string { return name }, func(_ context.Context, name string) (string, error) { return name, nil })

// A site is an application over a store.
type site struct {
	sessions *app.Sessions
	handler  http.Handler
	loaded   chan struct{} // a slow request has loaded its session
	goOn     chan struct{}
}

func newSite(store app.SessionStore) *site { return newSiteWith(store, app.SessionOptions{}) }

func newSiteWith(store app.SessionStore, o app.SessionOptions) *site {
	s := &site{sessions: app.NewSessions(store, names, o), loaded: make(chan struct{}), goOn: make(chan struct{})}
	s.handler = app.New().Use(s.sessions.Layer, func(ctx *app.Context, _ app.Handler) error { return s.route(ctx) })
	return s
}

func (s *site) route(ctx *app.Context) error {
	ctx.Status = 204
	switch path := ctx.Request.URL.Path; path {
	case "/login":
		return ctx.Login("frodo")
	case "/login/sam":
		return ctx.Login("sam")
	case "/logout":
		return ctx.Logout()
	case "/logout/others":
		_, err := s.sessions.LogoutOthers(ctx)
		return err
	case "/me":
		return app.RequireLogin(ctx, func(*app.Context) error { return nil })
	case "/slow":
		return s.slow(ctx)
	default:
		session, err := ctx.Session()
		if err != nil {
			return err
		}
		return session.Set(strings.TrimPrefix(path, "/set/"), 1)
	}
}

func (s *site) slow(ctx *app.Context) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	s.loaded <- struct{}{}
	<-s.goOn
	return session.Set("slow", 1)
}

func (s *site) send(path string, cookie *http.Cookie) *httptest.ResponseRecorder {
	return serve(s.handler, path, cookie)
}

func serve(h http.Handler, path string, cookie *http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("User-Agent", "Palantir/1.0")
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (s *site) login(t *testing.T) *http.Cookie {
	t.Helper()
	w := s.send("/login", nil)
	require.Equal(t, 204, w.Code, w.Body)
	require.Len(t, w.Result().Cookies(), 1)
	return w.Result().Cookies()[0]
}

// Trap: a logged-out session written back.
func TestSlowRequestAgainstLogout(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		s := newSite(store)
		for range 200 {
			cookie := s.login(t)
			slow := make(chan *httptest.ResponseRecorder)
			go func() { slow <- s.send("/slow", cookie) }()
			<-s.loaded
			require.Equal(t, 204, s.send("/logout", cookie).Code)
			s.goOn <- struct{}{}
			w := <-slow
			require.Equal(t, 204, w.Code)
			require.Empty(t, w.Result().Cookies())
			require.Equal(t, 401, s.send("/me", cookie).Code, "the session is back")
		}
		live, err := s.sessions.List(t.Context(), "frodo")
		require.NoError(t, err)
		assert.Empty(t, live)
	})
}

// The same without an order that is arranged: whoever is first, nobody is let in.
func TestLogoutDuringRequests(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		s := newSite(store)
		for range 20 {
			cookie := s.login(t)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() { s.send(fmt.Sprint("/set/k", i), cookie) })
			}
			wg.Go(func() { assert.Equal(t, 204, s.send("/logout", cookie).Code) })
			wg.Wait()
			require.Equal(t, 401, s.send("/me", cookie).Code)
		}
	})
}

func TestWritersOfDifferentKeysAreNotLost(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		s := newSite(store)
		cookie := s.login(t)
		require.Equal(t, 204, s.send("/set/first", cookie).Code)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() { assert.Equal(t, 204, s.send("/set/k"+strconv.Itoa(i), cookie).Code) })
		}
		wg.Wait()
		list, err := store.(app.SessionLister).ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Len(t, list[0].Data, 21)
	})
}

func TestFiftyLoginsAtOnceAreFiftySessions(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		s := newSite(store)
		cookies := make(chan *http.Cookie, 50)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				w := s.send("/login", nil)
				if assert.Equal(t, 204, w.Code) {
					cookies <- w.Result().Cookies()[0]
				}
			})
		}
		wg.Wait()
		close(cookies)
		for cookie := range cookies {
			assert.Equal(t, 204, s.send("/me", cookie).Code)
		}
		live, err := s.sessions.List(t.Context(), "frodo")
		require.NoError(t, err)
		assert.Len(t, live, 50)
	})
}

// A guarded request is one statement where the users live beside the sessions, a login
// one transaction of a delete and an insert.
func TestStatementsOfARequest(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			create(t, db, frodo())
			sessions := app.NewSessions(sessionstores.NewBun(db), serializer.NewTable[user](db, serializer.TableOptions{}), app.SessionOptions{})
			h := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
				ctx.Status = 204
				switch ctx.Request.URL.Path {
				case "/plain":
					return nil
				case "/login":
					return ctx.Login(frodo())
				case "/logout":
					return ctx.Logout()
				}
				return app.LoggedIn(func(_ *app.Context, u *user) error {
					assert.NotNil(t, u)
					return nil
				})(ctx)
			})
			var cookie *http.Cookie
			counts := func(path string, want int) sqltrace.Counts {
				trace.Reset()
				r := httptest.NewRequest(http.MethodPost, path, nil)
				if cookie != nil {
					r.AddCookie(cookie)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(t, want, w.Code, path)
				for _, c := range w.Result().Cookies() {
					cookie = c
				}
				return trace.Counts()
			}
			counts("/login", 204)
			counts("/me", 204) // prepares the statement
			assert.Equal(t, sqltrace.Counts{Queries: 1}, counts("/me", 204), "a guarded request")
			assert.Equal(t, sqltrace.Counts{}, counts("/plain", 204), "a page that asks nobody")
			login := counts("/login", 204)
			assert.Equal(t, sqltrace.Counts{Queries: 1, Execs: 2, Begins: 1, Commits: 1}, login, "a login of somebody who is logged in")
			assert.Equal(t, sqltrace.Counts{Execs: 1}, counts("/logout", 204))
		})
	}
}

func TestLoggedInAsBeforeWhenPostgresIsBack(t *testing.T) {
	server := pgtest.Start(t)
	s := newSite(sessionstores.NewBun(migrated(t, server.URL())))
	in, out := s.login(t), s.login(t)
	require.Equal(t, 204, s.send("/logout", out).Code)
	server.Stop()
	for _, path := range []string{"/me", "/login", "/logout", "/set/x"} {
		w := s.send(path, in)
		assert.Equal(t, 503, w.Code, path)
		assert.Empty(t, w.Header()["Set-Cookie"], path)
	}
	server.Start()
	assert.Equal(t, 204, s.send("/me", in).Code)
	assert.Equal(t, 401, s.send("/me", out).Code)
}

// A question that is cancelled never gives its answer to another: of many users who
// ask at once and hang up at any moment, nobody sees somebody else.
func TestNobodyIsSomebodyElseWhenClientsHangUp(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		sessions := app.NewSessions(store, names, app.SessionOptions{})
		a := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			if name, login := strings.CutPrefix(ctx.Request.URL.Path, "/login/"); login {
				ctx.Status = 204
				return ctx.Login(name)
			}
			return app.LoggedIn(func(ctx *app.Context, name string) error {
				ctx.Body = name
				return nil
			})(ctx)
		})
		a.OnError = func(*app.Context, error) {}
		var wg sync.WaitGroup
		for i := range 8 {
			name := fmt.Sprint("hobbit", i)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login/"+name, nil))
			require.Equal(t, 204, w.Code)
			cookie := w.Result().Cookies()[0]
			wg.Go(func() {
				for n := range 150 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%30)*20*time.Microsecond)
					r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
					r.AddCookie(cookie)
					w := httptest.NewRecorder()
					a.ServeHTTP(w, r)
					cancel()
					if w.Code != 503 {
						assert.Equal(t, 200, w.Code, "a valid cookie is never nobody's")
						assert.Equal(t, name, w.Body.String())
					}
				}
			})
		}
		wg.Wait()
	})
}
