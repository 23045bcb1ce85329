package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

var errMordor = errors.New("one does not simply walk into Mordor")

// onEach is onBoth with a table of rings and a trace, and sees that nothing is left behind.
func onEach(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	for name, address := range map[string]func() string{
		"file":     func() string { return newFile(t) },
		"memory":   func() string { return ":memory:" },
		"postgres": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address())
			exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name VARCHAR(40))")
			trace.Reset()
			test(t, db, trace)
			trace.Fail(nil)
			nothingIsLeft(t, db)
		})
	}
}

// nothingIsLeft waits until no connection is in use and no transaction or lock is there, as is after a rollback that nobody waited for.
func nothingIsLeft(t *testing.T, db *bun.DB) {
	t.Helper()
	assert.Eventually(t, func() bool { return db.Stats().InUse == 0 }, 10*time.Second, time.Millisecond, "a connection in use")
	if db.Dialect().Name() != dialect.PG {
		exec(t, db, "CREATE TABLE locks (id INTEGER)") // which needs the one lock there is
		exec(t, db, "DROP TABLE locks")
		return
	}
	assert.Eventually(t, func() bool {
		return one[int](t, db, "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"+
			" AND (state <> 'idle' OR xact_start IS NOT NULL)) + (SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"+
			" WHERE a.datname = current_database() AND pid <> pg_backend_pid())") == 0
	}, 10*time.Second, 10*time.Millisecond, "a transaction or a lock")
}

func forge(ctx context.Context, db *bun.DB, id int) error {
	_, err := database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings (id) VALUES (?)", id)
	return err
}

func rings(t *testing.T, db *bun.DB) (ids []int) {
	t.Helper()
	require.NoError(t, db.NewSelect().Table("rings").Column("id").Order("id").Scan(t.Context(), &ids))
	return ids
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestTheApplicationsStatementsJoinIn(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		all := func(ctx context.Context) error {
			tx := database.Tx(ctx, db)
			_, err := tx.NewInsert().Model(&ring{ID: 1, Name: "Narya"}).Exec(ctx)
			require.NoError(t, err)
			require.NoError(t, forge(ctx, db, 2))
			_, err = tx.NewUpdate().Model((*ring)(nil)).Set("name = ?", "Nenya").Where("id = 2").Exec(ctx)
			require.NoError(t, err)
			require.NoError(t, database.Transact(ctx, db, func(ctx context.Context) error { return forge(ctx, db, 3) }))
			n, err := tx.NewSelect().Model((*ring)(nil)).Count(ctx)
			assert.EqualValues(t, 3, n)
			return err
		}
		require.ErrorIs(t, database.Transact(within(t), db, func(ctx context.Context) error { return errors.Join(all(ctx), errMordor) }), errMordor)
		assert.PanicsWithValue(t, "the Eye", func() {
			_ = database.Transact(within(t), db, func(ctx context.Context) error { _ = all(ctx); panic("the Eye") })
		})
		assert.Empty(t, rings(t, db))
		nothingIsLeft(t, db)
		require.NoError(t, database.Transact(within(t), db, all))
		assert.Equal(t, []int{1, 2, 3}, rings(t, db))
		assert.Same(t, db, database.Tx(t.Context(), db), "outside it is the database")
	})
}

func TestOthersSeeNothingBeforeTheCommit(t *testing.T) {
	t.Run("file", func(t *testing.T) { seesNothing(t, newFile(t)) }) // in memory there is one connection
	t.Run("postgres", func(t *testing.T) { seesNothing(t, pgtest.URL(t)) })
}

func seesNothing(t *testing.T, address string) {
	db := open(t, address)
	exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
	require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
		require.NoError(t, forge(ctx, db, 1))
		assert.Empty(t, rings(t, db))
		return nil
	}))
	assert.Equal(t, []int{1}, rings(t, db))
}

func TestAPartWhoseErrorIsNotPassedOnIsUndoneAndTheRestIsCommitted(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
			require.NoError(t, forge(ctx, db, 1))
			require.Error(t, database.Transact(ctx, db, func(ctx context.Context) error {
				require.NoError(t, forge(ctx, db, 2))
				return forge(ctx, db, 1) // there is one
			}))
			return forge(ctx, db, 3)
		}))
		assert.Equal(t, []int{1, 3}, rings(t, db))
		assert.Equal(t, 1, trace.Counts().Begins)
	})
}

func TestAStatementThatFailedOutsideOfAPart(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		runs := 0
		err := database.Transact(within(t), db, func(ctx context.Context) error {
			runs++
			require.NoError(t, forge(ctx, db, 1))
			require.Error(t, forge(ctx, db, 1))
			return nil
		})
		assert.Equal(t, 1, runs)
		if db.Dialect().Name() == dialect.PG {
			assert.ErrorContains(t, err, "rollback", "the transaction has failed, though nobody said so")
			assert.Empty(t, rings(t, db))
			return
		}
		assert.NoError(t, err, "SQLite undoes only the statement")
		assert.Equal(t, []int{1}, rings(t, db))
	})
}

func TestAContextThatEndsUndoesTheWork(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		for name, work := range map[string]func(ctx context.Context, cancel func()) error{
			"within a statement": func(ctx context.Context, cancel func()) error {
				query := endless
				if db.Dialect().Name() == dialect.PG {
					query = "SELECT pg_sleep(3600)"
				}
				defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
				_, err := database.Tx(ctx, db).ExecContext(ctx, query)
				return err
			},
			"between statements": func(ctx context.Context, cancel func()) error { cancel(); return forge(ctx, db, 2) },
			"before the commit":  func(_ context.Context, cancel func()) error { cancel(); return nil },
			"before a statement that does not mind": func(ctx context.Context, cancel func()) error {
				cancel()
				_ = forge(context.WithoutCancel(ctx), db, 2) // may be done before the rollback, which nobody waits for
				return nil
			},
			"before a rollback that would be worth another try": func(_ context.Context, cancel func()) error { cancel(); return postgresError("40001") },
		} {
			t.Run(name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(within(t))
				defer cancel()
				runs := 0
				err := database.Transact(ctx, db, func(ctx context.Context) error {
					runs++
					require.NoError(t, forge(ctx, db, 1))
					return work(ctx, cancel)
				})
				require.Error(t, err)
				if !errors.As(err, new(postgresError)) {
					assert.ErrorIs(t, err, context.Canceled)
				}
				assert.Equal(t, 1, runs)
				assert.Empty(t, rings(t, db))
				nothingIsLeft(t, db)
				require.ErrorIs(t, database.Transact(ctx, db, func(context.Context) error { t.Error("nobody waits"); return nil }), context.Canceled)
			})
		}
	})
}

func TestWhatIsDoneInAnotherDatabaseIsDoneAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		other := open(t, ":memory:")
		exec(t, other, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
		require.ErrorIs(t, database.Transact(within(t), db, func(ctx context.Context) error {
			require.NoError(t, errors.Join(forge(ctx, db, 1), forge(ctx, other, 1)))
			require.NoError(t, database.Transact(ctx, other, func(ctx context.Context) error {
				return errors.Join(forge(ctx, db, 2), forge(ctx, other, 2))
			}))
			return errMordor
		}), errMordor)
		assert.Empty(t, rings(t, db))
		assert.Equal(t, []int{1, 2}, rings(t, other))
	})
}
