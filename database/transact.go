package database

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Transact does the work in one transaction: whatever kahu's stores do in db with the work's context is committed together when the work returns
// nil, and undone otherwise, after a panic too. The application's own statements join in by [Tx]. On Postgres it is at read committed. The work's
// context is for one goroutine at a time; when the transaction is over, stores use db again.
//
// If the database rolled the transaction back because it met another one, the work is done again, at most twice: whatever it does elsewhere must
// bear that. After a lost connection it is not. Stores in other databases or in Redis do what they do at once. So do counters of attempts: on
// SQLite one in the same file waits for the transaction, and fails.
//
// Inside a Transact of the same db it is a part of the outer one: if it fails and the outer one goes on, the part alone is undone. On Postgres
// nothing can follow a statement that failed, but by undoing the part that it is in; on SQLite only the statement is undone.
func Transact(ctx context.Context, db *bun.DB, work func(context.Context) error) error {
	in := func(ctx context.Context) error {
		return txn.Run(ctx, db, func(ctx context.Context, _ bun.Tx) error { return work(ctx) })
	}
	if _, inside := txn.Of(ctx, db); inside {
		return in(ctx)
	}
	return sqlerr.Redo(ctx, in)
}

// Tx returns the transaction of db that ctx is in by [Transact], or db: a statement that is to be part of it is run with this.
func Tx(ctx context.Context, db *bun.DB) bun.IDB { return txn.In(ctx, db) }
