package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// A chronicle is what an App tells, each event as one line, and all that anybody might print of it.
type chronicle struct {
	t       *testing.T
	lines   []string
	events  []app.Event
	handles []string // sessions by the order in which they were told of
	said    bytes.Buffer
}

// chronicled has a tell of itself.
func chronicled(t *testing.T, a *app.App) *chronicle {
	c := &chronicle{t: t}
	logs := []func(*app.Context, app.Event){
		app.LogEvents(slog.New(slog.NewTextHandler(&c.said, nil))), app.LogEvents(slog.New(slog.NewJSONHandler(&c.said, nil))),
	}
	a.OnEvent = func(ctx *app.Context, e app.Event) {
		for _, log := range logs {
			log(ctx, e)
		}
		b, err := json.Marshal(e)
		assert.NoError(t, err)
		_, _ = fmt.Fprintf(&c.said, "%s\n%v\n%+v\n%#v\n%s\n%v\n", b, e, e, e, e, &e)
		slog.New(slog.NewTextHandler(&c.said, nil)).Info("event", "e", e)
		c.events, c.lines = append(c.events, e), append(c.lines, c.line(e))
	}
	return c
}

func (c *chronicle) line(e app.Event) string {
	assert.Equal(c.t, time.UTC, e.Time.Location())
	line := e.Time.Format("15:04") + " " + string(e.Name)
	for _, part := range []struct{ name, text string }{{"via", e.Via}, {"of", e.Subject}, {"in", c.alias(e.Session)}} {
		if part.text != "" {
			line += " " + part.name + " " + part.text
		}
	}
	if e.Address.IsValid() {
		line += " from " + e.Address.String()
	}
	if e.Reason != nil {
		line += ": " + e.Reason.Error()
	}
	return line
}

func (c *chronicle) alias(handle string) string {
	if handle == "" {
		return ""
	}
	if !slices.Contains(c.handles, handle) {
		c.handles = append(c.handles, handle)
	}
	return fmt.Sprintf("#%d", slices.Index(c.handles, handle)+1)
}

// take returns what was told since it was last called.
func (c *chronicle) take() []string {
	lines := c.lines
	c.lines = nil
	return lines
}

// A wicket is a strategy with a name and a password in a form.
type wicket struct{}

func (wicket) Authenticate(ctx *app.Context) (*app.Identity, error) {
	fields, err := ctx.BindStrings(0, "name", "password")
	switch {
	case err != nil:
		return nil, err
	case fields["name"] == "":
		return nil, app.ErrNoCredentials
	case fields["password"] != "speak-friend":
		err := &app.Rejection{Message: "Wrong name or password"}
		ctx.Emit(app.Event{Name: app.EventLoginFailed, Via: "wicket", Subject: "frodo", Reason: err})
		return nil, err
	}
	return &app.Identity{User: &hobbit{fields["name"]}, Scopes: []string{"*"}, Via: "wicket", Subject: fields["name"]}, nil
}

func (wicket) Describe() (name, looksAt string) { return "wicket", "the form" }

const brooch = "brooch-of-the-elven-cloak"

// brooches is a strategy with a token in the Authorization header.
type brooches struct{}

type broochInfo struct{ ID string }

func (brooches) Authenticate(ctx *app.Context) (*app.Identity, error) {
	switch ctx.Request.Header.Get("Authorization") {
	case "":
		return nil, app.ErrNoCredentials
	case "Bearer " + brooch:
		return &app.Identity{User: &hobbit{"sam"}, Scopes: []string{"read"}, Info: &broochInfo{"b1"}, Via: "brooch", Subject: "sam", Deliberate: true}, nil
	}
	return nil, &app.Rejection{Code: "invalid_token", Message: "Invalid token"}
}

func (brooches) Describe() (name, looksAt string) { return "brooch", "the Authorization header" }

func (brooches) End(ctx *app.Context, id *app.Identity) error {
	ctx.Emit(app.Event{Name: app.EventRevoked, Via: id.Via, User: id.User, Subject: id.Subject, Info: id.Info})
	return nil
}

// A guarded application for scripts of events and explanations.
type rivendell struct {
	clock    *apptest.Clock
	sessions *app.Sessions
	app      *app.App
	told     *chronicle
}

func newRivendell(t *testing.T, o app.SessionOptions) *rivendell {
	w := &rivendell{clock: apptest.NewClock(time.Date(3018, 10, 20, 12, 0, 0, 0, time.UTC))}
	o.Clock = w.clock.Now
	w.sessions = app.NewSessions(sessionstores.NewMemory(), &hobbits{}, o)
	w.app = quiet().Use(w.sessions.Layer, last(w.route))
	w.told = chronicled(t, w.app)
	return w
}

func (w *rivendell) route(ctx *app.Context) error {
	switch ctx.Request.URL.Path {
	case "/page":
		return ok(ctx)
	case "/private":
		return app.RequireLogin(ctx, ok)
	case "/login":
		return app.Authenticate(wicket{})(ctx, func(ctx *app.Context) error { return ctx.Login(ctx.User()) })
	case "/others":
		_, err := w.sessions.LogoutOthers(ctx)
		return err
	case "/logout":
		return ctx.Logout()
	case "/api":
		return app.Authenticate(brooches{})(ctx, ok)
	case "/api/write":
		return app.Authenticate(brooches{})(ctx, last2(app.RequireScopes("write"), ok))
	case "/api/logout":
		return app.Authenticate(brooches{})(ctx, func(ctx *app.Context) error { return ctx.Logout() })
	}
	return nil
}

