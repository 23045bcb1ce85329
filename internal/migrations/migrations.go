// Package migrations brings a package's own tables up to date.
//
// A package that owns tables embeds its steps as SQL files, one folder a dialect, and calls [Run]:
//
//	//go:embed migrations
//	var files embed.FS // migrations/postgres/0001_counts.up.sql, migrations/sqlite/0001_counts.up.sql
//
//	func Migrate(ctx context.Context, db *bun.DB) error { return migrations.Run(ctx, db, "throttle", files) }
package migrations

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/migrate"
)

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,46}$`)

// Run applies the steps of files that the database does not know yet, in the order of their numbers, and notes them in the
// table kahu_<name>_migrations (beside it stands kahu_<name>_locks, which bun makes and Run leaves empty).
//
// files has a folder migrations/postgres and a folder migrations/sqlite with files such as 0001_counts.up.sql; a file may hold
// several statements. A step once released is never edited: what comes later is a new file.
//
// All of it is one transaction on one connection: a step that fails, a cancelled ctx or a killed process leaves the database as it
// was and nothing locked, and a pool of one connection is enough. Runs at the same time wait for one another (Postgres: a
// transaction's advisory lock, which poolers keep intact; SQLite: BEGIN IMMEDIATE, for as long as its busy_timeout), so starting
// many processes together is harmless. No statement timeout applies on Postgres: ctx is the limit.
//
// It panics if name is not of lower-case letters, digits and underscores. A dialect other than the two, a missing folder, a
// misnamed file and any fault of the database are errors.
func Run(ctx context.Context, db *bun.DB, name string, files fs.FS) error {
	if !names.MatchString(name) {
		panic(fmt.Sprintf("migrations: %q is no name for tables: use lower-case letters, digits and underscores", name))
	}
	folder, begin, err := flavour(db.Dialect().Name())
	if err != nil {
		return err
	}
	steps, err := read(files, folder)
	if err != nil {
		return err
	}
	if err := inTransaction(ctx, db, begin, func(tx *bun.DB) error { return apply(ctx, tx, name, steps) }); err != nil {
		return fmt.Errorf("migrations: %s: %w", name, err)
	}
	return nil
}

// flavour says where the dialect's files are and which statements open its transaction with the lock held.
//
// On Postgres the isolation is fixed because under REPEATABLE READ the snapshot would be older than the lock, and
// what the run before us committed would stay unseen. The lock's number is "kahu" in ASCII.
func flavour(d dialect.Name) (folder, begin string, err error) {
	switch d {
	case dialect.PG:
		return "migrations/postgres", "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(1801545845)", nil
	case dialect.SQLite:
		return "migrations/sqlite", "BEGIN IMMEDIATE", nil
	default:
		return "", "", fmt.Errorf("migrations: %s is not supported: use Postgres or SQLite", d)
	}
}

func apply(ctx context.Context, tx *bun.DB, name string, steps *migrate.Migrations) error {
	m := migrate.NewMigrator(tx, steps,
		migrate.WithTableName("kahu_"+name+"_migrations"),
		migrate.WithLocksTableName("kahu_"+name+"_locks"),
		migrate.WithMarkAppliedOnSuccess(true))
	if err := m.Init(ctx); err != nil {
		return err
	}
	_, err := m.Migrate(ctx)
	return err
}
