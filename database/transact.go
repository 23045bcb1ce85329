package database

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Transact does the work in one transaction: whatever kahu's stores do in db with the work's context is committed together when the work returns
// nil, and undone otherwise. The application's own statements join in by [Tx]. On Postgres it is at read committed.
//
// If the database rolled the transaction back because it met another one, the work is done again, at most twice: whatever it does elsewhere must
// bear that. Inside a Transact of the same db it is part of the outer one. Stores in other databases or in Redis, and counters of attempts,
// do what they do at once.
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
