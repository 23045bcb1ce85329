package sessionstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqlerr"
)

// Bun keeps sessions in the table sessions that [Migrate] makes, in Postgres and
// SQLite alike. Statements are repeated at most twice after a fault that passes,
// such as a server that restarts.
type Bun struct {
	db    *bun.DB
	users UserTable // nil: none are joined
	width int       // how many columns of users are joined
	find  *prepared.Query

	plain *Bun        // the store that joins none, or nil
	apart atomic.Bool // the join turned out to be impossible
}

var (
	_ app.SessionStore  = (*Bun)(nil)
	_ app.SessionLister = (*Bun)(nil)
	_ app.SessionPruner = (*Bun)(nil)
	_ app.UserJoiner    = (*Bun)(nil)
)

// NewBun returns the store over db, which stays the caller's: closing it ends the store.
func NewBun(db *bun.DB) *Bun {
	return &Bun{db: db, find: prepared.New(db, "SELECT "+columns+" FROM sessions AS s WHERE s.id = ?")}
}

// Ping reports whether the database answers the query that every request makes.
func (b *Bun) Ping(ctx context.Context) error {
	_, err := b.Find(ctx, "")
	return err
}

// Find reads a session, and its user if [Bun.JoinUsers] was called, by one prepared
// statement: it is the query of every request.
func (b *Bun) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if b.apart.Load() {
		return b.plain.Find(ctx, key)
	}
	var r row
	user := make([]any, b.width)
	err := sqlerr.Retry(ctx, func(ctx context.Context) error {
		return b.find.QueryRow(ctx, key).Scan(append(r.dest(), pointers(user)...)...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if b.plain != nil && incomparable(err) {
		b.apart.Store(true)
		return b.plain.Find(ctx, key)
	}
	if err != nil {
		return nil, fmt.Errorf("sessionstores: find: %w", err)
	}
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	if err := b.join(record, user); err != nil {
		return nil, err
	}
	return record, nil
}

func pointers(values []any) []any {
	p := make([]any, len(values))
	for i := range values {
		p[i] = &values[i]
	}
	return p
}
