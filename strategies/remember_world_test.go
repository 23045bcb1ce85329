package strategies_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	sessionstest "github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

const (
	remembering   = "__Host-remember" // the cookie
	sitting       = "__Host-session"  // that of the session
	rememberParts = len("kahu_remember_")
)

// A hearth is an application that remembers who has sat there.
type hearth struct {
	store    *tokenstest.Faulty
	sessions *sessionstest.Faulty
	users    *people
	clock    *apptest.Clock
	remember *strategies.Remember
	kinds    *app.Sessions
	app      *app.App

	mu     sync.Mutex
	log    bytes.Buffer
	events []app.Event
}

// Write makes the hearth a log that many may write to.
func (h *hearth) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(b)
}

// hearthOptions are what can be different about a hearth.
type hearthOptions struct {
	tokens   tokenstores.Store
	sessions app.SessionStore
	remember strategies.RememberOptions
	session  app.SessionOptions
}

func newHearth(edit ...func(o *hearthOptions)) *hearth {
	h := &hearth{users: &people{}, clock: apptest.NewClock(landing)}
	o := hearthOptions{tokens: tokenstores.NewMemory(), sessions: sessionstores.NewMemory()}
	o.remember.Clock, o.session.Clock = h.clock.Now, h.clock.Now
	o.remember.Logger = slog.New(slog.NewTextHandler(h, nil))
	o.remember.Timeout, o.session.Timeout = time.Minute, time.Minute // for crowds on slow machines
	for _, f := range edit {
		f(&o)
	}
	h.store, h.sessions = tokenstest.NewFaulty(o.tokens), sessionstest.NewFaulty(o.sessions)
	h.remember = strategies.NewRemember(h.store, h.users, o.remember)
	o.session.Remember, o.session.Kind = h.remember, o.remember.Kind
	h.kinds = app.NewSessions(h.sessions, h.users, o.session)
	h.app = app.New().Use(h.kinds.Layer, h.route)
	h.app.Logger = o.remember.Logger
	h.app.OnEvent = func(_ *app.Context, e app.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, e)
	}
	return h
}

func (h *hearth) route(ctx *app.Context, _ app.Handler) error {
	ctx.Status = http.StatusNoContent
	who := &hobbit{Name: ctx.Request.URL.Query().Get("as")}
	switch ctx.Request.URL.Path {
	case "/login":
		return ctx.Login(who, app.Remember(ctx.Request.URL.Query().Has("remember")))
	case "/logout":
		return ctx.Logout()
	case "/others":
		_, err := h.kinds.LogoutOthers(ctx)
		return err
	case "/public":
		return nil
	case "/recent":
		return app.RequireRecentLogin(5*time.Minute)(ctx, tellWho)
	case "/direct":
		return app.Authenticate(h.remember)(ctx, tellWho)
	case "/direct/logout":
		return app.Authenticate(h.remember)(ctx, (*app.Context).Logout)
	case "/both":
		return app.Authenticate(h.kinds, h.remember)(ctx, tellWho)
	}
	return tellWho(ctx)
}

// tellWho answers with the name of the user, and by what.
func tellWho(ctx *app.Context) error {
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	ctx.Status, ctx.Body = 200, "nobody"
	if id != nil {
		ctx.Body = id.User.(*hobbit).Name + " by " + id.Via
	}
	return nil
}

// visitor is a browser.
func (h *hearth) visitor(t testing.TB) *apptest.Client {
	c := apptest.NewClient(t, h.app)
	c.Now = h.clock.Now
	c.Header.Set("User-Agent", "Palantir/3.0")
	return c
}

// guest is a browser whose user is remembered.
func (h *hearth) guest(t testing.TB, name string) *apptest.Client {
	t.Helper()
	c := h.visitor(t)
	require.Equal(t, 204, c.Post("/login?remember&as="+name, "", "").Status)
	require.NotNil(t, c.Cookie(remembering))
	return c
}

// thief is a browser with a cookie of another one, as it is now.
func (h *hearth) thief(t testing.TB, text string) *apptest.Client {
	c := h.visitor(t)
	c.SetCookie(remembering, text)
	return c
}

func cookieOf(c *apptest.Client) string {
	if cookie := c.Cookie(remembering); cookie != nil {
		return cookie.Value
	}
	return ""
}

func who(c *apptest.Client) string { return c.Get("/").Body }

// later lets every session expire, and leaves the series.
func (h *hearth) later() { h.clock.Advance(13 * time.Hour) }

// names are those of the events so far.
func (h *hearth) names() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		names = append(names, string(e.Name))
	}
	return names
}

func (h *hearth) series(t testing.TB, name string) []tokenstores.Token {
	t.Helper()
	return must(h.remember.List(t.Context(), &hobbit{Name: name}))
}

func (h *hearth) calls() int { return len(h.store.Calls()) }

// cookieParts are what a cookie is made of.
type cookieParts struct{ id, proof, secret string }

func partsOf(text string) cookieParts {
	rest := strings.TrimPrefix(text, "kahu_remember_")
	return cookieParts{rest[:22], rest[22:44], rest[44 : len(rest)-6]}
}

func (p cookieParts) text() string {
	return resummed("kahu_remember_" + p.id + p.proof + p.secret)
}

// onEachHearth runs a test over each sort of store.
func onEachHearth(t *testing.T, test func(t *testing.T, h *hearth), edit ...func(o *hearthOptions)) {
	t.Helper()
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			store, _ := open(t)
			test(t, newHearth(append(edit, func(o *hearthOptions) { o.tokens = store })...))
		})
	}
}

func stolenFrom(err error) bool {
	_, ok := errors.AsType[*app.Stolen](err)
	return ok
}

// newVisitor is a browser at another application of the hearth's, with a cookie.
func newVisitor(t testing.TB, h *hearth, a http.Handler, text string) *apptest.Client {
	c := apptest.NewClient(t, a)
	c.Now = h.clock.Now
	if text != "" {
		c.SetCookie(remembering, text)
	}
	return c
}

type apptestClient = apptest.Client
