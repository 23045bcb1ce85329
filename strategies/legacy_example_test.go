package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A client of a Laravel application comes with the token that it has, and goes on with one
// of ours. The old one is good for this once.
func ExampleBearer_Exchange() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{
		"CREATE TABLE hobbits (id integer PRIMARY KEY, name text)",
		"INSERT INTO hobbits VALUES (7, 'frodo')",
		"CREATE TABLE personal_access_tokens (id integer PRIMARY KEY, tokenable_type text, tokenable_id integer, name text, token text UNIQUE, " +
			"abilities text, last_used_at datetime, expires_at datetime, created_at datetime, updated_at datetime)",
		`INSERT INTO personal_access_tokens VALUES (1, 'App\Models\User', 7, 'phone', '2fee08b7235994d7269af9432d8817a3345f7e0bfb72100c5580c8be34ceaff6', ` +
			`'["rings:read"]', NULL, NULL, '2026-11-22 08:17:24', '2026-11-22 08:17:24')`,
	} {
		if _, err := db.ExecContext(ctx, query); err != nil {
			log.Fatal(err)
		}
	}
	if err := tokenstores.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	type Hobbit struct {
		ID   int64 `bun:",pk"`
		Name string
	}
	users := serializer.NewTable[Hobbit](db, serializer.TableOptions{Name: "hobbits"})
	bearer := strategies.NewBearer(tokenstores.NewBun(db), users, strategies.BearerOptions{})
	laravel := strategies.NewSanctumTokens(db, strategies.SanctumOptions{})

	for range 2 {
		token, err := bearer.Exchange(ctx, "1|rQI8cOHxwF9CQbS0IZNegtjhrbhZVKFozE6jsEt6213799c2", strategies.TokenOptions{}, laravel)
		if err != nil {
			fmt.Println("refused:", errors.Is(err, app.ErrInvalidCredentials))
			return
		}
		fmt.Println(token.Name, token.Scopes, token.Text()[:5])
	}
	// Output:
	// phone [rings:read] kahu_
	// refused: true
}

// A link in a mail leads to a page that asks for the new password; only sending that uses
// the token up.
func ExampleOneTime() {
	ctx := context.Background()
	resets := strategies.NewOneTime(tokenstores.NewMemory(), strategies.OneTimeOptions{Type: "reset"})
	token, err := resets.Issue(ctx, "frodo", nil)
	if err != nil {
		log.Fatal(err)
	}
	link := "https://shire.example/reset#" + token.Text() // what is behind a # is in no log and no Referer

	seen, err := resets.Look(ctx, link[28:])
	fmt.Println(seen.Subject, err)
	taken, err := resets.Take(ctx, link[28:])
	fmt.Println(taken.Subject, err)
	_, err = resets.Take(ctx, link[28:])
	fmt.Println(errors.Is(err, app.ErrInvalidCredentials))
	// Output:
	// frodo <nil>
	// frodo <nil>
	// true
}
