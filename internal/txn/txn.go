// Package txn lets several stores share one transaction: it travels in the context.
package txn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/rollback"
	"github.com/kahu-go/kahu/internal/sqlerr"
)

// of is the key of a pool's transaction in a context.
type of struct{ pool *sql.DB }

type transaction struct {
	tx    bun.Tx
	over  atomic.Bool // a context can outlive its transaction
	parts atomic.Int64
}

const undoTimeout = 5 * time.Second

// In returns the transaction of db that ctx is in, or db.
func In(ctx context.Context, db *bun.DB) bun.IDB {
	if tx, ok := Of(ctx, db); ok {
		return tx
	}
	return db
}

// A Queryer is a *bun.DB or a transaction, for those who know no more of it.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// InQuery is [In] for a Queryer: what is no *bun.DB stays as it is.
func InQuery(ctx context.Context, q Queryer) Queryer {
	if db, ok := q.(*bun.DB); ok {
		return In(ctx, db)
	}
	return q
}

// Of returns the transaction of db that ctx is in, if it is in one.
func Of(ctx context.Context, db *bun.DB) (bun.Tx, bool) {
	if t := in(ctx, db); t != nil {
		return t.tx, true
	}
	return bun.Tx{}, false
}

func in(ctx context.Context, db *bun.DB) *transaction {
	t, ok := ctx.Value(of{db.DB}).(*transaction)
	if !ok || t.over.Load() {
		return nil
	}
	return t
}

// Run does the work in a transaction: in one of its own, which is committed unless the work fails, or as a part of that of ctx, whose end decides
// then. A part that fails is undone by itself, so that the rest can go on; parts of one transaction must not run at once.
// On Postgres it is at read committed, whatever the default is: each statement sees what is there when it begins, which the stores rely on.
// What is done with the work's context, the stores' statements too, is never repeated by itself.
func Run(outer context.Context, db *bun.DB, work func(context.Context, bun.Tx) error) (err error) {
	ctx, list := rollback.With(outer)
	lasts := false
	defer func() { // after a panic too
		if !lasts {
			list.Undo()
		}
	}()
	if t := in(ctx, db); t != nil {
		err = t.part(ctx, work)
		rollback.On(outer, list.Undo) // which is empty if the part was undone
	} else {
		err = begin(ctx, db, work)
	}
	lasts = err == nil
	return err
}

func begin(ctx context.Context, db *bun.DB, work func(context.Context, bun.Tx) error) error {
	var o *sql.TxOptions
	if db.Dialect().Name() == dialect.PG {
		o = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	err := db.RunInTx(ctx, o, func(ctx context.Context, tx bun.Tx) error {
		t := &transaction{tx: tx}
		defer t.over.Store(true)
		return work(sqlerr.Once(context.WithValue(ctx, of{db.DB}, t)), tx)
	})
	if ctx.Err() != nil && errors.Is(err, sql.ErrTxDone) {
		return ctx.Err() // which is why it is done
	}
	return err
}

// part does the work behind a savepoint. Bun's own would lose the context and not notice that it could not be undone.
func (t *transaction) part(ctx context.Context, work func(context.Context, bun.Tx) error) error {
	savepoint := bun.Ident(fmt.Sprint("kahu_", t.parts.Add(1)))
	if _, err := t.tx.ExecContext(ctx, "SAVEPOINT ?", savepoint); err != nil {
		return err
	}
	done := false
	defer func() { // after a panic too
		if !done {
			t.undo(ctx, savepoint)
		}
	}()
	if err := work(ctx, t.tx); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(ctx, "RELEASE SAVEPOINT ?", savepoint)
	done = err == nil
	return err
}

// undo goes back to before the part, also if its context has ended. If that cannot be, the whole is rolled back, and its commit says so.
func (t *transaction) undo(ctx context.Context, savepoint bun.Ident) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	if _, err := t.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT ?", savepoint); err != nil {
		_ = t.tx.Rollback()
	}
}