// last2 is a handler behind a guard.
func last2(guard app.Middleware, h app.Handler) app.Handler {
	return func(ctx *app.Context) error { return guard(ctx, h) }
}

// device returns a client at an address of its own.
func (w *rivendell) device(t *testing.T, address string) *apptest.Client {
	return apptest.NewClient(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = net.JoinHostPort(address, "4711")
		w.app.ServeHTTP(rw, r)
	}))
}

func login(c *apptest.Client, password string) int {
	return c.Post("/login", "application/x-www-form-urlencoded", "name=frodo&password="+password).Status
}

func TestEventsOfAScriptedRun(t *testing.T) {
	w := newRivendell(t, app.SessionOptions{})
	home, inn := w.device(t, "192.0.2.1"), w.device(t, "2001:db8::7")
	bearing := func(token string) func() int {
		return func() int {
			r := home.NewRequest("GET", "/api", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			return home.Do(r).Status
		}
	}
	api := func(path string) int {
		r := inn.NewRequest("POST", path, nil)
		r.Header.Set("Authorization", "Bearer "+brooch)
		return inn.Do(r).Status
	}
	for _, step := range []struct {
		name   string
		do     func() int
		status int
		want   []string
	}{
		{"anonymous page", func() int { return home.Get("/page").Status }, 200, nil},
		{"denied page", func() int { return home.Get("/private").Status }, 401, []string{
			"12:00 access denied from 192.0.2.1: app: login required",
		}},
		{"wrong login", func() int { return login(home, "speak-foe") }, 401, []string{
			"12:00 login failed via wicket of frodo from 192.0.2.1: app: rejected: Wrong name or password",
		}},
		{"right login", func() int { return login(home, "speak-friend") }, 404, []string{
			"12:00 credential used via wicket of frodo from 192.0.2.1",
			"12:00 session created via session of frodo in #1 from 192.0.2.1",
			"12:00 login via session of frodo in #1 from 192.0.2.1",
		}},
		{"page", func() int { return home.Get("/private").Status }, 200, nil},
		{"page after a minute", func() int { w.clock.Advance(time.Minute); return home.Get("/private").Status }, 200, []string{
			"12:01 session renewed via session of frodo in #1 from 192.0.2.1",
		}},
		{"page at once", func() int { return home.Get("/private").Status }, 200, nil},
		{"login on another device", func() int { return login(inn, "speak-friend") }, 404, []string{
			"12:01 credential used via wicket of frodo from 2001:db8::7",
			"12:01 session created via session of frodo in #2 from 2001:db8::7",
			"12:01 login via session of frodo in #2 from 2001:db8::7",
		}},
		{"logout of the others", func() int { return inn.Post("/others", "", "").Status }, 404, []string{
			"12:01 session revoked via session of frodo from 2001:db8::7: it was ended from elsewhere",
		}},
		{"the other's next request", func() int { return home.Get("/private").Status }, 401, []string{
			"12:01 session missed via session in #1 from 192.0.2.1",
			"12:01 access denied from 192.0.2.1: app: login required",
		}},
		{"a request from another site", func() int {
			r := inn.NewRequest("POST", "/private", nil)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return inn.Do(r).Status
		}, 403, []string{
			"12:01 access denied from 2001:db8::7: 403 Cross-site request refused: app: an unsafe request from another site: cross-origin request detected from Sec-Fetch-Site header",
		}},
		{"logout", func() int { return inn.Get("/logout").Status }, 404, []string{
			"12:01 logout via session of frodo in #2 from 2001:db8::7",
		}},
		{"logout again", func() int { return inn.Get("/logout").Status }, 404, nil},
		{"login again", func() int { return login(home, "speak-friend") }, 404, []string{
			"12:01 credential used via wicket of frodo from 192.0.2.1",
			"12:01 session missed via session in #1 from 192.0.2.1",
			"12:01 session created via session of frodo in #3 from 192.0.2.1",
			"12:01 login via session of frodo in #3 from 192.0.2.1",
		}},
		{"page after the idle limit", func() int { w.clock.Advance(time.Hour); return home.Get("/private").Status }, 401, []string{
			"13:01 session expired via session of frodo in #3 from 192.0.2.1",
			"13:01 access denied from 192.0.2.1: app: login required",
		}},
		{"token used", bearing(brooch), 200, []string{"13:01 credential used via brooch of sam from 192.0.2.1"}},
		{"token refused", bearing("ring-of-power"), 401, []string{
			"13:01 credential refused via brooch from 192.0.2.1: app: rejected: Invalid token",
		}},
		{"too few scopes", func() int { return api("/api/write") }, 403, []string{
			"13:01 credential used via brooch of sam from 2001:db8::7",
			"13:01 access denied via brooch of sam from 2001:db8::7: app: rejected: ",
		}},
		{"token revoked", func() int { return api("/api/logout") }, 404, []string{
			"13:01 credential used via brooch of sam from 2001:db8::7",
			"13:01 credential revoked via brooch of sam from 2001:db8::7",
			"13:01 logout via brooch of sam from 2001:db8::7",
		}},
	} {
		require.Equal(t, step.status, step.do(), step.name)
		require.Equal(t, step.want, w.told.take(), step.name)
	}
	said := w.told.said.String()
	for _, secret := range []string{home.Cookie(cookieName).Value, brooch, "speak-friend", "speak-foe", "ring-of-power"} {
		assert.NotContains(t, said, secret)
	}
	for _, e := range w.told.events {
		assert.False(t, e.Name == app.EventLogin && e.User.(*hobbit).Name != "frodo")
	}
}
