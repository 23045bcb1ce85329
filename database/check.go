package database

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Check tells what is unsafe about a pool that was not opened by [Open]: on Postgres a session in which Bun's escaping does not hold, on SQLite a
// pool that does not wait for locks or may forget commits. It looks at one connection; settings made by the role, the database or the pool's
// address are the same on all.
func Check(ctx context.Context, db *bun.DB) error {
	if db.Dialect().Name() == dialect.PG {
		return checkPostgres(ctx, db)
	}
	return checkSQLite(ctx, db)
}

func checkPostgres(ctx context.Context, db *bun.DB) error {
	for name, want := range required {
		var got string
		if err := db.QueryRowContext(ctx, "SHOW "+name).Scan(&got); err != nil {
			return fmt.Errorf("database: SHOW %s: %w", name, err)
		}
		if !strings.EqualFold(got, want) {
			return fmt.Errorf("database: %w", unsafeSetting(name, got, want))
		}
	}
	return nil
}

func checkSQLite(ctx context.Context, db *bun.DB) error {
	const full = 2
	for name, least := range map[string]int{"busy_timeout": 1, "synchronous": full, "foreign_keys": 1} {
		var got int
		if err := db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&got); err != nil {
			return fmt.Errorf("database: PRAGMA %s: %w", name, err)
		}
		if got < least {
			return fmt.Errorf("database: %w", unsafeSetting(name, fmt.Sprint(got), fmt.Sprint(least)))
		}
	}
	return nil
}

func unsafeSetting(name, got, want string) error {
	return fmt.Errorf("%s is %s in this session and must be %s", name, got, want)
}
