package tokenstores

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Delete is one statement.
func (b *Bun) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	if !isName(typ, id) || subject != "" && !isSubject(subject) {
		return false, ctx.Err()
	}
	query, args := "DELETE FROM {table} WHERE type = ? AND id = ?", []any{typ, id}
	if subject != "" {
		query, args = query+" AND subject = ?", append(args, subject)
	}
	n, err := b.exec(ctx, "delete", query, args...)
	return n > 0, err
}

// List is one query. A row that is damaged is left out.
func (b *Bun) List(ctx context.Context, typ, subject string) (list []Token, err error) {
	if !isName(typ) || !isSubject(subject) {
		return nil, ctx.Err()
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) (err error) {
		list, err = b.list(ctx, typ, subject)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tokenstores: list: %w", err)
	}
	sortTokens(list)
	return list, nil
}

func (b *Bun) list(ctx context.Context, typ, subject string) ([]Token, error) {
	rows, err := txn.In(ctx, b.db).QueryContext(ctx, b.sql("SELECT "+columns+" FROM {table} AS t WHERE t.type = ? AND t.subject = ?"), typ, subject)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []Token
	for rows.Next() {
		var r row
		if err := rows.Scan(r.dest()...); err != nil {
			return nil, err
		}
		if t, err := r.token(); err == nil {
			list = append(list, *t)
		}
	}
	return list, rows.Err()
}

// DeleteAll is one statement, on Postgres a transaction of a lock and that statement: it
// waits for the rotations of the type that have begun. After a fault whose outcome is
// unknown it is repeated, and then does not count what the lost attempt removed.
func (b *Bun) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	if !isName(typ) || !isSubject(subject) {
		return 0, ctx.Err()
	}
	if !cell.Valid(keep, maxName) {
		keep = "" // no token has this id
	}
	return b.deleteMany(ctx, typ, "delete all", "DELETE FROM {table} WHERE type = ? AND subject = ? AND id <> ?", typ, subject, keep)
}

// DeleteType is as many statements as [Bun.DeleteAll].
func (b *Bun) DeleteType(ctx context.Context, typ string) (int, error) {
	if !isName(typ) {
		return 0, ctx.Err()
	}
	return b.deleteMany(ctx, typ, "delete type", "DELETE FROM {table} WHERE type = ?", typ)
}

// deleteMany removes tokens of a type while none of them is being rotated.
func (b *Bun) deleteMany(ctx context.Context, typ, what, query string, args ...any) (n int, err error) {
	if !b.postgres() {
		return b.exec(ctx, what, query, args...)
	}
	err = b.inTurn(ctx, alone, typ, func(ctx context.Context, tx bun.Tx) (err error) {
		n, err = sqlerr.Affected(tx.ExecContext(ctx, b.sql(query), args...))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("tokenstores: %s: %w", what, err)
	}
	return n, nil
}

// Prune is one statement. On Postgres it passes over rows that somebody else is writing
// or pruning.
func (b *Bun) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	query := "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE " + ends + " <= ? ORDER BY " + ends + " LIMIT ?)"
	if b.postgres() {
		// As an array the subquery runs once; as a set it might be run again for each
		// row, and the limit would be none.
		query = "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE " + ends + " <= ? ORDER BY " + ends +
			" LIMIT ? FOR UPDATE SKIP LOCKED))"
	}
	return b.exec(ctx, "prune", query, now.UnixMicro(), limit)
}
