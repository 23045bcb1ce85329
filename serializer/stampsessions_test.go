package serializer_test

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A place is an application whose sessions are bound to the password hash.
type place struct {
	db       *bun.DB
	users    *serializer.Table[stamped]
	sessions *app.Sessions
	app      *app.App
	events   *apptest.Events
	faults   []error
}

func stampOf(user any) string { return user.(*stamped).PasswordStamp }

// newPlace logs in whom the form's user names: as they were looked up, or ("bare") by the
// number alone.
func newPlace(t testing.TB, db *bun.DB, users *serializer.Table[stamped], store app.SessionStore, stamp func(any) string) *place {
	t.Helper()
	p := &place{db: db, users: users, sessions: app.NewSessions(store, users, app.SessionOptions{Stamp: stamp}), app: app.New()}
	p.app.Logger = slog.New(slog.DiscardHandler)
	p.app.OnError = func(_ *app.Context, err error) { p.faults = append(p.faults, err) }
	p.app.Use(p.sessions.Layer, p.answer)
	p.events = apptest.Record(p.app)
	return p
}

func (p *place) answer(ctx *app.Context, _ app.Handler) error {
	switch q := ctx.Request.URL.Query(); ctx.Request.URL.Path {
	case "/login":
		user, err := p.users.ByName(ctx.Context(), q.Get("user"))
		if err != nil {
			return err
		}
		if q.Has("bare") {
			user = &stamped{ID: user.ID}
		}
		return ctx.Login(user)
	case "/password":
		user := ctx.User().(*stamped)
		if err := p.users.SetHash(ctx.Context(), user, q.Get("hash")); err != nil {
			return err
		}
		return ctx.ConfirmLogin(user)
	}
	return app.LoggedIn(func(ctx *app.Context, u *stamped) error {
		ctx.Body = u.Username
		return nil
	})(ctx)
}

func (p *place) login(t testing.TB, query string) *apptest.Client {
	t.Helper()
	c := apptest.NewClient(t, p.app)
	require.Less(t, c.Post("/login?user="+query, "", "").Status, 500)
	require.NotNil(t, c.Cookie("__Host-session"))
	return c
}

func (p *place) live(t testing.TB, id int64) int {
	t.Helper()
	list, err := p.sessions.List(t.Context(), &stamped{ID: id})
	require.NoError(t, err)
	return len(list)
}

// onEachStore runs test with the users and the sessions in one database, and with the sessions
// elsewhere, where no store can join them.
func onEachStore(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace, store app.SessionStore)) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		require.NoError(t, sessionstores.Migrate(t.Context(), db))
		test(t, db, trace, sessionstores.NewBun(db))
	})
	for name, store := range map[string]func(t testing.TB) app.SessionStore{
		"memory": func(testing.TB) app.SessionStore { return sessionstores.NewMemory() },
		"Redis": func(t testing.TB) app.SessionStore {
			o, err := redis.ParseURL(redistest.URL(t))
			require.NoError(t, err)
			c := redis.NewClient(o)
			t.Cleanup(func() { _ = c.Close() })
			return sessionstores.NewRedis(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, "file::memory:")
			test(t, db, trace, store(t))
		})
	}
}

func TestAPasswordChangedByAnotherProgramEndsAllSessions(t *testing.T) {
	onEachStore(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace, store app.SessionStore) {
		p := newPlace(t, db, shire(t, db), store, stampOf)
		here, there, sam := p.login(t, "frodo"), p.login(t, "frodo&bare"), p.login(t, "sam")
		stale := apptest.NewClient(t, p.app)
		stale.CopyCookies(here)
		for c, name := range map[*apptest.Client]string{here: "frodo", there: "frodo", sam: "sam"} {
			assert.Equal(t, name, c.Get("/").Body, "also of a login with a user who had no stamp")
		}
		trace.Reset()
		here.Get("/")
		assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts(), "of the session and its user, or of the user alone")
		p.events.Reset()

		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", otherHash)
		require.Equal(t, 2, p.live(t, 1), "nobody has told the sessions")
		for n, c := range []*apptest.Client{here, there} {
			res := c.Get("/")
			assert.Equal(t, http.StatusUnauthorized, res.Status)
			events := p.events.Expect(t, app.EventSessionRevoked, app.EventDenied)
			assert.Equal(t, "1", events[0].Subject)
			assert.NotEmpty(t, events[0].Session)
			assert.ErrorContains(t, events[0].Reason, "what the session was bound to has changed")
			assert.Equal(t, 1-n, p.live(t, 1), "and the row is gone")
			assert.Equal(t, "sam", sam.Get("/").Body, "others stay")
		}

		back := p.login(t, "frodo")
		assert.Equal(t, "frodo", back.Get("/").Body)
		assert.Equal(t, 1, p.live(t, 1))
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", hash)
		assert.Equal(t, http.StatusUnauthorized, stale.Get("/").Status, "the old password back brings no session back")
		assert.Equal(t, http.StatusUnauthorized, back.Get("/").Status)
		assert.Empty(t, p.faults)
	})
}

