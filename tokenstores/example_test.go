package tokenstores_test

import (
	"context"
	"fmt"
	"log"
	"time"

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

// A credential that verifies without a store is denied until it would have ended anyway.
func ExampleDenylist() {
	ctx := context.Background()
	list := tokenstores.NewMemoryDenylist()
	ends := time.Date(3019, time.March, 25, 12, 0, 0, 0, time.UTC)
	if err := list.Deny(ctx, tokenstores.Denial{Key: "jti:gollum", Mark: "revoked", Until: ends}); err != nil {
		log.Fatal(err)
	}
	found, err := list.Find(ctx, "", "jti:gollum", "jti:frodo")
	if err != nil {
		log.Fatal(err) // an outage: nobody is let in on a guess
	}
	fmt.Printf("%q\n", found.Marks)
	n, err := list.Prune(ctx, ends, 1000)
	fmt.Println(n, err)
	// Output:
	// ["revoked" ""]
	// 1 <nil>
}

// The secret of a token is replaced in place: its row stays one device.
func ExampleStore_renew() {
	ctx := context.Background()
	var store tokenstores.Store = tokenstores.NewMemory()
	now := time.Date(3018, time.September, 23, 12, 0, 0, 0, time.UTC)
	phone := &tokenstores.Token{Type: "refresh", ID: "palantir", Subject: "frodo", Hash: "hash of the first", Created: now}
	if err := store.Insert(ctx, phone); err != nil {
		log.Fatal(err)
	}
	next := tokenstores.Renewal{Hash: "hash of the second", Used: now.Add(time.Hour), Address: "192.0.2.7"}
	fmt.Println(store.Renew(ctx, "refresh", "palantir", "hash of the first", next))
	next.Hash = "hash of another"
	fmt.Println(store.Renew(ctx, "refresh", "palantir", "hash of the first", next)) // somebody has an old one
	// Output:
	// <nil>
	// tokenstores: the token was rotated already
}
