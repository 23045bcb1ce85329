package tokenstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Renew is one statement; only if it changes no row, a query tells why. No row is made, so
// it needs no turn as Rotate does: on Postgres a DELETE that meets it waits, and then
// removes the row as it has become. Doing it again is no error, which makes it safe to
// repeat after a fault whose outcome is unknown.
func (b *Bun) Renew(ctx context.Context, typ, id, hash string, r Renewal) error {
	r, err := renewed(hash, r)
	if err != nil {
		return err
	}
	if !isName(typ, id, hash) {
		return goneUnless(ctx.Err())
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		done, err := b.renew(ctx, typ, id, hash, r)
		if err != nil || done {
			return err
		}
		return b.whyNotRenewed(ctx, typ, id, hash, r)
	})
	if err == nil || errors.Is(err, ErrTokenGone) || errors.Is(err, ErrTokenRotated) {
		return err
	}
	return fmt.Errorf("tokenstores: renew: %w", err)
}

// renew reports whether the token was there, live and with this hash.
func (b *Bun) renew(ctx context.Context, typ, id, hash string, r Renewal) (bool, error) {
	used := r.Used.UnixMicro()
	n, err := sqlerr.Affected(txn.In(ctx, b.db).ExecContext(ctx, b.sql("UPDATE {table} SET hash = ?, state = ?,"+
		" address = CASE WHEN last_used > ? THEN address ELSE ? END, last_used = CASE WHEN last_used > ? THEN last_used ELSE ? END"+
		" WHERE type = ? AND id = ? AND hash = ? AND successor = '' AND ("+ends+" > ? OR "+ends+" IS NULL)"),
		r.Hash, r.State, used, r.Address, used, used, typ, id, hash, used, used))
	return n > 0, err
}

// whyNotRenewed is nil if the token has been renewed so already, by an attempt whose
// answer was lost.
func (b *Bun) whyNotRenewed(ctx context.Context, typ, id, hash string, r Renewal) error {
	var now, state, successor cell.Text
	err := txn.In(ctx, b.db).QueryRowContext(ctx, b.sql("SELECT hash, state, successor FROM {table} WHERE type = ? AND id = ?"), typ, id).
		Scan(&now, &state, &successor)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrTokenGone
	case err != nil:
		return err
	case string(now) == r.Hash && string(state) == r.State:
		return nil
	case string(now) != hash || successor != "":
		return ErrTokenRotated
	}
	return ErrTokenGone // it was over
}
