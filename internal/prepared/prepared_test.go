package prepared_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func onBoth(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	run := func(name string, address func(*testing.T) string) {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name VARCHAR, made TIMESTAMP)")
			exec(t, db, "INSERT INTO rings VALUES (1, 'Narya', NULL), (2, 'Nen''ya?', NULL)")
			trace.Reset()
			test(t, db, trace)
		})
	}
	run("sqlite", func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "app.db") })
	run("postgres", func(t *testing.T) string { return pgtest.URL(t) })
}

func exec(t *testing.T, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

func newQuery(t *testing.T, db *bun.DB, text string) *prepared.Query {
	t.Helper()
	q := prepared.New(db, text)
	t.Cleanup(func() { _ = q.Close() })
	return q
}

const byID = "SELECT name FROM rings WHERE id = ?"

func name(t *testing.T, q *prepared.Query, id int) (name string) {
	t.Helper()
	require.NoError(t, q.QueryRow(t.Context(), id).Scan(&name))
	return name
}

func TestAQueryIsPreparedOnceAndEachUseIsOneCall(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		q := newQuery(t, db, byID)
		assert.Zero(t, trace.Counts(), "New asks nothing")
		for range 10 {
			assert.Equal(t, "Narya", name(t, q, 1))
		}
		assert.Equal(t, sqltrace.Counts{Prepares: 1, Queries: 10}, trace.Counts())
		assert.ErrorIs(t, q.QueryRow(t.Context(), 3).Scan(new(string)), sql.ErrNoRows)
		assert.ErrorContains(t, q.QueryRow(t.Context(), 1).Scan(new(sql.RawBytes)), "RawBytes")
		assert.Error(t, q.QueryRow(t.Context(), 1).Scan(new(time.Time)))
		assert.Zero(t, db.Stats().InUse, "no connection is kept")
	})
}

func TestArgumentsAreBoundAndQuestionMarksInQuotesAreText(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		q := newQuery(t, db, `SELECT id AS "id?" FROM rings WHERE name = ? AND 'it''s ?' = ? AND id > ?`)
		var id int
		require.NoError(t, q.QueryRow(t.Context(), "Nen'ya?", "it's ?", 1).Scan(&id))
		assert.Equal(t, 2, id)
		for _, text := range []string{`\' OR 1=1 --`, "' OR '1'='1", "?", "$1"} {
			assert.ErrorIs(t, q.QueryRow(t.Context(), text, "it's ?", 0).Scan(&id), sql.ErrNoRows, text)
		}
	})
}

func TestTimesAreBoundAsBunWritesThem(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		at := time.Date(3019, 3, 25, 12, 0, 0, 123456789, time.FixedZone("Hobbiton", 3600))
		exec(t, db, "UPDATE rings SET made = ? WHERE id = 1", at.UTC())
		q := newQuery(t, db, "SELECT id FROM rings WHERE made = ?")
		var id int
		require.NoError(t, q.QueryRow(t.Context(), at).Scan(&id))
		assert.Equal(t, 1, id)
	})
}

func TestManyGoroutinesPrepareItOncePerConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		const conns = 4
		db.SetMaxOpenConns(conns)
		q := newQuery(t, db, byID)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				var name string
				assert.NoError(t, q.QueryRow(t.Context(), 1).Scan(&name))
			})
		}
		group.Wait()
		assert.LessOrEqual(t, trace.Counts().Prepares, conns)
		assert.Equal(t, 50, trace.Counts().Queries)
	})
}

func TestWaitingForAConnectionEndsWithTheContext(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		db.SetMaxOpenConns(1)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		q := newQuery(t, db, byID)
		var group sync.WaitGroup
		for range 10 { // one waits to prepare, the others for it
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				assert.ErrorIs(t, q.QueryRow(ctx, 1).Scan(new(string)), context.DeadlineExceeded)
			})
		}
		group.Wait()
		require.NoError(t, conn.Close())
		assert.Equal(t, "Narya", name(t, q, 1), "a canceled first use spoils nothing")
	})
}

func TestAFailureToPrepareIsNotKept(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		q := newQuery(t, db, "SELECT name FROM swords WHERE id = ?")
		require.Error(t, q.QueryRow(t.Context(), 1).Scan(new(string)))
		exec(t, db, "CREATE TABLE swords AS SELECT id, name FROM rings")
		assert.Equal(t, "Narya", name(t, q, 1))
	})
}

