package sessionstores

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// ListSessions is one query. A row that is damaged is left out. Nobody, the subject
// "", has none.
func (b *Bun) ListSessions(ctx context.Context, kind, subject string) (list []app.StoredSession, err error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) (err error) {
		list, err = b.list(ctx, kind, subject)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sessionstores: list: %w", err)
	}
	sortSessions(list)
	return list, nil
}

func (b *Bun) list(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	rows, err := txn.In(ctx, b.db).QueryContext(ctx, "SELECT id, "+columns+" FROM sessions WHERE kind = ? AND subject = ?", kind, subject)
	if err != nil {
		return nil, err
	}
	var list []app.StoredSession
	err = each(rows, func(key string, r *row) {
		if record, err := r.record(); err == nil {
			list = append(list, app.StoredSession{Key: key, SessionRecord: *record})
		}
	})
	return list, err
}

// each reads rows of an id and the columns, and closes them.
func each(rows *sql.Rows, f func(key string, r *row)) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key cell.Text
		var r row
		if err := rows.Scan(append([]any{&key}, r.dest()...)...); err != nil {
			return err
		}
		f(string(key), &r)
	}
	return rows.Err()
}

// DeleteSessions is one statement. After a fault whose outcome is unknown it is
// repeated, and then counts only what the last attempt removed. Nobody, the subject
// "", has no sessions.
func (b *Bun) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	if subject == "" {
		return 0, ctx.Err()
	}
	return b.exec(ctx, "delete all", "DELETE FROM sessions WHERE kind = ? AND subject = ? AND id <> ?", kind, subject, keep)
}

// PruneSessions is one statement. On Postgres it passes over rows that somebody else
// is writing or pruning.
func (b *Bun) PruneSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	expired := "SELECT id FROM sessions WHERE " + expires + " <= ? ORDER BY " + expires + " LIMIT ?"
	query := "DELETE FROM sessions WHERE id IN (" + expired + ")"
	if b.db.Dialect().Name() == dialect.PG {
		// As an array the subquery runs once; as a set it might be run again for each
		// row, and the limit would be none.
		query = "DELETE FROM sessions WHERE id = ANY(ARRAY(" + expired + " FOR UPDATE SKIP LOCKED))"
	}
	return b.exec(ctx, "prune", query, now.UnixMicro(), limit)
}
