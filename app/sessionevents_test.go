package app_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestSessionEvents(t *testing.T) {
	t.Run("a well-formed id that the store does not have is missed once a request", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		s := m.in()
		stolen := s.as()
		s.get("/logout")
		m.told.Reset()
		m.does["/me"] = func(ctx *app.Context, x *app.Session) error {
			assert.False(t, ctx.IsAuthenticated())
			return app.RequireLogin(ctx, ok)
		}
		assert.Equal(t, 401, stolen.get("/me").status)
		told := m.told.Expect(t, app.EventSessionMissed, app.EventDenied)
		assert.Empty(t, told[0].Subject)
		assert.Equal(t, "session", told[0].Kind)
		assert.Len(t, told[0].Session, 43)
		assert.NotEqual(t, stolen.cookie.Value, told[0].Session)
	})
	t.Run("an id that cannot be one and a visitor are not missed", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		s := m.in()
		s.cookie.Value = strings.Repeat("a", 42)
		s.get("/names")
		m.seat().get("/names")
		m.told.Expect(t)
	})
	t.Run("a page that asks for no session tells nothing", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		var told []app.Event
		w.app.OnEvent = func(_ *app.Context, e app.Event) { told = append(told, e) }
		r := get("/plain")
		r.Header.Set("Cookie", cookieName+"="+strings.Repeat("A", 43))
		require.Equal(t, 200, record(w.app, r).Code)
		assert.Empty(t, told)
	})
	t.Run("a damaged session is invalid and reported", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		s := m.in()
		handle := m.rows()[0].Handle
		broken := app.NewSessions(damagedStore{sessionstores.NewMemory()}, m.users, app.SessionOptions{Clock: m.clock.Now})
		var told []app.Event
		var reported []error
		a := quiet().Use(broken.Layer, app.RequireLogin, last(ok))
		a.OnEvent = func(_ *app.Context, e app.Event) { told = append(told, e) }
		a.OnError = func(_ *app.Context, err error) { reported = append(reported, err) }
		r := get("/")
		r.Header.Set("Cookie", cookieName+"="+s.cookie.Value)
		res := record(a, r)
		assert.Equal(t, 401, res.Code)
		assert.Empty(t, res.Header()["Set-Cookie"])
		require.Len(t, told, 2)
		assert.Equal(t, app.EventSessionInvalid, told[0].Name)
		assert.Equal(t, handle, told[0].Session)
		assert.ErrorIs(t, told[0].Reason, app.ErrSessionDamaged)
		assert.ErrorIs(t, reported[0], app.ErrSessionDamaged)
	})
	t.Run("invalid is a warning and the rest is not", func(t *testing.T) {
		for name, want := range map[app.EventName]string{
			app.EventSessionInvalid: "WARN", app.EventSessionMissed: "INFO", app.EventSessionExpired: "INFO", app.EventSessionRegenerated: "INFO",
		} {
			var line bytes.Buffer
			app.LogEvents(slog.New(slog.NewTextHandler(&line, nil)))(nil, app.Event{Name: name, Time: time.Now()})
			assert.Contains(t, line.String(), "level="+want+" msg=\""+string(name)+"\"")
		}
	})
	t.Run("a listener that panics lets nobody in", func(t *testing.T) {
		for _, name := range []app.EventName{app.EventSessionMissed, app.EventSessionInvalid} {
			w := newShire(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { return name != app.EventSessionInvalid, nil }})
			c := w.client(t)
			c.Get("/login")
			if name == app.EventSessionMissed {
				_, err := w.sessions.LogoutAll(t.Context(), &hobbit{"frodo"})
				require.NoError(t, err)
			}
			w.app.OnEvent = func(_ *app.Context, e app.Event) {
				if e.Name == name {
					panic("the palantir is dark")
				}
			}
			assert.Equal(t, 500, c.Get("/me").Status, name)
			assert.Zero(t, w.entered, name)
		}
	})
}
