package database_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
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
	db.AddQueryHook(before(func() {
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
