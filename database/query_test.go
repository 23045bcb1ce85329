package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
)

// endless is a query that ends only when it is interrupted, on SQLite.
const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

type ring struct {
	ID   int64 `bun:",pk,autoincrement"`
	Name string
}

var hostile = []string{
	`\' OR 1=1) --`, `' OR '1'='1`, `'; DROP TABLE rings; --`, `\`, `\\`, `\'`, `"`, `'''`, "`", "?", "$1", "?0", "/*", "*/", "--", ";",
	"%_", "\r\n\t", "\u202e", "e\u0301", "\U0001F48D", "'\\x41'", "E'\\''", "\x7f", "-1",
}

func TestHostileTextIsStoredAsItIs(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB) {
		ctx := t.Context()
		_, err := db.NewCreateTable().Model((*ring)(nil)).Exec(ctx)
		require.NoError(t, err)
		for _, text := range hostile {
			_, err := db.NewInsert().Model(&ring{Name: text}).Exec(ctx)
			require.NoError(t, err, "%q", text)
			var found []string
			require.NoError(t, db.NewSelect().Model((*ring)(nil)).Column("name").Where("name = ?", text).Scan(ctx, &found), "%q", text)
			assert.Equal(t, []string{text}, found)
		}
		n, err := db.NewSelect().Model((*ring)(nil)).Count(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, len(hostile), n)
	})
}

func TestNULIsRefusedAndInvalidUTF8DoesNotBreakOut(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB) {
		ctx := t.Context()
		_, err := db.NewCreateTable().Model((*ring)(nil)).Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewInsert().Model(&ring{Name: "one\x00ring"}).Exec(ctx)
		require.Error(t, err)
		for _, text := range []string{"\xff", "\xc0\xa7 OR 1=1", "\xbf'; --", "ring\xe2\x80", "\xed\xa0\x80"} {
			if _, err := db.NewInsert().Model(&ring{Name: text}).Exec(ctx); err != nil {
				continue
			}
		}
		var names []string
		require.NoError(t, db.NewSelect().Model((*ring)(nil)).Column("name").Scan(ctx, &names))
		for _, name := range names {
			assert.True(t, utf8.ValidString(name), "%q", name)
		}
	})
}

// TestASettingOfTheRoleDoesNotOpenTheDoor puts the session's owner into the state in which doubling quotes does not escape them.
func TestASettingOfTheRoleDoesNotOpenTheDoor(t *testing.T) {
	address := pgtest.URL(t)
	admin := open(t, address)
	name := one[string](t, admin, "SELECT current_database()")
	exec(t, admin, "ALTER DATABASE ? SET standard_conforming_strings = off", bun.Ident(name))
	exec(t, admin, "ALTER ROLE current_user IN DATABASE ? SET standard_conforming_strings = off", bun.Ident(name))

	for label, options := range map[string][]database.Option{"directly": nil, "behind a pooler": {database.BehindPooler()}} {
		t.Run(label, func(t *testing.T) {
			db := open(t, address, options...)
			assert.Equal(t, "on", one[string](t, db, "SHOW standard_conforming_strings"))
			assert.Equal(t, 0, one[int](t, db, "SELECT count(*) FROM generate_series(1, 3) AS n WHERE (n::text = ?)", `\' OR 1=1) --`))
			require.NoError(t, database.Check(t.Context(), db))
		})
	}
}

func TestAConnectionOnWhichSomebodyTurnedEscapingOffIsNotUsedAgain(t *testing.T) {
	for _, statement := range []string{"SET standard_conforming_strings = off", "SET client_encoding = 'SQL_ASCII'", "SET client_encoding = 'BIG5'"} {
		t.Run(statement, func(t *testing.T) {
			db := open(t, pgtest.URL(t))
			db.SetMaxOpenConns(1)
			before := one[int](t, db, "SELECT pg_backend_pid()")
			assert.Equal(t, before, one[int](t, db, "SELECT pg_backend_pid()"))
			exec(t, db, statement)
			assert.NotEqual(t, before, one[int](t, db, "SELECT pg_backend_pid()"))
			require.NoError(t, database.Check(t.Context(), db))
		})
	}
}