func TestAUserWhoLosesThePasswordIsLoggedOut(t *testing.T) {
	onEachStore(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace, store app.SessionStore) {
		p := newPlace(t, db, shire(t, db), store, stampOf)
		frodo, sam := p.login(t, "frodo"), p.login(t, "sam")
		assert.Equal(t, "sam", sam.Get("/").Body, "who never had one can be logged in, by a link say")
		exec(t, db, "UPDATE users SET password_hash = NULL WHERE id = 1")
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 2", hash)
		assert.Equal(t, http.StatusUnauthorized, frodo.Get("/").Status)
		assert.Equal(t, http.StatusUnauthorized, sam.Get("/").Status, "who gets a first one too")
	})
}

func TestWhoChangesTheirPasswordStays(t *testing.T) {
	onEachStore(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace, store app.SessionStore) {
		p := newPlace(t, db, shire(t, db), store, stampOf)
		here, there := p.login(t, "frodo"), p.login(t, "frodo")
		require.Less(t, here.Post("/password?hash=better", "", "").Status, 500)
		assert.Equal(t, "frodo", here.Get("/").Body)
		assert.Equal(t, http.StatusUnauthorized, there.Get("/").Status)
	})
}

func TestNoSessionIsBoundToNothing(t *testing.T) {
	for name, stamp := range map[string]func(any) string{
		"a Stamp that is empty":     func(any) string { return "" },
		"a Stamp that nobody loads": stampOf, // the Table has no TableOptions.Stamp
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace, store app.SessionStore) {
				shire(t, db)
				p := newPlace(t, db, serializer.NewTable[stamped](db, serializer.TableOptions{}), store, stamp)
				c := apptest.NewClient(t, p.app)
				for _, who := range []string{"frodo", "frodo&bare"} {
					assert.Equal(t, http.StatusInternalServerError, c.Post("/login?user="+who, "", "").Status)
				}
				assert.Nil(t, c.Cookie("__Host-session"))
				assert.Zero(t, p.live(t, 1))
				p.events.Expect(t)
				require.Len(t, p.faults, 2)
				assert.ErrorContains(t, errors.Join(p.faults...), "SessionOptions.Stamp returned nothing")
			})
		})
	}
}

func TestASessionOfBeforeTheStampsHasEnded(t *testing.T) {
	onEachStore(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace, store app.SessionStore) {
		users := shire(t, db)
		before, after := newPlace(t, db, users, store, nil), newPlace(t, db, users, store, stampOf)
		frodo := before.login(t, "frodo")
		c := apptest.NewClient(t, after.app)
		c.CopyCookies(frodo)
		assert.Equal(t, http.StatusUnauthorized, c.Get("/").Status)
		assert.Zero(t, after.live(t, 1))
	})
}

func TestAPasswordChangedByAnotherProgramEndsAllTokens(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		users := shire(t, db)
		require.NoError(t, tokenstores.Migrate(t.Context(), db))
		key, err := strategies.GenerateJWTKey("a", "ES256")
		require.NoError(t, err)
		keys, err := strategies.NewJWTKeys(key)
		require.NoError(t, err)
		j := strategies.NewJWT(users, strategies.JWTOptions{
			Issuer: "https://shire.example", Audience: "https://api.shire.example", Keys: keys, Stamp: stampOf,
			Logger:   slog.New(slog.DiscardHandler),
			Denylist: tokenstores.NewBunDenylist(db), Refresh: strategies.RefreshOptions{Store: tokenstores.NewBun(db)},
		})
		frodo, err := users.ByName(t.Context(), "frodo")
		require.NoError(t, err)
		pair := apptest.JWTPair(t, j, frodo, strategies.PairOptions{})
		a := app.New().Use(func(ctx *app.Context, next app.Handler) error {
			ctx.Status = http.StatusNoContent
			if ctx.Request.URL.Path != "/refresh" {
				return app.Authenticate(j)(ctx, next)
			}
			_, err := j.Refresh(ctx, pair.Refresh(), strategies.RefreshRequest{})
			return err
		})
		c := apptest.NewClient(t, a)
		c.Header.Set("Authorization", "Bearer "+pair.Access())
		require.Equal(t, http.StatusNoContent, c.Get("/").Status)
		trace.Reset()
		require.Equal(t, http.StatusNoContent, c.Get("/").Status)
		assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())

		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", otherHash)
		assert.Equal(t, http.StatusUnauthorized, c.Get("/").Status)
		assert.Equal(t, http.StatusUnauthorized, c.Post("/refresh", "", "").Status)
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", hash)
		assert.Equal(t, http.StatusNoContent, c.Post("/refresh", "", "").Status, "it was good but for that")
	})
}
