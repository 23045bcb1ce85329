package strategies_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// The user comes with the series, in one query.
func TestRememberStatements(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			users := riders(t, db)
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			clock := apptest.NewClock(landing)
			remember := strategies.NewRemember(tokenstores.NewBun(db), users, strategies.RememberOptions{Clock: clock.Now})
			sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{Remember: remember, Clock: clock.Now})
			a := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
				ctx.Status = 204
				switch ctx.Request.URL.Path {
				case "/login":
					return ctx.Login(&rider{ID: 7}, app.Remember(true))
				case "/public":
					return nil
				case "/direct":
					return app.Authenticate(remember)(ctx, func(ctx *app.Context) error { ctx.Body = ctx.User().(*rider).Name; return nil })
				}
				if u, ok := app.User[*rider](ctx); ok {
					ctx.Status, ctx.Body = 200, u.Name
				}
				return nil
			})
			c := apptest.NewClient(t, a)
			c.Now = clock.Now
			send := func(path string) (int, sqltrace.Counts) {
				trace.Reset()
				return c.Get(path).Status, trace.Counts()
			}
			login := func() {
				status, _ := send("/login")
				require.Equal(t, 204, status)
			}
			login()
			send("/") // prepares the statement
			status, counts := send("/")
			assert.Equal(t, 200, status)
			assert.Equal(t, sqltrace.Counts{Queries: 1}, counts, "a session that lives")
			clock.Advance(13 * time.Hour)
			_, counts = send("/public")
			assert.Equal(t, sqltrace.Counts{}, counts)
			send("/")
			clock.Advance(13 * time.Hour)
			status, counts = send("/")
			assert.Equal(t, 200, status)
			assert.Equal(t, 4, counts.Queries, "the session that is over, the series with its user, the series again, and the sessions of the user")
			clock.Advance(time.Hour)
			status, counts = send("/direct")
			assert.Equal(t, 204, status)
			assert.Equal(t, sqltrace.Counts{Queries: 1, Execs: 1}, counts)
			for _, nobody := range []string{"", "garbage"} {
				c = apptest.NewClient(t, a)
				c.SetCookie(remembering, nobody)
				status, counts = send("/")
				assert.Equal(t, 204, status)
				assert.Equal(t, sqltrace.Counts{}, counts)
			}
		})
	}
}

// A row of another database, or one whose user was deleted, joined or not, proves nobody.
func TestRememberedRiderIsDeleted(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, _ := sqltrace.Open(t, address(t))
			remember := strategies.NewRemember(tokenstores.NewBun(db), riders(t, db), strategies.RememberOptions{})
			a := app.New().Use(func(ctx *app.Context, next app.Handler) error {
				if ctx.Request.URL.Path == "/login" {
					ctx.Status = 204
					_, err := remember.Remember(ctx, &rider{ID: 7})
					return err
				}
				return app.Authenticate(remember)(ctx, next)
			})
			c := apptest.NewClient(t, a)
			require.Equal(t, 204, c.Get("/login").Status)
			_, err := db.NewDelete().Model((*rider)(nil)).Where("id = 7").Exec(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 401, c.Get("/").Status)
			assert.Nil(t, c.Cookie(remembering))
		})
	}
}
