package sessionstores

import (
	"context"
	"hash/fnv"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
)

// InsertLimited is Insert, and one DELETE more in its transaction, which leaves at most
// limit sessions of the user, 1 if that is less. On Postgres those of one user take turns,
// until the transaction of the context has ended if it is in one.
func (b *Bun) InsertLimited(ctx context.Context, key, old string, r *app.SessionRecord, limit int) (ended []app.StoredSession, err error) {
	if limit = bound(r, limit); limit == 0 {
		return nil, b.Insert(ctx, key, old, r)
	}
	var first []app.StoredSession // what was ended by the attempt that stored r
	err = b.insert(ctx, r, func(ctx context.Context, tx bun.Tx, data string, c *app.SessionRecord) error {
		if err := b.takeTurn(ctx, tx, c); err != nil {
			return err
		}
		repeated, err := replace(ctx, tx, key, old, data, c)
		if err != nil {
			return err
		}
		if ended, err = oust(ctx, tx, key, c, limit); repeated {
			ended = append(ended, first...) // it was committed after all
		} else {
			first = ended
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// takeTurn waits until no other transaction limits the sessions of this user: two would
// not see each other's rows. It is a statement of its own, because at read committed the
// next one sees what was committed meanwhile. SQLite has one writer at a time anyway.
func (b *Bun) takeTurn(ctx context.Context, tx bun.Tx, r *app.SessionRecord) error {
	if b.db.Dialect().Name() != dialect.PG {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", turnKey(r.Kind, r.Subject))
	return err
}

// turnKey is the same on every node. Users who share one only wait for each other.
func turnKey(kind, subject string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("kahu:sessions:" + kind + "\x00" + subject))
	return int64(h.Sum64() >> 1)
}

// oust removes the sessions that are too many beside r and returns those that were not over.
func oust(ctx context.Context, tx bun.Tx, key string, r *app.SessionRecord, limit int) (ended []app.StoredSession, err error) {
	const others = "kind = ? AND subject = ? AND id <> ?"
	now := r.Created.UnixMicro()
	rows, err := tx.QueryContext(ctx, "DELETE FROM sessions WHERE "+others+" AND id NOT IN (SELECT id FROM sessions WHERE "+others+
		" ORDER BY "+expires+" > ? DESC, created DESC, id LIMIT ?) RETURNING id, "+columns,
		r.Kind, r.Subject, key, r.Kind, r.Subject, key, now, limit-1)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(key string, have *row) {
		one := app.StoredSession{Key: key}
		if record, err := have.record(); err == nil {
			one.SessionRecord = *record
		}
		if !have.over(now) {
			ended = append(ended, one)
		}
	})
	return ended, err
}
