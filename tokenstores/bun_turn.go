package tokenstores

import (
	"context"
	"hash/fnv"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// A turn is the Postgres function by which a transaction takes its turn at the tokens of
// a type, until it ends. It is no lock of a session, so a pooler may share connections.
type turn string

const (
	shared turn = "pg_advisory_xact_lock_shared" // with others that share
	alone  turn = "pg_advisory_xact_lock"
)

// inTurn does the work in a transaction, and again after a fault that passes.
//
// On Postgres a DELETE that meets a rotation waits for it and does not see the successor,
// which was stored after the DELETE began. Looking again if it removed something would not
// do: somebody else may have removed the rotated token first. So rotations share a turn,
// and who removes many tokens goes alone: at read committed each statement sees what is
// there when it begins, and the DELETE begins when the turn has come.
func (b *Bun) inTurn(ctx context.Context, lock turn, typ string, work func(context.Context, bun.Tx) error) error {
	return sqlerr.Retry(ctx, func(ctx context.Context) error {
		return txn.Run(ctx, b.db, func(ctx context.Context, tx bun.Tx) error {
			if err := b.take(ctx, tx, lock, typ); err != nil {
				return err
			}
			return work(ctx, tx)
		})
	})
}

// take waits for the turn. SQLite has one writer at a time anyway.
func (b *Bun) take(ctx context.Context, tx bun.Tx, lock turn, typ string) error {
	if !b.postgres() {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT "+string(lock)+"(?)", b.lockKey(typ))
	return err
}

// lockKey is the same on every node. Types that share one only wait for each other.
func (b *Bun) lockKey(typ string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("kahu:" + b.table + ":" + typ))
	return int64(h.Sum64() >> 1)
}

func (b *Bun) postgres() bool { return b.db.Dialect().Name() == dialect.PG }
