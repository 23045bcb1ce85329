package sqlerr_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqlerr"
)

type postgresError string

func (e postgresError) Error() string    { return "SQLSTATE " + string(e) }
func (e postgresError) SQLState() string { return string(e) }

type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprint("code ", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

func TestRetryable(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"serialization failure":                 {postgresError("40001"), true},
		"deadlock":                              {postgresError("40P01"), true},
		"the server is being stopped":           {postgresError("57P01"), true},
		"another backend crashed":               {postgresError("57P02"), true},
		"the server is starting":                {postgresError("57P03"), true},
		"too many connections":                  {postgresError("53300"), true},
		"disk full":                             {postgresError("53100"), true},
		"connection failure":                    {postgresError("08006"), true},
		"wrapped":                               {fmt.Errorf("sessionstores: %w", postgresError("40001")), true},
		"SQLITE_BUSY":                           {sqliteError(5), true},
		"SQLITE_BUSY_SNAPSHOT":                  {sqliteError(517), true},
		"SQLITE_LOCKED_SHAREDCACHE":             {sqliteError(262), true},
		"bad connection":                        {driver.ErrBadConn, true},
		"the connection ended within an answer": {io.ErrUnexpectedEOF, true},
		"connection refused":                    {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"nil":                                   {nil, false},
		"no rows":                               {sql.ErrNoRows, false},
		"unique violation":                      {postgresError("23505"), false},
		"statement timeout":                     {postgresError("57014"), false},
		"syntax error":                          {postgresError("42601"), false},
		"out of memory":                         {postgresError("53200"), false},
		"SQLITE_CONSTRAINT_UNIQUE":              {sqliteError(2067), false},
		"SQLITE_FULL":                           {sqliteError(13), false},
		"canceled":                              {context.Canceled, false},
		"deadline":                              {context.DeadlineExceeded, false},
		"a lost connection because of the deadline":   {errors.Join(driver.ErrBadConn, context.DeadlineExceeded), false},
		"a network error because somebody hung up":    {&net.OpError{Op: "read", Err: context.Canceled}, false},
		"an SQLSTATE of ours is no error of SQLite's": {errors.Join(postgresError("23505"), sqliteError(5)), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, sqlerr.Retryable(c.err)) })
	}
}

func TestUniqueIsTrueForTheRealErrorsOfBothDatabases(t *testing.T) {
	check := func(t *testing.T, address string) {
		db, err := database.Open(address)
		require.NoError(t, err)
		defer db.Close()
		exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY, name TEXT UNIQUE, maker TEXT NOT NULL)")
		exec(t, db, "INSERT INTO rings VALUES (1, 'Narya', 'Celebrimbor')")
		for statement, want := range map[string]bool{
			"INSERT INTO rings VALUES (1, 'Nenya', 'Celebrimbor')": true,
			"INSERT INTO rings VALUES (2, 'Narya', 'Celebrimbor')": true,
			"INSERT INTO rings VALUES (3, 'Vilya', NULL)":          false,
			"INSERT INTO swords VALUES (1)":                        false,
		} {
			_, err := db.ExecContext(t.Context(), statement)
			require.Error(t, err, statement)
			assert.Equal(t, want, sqlerr.Unique(err), statement)
			assert.Equal(t, want, sqlerr.Unique(fmt.Errorf("accounts: %w", err)), statement)
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, ":memory:") })
	t.Run("postgres", func(t *testing.T) { check(t, pgtest.URL(t)) })
	assert.False(t, sqlerr.Unique(nil))
	assert.False(t, sqlerr.Unique(errors.New("23505")))
}

func TestRetryableIsTrueForTheRealErrorsOfBothDatabases(t *testing.T) {
	t.Run("sqlite, a writer that does not wait", func(t *testing.T) {
		address := "file:" + filepath.Join(t.TempDir(), "app.db") + "?_timeout=0"
		db, err := database.Open(address)
		require.NoError(t, err)
		defer db.Close()
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = db.BeginTx(t.Context(), nil)
		require.Error(t, err)
		assert.True(t, sqlerr.Retryable(err), err)
	})
	address := pgtest.URL(t)
	t.Run("postgres, a session that was ended", func(t *testing.T) {
		db := openPostgres(t, address)
		_, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
		require.Error(t, err)
		assert.Equal(t, "57P01", sqlerr.State(err))
		assert.True(t, sqlerr.Retryable(err), err)
	})
	t.Run("postgres, two serializable transactions", func(t *testing.T) {
		db := openPostgres(t, address)
		exec(t, db, "CREATE TABLE counters (n INTEGER); INSERT INTO counters VALUES (0)")
		a, b := serializable(t, db), serializable(t, db)
		_, err := a.ExecContext(t.Context(), "UPDATE counters SET n = 1")
		require.NoError(t, err)
		require.NoError(t, a.Commit())
		_, err = b.ExecContext(t.Context(), "UPDATE counters SET n = 2")
		assert.Equal(t, "40001", sqlerr.State(err))
		assert.True(t, sqlerr.Retryable(err), err)
	})
	t.Run("postgres, nobody listens", func(t *testing.T) {
		server := pgtest.Start(t)
		db := openPostgres(t, server.URL())
		server.Stop()
		for range 2 { // on the old connection and on a new one
			err := db.PingContext(t.Context())
			assert.True(t, sqlerr.Retryable(err), err)
		}
	})
}

func openPostgres(t *testing.T, address string) *bun.DB {
	t.Helper()
	db, err := database.Open(address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// serializable begins a transaction that has seen the counters.
func serializable(t *testing.T, db *bun.DB) bun.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	var n int
	require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT n FROM counters").Scan(&n))
	return tx
}

func exec(t *testing.T, db *bun.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

func TestRetryDoesTheWorkAtMostThreeTimes(t *testing.T) {
	busy, wrong := postgresError("40001"), errors.New("wrong")
	for name, c := range map[string]struct {
		answers []error
		want    error
	}{
		"success":                     {[]error{nil}, nil},
		"an error that stays":         {[]error{wrong}, wrong},
		"success at the second try":   {[]error{busy, nil}, nil},
		"success at the third try":    {[]error{busy, busy, nil}, nil},
		"another error at the second": {[]error{busy, wrong}, wrong},
		"no success":                  {[]error{busy, busy, busy}, busy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, start := 0, time.Now()
				err := sqlerr.Retry(t.Context(), func(context.Context) error {
					tries++
					return c.answers[tries-1]
				})
				assert.Equal(t, c.want, err)
				assert.Equal(t, len(c.answers), tries)
				assert.Less(t, time.Since(start), 200*time.Millisecond)
				assert.Equal(t, tries > 1, time.Since(start) >= 10*time.Millisecond, "a pause before each further try")
			})
		})
	}
}

func TestRetryStopsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		tries, start := 0, time.Now()
		err := sqlerr.Retry(ctx, func(context.Context) error {
			tries++
			return postgresError("57P03")
		})
		assert.Equal(t, postgresError("57P03"), err, "the error that says why")
		assert.Equal(t, 1, tries)
		assert.Equal(t, 5*time.Millisecond, time.Since(start))
	})
}
