package database_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

type postgresError string

func (e postgresError) Error() string    { return "SQLSTATE " + string(e) }
func (e postgresError) SQLState() string { return string(e) }

type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprint("code ", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

func TestTheWorkIsDoneAgainOnlyIfItWasRolledBackForCertain(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		for name, c := range map[string]struct {
			err  error
			runs int
		}{
			"serialization failure":       {postgresError("40001"), 3},
			"deadlock":                    {fmt.Errorf("tokenstores: %w", postgresError("40P01")), 3},
			"SQLITE_BUSY":                 {sqliteError(5), 3},
			"the server is being stopped": {postgresError("57P01"), 1},
			"connection failure":          {postgresError("08006"), 1},
			"out of disk":                 {postgresError("53100"), 1},
			"a lost connection":           {io.ErrUnexpectedEOF, 1},
			"another error":               {errMordor, 1},
		} {
			for _, kind := range []sqltrace.Kind{sqltrace.Exec, sqltrace.Commit} {
				t.Run(fmt.Sprint(name, " at ", kind), func(t *testing.T) {
					trace.Fail(func(call sqltrace.Call) error {
						if call.Kind == kind {
							return c.err
						}
						return nil
					})
					defer trace.Fail(nil)
					runs := 0
					err := database.Transact(within(t), db, func(ctx context.Context) error { runs++; return forge(ctx, db, runs) })
					require.ErrorIs(t, err, c.err)
					assert.Equal(t, c.runs, runs)
					trace.Fail(nil)
					assert.Empty(t, rings(t, db))
				})
			}
		}
	})
}

func TestAPartIsDoneAgainOnlyWithTheWhole(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		whole, part := 0, 0
		require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
			whole++
			require.NoError(t, forge(ctx, db, 1))
			return database.Transact(ctx, db, func(ctx context.Context) error {
				if part++; part < 3 {
					return postgresError("40P01")
				}
				return forge(ctx, db, 2)
			})
		}))
		assert.Equal(t, []int{3, 3}, []int{whole, part})
		assert.Equal(t, []int{1, 2}, rings(t, db))
	})
}

// TestTwoThatWouldWaitForEachOtherBothSucceed: Postgres ends one of them, which is done again.
func TestTwoThatWouldWaitForEachOtherBothSucceed(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		require.NoError(t, errors.Join(forge(t.Context(), db, 1), forge(t.Context(), db, 2)))
		postgres := db.Dialect().Name() == dialect.PG
		var met, group sync.WaitGroup
		if postgres { // on SQLite the second does not begin before the first has ended
			met.Add(2)
		}
		var runs [2]int
		for i := range 2 {
			group.Go(func() {
				assert.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
					runs[i]++
					if err := rename(ctx, db, 1+i, "gift of"); err != nil {
						return err
					}
					if postgres && runs[i] == 1 {
						met.Done()
						met.Wait()
					}
					return rename(ctx, db, 2-i, "Celebrimbor")
				}))
			})
		}
		group.Wait()
		if postgres {
			assert.Equal(t, 3, runs[0]+runs[1], "one of them is done again")
		}
		for id := 1; id <= 2; id++ {
			assert.Contains(t, []string{"gift ofCelebrimbor", "Celebrimborgift of"}, one[string](t, db, "SELECT name FROM rings WHERE id = ?", id))
		}
	})
}

func rename(ctx context.Context, db *bun.DB, id int, more string) error {
	_, err := database.Tx(ctx, db).ExecContext(ctx, "UPDATE rings SET name = COALESCE(name, '') || ? WHERE id = ?", more, id)
	return err
}

func TestASQLiteFileThatIsBusyAtFirst(t *testing.T) {
	address := newFile(t)
	db, other := open(t, address+"?_timeout=0"), open(t, address)
	exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
	writer, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	tries := 0
	db = db.WithQueryHook(before(func() {
		if tries++; tries == 2 {
			require.NoError(t, writer.Rollback())
		}
	}))
	require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error { return forge(ctx, db, 1) }))
	assert.GreaterOrEqual(t, tries, 3)
	assert.Equal(t, []int{1}, rings(t, db))
}

// before calls the function before each query.
type before func()

func (b before) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { b(); return ctx }
func (before) AfterQuery(context.Context, *bun.QueryEvent)                          {}

// TestASQLiteCommitThatIsBusyIsDoneAgain: without a write-ahead log a commit waits for those who read.
func TestASQLiteCommitThatIsBusyIsDoneAgain(t *testing.T) {
	db := open(t, newFile(t)+"?_journal=DELETE&_timeout=0")
	exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
	require.NoError(t, errors.Join(forge(t.Context(), db, 1), forge(t.Context(), db, 2)))
	reader, err := db.QueryContext(t.Context(), "SELECT id FROM rings")
	require.NoError(t, err)
	require.True(t, reader.Next())
	runs := 0
	require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
		if runs++; runs == 2 {
			require.NoError(t, reader.Close())
		}
		return forge(ctx, db, 3)
	}))
	assert.Equal(t, 2, runs)
	assert.Equal(t, []int{1, 2, 3}, rings(t, db))
	nothingIsLeft(t, db)
}

// atCommit makes each commit that stored a ring call a function of the database, which is given as PL/pgSQL.
func atCommit(t *testing.T, db *bun.DB, body string) {
	t.Helper()
	exec(t, db, "CREATE SEQUENCE commits")
	exec(t, db, "CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+body+" RETURN NULL; END $$")
	exec(t, db, "CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON rings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION judge()")
}

func TestACommitThatPostgresRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body, state string
		runs        int
	}{
		"twice, and may accept":                    {"IF nextval('commits') < 3 THEN RAISE 'no' USING ERRCODE = '40001'; END IF;", "", 3},
		"again and again":                          {"RAISE 'no' USING ERRCODE = '40001';", "40001", 3},
		"for a reason that stays":                  {"RAISE 'no' USING ERRCODE = '23514';", "23514", 1},
		"because somebody ended the session of it": {"PERFORM pg_terminate_backend(pg_backend_pid());", "57P01", 1},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, pgtest.URL(t))
			exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
			atCommit(t, db, c.body)
			runs := 0
			err := database.Transact(within(t), db, func(ctx context.Context) error { runs++; return forge(ctx, db, 1) })
			assert.Equal(t, c.runs, runs)
			if c.state == "" {
				require.NoError(t, err)
				assert.Equal(t, []int{1}, rings(t, db))
			} else {
				require.ErrorContains(t, err, c.state)
				assert.Empty(t, rings(t, db))
			}
			nothingIsLeft(t, db)
		})
	}
}

func TestASessionThatEndsWithinTheWorkIsNotDoneAgain(t *testing.T) {
	db := open(t, pgtest.URL(t))
	exec(t, db, "CREATE TABLE rings (id INTEGER PRIMARY KEY)")
	for name, tell := range map[string]bool{"and the work says so": true, "and the work does not say so": false} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			require.Error(t, database.Transact(within(t), db, func(ctx context.Context) error {
				runs++
				require.NoError(t, forge(ctx, db, 1))
				exec(t, db, "SELECT pg_terminate_backend(?)", one[int](t, database.Tx(ctx, db), "SELECT pg_backend_pid()"))
				var err error
				for range 3 { // none of them goes to another connection
					err = forge(ctx, db, 2)
					assert.Error(t, err)
				}
				if tell {
					return err
				}
				return nil
			}))
			assert.Equal(t, 1, runs)
			assert.Empty(t, rings(t, db))
			nothingIsLeft(t, db)
		})
	}
}
