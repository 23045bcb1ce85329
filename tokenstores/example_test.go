package tokenstores_test

import (
	"context"
	"fmt"
	"log"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/tokenstores"
)

// Tokens in the embedded database, or in Postgres with another address.
func ExampleNewBun() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := tokenstores.Migrate(ctx, db); err != nil {
		log.Fatal(err)
	}
	store := tokenstores.NewBun(db)
	fmt.Println(store.Ping(ctx))
	// Output: <nil>
}

// Another table, which the store makes itself.
func ExampleBun_InTable() {
	ctx := context.Background()
	db, err := database.Open("file::memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store := tokenstores.NewBun(db).InTable("api_tokens")
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Ping(ctx))
	// Output: <nil>
}
