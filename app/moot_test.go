package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

// A moot is an application whose paths do with the session what a test says, over HTTP.
type moot struct {
	t        *testing.T
	store    *storetest.Faulty
	users    *hobbits
	clock    *apptest.Clock
	sessions *app.Sessions
	app      *app.App
	server   *httptest.Server
	told     *apptest.Events
	does     map[string]func(ctx *app.Context, x *app.Session) error
}

func newMoot(t *testing.T, o app.SessionOptions) *moot {
	t.Helper()
	m := &moot{t: t, store: storetest.NewFaulty(sessionstores.NewMemory()), users: &hobbits{}, clock: apptest.NewClock(time.Date(3018, 10, 25, 12, 0, 0, 0, time.UTC))}
	o.Clock = m.clock.Now
	m.sessions = app.NewSessions(m.store, m.users, o)
	m.app = quiet().Use(m.sessions.Layer, last(m.route))
	m.told = apptest.Record(m.app)
	m.server = start(t, m.app)
	m.does = map[string]func(ctx *app.Context, x *app.Session) error{
		"/login":  func(ctx *app.Context, _ *app.Session) error { return ctx.Login(&hobbit{"frodo"}) },
		"/logout": func(ctx *app.Context, _ *app.Session) error { return ctx.Logout() },
		"/set":    func(_ *app.Context, x *app.Session) error { return x.Set("cart", "lembas") },
		"/names":  func(ctx *app.Context, x *app.Session) error { ctx.Body = strings.Join(x.Names(), " "); return nil },
		"/me":     func(ctx *app.Context, _ *app.Session) error { return app.RequireLogin(ctx, whoami) },
	}
	return m
}

func (m *moot) route(ctx *app.Context) error {
	x, err := ctx.Session()
	if err != nil {
		return err
	}
	ctx.Status = 200
	return m.does[ctx.Request.URL.Path](ctx, x)
}

// A seat is a browser at a moot, which keeps the last cookie of the session.
type seat struct {
	m      *moot
	cookie *http.Cookie
}

// An answer is what a seat was given.
type answer struct {
	status int
	body   string
	set    *http.Cookie // the session's, if it was set
	raw    []string     // the lines of all cookies
}

func (m *moot) seat() *seat { return &seat{m: m} }

// in is a seat that is logged in.
func (m *moot) in() *seat {
	m.t.Helper()
	s := m.seat()
	require.Equal(m.t, 200, s.get("/login").status)
	m.told.Reset()
	return s
}

func (s *seat) get(path string) answer {
	s.m.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.m.server.URL+path, nil)
	require.NoError(s.m.t, err)
	if s.cookie != nil {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: s.cookie.Value})
	}
	res, err := s.m.server.Client().Do(r)
	require.NoError(s.m.t, err)
	defer func() { assert.NoError(s.m.t, res.Body.Close()) }()
	a := answer{status: res.StatusCode, body: text(s.m.t, res.Body), raw: res.Header["Set-Cookie"]}
	for _, c := range res.Cookies() {
		if c.Name == cookieName {
			a.set, s.cookie = c, c
		}
	}
	if a.set != nil && a.set.MaxAge < 0 {
		s.cookie = nil
	}
	return a
}

// as is another browser with the same cookie.
func (s *seat) as() *seat { return &seat{m: s.m, cookie: s.cookie} }

// since returns the calls of the store since the last time.
func (m *moot) since(f func()) []string {
	before := len(m.store.Calls())
	f()
	return m.store.Calls()[before:]
}

// rows are the live sessions of frodo.
func (m *moot) rows() []app.SessionInfo {
	m.t.Helper()
	list, err := m.sessions.List(m.t.Context(), &hobbit{"frodo"})
	require.NoError(m.t, err)
	return list
}
