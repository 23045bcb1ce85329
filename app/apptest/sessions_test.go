package apptest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// site is an application with sessions that says who is there.
func site(sessions ...*app.Sessions) *app.App {
	a := app.New()
	a.Logger = slog.New(slog.DiscardHandler)
	for _, s := range sessions {
		a.Use(s.Layer)
	}
	return a.Use(func(ctx *app.Context, _ app.Handler) error {
		for _, s := range sessions {
			id, err := s.Identity(ctx)
			if err != nil {
				return err
			}
			if id != nil {
				ctx.Body = fmt.Sprint(id.User)
			}
		}
		if ctx.Body == nil {
			return app.ErrLoginRequired
		}
		return nil
	})
}

func live(t testing.TB, sessions *app.Sessions, user string) int {
	t.Helper()
	list, err := sessions.List(context.Background(), user)
	require.NoError(t, err)
	return len(list)
}

func TestActAs(t *testing.T) {
	store := sessionstores.NewMemory()
	sessions := app.NewSessions(store, users, app.SessionOptions{})
	a := site(sessions)
	events := apptest.Record(a)

	t.Run("a client is who it acts as", func(t *testing.T) {
		frodo, sam, nobody := apptest.NewClient(t, a), apptest.NewClient(t, a), apptest.NewClient(t, a)
		frodo.Header.Set("User-Agent", "Palantir/1.0")
		apptest.ActAs(t, frodo, sessions, "frodo")
		apptest.ActAs(t, sam, sessions, "sam")
		assert.Equal(t, "frodo", frodo.Get("/").Body)
		assert.Equal(t, "sam", sam.Get("/").Body)
		assert.Equal(t, 401, nobody.Get("/").Status)
		list, err := sessions.List(t.Context(), "frodo")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, "Palantir/1.0", list[0].Agent)
	})
	t.Run("the session ends with the test", func(t *testing.T) {
		for _, user := range []string{"frodo", "sam"} {
			assert.Zero(t, live(t, sessions, user))
		}
	})
	t.Run("who acts as another is nobody else any more", func(t *testing.T) {
		c := apptest.NewClient(t, a)
		apptest.ActAs(t, c, sessions, "frodo")
		apptest.ActAs(t, c, sessions, "sam")
		assert.Equal(t, "sam", c.Get("/").Body)
		assert.Zero(t, live(t, sessions, "frodo"), "as after any login at this client")
	})
	t.Run("the application is told of nothing then and of everything after", func(t *testing.T) {
		events.Reset()
		c := apptest.NewClient(t, a)
		apptest.ActAs(t, c, sessions, "frodo")
		events.Expect(t)
		_, err := sessions.LogoutAll(t.Context(), "frodo")
		require.NoError(t, err)
		events.Expect(t, app.EventSessionRevoked)
	})
	t.Run("options of a login hold", func(t *testing.T) {
		c := apptest.NewClient(t, a)
		apptest.ActAs(t, c, sessions, "frodo", app.KeepSession("cart"))
		assert.Equal(t, "frodo", c.Get("/").Body)
	})
	t.Run("the limit of sessions holds", func(t *testing.T) {
		one := app.NewSessions(store, users, app.SessionOptions{Kind: "one", MaxPerUser: 1})
		here, there := apptest.NewClient(t, site(one)), apptest.NewClient(t, site(one))
		apptest.ActAs(t, here, one, "frodo")
		apptest.ActAs(t, there, one, "frodo")
		assert.Equal(t, 401, here.Get("/").Status)
		assert.Equal(t, 200, there.Get("/").Status)
	})
	t.Run("each kind of user has its own", func(t *testing.T) {
		admins := app.NewSessions(store, users, app.SessionOptions{Kind: "admin"})
		c := apptest.NewClient(t, site(admins))
		apptest.ActAs(t, c, sessions, "frodo")
		assert.Equal(t, 401, c.Get("/").Status)
		apptest.ActAs(t, c, admins, "gandalf")
		assert.Equal(t, "gandalf", c.Get("/").Body)
	})
	t.Run("http takes sessions that are for it", func(t *testing.T) {
		open := app.NewSessions(store, users, app.SessionOptions{Cookie: app.SessionCookie{InsecureHTTP: true}})
		c := apptest.NewClient(t, site(open))
		c.Base = "http://127.0.0.1:3000"
		apptest.ActAs(t, c, open, "frodo")
		assert.Equal(t, "frodo", c.Get("/").Body)
	})
}

// broken is a store that can write nothing.
type broken struct{ *sessionstores.Memory }

func (broken) Insert(context.Context, string, string, *app.SessionRecord) error {
	return errors.New("the disk is full")
}

func (broken) Delete(context.Context, string) error { return errors.New("the disk is full") }

func TestActAsThatCannotBe(t *testing.T) {
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	for want, try := range map[string]func(t testing.TB){
		"apptest: nobody could be logged in: app: there is no user to log in: nil": func(t testing.TB) {
			apptest.ActAs(t, apptest.NewClient(t, nil), sessions, nil)
		},
		"the disk is full": func(t testing.TB) {
			apptest.ActAs(t, apptest.NewClient(t, nil), app.NewSessions(broken{}, users, app.SessionOptions{}), "frodo")
		},
		"a browser would not keep the cookie __Host-session for http://example.com": func(t testing.TB) {
			c := apptest.NewClient(t, nil)
			c.Base = "http://example.com"
			apptest.ActAs(t, c, sessions, "frodo")
		},
		"the login set no cookie": func(t testing.TB) {
			apptest.ActAs(t, apptest.NewClient(t, nil), sessions, "frodo", app.WithoutSession())
		},
		"RevokedSession: ": func(t testing.TB) {
			apptest.RevokedSession(t, apptest.NewClient(t, nil), app.NewSessions(stuck{sessionstores.NewMemory()}, users, app.SessionOptions{}), "frodo")
		},
	} {
		f := &failing{TB: t}
		assert.PanicsWithError(t, errStopped.Error(), func() { try(f) })
		assert.Contains(t, f.why, want)
	}
}

