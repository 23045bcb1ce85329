package accounts_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/router"
)

// An Admin is another type than a User, in a table of its own.
type Admin struct {
	bun.BaseModel `bun:"table:admins"`

	ID        int64     `bun:",pk,autoincrement"`
	Email     string    `bun:",notnull"`
	CreatedAt time.Time `bun:",nullzero,notnull"`
	UpdatedAt time.Time `bun:",nullzero,notnull"`
}

func TestUsersAndAdmins(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		s := build(t, db, nil)
		store := accounts.NewTable[Admin](db, accounts.TableOptions{})
		admins := accounts.New(store, accounts.Options{Tokens: s.newJWT(store, "admin", nil), Resource: "admin", Hasher: s.hasher, Clock: s.clock.Now})
		r := router.New()
		s.people.Mount(r, accounts.MountOptions{})
		admins.Mount(r, accounts.MountOptions{})
		r.Guard(accounts.OneOf(s.people, admins)).Get("/posts", func(ctx *app.Context) error {
			user, isUser := app.User[*accounts.User](ctx)
			admin, isAdmin := app.User[*Admin](ctx)
			require.NotEqual(t, isUser, isAdmin, "only one of them is set")
			if isUser {
				ctx.Body = "user " + user.Email
				return nil
			}
			ctx.Body = "admin " + admin.Email
			return nil
		})
		r.Guard(s.people.RequireLogin).Get("/users/only", func(ctx *app.Context) error { ctx.Body = "user"; return nil })
		r.Guard(admins.RequireLogin).Get("/admins/only", func(ctx *app.Context) error { ctx.Body = "admin"; return nil })
		handler := app.New().Use(r.Layer)
		user, admin, nobody := &caller{apptest.NewClient(t, handler), t}, &caller{apptest.NewClient(t, handler), t}, &caller{apptest.NewClient(t, handler), t}
		user.signUp()
		admin.keep(admin.send("POST", "/admins/sign_up", fields{"email": email, "password": another})) // number 1 there too

		assert.Equal(t, "user "+email, user.Get("/posts").Body)
		assert.Equal(t, "admin "+email, admin.Get("/posts").Body)
		assert.Equal(t, http.StatusOK, user.Get("/users/only").Status)
		assert.Equal(t, http.StatusOK, admin.Get("/admins/only").Status)
		assert.Equal(t, http.StatusUnauthorized, user.Get("/admins/only").Status, "user 1 is not admin 1")
		assert.Equal(t, http.StatusUnauthorized, admin.Get("/users/only").Status)
		assert.JSONEq(t, `{"status":"error","error":"Access token is missing in the request"}`, nobody.Get("/posts").Body)
		assert.Equal(t, http.StatusUnauthorized, user.send("POST", "/admins/sign_in", fields{"email": email, "password": password}).Status)

		t.Run("a refresh token is good for its own kind", func(t *testing.T) {
			r := user.send("POST", "/admins/tokens", nil)
			assert.Equal(t, http.StatusUnauthorized, r.Status)
			swapped := *user
			swapped.Client = apptest.NewClient(t, handler)
			swapped.Header.Set("Authorization", admin.Header.Get("Authorization"))
			swapped.Header.Set("Refresh-Token", user.Header.Get("Refresh-Token"))
			assert.Equal(t, http.StatusUnauthorized, swapped.send("POST", "/admins/tokens", nil).Status)
			user.keep(user.send("POST", "/users/tokens", nil))
		})
		t.Run("an expired one of either kind is said to have expired", func(t *testing.T) {
			s.clock.Advance(20 * time.Minute)
			assert.JSONEq(t, `{"status":"error","error":"Access token expired"}`, user.Get("/posts").Body)
			assert.JSONEq(t, `{"status":"error","error":"Access token expired"}`, admin.Get("/posts").Body)
			user.keep(user.send("POST", "/users/tokens", nil))
			admin.keep(admin.send("POST", "/admins/tokens", nil))
		})
		t.Run("signing one out leaves the other", func(t *testing.T) {
			require.Equal(t, http.StatusOK, user.send("DELETE", "/users/sign_out", nil).Status)
			assert.Equal(t, http.StatusUnauthorized, user.Get("/posts").Status)
			assert.Equal(t, "admin "+email, admin.Get("/posts").Body)
		})
	})
}
