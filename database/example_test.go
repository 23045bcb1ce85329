package database_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/tokenstores"
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

func ExampleTransact() {
	ctx := context.Background()
	db, err := database.Open(":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if err := errors.Join(sessionstores.Migrate(ctx, db), tokenstores.Migrate(ctx, db)); err != nil {
		fmt.Println(err)
		return
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE users (id TEXT, disabled BOOLEAN); INSERT INTO users VALUES ('frodo', FALSE)")
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, tokens := sessionstores.NewBun(db), tokenstores.NewBun(db)
	err = database.Transact(ctx, db, func(ctx context.Context) error { // the account is disabled and everything ends, or nothing
		_, err := database.Tx(ctx, db).NewUpdate().Table("users").Set("disabled = TRUE").Where("id = ?", "frodo").Exec(ctx)
		if err != nil {
			return err
		}
		if _, err := sessions.DeleteSessions(ctx, "session", "frodo", ""); err != nil {
			return err
		}
		_, err = tokens.DeleteAll(ctx, "api", "frodo", "")
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}