// stuck is a store that deletes nothing.
type stuck struct{ *sessionstores.Memory }

func (stuck) Delete(context.Context, string) error { return errors.New("the disk is stuck") }

func TestAStoreThatIsClosedFailsNoTest(t *testing.T) {
	sessions := app.NewSessions(stuck{sessionstores.NewMemory()}, users, app.SessionOptions{})
	f := &failing{TB: t}
	apptest.ActAs(f, apptest.NewClient(t, nil), sessions, "frodo")
	require.NotEmpty(t, f.cleanups)
	f.cleanup()
	assert.Empty(t, f.why)
	assert.False(t, t.Failed())
}

func TestSessionsInEveryState(t *testing.T) {
	type bad func(testing.TB, *apptest.Client, *app.Sessions, any)
	for name, o := range map[string]app.SessionOptions{
		"as it is":             {},
		"with a short idle":    {Idle: time.Minute, Absolute: time.Hour},
		"with a short life":    {Idle: 2 * time.Hour, Absolute: time.Minute},
		"with the real clock":  {Clock: time.Now},
		"with one for each":    {MaxPerUser: 1},
		"with a stamp":         {Stamp: func(user any) string { return user.(string) }},
		"with another name":    {Cookie: app.SessionCookie{Name: "ring"}},
		"of a kind by name":    {Kind: "admin"},
		"of a kind that is 64": {Kind: "foreign-foreign-foreign-foreign-foreign-foreign-foreign-foreign-"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := apptest.NewClock(start)
			if o.Clock == nil {
				o.Clock = clock.Now
			}
			sessions := app.NewSessions(sessionstores.NewMemory(), users, o)
			a := site(sessions)
			events := apptest.Record(a)
			good := apptest.NewClient(t, a)
			apptest.ActAs(t, good, sessions, "frodo")
			for name, c := range map[string]struct {
				make   bad
				events []app.EventName
			}{
				"expired": {apptest.ExpiredSession, []app.EventName{app.EventSessionExpired}},
				"revoked": {apptest.RevokedSession, []app.EventName{app.EventSessionMissed}},
				"foreign": {apptest.ForeignSession, []app.EventName{app.EventSessionMissed}},
			} {
				client := apptest.NewClient(t, a)
				c.make(t, client, sessions, "frodo")
				events.Expect(t)
				res := client.Get("/")
				assert.Equal(t, 401, res.Status, name)
				events.Expect(t, c.events...)
				assert.Equal(t, 200, good.Get("/").Status, "%s: other sessions stay", name)
			}
		})
	}
}

func TestABadSessionReplacesTheCookieAlone(t *testing.T) {
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	a := site(sessions)
	c, twin := apptest.NewClient(t, a), apptest.NewClient(t, a)
	apptest.ActAs(t, c, sessions, "frodo")
	twin.CopyCookies(c)
	apptest.ExpiredSession(t, c, sessions, "sam")
	assert.Equal(t, 401, c.Get("/").Status)
	assert.Equal(t, 200, twin.Get("/").Status, "the session that the client had is not ended")
}

func TestAnExpiredSessionHasJustExpired(t *testing.T) {
	for name, o := range map[string]app.SessionOptions{
		"for it was idle": {Idle: time.Minute, Absolute: time.Hour},
		"of old age":      {Idle: time.Hour, Absolute: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			clock := apptest.NewClock(start)
			o.Clock = clock.Now
			sessions := app.NewSessions(sessionstores.NewMemory(), users, o)
			c := apptest.NewClient(t, site(sessions))
			apptest.ExpiredSession(t, c, sessions, "frodo")
			clock.Advance(-time.Microsecond)
			assert.Equal(t, 200, c.Get("/").Status)
			clock.Advance(time.Microsecond)
			assert.Equal(t, 401, c.Get("/").Status)
		})
	}
}

func TestAForeignSessionIsGoodForItsOwnKind(t *testing.T) {
	store := sessionstores.NewMemory()
	sessions := app.NewSessions(store, users, app.SessionOptions{})
	others := sessions.With(func(o *app.SessionOptions) { o.Kind = "foreign-session" })
	c := apptest.NewClient(t, site(sessions))
	apptest.ForeignSession(t, c, sessions, "frodo")
	assert.Equal(t, 401, c.Get("/").Status)
	other := apptest.NewClient(t, site(others))
	other.CopyCookies(c)
	assert.Equal(t, "frodo", other.Get("/").Body, "it is live, else it would show nothing")
}

func ExampleActAs() {
	t := &failing{} // in a test, its own t
	defer t.cleanup()
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	rings := app.New().Use(sessions.Layer, app.RequireLogin, func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = fmt.Sprint("the rings of ", ctx.User())
		return nil
	})
	client := apptest.NewClient(t, rings)
	apptest.ActAs(t, client, sessions, "frodo")
	fmt.Println(client.Get("/rings").Body)
	// Output: the rings of frodo
}

func ExampleExpiredSession() {
	t := &failing{} // in a test, its own t
	defer t.cleanup()
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	rings := app.New().Use(sessions.Layer, app.RequireLogin)
	for _, spoil := range []func(testing.TB, *apptest.Client, *app.Sessions, any){apptest.ExpiredSession, apptest.RevokedSession, apptest.ForeignSession} {
		client := apptest.NewClient(t, rings)
		spoil(t, client, sessions, "frodo")
		fmt.Println(client.Get("/rings").Status)
	}
	// Output:
	// 401
	// 401
	// 401
}
