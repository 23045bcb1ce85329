package tokenstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Insert is one statement; only if the type and id are taken, a second one tells by
// whom. Doing it again with the same token is no error, which makes it safe to repeat
// after a fault whose outcome is unknown.
func (b *Bun) Insert(ctx context.Context, t *Token) error {
	r, err := encode(t)
	if err != nil {
		return err
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		made, err := b.insert(ctx, txn.In(ctx, b.db), r)
		if err != nil || made {
			return err
		}
		return b.sameToken(ctx, r)
	})
	if err != nil && !errors.Is(err, errIDTaken) {
		return fmt.Errorf("tokenstores: insert: %w", err)
	}
	return err
}

// insert reports whether there was no token of this type and id.
func (b *Bun) insert(ctx context.Context, db bun.IDB, r *record) (bool, error) {
	n, err := sqlerr.Affected(db.ExecContext(ctx, b.sql("INSERT INTO {table} (type, id, subject, hash, name, scopes, meta, created, last_used,"+
		" expires, idle_limit, address, successor, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (type, id) DO NOTHING"),
		r.Type, r.ID, r.Subject, r.Hash, r.Name, r.scopes, r.meta, r.Created.UnixMicro(), cell.Nullable(r.LastUsed),
		cell.Nullable(r.Expires), r.IdleLimit.Microseconds(), r.Address, r.Successor, r.State))
	return n == 1, err
}

// sameToken is nil if the token that is stored is r, by an attempt whose answer was lost.
func (b *Bun) sameToken(ctx context.Context, r *record) error {
	var have row
	err := txn.In(ctx, b.db).QueryRowContext(ctx, b.sql("SELECT "+columns+" FROM {table} AS t WHERE t.type = ? AND t.id = ?"), r.Type, r.ID).
		Scan(have.dest()...)
	if err != nil {
		return err
	}
	if t, err := have.token(); err != nil || !reflect.DeepEqual(t, &r.Token) {
		return errIDTaken
	}
	return nil
}

// Touch is one statement.
func (b *Bun) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	if !isName(typ, id, hash) || used.IsZero() || !storable(used) {
		return ctx.Err()
	}
	_, err := b.exec(ctx, "touch", "UPDATE {table} SET last_used = ?, address = ? WHERE type = ? AND id = ? AND hash = ?"+
		" AND (last_used IS NULL OR last_used < ?)",
		used.UnixMicro(), cell.Clean(address, maxAddress), typ, id, hash, used.UnixMicro())
	return err
}

// Rotate is one transaction of an UPDATE and an INSERT, on Postgres after a lock that
// [Bun.DeleteAll] and [Bun.DeleteType] wait for; only if the UPDATE changes no row, a query
// tells why. Doing it again with the same next is no error, which makes it safe to repeat
// after a commit whose answer was lost.
func (b *Bun) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *Token) error {
	r, err := successor(typ, id, until, next)
	if err != nil {
		return err
	}
	if !isName(id, hash) {
		return goneUnless(ctx.Err())
	}
	err = b.inTurn(ctx, shared, typ, func(ctx context.Context, tx bun.Tx) error { return b.rotate(ctx, tx, id, hash, until, r) })
	if err == nil || errors.Is(err, ErrTokenGone) || errors.Is(err, ErrTokenRotated) || errors.Is(err, errIDTaken) {
		return err
	}
	return fmt.Errorf("tokenstores: rotate: %w", err)
}

// goneUnless is ErrTokenGone where no query is needed to know it, or the fault.
func goneUnless(fault error) error {
	if fault != nil {
		return fault
	}
	return ErrTokenGone
}

func (b *Bun) rotate(ctx context.Context, tx bun.Tx, id, hash string, until time.Time, next *record) error {
	n, err := sqlerr.Affected(tx.ExecContext(ctx, b.sql("UPDATE {table} SET successor = ?, expires = CASE WHEN expires <= ? THEN expires ELSE ? END"+
		" WHERE type = ? AND id = ? AND hash = ? AND successor = '' AND ("+ends+" > ? OR "+ends+" IS NULL)"),
		next.ID, until.UnixMicro(), until.UnixMicro(), next.Type, id, hash, next.Created.UnixMicro()))
	if err != nil {
		return err
	}
	if n == 0 {
		return b.whyNotRotated(ctx, tx, id, hash, next)
	}
	made, err := b.insert(ctx, tx, next)
	if err == nil && !made {
		return errIDTaken
	}
	return err
}

// whyNotRotated is nil if the token has been rotated into next already, by an attempt
// whose answer was lost.
func (b *Bun) whyNotRotated(ctx context.Context, tx bun.Tx, id, hash string, next *record) error {
	var have cell.Text
	err := tx.QueryRowContext(ctx, b.sql("SELECT successor FROM {table} WHERE type = ? AND id = ? AND hash = ?"), next.Type, id, hash).
		Scan(&have)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrTokenGone
	case err != nil:
		return err
	case string(have) == next.ID:
		return nil
	case have == "":
		return ErrTokenGone // it was over
	}
	return ErrTokenRotated
}

// exec runs one statement that may be repeated and returns how many rows it changed
// when it succeeded.
func (b *Bun) exec(ctx context.Context, what, query string, args ...any) (int, error) {
	n, err := sqlerr.Exec(ctx, txn.In(ctx, b.db), b.sql(query), args...)
	if err != nil {
		return 0, fmt.Errorf("tokenstores: %s: %w", what, err)
	}
	return n, nil
}
