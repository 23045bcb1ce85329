package database_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/tokenstores"
)

// site is an application over a world. Its actions are done in one transaction, which then fails if it is told to.
type site struct {
	*world
	sessions *app.Sessions
	app      *app.App
	actions  map[string]func(ctx *app.Context) error
	fail     []error // of the runs to come
	runs     int
}

func newSite(w *world) *site {
	s := &site{world: w, app: app.New()}
	s.sessions = app.NewSessions(w.sessions, w.users, app.SessionOptions{})
	s.actions = map[string]func(ctx *app.Context) error{
		"/login":        s.login,
		"/logoutall":    func(ctx *app.Context) error { return two(s.sessions.LogoutAll(ctx.Context(), ctx.User())) },
		"/logoutothers": func(ctx *app.Context) error { return two(s.sessions.LogoutOthers(ctx)) },
		"/password":     s.password,
		"/logout":       s.sessions.Logout,
	}
	s.app.Logger = slog.New(slog.DiscardHandler)
	s.app.Use(s.sessions.Layer, func(ctx *app.Context, _ app.Handler) error { return s.serve(ctx) })
	return s
}

func (s *site) serve(ctx *app.Context) error {
	if action := s.actions[ctx.Request.URL.Path]; action != nil {
		ctx.Status = 204
		return s.transact(ctx, action)
	}
	if !ctx.IsAuthenticated() {
		return app.ErrLoginRequired
	}
	ctx.Body = ctx.User().(*person).Name
	return nil
}

// transact is what an application does whose calls take an app.Context.
func (s *site) transact(ctx *app.Context, action func(ctx *app.Context) error) error {
	outside := ctx.Context()
	defer ctx.SetContext(outside)
	s.runs = 0
	return database.Transact(outside, s.db, func(inside context.Context) error {
		ctx.SetContext(inside)
		if err := action(ctx); err != nil {
			return err
		}
		if s.runs++; s.runs <= len(s.fail) {
			return s.fail[s.runs-1]
		}
		return nil
	})
}

func (s *site) login(ctx *app.Context) error {
	u, err := s.users.ByName(ctx.Context(), "Frodo")
	if err != nil {
		return err
	}
	return s.sessions.Login(ctx, u)
}

// password changes it, ends all other sessions and tokens, and gives this one another id.
func (s *site) password(ctx *app.Context) error {
	user := ctx.User()
	for _, err := range []error{
		s.users.SetHash(ctx.Context(), user, "new"),
		two(s.sessions.LogoutOthers(ctx)),
		two(s.tokens.DeleteAll(ctx.Context(), "api", "7", "")),
		s.denials.Deny(ctx.Context(), tokenstores.Denial{Key: "user:7", Mark: "epoch", Until: start}),
	} {
		if err != nil {
			return err
		}
	}
	return s.sessions.Login(ctx, user)
}

// visitors are logged in, each with a client of their own.
func (s *site) visitors(t *testing.T, n int) (clients []*apptest.Client) {
	s.fail = nil
	t.Helper()
	s.reset(t)
	exec(t, s.db, "DELETE FROM sessions")
	for range n {
		c := apptest.NewClient(t, s.app)
		require.Equal(t, 204, c.Post("/login", "", "").Status)
		require.Equal(t, 200, c.Get("/").Status)
		clients = append(clients, c)
	}
	return clients
}

// statuses are those of a page for users.
func statuses(clients []*apptest.Client) (all []int) {
	for _, c := range clients {
		all = append(all, c.Get("/").Status)
	}
	return all
}

func (s *site) count(t *testing.T) int { return one[int](t, s.db, "SELECT count(*) FROM sessions") }

func TestLogoutsOfTheSessionsJoinIn(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		s := newSite(w)
		for path, want := range map[string][]int{"/logoutall": {401, 401, 401}, "/logoutothers": {200, 401, 401}, "/logout": {401, 200, 200}} {
			clients := s.visitors(t, 3)
			s.fail = []error{errMordor}
			assert.Equal(t, 500, clients[0].Post(path, "", "").Status, path)
			s.fail = nil
			assert.Equal(t, 3, s.count(t), path)
			assert.Equal(t, []int{200, 200}, statuses(clients[1:]), "%s: undone", path)

			clients = s.visitors(t, 3)
			s.fail = []error{postgresError("40P01"), nil}
			assert.Equal(t, 204, clients[0].Post(path, "", "").Status, path)
			assert.Equal(t, 2, s.runs)
			s.fail = nil
			assert.Equal(t, want, statuses(clients), path)
		}
	})
}

func TestALoginJoinsIn(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		s := newSite(w)
		s.reset(t)
		exec(t, w.db, "DELETE FROM sessions")
		c := apptest.NewClient(t, s.app)
		s.fail = []error{errMordor}
		assert.Equal(t, 500, c.Post("/login", "", "").Status)
		assert.Zero(t, s.count(t))
		assert.Equal(t, 401, c.Get("/").Status)
		s.fail = []error{postgresError("40001"), nil}
		assert.Equal(t, 204, c.Post("/login", "", "").Status)
		s.fail = nil
		assert.Equal(t, 1, s.count(t))
		assert.Equal(t, 200, c.Get("/").Status)
	})
}

func TestAPasswordIsChangedTogetherWithAllThatItEnds(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		s := newSite(w)
		clients := s.visitors(t, 2)
		s.fail = []error{errMordor}
		assert.Equal(t, 500, clients[0].Post("/password", "", "").Status)
		assert.Equal(t, "old", s.hash(t, t.Context()))
		assert.Equal(t, 200, clients[1].Get("/").Status)
		assert.NotNil(t, s.token(t, t.Context(), "a"))
		assert.Empty(t, s.mark(t, t.Context(), "user:7"))

		clients = s.visitors(t, 2)
		before := clients[0].Cookie("__Host-session").Value
		stale := apptest.NewClient(t, s.app)
		stale.CopyCookies(clients[0])
		s.fail = []error{postgresError("40P01"), nil}
		assert.Equal(t, 204, clients[0].Post("/password", "", "").Status)
		s.fail = nil
		assert.Equal(t, []int{200, 401}, statuses(clients))
		assert.Equal(t, "new", s.hash(t, t.Context()))
		assert.Nil(t, s.token(t, t.Context(), "a"))
		assert.Equal(t, "epoch", s.mark(t, t.Context(), "user:7"))
		assert.NotEqual(t, before, clients[0].Cookie("__Host-session").Value)
		assert.Equal(t, 401, stale.Get("/").Status, "the cookie before is worth nothing")
		assert.Equal(t, 1, s.count(t))
	})
}

func TestALoginOrLogoutThatDoesNotLastLeavesTheClientAsItWas(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		s := newSite(w)
		for path, want := range map[string]int{"/login": 1, "/password": 1, "/logout": 0} {
			c := s.visitors(t, 1)[0]
			before := c.Cookie("__Host-session").Value
			s.fail = []error{errMordor}
			assert.Equal(t, 500, c.Post(path, "", "").Status, path)
			assert.Equal(t, before, c.Cookie("__Host-session").Value, "%s: no cookie of a session that is not there", path)
			assert.Equal(t, 200, c.Get("/").Status, path)

			stale := apptest.NewClient(t, s.app)
			stale.CopyCookies(c)
			s.fail = []error{postgresError("40P01"), postgresError("40001"), nil}
			assert.Equal(t, 204, c.Post(path, "", "").Status, path)
			assert.Equal(t, want, s.count(t), "%s: the session before is not left behind", path)
			assert.Equal(t, 401, stale.Get("/").Status, path)
		}
	})
}
