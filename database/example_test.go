package database_test

import (
	"context"
	"fmt"

	"github.com/kahu-go/kahu/database"
)

func ExampleOpen() {
	db, err := database.Open(":memory:") // "file:app.db", or "postgres://frodo@db.example/app?sslmode=verify-full"
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	var answer string
	if err := db.NewSelect().ColumnExpr("?", "one ring").Scan(context.Background(), &answer); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer)
	// Output: one ring
}