func TestCheckTellsWhatIsUnsafe(t *testing.T) {
	t.Run("postgres", func(t *testing.T) {
		db := open(t, pgtest.URL(t))
		require.NoError(t, database.Check(t.Context(), db))
		conn, err := sql.Open("pgx", with(pgtest.URL(t), "standard_conforming_strings=off"))
		require.NoError(t, err)
		foreign := bun.NewDB(conn, db.Dialect())
		defer foreign.Close()
		assert.EqualError(t, database.Check(t.Context(), foreign),
			"database: standard_conforming_strings is off in this session and must be on")
	})
	t.Run("sqlite", func(t *testing.T) {
		require.NoError(t, database.Check(t.Context(), open(t, newFile(t))))
		assert.EqualError(t, database.Check(t.Context(), open(t, newFile(t)+"?_sync=1")),
			"database: synchronous is 1 in this session and must be 2")
		assert.EqualError(t, database.Check(t.Context(), open(t, newFile(t)+"?_pragma=busy_timeout(0)")),
			"database: busy_timeout is 0 in this session and must be 1")
	})
}

func TestBehindAPoolerNothingIsPreparedAndNoTimeoutIsSent(t *testing.T) {
	address := pgtest.URL(t)
	pooled, direct := open(t, address, database.BehindPooler()), open(t, address)
	assert.Equal(t, "0", one[string](t, pooled, "SHOW statement_timeout"))
	assert.True(t, pooled.Driver().(interface{ Unprepared() bool }).Unprepared())
	_, ok := direct.Driver().(interface{ Unprepared() bool })
	assert.False(t, ok)
	pooled.SetMaxOpenConns(1)
	for n := range 5 {
		assert.Equal(t, n, one[int](t, pooled, "SELECT ?::int", n))
		var bound int
		require.NoError(t, pooled.DB.QueryRowContext(t.Context(), "SELECT $1::int", n).Scan(&bound))
	}
	assert.Equal(t, 0, one[int](t, pooled, "SELECT count(*)::int FROM pg_prepared_statements"))
}

func TestACanceledQueryReturnsAtOnceWithTheContextsError(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB) {
		query := endless
		if db.Dialect().Name() == dialect.PG {
			query = "SELECT pg_sleep(3600)"
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
		_, err := db.ExecContext(ctx, query)
		require.ErrorIs(t, err, context.Canceled)

		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = db.ExecContext(ctx, query)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, one[int](t, db, "SELECT 1"), "the pool is as good as before")
	})
}

func TestTheServerEndsAStatementThatTakesTooLong(t *testing.T) {
	db := open(t, with(pgtest.URL(t), "statement_timeout=50"))
	_, err := db.ExecContext(t.Context(), "SELECT pg_sleep(3600)")
	require.ErrorContains(t, err, "57014")
}

// TestReadersThatThenWriteAreNeverLocked fails within a few rounds if transactions are deferred.
func TestReadersThatThenWriteAreNeverLocked(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB) {
		exec(t, db, "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
		exec(t, db, "INSERT INTO counters VALUES (1, 0)")
		const writers, rounds = 10, 10
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for range rounds {
					assert.NoError(t, increment(t.Context(), db))
				}
			})
		}
		group.Wait()
		assert.Equal(t, writers*rounds, one[int](t, db, "SELECT n FROM counters"))
	})
}

func increment(ctx context.Context, db *bun.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		lock := ""
		if db.Dialect().Name() == dialect.PG {
			lock = " FOR UPDATE"
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT n FROM counters WHERE id = 1"+lock).Scan(&n); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE counters SET n = ? WHERE id = 1", n+1); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	})
}

func TestBoundTimesEqualThoseThatBunWrote(t *testing.T) {
	onBoth(t, func(t *testing.T, db *bun.DB) {
		type event struct {
			ID int64 `bun:",pk,autoincrement"`
			At time.Time
		}
		_, err := db.NewCreateTable().Model((*event)(nil)).Exec(t.Context())
		require.NoError(t, err)
		at := time.Date(2026, 3, 25, 12, 0, 0, 123456000, time.FixedZone("Hobbiton", 3600))
		_, err = db.NewInsert().Model(&event{At: at}).Exec(t.Context())
		require.NoError(t, err)
		var found time.Time
		require.NoError(t, db.DB.QueryRowContext(t.Context(), "SELECT at FROM events WHERE at = $1", at).Scan(&found))
		assert.True(t, at.Equal(found), "%v", found)
	})
}

func TestDataOutlivesARestartOfTheServer(t *testing.T) {
	server := pgtest.Start(t)
	db := open(t, server.URL())
	exec(t, db, "CREATE TABLE rings (id INTEGER)")
	server.Kill()
	_, err := db.ExecContext(t.Context(), "INSERT INTO rings VALUES (1)")
	require.Error(t, err)
	server.Start()
	exec(t, db, "INSERT INTO rings VALUES (2)")
	assert.Equal(t, 2, one[int](t, db, "SELECT id FROM rings"))
}
