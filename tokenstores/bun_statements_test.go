package tokenstores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/tokenstores"
)

func onEachTraced(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			trace.Reset()
			test(t, db, trace)
		})
	}
}

func TestBunCountsOfStatements(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store, ctx := tokenstores.NewBun(db), t.Context()
		assert.Empty(t, trace.Calls(), "making a store asks nothing")
		require.NoError(t, store.Ping(ctx)) // prepares
		one, query := sqltrace.Counts{Execs: 1}, sqltrace.Counts{Queries: 1}
		all, rotation := one, sqltrace.Counts{Begins: 1, Execs: 2, Commits: 1}
		refused := sqltrace.Counts{Begins: 1, Execs: 1, Queries: 1, Rollbacks: 1}
		if db.Dialect().Name() == dialect.PG { // a lock more
			all = sqltrace.Counts{Begins: 1, Execs: 2, Commits: 1}
			rotation.Execs++
			refused.Execs++
		}
		is := func(err, want error) error {
			if errors.Is(err, want) {
				return nil
			}
			return fmt.Errorf("got %v", err)
		}
		for _, step := range []struct {
			name string
			work func() error
			want sqltrace.Counts
		}{
			{"an insert is one statement", func() error { return store.Insert(ctx, token("a")) }, one},
			{"a find is one query", func() error { _, err := store.Find(ctx, "api", "a"); return err }, query},
			{"a find of nothing is one query", func() error { _, err := store.Find(ctx, "api", "x"); return err }, query},
			{"a find of text that names no token is none", func() error { _, err := store.Find(ctx, "api", strings.Repeat("a", 1<<20)); return err }, sqltrace.Counts{}},
			{"a touch is one statement", func() error { return store.Touch(ctx, "api", "a", "hash of a", start.Add(time.Hour), "") }, one},
			{"a list is one query", func() error { _, err := store.List(ctx, "api", "7"); return err }, query},
			{"a list of nobody is none", func() error { _, err := store.List(ctx, "api", ""); return err }, sqltrace.Counts{}},
			{"a rotation is two statements in one transaction", func() error { return store.Rotate(ctx, "api", "a", "hash of a", start, token("b")) }, rotation},
			{"a refused rotation asks why once", func() error {
				return is(store.Rotate(ctx, "api", "a", "hash of a", start, token("c")), tokenstores.ErrTokenRotated)
			}, refused},
			{"a rotation of text that names no token is none", func() error {
				return is(store.Rotate(ctx, "api", "a\x00", "hash of a", start, token("c")), tokenstores.ErrTokenGone)
			}, sqltrace.Counts{}},
			{"a renewal is one statement", func() error { return store.Renew(ctx, "api", "b", "hash of b", renewal("x", start)) }, one},
			{"a refused renewal asks why once", func() error {
				return is(store.Renew(ctx, "api", "b", "hash of b", renewal("y", start)), tokenstores.ErrTokenRotated)
			}, sqltrace.Counts{Execs: 1, Queries: 1}},
			{"a renewal of text that names no token is none", func() error {
				return is(store.Renew(ctx, "api", "b", "\xff", renewal("y", start)), tokenstores.ErrTokenGone)
			}, sqltrace.Counts{}},
			{"a delete is one statement", func() error { _, err := store.Delete(ctx, "api", "a", "7"); return err }, one},
			{"deleting all is one statement", func() error { _, err := store.DeleteAll(ctx, "api", "7", ""); return err }, all},
			{"deleting all of nothing is one statement", func() error { _, err := store.DeleteAll(ctx, "api", "7", ""); return err }, all},
			{"deleting a type is one statement", func() error { _, err := store.DeleteType(ctx, "api"); return err }, all},
			{"pruning is one statement", func() error { _, err := store.Prune(ctx, start, 9); return err }, one},
			{"pruning nothing is none", func() error { _, err := store.Prune(ctx, start, 0); return err }, sqltrace.Counts{}},
		} {
			t.Run(step.name, func(t *testing.T) {
				trace.Reset()
				require.NoError(t, step.work())
				assert.Equal(t, step.want, trace.Counts())
			})
		}
	})
}

