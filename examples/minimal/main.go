// Minimal logs people in by a form of JSON and guards one page.
package main

import (
	"context"
	"log"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
)

type User struct {
	bun.BaseModel `bun:"table:users"`
	ID            int64  `bun:",pk,autoincrement"`
	Username      string `bun:",unique"`
	PasswordHash  string
}

func main() {
	ctx := context.Background()
	db, err := database.Open("file:app.db") // or postgres://…
	if err != nil {
		log.Fatal(err)
	}
	if err := sessionstores.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}

	users := serializer.NewTable[User](db, serializer.TableOptions{})
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{})
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{})

	r := router.New()
	r.Open().Post("/session", func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err // 401, alike for every wrong pair
		}
		ctx.Status = 204
		return ctx.Login(id.User)
	})
	r.Open().Delete("/session", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	})
	r.Guard(app.RequireLogin).Get("/me", app.LoggedIn(func(ctx *app.Context, u *User) error {
		ctx.Body = map[string]string{"username": u.Username}
		return nil
	}))

	a := app.New()
	a.Use(sessions.Layer, r.Layer)
	log.Fatal(a.Run(ctx, ":3000"))
}
