package txn_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/internal/txn"
)

var errMordor = errors.New("one does not simply walk into Mordor")

// onEach runs test on each sort of database. In memory there is one connection: what does not join the transaction waits there until ctx ends.
func onEach(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	for name, address := range map[string]func() string{
		"file":     func() string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
		"memory":   func() string { return ":memory:" },
		"postgres": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db, trace := open(t, address())
			test(t, db, trace)
			assert.Zero(t, db.Stats().InUse, "no connection is kept")
		})
	}
}

func open(t *testing.T, address string) (*bun.DB, *sqltrace.Trace) {
	t.Helper()
	db, trace := sqltrace.Open(t, address)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE rings (name VARCHAR(40) PRIMARY KEY)")
	require.NoError(t, err)
	trace.Reset()
	return db, trace
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// forge stores a ring, in the transaction of ctx if there is one.
func forge(ctx context.Context, db *bun.DB, name string) error {
	_, err := txn.In(ctx, db).ExecContext(ctx, "INSERT INTO rings VALUES (?)", name)
	return err
}

func rings(t *testing.T, ctx context.Context, db *bun.DB) (names []string) {
	t.Helper()
	require.NoError(t, txn.In(ctx, db).NewSelect().Table("rings").Column("name").Order("name").Scan(ctx, &names))
	return names
}

// run is txn.Run without the transaction, which is in the context too.
func run(ctx context.Context, db *bun.DB, work func(context.Context) error) error {
	return txn.Run(ctx, db, func(ctx context.Context, _ bun.Tx) error { return work(ctx) })
}

func TestWhatIsDoneWithTheContextIsDoneTogetherOrNotAtAll(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		ctx := within(t)
		both := func(ctx context.Context) error {
			require.NoError(t, forge(ctx, db, "Narya"))
			require.NoError(t, forge(ctx, db, "Nenya"))
			assert.Equal(t, []string{"Narya", "Nenya"}, rings(t, ctx, db))
			return nil
		}
		err := run(ctx, db, func(ctx context.Context) error { return errors.Join(both(ctx), errMordor) })
		require.ErrorIs(t, err, errMordor)
		assert.PanicsWithValue(t, "the Eye", func() { _ = run(ctx, db, func(ctx context.Context) error { _ = both(ctx); panic("the Eye") }) })
		assert.Empty(t, rings(t, ctx, db))
		trace.Reset()
		require.NoError(t, run(ctx, db, both))
		assert.Equal(t, sqltrace.Counts{Begins: 1, Execs: 2, Queries: 1, Commits: 1}, trace.Counts(), "without parts there are no savepoints")
		assert.Equal(t, []string{"Narya", "Nenya"}, rings(t, ctx, db))
	})
}

func TestAPartIsCommittedWithTheWholeAndIsTwoStatementsMore(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		ctx := within(t)
		whole := func(end error) error {
			return run(ctx, db, func(ctx context.Context) error {
				require.NoError(t, run(ctx, db, func(ctx context.Context) error { return forge(ctx, db, "Narya") }))
				return end
			})
		}
		require.ErrorIs(t, whole(errMordor), errMordor)
		assert.Empty(t, rings(t, ctx, db), "a part that succeeded is undone with the whole")
		trace.Reset()
		require.NoError(t, whole(nil))
		assert.Equal(t, sqltrace.Counts{Begins: 1, Execs: 3, Commits: 1}, trace.Counts())
		assert.Equal(t, []string{"Narya"}, rings(t, ctx, db))
	})
}

func TestAPartThatFailsIsUndoneByItself(t *testing.T) {
	for name, part := range map[string]func(ctx context.Context, db *bun.DB) error{
		"an error": func(context.Context, *bun.DB) error { return errMordor },
		"a statement that fails": func(ctx context.Context, db *bun.DB) error {
			return forge(ctx, db, "Narya") // there is one
		},
		"a statement that fails, which is not told": func(ctx context.Context, db *bun.DB) error {
			if err := forge(ctx, db, "Narya"); err == nil || db.Dialect().Name() == dialect.PG {
				return nil // Postgres tells itself, since nothing can be done after it
			}
			return errMordor
		},
		"a part of the part that succeeded": func(ctx context.Context, db *bun.DB) error {
			return errors.Join(run(ctx, db, func(ctx context.Context) error { return forge(ctx, db, "Vilya") }), errMordor)
		},
		"a part of the part that failed too": func(ctx context.Context, db *bun.DB) error {
			return run(ctx, db, func(ctx context.Context) error { return errors.Join(forge(ctx, db, "Vilya"), errMordor) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
				ctx := within(t)
				require.NoError(t, run(ctx, db, func(ctx context.Context) error {
					require.NoError(t, forge(ctx, db, "Narya"))
					require.Error(t, run(ctx, db, func(ctx context.Context) error {
						require.NoError(t, forge(ctx, db, "Nenya"))
						return part(ctx, db)
					}))
					assert.Equal(t, []string{"Narya"}, rings(t, ctx, db))
					return forge(ctx, db, "the One")
				}))
				assert.Equal(t, []string{"Narya", "the One"}, rings(t, ctx, db))
			})
		})
	}
}