func TestAChangedTableIsPreparedAnew(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		q := newQuery(t, db, "SELECT * FROM rings WHERE id = ?")
		columns := func() []string {
			rows, err := q.Query(t.Context(), 1)
			require.NoError(t, err)
			defer rows.Close()
			columns, err := rows.Columns()
			require.NoError(t, err)
			return columns
		}
		assert.Len(t, columns(), 3)
		for n := range 3 {
			exec(t, db, "ALTER TABLE rings ADD COLUMN ? INTEGER", bun.Ident("c"+string(rune('a'+n))))
			assert.Len(t, columns(), 4+n)
		}
	})
}

func TestAChangedTableIsPreparedAnewWhileRowsAreOpen(t *testing.T) {
	db, _ := sqltrace.Open(t, pgtest.URL(t))
	exec(t, db, "CREATE TABLE rings AS SELECT id FROM generate_series(1, 2) AS id")
	q := newQuery(t, db, "SELECT * FROM rings WHERE id = ? OR true")
	use := func() *sql.Rows {
		rows, err := q.Query(t.Context(), 1)
		require.NoError(t, err)
		return rows
	}
	reader := use() // keeps the statement from being closed, on the idle connection too
	require.NoError(t, use().Close())
	exec(t, db, "ALTER TABLE rings ADD COLUMN name text")
	rows := use()
	columns, err := rows.Columns()
	require.NoError(t, err)
	assert.Len(t, columns, 2)
	require.NoError(t, rows.Close())
	require.NoError(t, reader.Close())
}

func TestADeallocatedStatementIsPreparedAnew(t *testing.T) {
	db, _ := sqltrace.Open(t, pgtest.URL(t))
	exec(t, db, "CREATE TABLE rings AS SELECT 1 AS id, 'Narya' AS name")
	q := newQuery(t, db, byID)
	assert.Equal(t, "Narya", name(t, q, 1))
	exec(t, db, "DEALLOCATE ALL")
	assert.Equal(t, "Narya", name(t, q, 1))
}

func TestBehindAPoolerNothingIsPrepared(t *testing.T) {
	db, trace := sqltrace.Open(t, pgtest.URL(t), database.BehindPooler())
	exec(t, db, "CREATE TABLE rings AS SELECT 1 AS id, 'Narya' AS name, '3019-03-25 11:00:00'::timestamptz AS made")
	trace.Reset()
	q := newQuery(t, db, "SELECT name FROM rings WHERE id = ? AND name = ? AND made > ?")
	var got string
	for range 3 {
		require.NoError(t, q.QueryRow(t.Context(), 1, "Narya", time.Unix(0, 0)).Scan(&got))
		assert.ErrorIs(t, q.QueryRow(t.Context(), 1, `\' OR 1=1 --`, time.Unix(0, 0)).Scan(&got), sql.ErrNoRows)
	}
	assert.Equal(t, sqltrace.Counts{Queries: 6}, trace.Counts())
	require.NoError(t, q.Close())
	assert.ErrorIs(t, q.QueryRow(t.Context(), 1, "", time.Now()).Scan(&got), prepared.ErrClosed)
}

func TestCloseReleasesTheStatementAndLeavesNothingBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		db.SetMaxOpenConns(1)
		goroutines := runtime.NumGoroutine()
		var q *prepared.Query
		for range 50 {
			q = prepared.New(db, byID)
			assert.Equal(t, "Narya", name(t, q, 1))
			require.NoError(t, q.Close())
		}
		require.NoError(t, q.Close(), "twice")
		assert.ErrorIs(t, q.QueryRow(t.Context(), 1).Scan(new(string)), prepared.ErrClosed)
		assert.Eventually(t, func() bool { return runtime.NumGoroutine() < goroutines+20 }, 10*time.Second, time.Millisecond)
		assert.Zero(t, db.Stats().InUse)
		if db.Dialect().Name() == dialect.PG {
			var n int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n))
			assert.Zero(t, n)
		}
		require.NoError(t, prepared.New(db, byID).Close(), "never used")
	})
}

func TestAStatementOutlivesARestartOfTheServer(t *testing.T) {
	server := pgtest.Start(t)
	db, _ := sqltrace.Open(t, server.URL())
	exec(t, db, "CREATE TABLE rings AS SELECT 1 AS id, 'Narya' AS name")
	q := newQuery(t, db, byID)
	assert.Equal(t, "Narya", name(t, q, 1))
	server.Stop()
	require.Error(t, q.QueryRow(t.Context(), 1).Scan(new(string)))
	server.Start()
	assert.Equal(t, "Narya", name(t, q, 1))
}
