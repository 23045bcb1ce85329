package throttle

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/migrations"
	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqlerr"
)

//go:embed migrations
var files embed.FS

// Migrate makes or updates the table throttle_counts. It may be called at every start, by several processes at once.
func Migrate(ctx context.Context, db *bun.DB) error {
	return migrations.Run(ctx, db, "throttle", files)
}

// Bun is a [Counter] in the table throttle_counts of a Postgres or SQLite database, which [Migrate] makes. Call [Bun.Prune] now
// and then: a key that does not come back leaves its row.
type Bun struct {
	db  *bun.DB
	add *prepared.Query
}

var _ Counter = (*Bun)(nil)

// NewBun returns a counter in db. It panics if that is neither Postgres nor SQLite.
func NewBun(db *bun.DB) *Bun {
	if db == nil {
		panic("throttle: NewBun needs a database")
	}
	if name := db.Dialect().Name(); name != dialect.PG && name != dialect.SQLite {
		panic(fmt.Sprintf("throttle: NewBun counts in Postgres and SQLite, not in %s", name))
	}
	return &Bun{db: db, add: prepared.New(db, add)}
}

// add is one statement, and so atomic: the row is locked from the reading to the writing.
const add = `INSERT INTO throttle_counts AS c (key, n, until) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
	n = CASE WHEN c.until <= ? THEN excluded.n ELSE c.n + excluded.n END,
	until = CASE WHEN c.until <= ? THEN excluded.until ELSE c.until END
RETURNING n, until`

// Add implements [Counter]. When the connection breaks, what was to be counted may be counted twice.
func (b *Bun) Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (Count, error) {
	from, until, err := span(n, now, window)
	if err != nil {
		return Count{}, err
	}
	var counted, ends int64
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		return b.add.QueryRow(ctx, hashed(key), n, until, from, from).Scan(&counted, &ends)
	})
	if err != nil {
		return Count{}, fmt.Errorf("throttle: add: %w", err)
	}
	return count(counted, ends), nil
}

// TakeBack implements [Counter]. It is not tried again when the connection breaks: taken back twice, it would let a guess through.
func (b *Bun) TakeBack(ctx context.Context, key string, n int64, until time.Time) error {
	if !countable(n) {
		return errN
	}
	const query = "UPDATE throttle_counts SET n = CASE WHEN n < ? THEN 0 ELSE n - ? END WHERE key = ? AND until = ?"
	if _, err := b.db.ExecContext(ctx, query, n, n, hashed(key), until.UnixMicro()); err != nil {
		return fmt.Errorf("throttle: take back: %w", err)
	}
	return nil
}

// Reset implements [Counter].
func (b *Bun) Reset(ctx context.Context, key string) error {
	_, err := b.exec(ctx, "reset", "DELETE FROM throttle_counts WHERE key = ?", hashed(key))
	return err
}

// Prune deletes at most limit counts whose windows have ended by now, and returns how many. If that is limit, there may be more.
// Several processes may prune at once.
func (b *Bun) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	const ended = "SELECT key FROM throttle_counts WHERE until <= ? ORDER BY until LIMIT ?"
	query := "DELETE FROM throttle_counts WHERE key IN (" + ended + ")"
	if b.db.Dialect().Name() == dialect.PG {
		// As an array the rows are chosen once. They are locked, so that no window begins anew between choosing and deleting.
		query = "DELETE FROM throttle_counts WHERE key = ANY(ARRAY(" + ended + " FOR UPDATE SKIP LOCKED))"
	}
	return b.exec(ctx, "prune", query, now.UnixMicro(), limit)
}

func (b *Bun) exec(ctx context.Context, what, query string, args ...any) (int, error) {
	n, err := sqlerr.Exec(ctx, b.db, query, args...)
	if err != nil {
		return 0, fmt.Errorf("throttle: %s: %w", what, err)
	}
	return n, nil
}
