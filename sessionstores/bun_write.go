package sessionstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Insert stores r and removes old in one transaction: one DELETE, if there is an old
// row, and one INSERT. Doing it again with the same record is no error, which makes
// it safe to repeat after a commit whose answer was lost.
func (b *Bun) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	return b.insert(ctx, r, func(ctx context.Context, tx bun.Tx, data string, c *app.SessionRecord) error {
		_, err := replace(ctx, tx, key, old, data, c)
		return err
	})
}

// insert gives the work the data and the record as they are to be stored, in a
// transaction, and again after a fault that passes.
func (b *Bun) insert(ctx context.Context, r *app.SessionRecord, work func(ctx context.Context, tx bun.Tx, data string, c *app.SessionRecord) error) error {
	data, err := encodeData(r.Data)
	if err != nil {
		return err
	}
	c := stored(r)
	c.Version = 1
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		return txn.Run(ctx, b.db, func(ctx context.Context, tx bun.Tx) error { return work(ctx, tx, data, &c) })
	})
	if err != nil {
		return fmt.Errorf("sessionstores: insert: %w", err)
	}
	r.Version = 1
	return nil
}

// replace removes old and stores c, and reports whether c was there already.
func replace(ctx context.Context, tx bun.Tx, key, old, data string, c *app.SessionRecord) (repeated bool, err error) {
	if old != "" && old != key {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", old); err != nil {
			return false, err
		}
	}
	return insertRow(ctx, tx, key, data, c)
}

// insertRow leaves a row that is there as it is: a second Insert under one key must
// not hand a session over to somebody else, even if random ids should ever repeat.
func insertRow(ctx context.Context, tx bun.Tx, key, data string, c *app.SessionRecord) (repeated bool, err error) {
	n, err := sqlerr.Affected(tx.ExecContext(ctx, "INSERT INTO sessions (id, kind, subject, data, version, created, logged_in, seen,"+
		" idle_until, until, address, agent) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		key, c.Kind, c.Subject, data, c.Created.UnixMicro(), cell.Nullable(c.LoggedIn), c.Seen.UnixMicro(),
		c.IdleUntil.UnixMicro(), c.Until.UnixMicro(), c.Address, c.Agent))
	if err != nil || n == 1 {
		return false, err
	}
	var have row
	err = tx.QueryRowContext(ctx, "SELECT "+columns+" FROM sessions WHERE id = ?", key).Scan(have.dest()...)
	if err != nil {
		return false, err
	}
	if r, err := have.record(); err != nil || !sameSession(r, c) {
		return false, errKeyTaken
	}
	return true, nil
}

// Update is one statement; only if it changed no row, a second one tells why.
// After a fault whose outcome is unknown it can return [app.ErrSessionChanged] for
// its own change: making it once more is harmless.
func (b *Bun) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	data, err := encodeData(r.Data)
	if err != nil {
		return err
	}
	n, err := b.exec(ctx, "update", "UPDATE sessions SET data = ?, seen = ?, idle_until = ?, version = version + 1 WHERE id = ? AND version = ?",
		data, r.Seen.UnixMicro(), r.IdleUntil.UnixMicro(), key, r.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return b.whyNotUpdated(ctx, key)
	}
	r.Version++
	return nil
}

func (b *Bun) whyNotUpdated(ctx context.Context, key string) error {
	var version int64
	err := sqlerr.Retry(ctx, func(ctx context.Context) error {
		return txn.In(ctx, b.db).QueryRowContext(ctx, "SELECT version FROM sessions WHERE id = ?", key).Scan(&version)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return app.ErrSessionGone
	}
	if err != nil {
		return fmt.Errorf("sessionstores: update: %w", err)
	}
	return app.ErrSessionChanged
}

// Touch is one statement.
func (b *Bun) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	_, err := b.exec(ctx, "touch", "UPDATE sessions SET seen = ?, idle_until = ? WHERE id = ? AND seen < ?",
		seen.UnixMicro(), idleUntil.UnixMicro(), key, seen.UnixMicro())
	return err
}

// Delete is one statement.
func (b *Bun) Delete(ctx context.Context, key string) error {
	_, err := b.exec(ctx, "delete", "DELETE FROM sessions WHERE id = ?", key)
	return err
}

// exec runs one statement that may be repeated and returns how many rows it changed
// when it succeeded.
func (b *Bun) exec(ctx context.Context, what, query string, args ...any) (int, error) {
	n, err := sqlerr.Exec(ctx, txn.In(ctx, b.db), query, args...)
	if err != nil {
		return 0, fmt.Errorf("sessionstores: %s: %w", what, err)
	}
	return n, nil
}
