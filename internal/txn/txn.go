// Package txn lets several stores share one transaction: it travels in the context.
package txn

import (
	"context"
	"database/sql"
	"sync/atomic"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
)

// of is the key of a pool's transaction in a context.
type of struct{ pool *sql.DB }

type transaction struct {
	tx   bun.Tx
	over atomic.Bool // a context can outlive its transaction
}

// In returns the transaction of db that ctx is in, or db.
func In(ctx context.Context, db *bun.DB) bun.IDB {
	if tx, ok := Of(ctx, db); ok {
		return tx
	}
	return db
}

// Of returns the transaction of db that ctx is in, if it is in one.
func Of(ctx context.Context, db *bun.DB) (bun.Tx, bool) {
	t, ok := ctx.Value(of{db.DB}).(*transaction)
	if !ok || t.over.Load() {
		return bun.Tx{}, false
	}
	return t.tx, true
}

// Run does the work in a transaction: in that of ctx, whose end decides then, or in one of its own, which is committed unless the work fails.
// On Postgres it is at read committed, whatever the default is: each statement sees what is there when it begins, which the stores rely on.
// What is done with the work's context, the stores' statements too, is never repeated by itself.
func Run(ctx context.Context, db *bun.DB, work func(context.Context, bun.Tx) error) error {
	if tx, ok := Of(ctx, db); ok {
		return work(ctx, tx)
	}
	var o *sql.TxOptions
	if db.Dialect().Name() == dialect.PG {
		o = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return db.RunInTx(ctx, o, func(ctx context.Context, tx bun.Tx) error {
		t := &transaction{tx: tx}
		defer t.over.Store(true)
		return work(sqlerr.Once(context.WithValue(ctx, of{db.DB}, t)), tx)
	})
}