func TestAPartThatPanicsIsUndoneByItself(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		ctx := within(t)
		require.NoError(t, run(ctx, db, func(ctx context.Context) error {
			assert.PanicsWithValue(t, "the Eye", func() {
				_ = run(ctx, db, func(ctx context.Context) error { _ = forge(ctx, db, "Nenya"); panic("the Eye") })
			})
			return forge(ctx, db, "Narya")
		}))
		assert.Equal(t, []string{"Narya"}, rings(t, ctx, db))
	})
}

func TestAPartWhoseContextHasEndedIsUndoneToo(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		ctx := within(t)
		require.NoError(t, run(ctx, db, func(ctx context.Context) error {
			require.NoError(t, forge(ctx, db, "Narya"))
			part, cancel := context.WithCancel(ctx)
			assert.ErrorIs(t, run(part, db, func(ctx context.Context) error {
				require.NoError(t, forge(ctx, db, "Nenya"))
				cancel()
				return nil
			}), context.Canceled)
			assert.ErrorIs(t, run(part, db, func(context.Context) error { t.Error("nobody waits any more"); return nil }), context.Canceled)
			return nil
		}))
		assert.Equal(t, []string{"Narya"}, rings(t, ctx, db))
	})
}

func TestIfAPartCannotBeUndoneTheWholeIs(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		ctx := within(t)
		trace.Fail(func(c sqltrace.Call) error {
			if strings.HasPrefix(c.Text, "ROLLBACK TO") {
				return errors.New("the disk burns")
			}
			return nil
		})
		require.Error(t, run(ctx, db, func(ctx context.Context) error {
			require.NoError(t, forge(ctx, db, "Narya"))
			require.ErrorIs(t, run(ctx, db, func(ctx context.Context) error { return errors.Join(forge(ctx, db, "Nenya"), errMordor) }), errMordor)
			assert.Error(t, forge(ctx, db, "Vilya"), "neither in the transaction nor outside")
			return nil
		}))
		trace.Reset()
		assert.Empty(t, rings(t, ctx, db))
	})
}

func TestTheContextsOfTwoDatabasesDoNotMix(t *testing.T) {
	onEach(t, func(t *testing.T, shire *bun.DB, _ *sqltrace.Trace) {
		gondor, _ := open(t, ":memory:")
		ctx := within(t)
		require.ErrorIs(t, run(ctx, shire, func(ctx context.Context) error {
			_, inside := txn.Of(ctx, gondor)
			assert.False(t, inside)
			require.NoError(t, forge(ctx, gondor, "Narya"))
			require.NoError(t, run(ctx, gondor, func(ctx context.Context) error {
				require.NoError(t, forge(ctx, gondor, "Nenya"))
				return forge(ctx, shire, "Vilya")
			}))
			assert.Equal(t, []string{"Vilya"}, rings(t, ctx, shire))
			return errMordor
		}), errMordor)
		assert.Empty(t, rings(t, ctx, shire))
		assert.Equal(t, []string{"Narya", "Nenya"}, rings(t, ctx, gondor))
		assert.Zero(t, gondor.Stats().InUse)
	})
}

func TestAContextThatOutlivesItsTransactionIsInNone(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		ctx := within(t)
		for name, end := range map[string]error{"committed": nil, "failed": errMordor} {
			var late context.Context
			require.ErrorIs(t, run(ctx, db, func(ctx context.Context) error { late = ctx; return end }), end)
			_, inside := txn.Of(late, db)
			assert.False(t, inside)
			require.NoError(t, forge(late, db, name))
			require.ErrorIs(t, run(late, db, func(ctx context.Context) error {
				require.NoError(t, forge(ctx, db, "Narya"))
				return errMordor
			}), errMordor, "a new one can begin")
		}
		assert.Equal(t, []string{"committed", "failed"}, rings(t, ctx, db))
	})
}

func TestOnPostgresItIsAtReadCommittedWhateverTheDefaultIs(t *testing.T) {
	db, _ := open(t, pgtest.URL(t))
	ctx := within(t)
	_, err := db.ExecContext(ctx, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$")
	require.NoError(t, err)
	db.SetMaxIdleConns(0) // the setting is that of new connections
	level := func(ctx context.Context) (level string) {
		require.NoError(t, txn.In(ctx, db).QueryRowContext(ctx, "SHOW transaction_isolation").Scan(&level))
		return level
	}
	require.Equal(t, "serializable", level(ctx))
	require.NoError(t, run(ctx, db, func(ctx context.Context) error {
		assert.Equal(t, "read committed", level(ctx))
		return run(ctx, db, func(ctx context.Context) error { assert.Equal(t, "read committed", level(ctx)); return nil })
	}))
}

func TestNothingInsideIsRepeatedByItself(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		ctx, tries := within(t), 0
		retry := func(ctx context.Context) error {
			return sqlerr.Retry(ctx, func(context.Context) error { tries++; return serialization{} })
		}
		require.ErrorIs(t, run(ctx, db, retry), serialization{})
		require.ErrorIs(t, run(ctx, db, func(ctx context.Context) error { return run(ctx, db, retry) }), serialization{})
		assert.Equal(t, 2, tries)
	})
}

// serialization is a serialization failure, as Postgres says it.
type serialization struct{}

func (serialization) Error() string    { return "could not serialize access" }
func (serialization) SQLState() string { return "40001" }
