package serializer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/serializer"
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