// calls are those of every method, on the one token "a".
func calls(t *testing.T, store tokenstores.Store) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"Find": func() error {
			got, err := store.Find(ctx, "api", "a")
			assert.Equal(t, err == nil, got != nil, "never nothing and no error")
			return err
		},
		"Insert":     func() error { return store.Insert(ctx, token("b")) },
		"Touch":      func() error { return store.Touch(ctx, "api", "a", "hash of a", start.Add(time.Hour), "") },
		"Rotate":     func() error { return store.Rotate(ctx, "api", "a", "hash of a", start, token("b")) },
		"Renew":      func() error { return store.Renew(ctx, "api", "a", "hash of a", renewal("x", start)) },
		"Delete":     func() error { _, err := store.Delete(ctx, "api", "a", ""); return err },
		"List":       func() error { _, err := store.List(ctx, "api", "7"); return err },
		"DeleteAll":  func() error { _, err := store.DeleteAll(ctx, "api", "7", ""); return err },
		"DeleteType": func() error { _, err := store.DeleteType(ctx, "api"); return err },
		"Prune":      func() error { _, err := store.Prune(ctx, start.AddDate(1, 0, 0), 9); return err },
		"Ping":       func() error { return store.(interface{ Ping(context.Context) error }).Ping(ctx) },
	}
}

// fresh leaves the one token "a".
func fresh(t *testing.T, db *bun.DB, store *tokenstores.Bun) *tokenstores.Token {
	t.Helper()
	execute(t, db, "DELETE FROM tokens")
	require.NoError(t, store.Insert(t.Context(), token("a")))
	return find(t, store, "a")
}

func TestBunFaults(t *testing.T) {
	fault := errors.New("the disk burns")
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := tokenstores.NewBun(db)
		require.NoError(t, store.Ping(t.Context()))
		for name, call := range calls(t, store) {
			t.Run(name+" passes a fault on, and nothing is half done", func(t *testing.T) {
				for n := 1; ; n++ { // each statement in turn
					want := fresh(t, db, store)
					trace.Reset()
					trace.FailCall(n, fault)
					err := call()
					reached := len(trace.Calls()) >= n
					trace.Reset()
					if !reached {
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, fault, "call %d", n)
					require.NotErrorIs(t, err, tokenstores.ErrTokenGone)
					require.NotErrorIs(t, err, tokenstores.ErrTokenRotated)
					assert.Equal(t, want, find(t, store, "a"), "call %d", n)
					assert.Nil(t, find(t, store, "b"))
				}
			})
			t.Run(name+" is repeated after a fault that passes", func(t *testing.T) {
				fresh(t, db, store)
				trace.Reset()
				trace.FailCall(1, passing{})
				require.NoError(t, call())
				trace.Reset()
			})
		}
		t.Run("a fault that does not pass is not waited for", func(t *testing.T) {
			fresh(t, db, store)
			trace.Reset()
			trace.Fail(func(sqltrace.Call) error { return passing{} })
			require.ErrorIs(t, calls(t, store)["Insert"](), passing{})
			assert.Len(t, trace.Calls(), 3)
			trace.Reset()
		})
	})
}

// passing is a serialization failure, as Postgres says it.
type passing struct{}

func (passing) Error() string    { return "could not serialize access" }
func (passing) SQLState() string { return "40001" }

func TestBunNeverUpserts(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		for _, name := range []string{"Insert", "Touch", "DeleteAll", "Renew", "Rotate"} {
			_ = calls(t, store)[name]()
		}
		for _, call := range trace.Calls() {
			assert.NotContains(t, strings.ToUpper(call.Text), "DO UPDATE")
			assert.NotContains(t, strings.ToUpper(call.Text), "REPLACE")
		}
	})
}

func TestPrunePassesOverRowsThatAreBeingWritten(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		store := tokenstores.NewBun(db)
		require.NoError(t, store.Insert(t.Context(), token("a")))
		require.NoError(t, store.Insert(t.Context(), token("b")))
		tx, err := db.Begin()
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), "UPDATE tokens SET name = 'x' WHERE id = 'a'")
		require.NoError(t, err)
		n, err := store.Prune(t.Context(), start.AddDate(1, 0, 0), 9)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestPruneOfADenylistPassesOverRowsThatAreBeingWritten(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) {
		list := tokenstores.NewBunDenylist(db)
		require.NoError(t, list.Deny(t.Context(), denial("a"), denial("b")))
		tx, err := db.Begin()
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), "UPDATE denials SET mark = 'x' WHERE key = 'a'")
		require.NoError(t, err)
		n, err := list.Prune(t.Context(), start.AddDate(1, 0, 0), 9)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestBunErrorsNameNoTokenAndNoUser(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store, ctx := tokenstores.NewBun(db), cancelledContext(t)
		secret := token("palantir")
		secret.Subject = "frodo"
		_, found := store.Find(ctx, "api", "palantir")
		_, listed := store.List(ctx, "api", "frodo")
		for _, err := range []error{store.Insert(ctx, secret), store.Rotate(ctx, "api", "a", "b", start, secret), found, listed} {
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%+v", err), "palantir")
			assert.NotContains(t, fmt.Sprintf("%+v", err), "frodo")
		}
	})
}
