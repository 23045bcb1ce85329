package serializer_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
)

// Account is a user of some other store.
type Account struct{ Name string }

// Any user type by two functions: what is stored, and how to find it again.
func ExampleNew() {
	accounts := map[string]*Account{"frodo": {Name: "frodo"}}
	users := serializer.New(
		func(a *Account) string { return a.Name },
		func(_ context.Context, name string) (*Account, error) { return accounts[name], nil },
	)
	subject, err := users.Serialize(context.Background(), accounts["frodo"])
	fmt.Println(subject, err)
	gone, err := users.Deserialize(context.Background(), "sauron")
	fmt.Println(gone, err)
	// Output:
	// frodo <nil>
	// <nil> <nil>
}

// Person is a row of the table people. It has no field for the password hash.
type Person struct {
	ID       int64 `bun:",pk,autoincrement"`
	Username string
	Email    string
}

// The users of a table, by name or by e-mail address.
func ExampleNewTable() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{
		"CREATE TABLE people (id integer PRIMARY KEY, username text UNIQUE, email text UNIQUE, password_hash text)",
		"INSERT INTO people VALUES (1, 'frodo', 'frodo@shire.example', '$2a$12$…')",
	} {
		if _, err := db.ExecContext(ctx, query); err != nil {
			log.Fatal(err)
		}
	}
	users := serializer.NewTable[Person](db, serializer.TableOptions{})
	user, hash, err := users.ByNameWithHash(ctx, "frodo@shire.example")
	fmt.Println(user.Username, hash != "", err)
	// Output: frodo true <nil>
}

// Member is a row of the table members, with a field for the stamp that the table does not have.
type Member struct {
	ID            int64 `bun:",pk,autoincrement"`
	Username      string
	PasswordStamp string `bun:",scanonly" json:"-"`
}

// A password that any program changes ends what was logged in before.
func ExampleTableOptions_stamp() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sessionstores.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	run := func(query string) {
		if _, err := db.ExecContext(ctx, query); err != nil {
			log.Fatal(err)
		}
	}
	run("CREATE TABLE members (id integer PRIMARY KEY, username text UNIQUE, password_hash text)")
	run("INSERT INTO members VALUES (1, 'frodo', '$2a$12$…')")

	users := serializer.NewTable[Member](db, serializer.TableOptions{Stamp: "PasswordStamp"})
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{
		Stamp: func(user any) string { return user.(*Member).PasswordStamp },
	})
	shire := app.New().Use(sessions.Layer, func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.URL.Path == "/login" { // after the password, which this example does not ask for
			frodo, err := users.ByName(ctx.Context(), "frodo")
			if err != nil {
				return err
			}
			ctx.Status = 204
			return ctx.Login(frodo)
		}
		ctx.Status = 204
		return app.RequireLogin(ctx, next)
	})
	client := apptest.NewClient(&testing.T{}, shire) // in a test, its own t

	fmt.Println(client.Get("/login").Status, client.Get("/rings").Status)
	run("UPDATE members SET password_hash = '$2a$12$other…'")
	fmt.Println(client.Get("/rings").Status)
	// Output:
	// 204 204
	// 401
}
