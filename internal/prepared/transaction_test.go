package prepared_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func nameIn(ctx context.Context, t *testing.T, q *prepared.Query, id int) (name string) {
	t.Helper()
	require.NoError(t, q.QueryRow(ctx, id).Scan(&name))
	return name
}

func TestInATransactionTheQuerySeesWhatWasDoneThereAndIsNotPrepared(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		q := newQuery(t, db, byID).Joining()
		assert.Equal(t, "Narya", name(t, q, 1))
		trace.Reset()
		undone := errors.New("undone")
		require.ErrorIs(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			_, err := database.Tx(ctx, db).ExecContext(ctx, "UPDATE rings SET name = 'the One' WHERE id = 1")
			require.NoError(t, err)
			for range 2 {
				assert.Equal(t, "the One", nameIn(ctx, t, q, 1))
			}
			assert.Equal(t, sqltrace.Counts{Begins: 1, Execs: 1, Queries: 2}, trace.Counts())
			assert.Equal(t, "Narya", name(t, q, 1), "outside")
			return undone
		}), undone)
		assert.Equal(t, "Narya", name(t, q, 1))
		assert.Zero(t, db.Stats().InUse)
	})
}

func TestInATransactionAChangedTableIsReadAsItIs(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		q := newQuery(t, db, "SELECT * FROM rings WHERE id = ?").Joining()
		columns := func(ctx context.Context) []string {
			rows, err := q.Query(ctx, 1)
			require.NoError(t, err)
			defer rows.Close()
			columns, err := rows.Columns()
			require.NoError(t, err)
			return columns
		}
		db.SetMaxOpenConns(1) // on which the statement is prepared
		assert.Len(t, columns(t.Context()), 3)
		exec(t, db, "ALTER TABLE rings ADD COLUMN maker VARCHAR")
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			assert.Len(t, columns(ctx), 4)
			return nil
		}))
	})
}

func TestAClosedQueryIsClosedInATransactionToo(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		q := prepared.New(db, byID).Joining()
		require.NoError(t, q.Close())
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			assert.ErrorIs(t, q.QueryRow(ctx, 1).Scan(new(string)), prepared.ErrClosed)
			return nil
		}))
	})
}

// TestATransactionDoesNotWaitForWhoWaitsForItsConnection: who prepares has the turn and waits until the transaction has ended.
func TestATransactionDoesNotWaitForWhoWaitsForItsConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		q := newQuery(t, db, byID).Joining()
		waiting := make(chan error, 1)
		require.NoError(t, database.Transact(ctx, db, func(in context.Context) error {
			go func() { waiting <- q.QueryRow(ctx, 1).Scan(new(string)) }()
			require.Eventually(t, func() bool { return db.Stats().WaitCount > 0 }, 10*time.Second, time.Millisecond)
			assert.Equal(t, "Narya", nameIn(in, t, q, 1))
			return nil
		}))
		require.NoError(t, <-waiting)
	})
}

func TestAQueryThatDoesNotJoinIsDoneAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		q := newQuery(t, db, byID)
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			_, err := database.Tx(ctx, db).ExecContext(ctx, "UPDATE rings SET name = 'the One' WHERE id = 1")
			require.NoError(t, err)
			assert.Equal(t, "Narya", nameIn(ctx, t, q, 1))
			assert.Equal(t, 1, trace.Counts().Prepares)
			return nil
		}))
		assert.Equal(t, "the One", name(t, q, 1))
	})
}
