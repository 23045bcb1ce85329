package database_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"

	"github.com/kahu-go/kahu/database"
)

func onSQLite(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Run("file", func(t *testing.T) { test(t, open(t, newFile(t))) })
	t.Run("memory", func(t *testing.T) { test(t, open(t, ":memory:")) })
	t.Run("without a write-ahead log", func(t *testing.T) { test(t, open(t, newFile(t)+"?_journal=DELETE")) })
}

// ends are ways in which SQLite ends a transaction by itself.
var ends = map[string]func(t *testing.T, ctx context.Context, tx bun.IDB){
	"a statement is interrupted": func(t *testing.T, ctx context.Context, tx bun.IDB) {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := tx.ExecContext(ctx, "INSERT INTO rings (id) WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	},
	"the disk is full": func(t *testing.T, ctx context.Context, tx bun.IDB) {
		_, err := tx.ExecContext(ctx, "PRAGMA max_page_count = 10")
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "INSERT INTO rings (name) VALUES (zeroblob(1000000))")
		require.ErrorContains(t, err, "full")
	},
	"a statement says so": func(t *testing.T, ctx context.Context, tx bun.IDB) {
		_, err := tx.ExecContext(ctx, "INSERT OR ROLLBACK INTO rings (id) VALUES (1)") // there is one
		require.Error(t, err)
	},
}

func TestWhatFollowsWhenSQLiteHasEndedATransactionIsNotCommittedAlone(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			onSQLite(t, func(t *testing.T, db *bun.DB) {
				exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name VARCHAR)")
				insert := func(ctx context.Context, id int) error {
					_, err := database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings (id) VALUES (?)", id)
					return err
				}
				err := database.Transact(t.Context(), db, func(ctx context.Context) error {
					require.NoError(t, insert(ctx, 1))
					end(t, ctx, database.Tx(ctx, db))
					assert.Error(t, insert(ctx, 2), "alone")
					statement, err := database.Tx(ctx, db).(bun.Tx).PrepareContext(ctx, "INSERT INTO rings (id) VALUES (4)")
					require.NoError(t, err)
					defer statement.Close()
					_, err = statement.ExecContext(ctx)
					assert.Error(t, err, "prepared")
					assert.Error(t, database.Transact(ctx, db, func(ctx context.Context) error { _ = insert(ctx, 3); return nil }), "as a part")
					return nil
				})
				require.ErrorContains(t, err, "database: SQLite rolled the transaction back")
				assert.Zero(t, one[int](t, db, "SELECT count(*) FROM rings"))

				exec(t, db, "PRAGMA max_page_count = 1000000")
				require.NoError(t, insert(t.Context(), 5), "the connection is as good as before")
				require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error { return insert(ctx, 6) }))
				assert.Equal(t, 2, one[int](t, db, "SELECT count(*) FROM rings"))
			})
		})
	}
}

func TestAWorkThatSaysThatSQLiteHasEndedItsTransactionIsUndone(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			onSQLite(t, func(t *testing.T, db *bun.DB) {
				exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name VARCHAR)")
				assert.ErrorIs(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
					_, err := database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings (id) VALUES (1)")
					require.NoError(t, err)
					end(t, ctx, database.Tx(ctx, db))
					_, err = database.Tx(ctx, db).ExecContext(ctx, "SAVEPOINT mine") // begins a transaction where there is none
					require.NoError(t, err)
					_, err = database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings (id) VALUES (2)")
					require.NoError(t, err)
					return sql.ErrNoRows
				}), sql.ErrNoRows)
				assert.Zero(t, one[int](t, db, "SELECT count(*) FROM rings"))
				require.NoError(t, database.Transact(t.Context(), db, func(context.Context) error { return nil }))
			})
		})
	}
}

func TestAConstraintThatASQLiteStatementBreaksEndsOnlyTheStatement(t *testing.T) {
	onSQLite(t, func(t *testing.T, db *bun.DB) {
		exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name VARCHAR)")
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			for n, fails := range []bool{false, true, false} {
				_, err := database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings (id) VALUES (?)", n/2*2)
				assert.Equal(t, fails, err != nil)
			}
			return nil
		}))
		assert.Equal(t, 2, one[int](t, db, "SELECT count(*) FROM rings"))
	})
}

func TestASQLiteDatabaseCanBeBackedUpThroughItsConnection(t *testing.T) {
	db := open(t, newFile(t))
	exec(t, db, "CREATE TABLE rings AS SELECT 'Narya' AS name")
	to := filepath.Join(t.TempDir(), "backup.db")
	conn, err := db.DB.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Raw(func(inner any) error {
		backup, err := inner.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		}).NewBackup(to)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = backup.Step(-1)
		}
		require.NoError(t, err)
		return backup.Finish()
	}))
	assert.Equal(t, "Narya", one[string](t, open(t, "file:"+to), "SELECT name FROM rings"))
}
