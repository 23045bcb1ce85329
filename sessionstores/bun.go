package sessionstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/userjoin"
)

// Bun keeps sessions in the table sessions that [Migrate] makes, in Postgres and
// SQLite alike. Statements are repeated at most twice after a fault that passes,
// such as a server that restarts.
type Bun struct {
	db   *bun.DB
	find *userjoin.Query
}

var (
	_ app.SessionStore   = (*Bun)(nil)
	_ app.SessionLister  = (*Bun)(nil)
	_ app.SessionLimiter = (*Bun)(nil)
	_ app.SessionMover   = (*Bun)(nil)
	_ app.SessionPruner  = (*Bun)(nil)
	_ app.UserJoiner     = (*Bun)(nil)
)

// NewBun returns the store over db, which stays the caller's: closing it ends the store.
func NewBun(db *bun.DB) *Bun {
	qualified := "s." + strings.ReplaceAll(columns, ", ", ", s.")
	return &Bun{db: db, find: userjoin.New(db, userjoin.Rows{Columns: qualified, From: "sessions AS s", Where: "s.id = ?", Subject: "s.subject"})}
}

// Ping reports whether the database answers the query that every request makes.
func (b *Bun) Ping(ctx context.Context) error {
	_, err := b.Find(ctx, "")
	return err
}

// Find reads a session, and its user if [Bun.JoinUsers] was called, by one prepared
// statement: it is the query of every request.
func (b *Bun) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	var r row
	user, err := b.find.Scan(ctx, r.dest(), key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sessionstores: find: %w", err)
	}
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	if err := join(record, user); err != nil {
		return nil, err
	}
	return record, nil
}
