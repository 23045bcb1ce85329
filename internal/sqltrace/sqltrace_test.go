package sqltrace_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func onBoth(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "file:"+filepath.Join(t.TempDir(), "app.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.URL(t)) })
}

func TestEachCallIsCountedByItsKind(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		ctx := t.Context()
		db, trace := sqltrace.Open(t, address)
		assert.Zero(t, trace.Counts(), "opening is forgotten")
		_, err := db.ExecContext(ctx, "CREATE TABLE rings (id INTEGER)")
		require.NoError(t, err)
		statement, err := db.PrepareContext(ctx, "SELECT count(*) FROM rings")
		require.NoError(t, err)
		defer statement.Close()
		var n int
		require.NoError(t, statement.QueryRowContext(ctx).Scan(&n))
		require.NoError(t, db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO rings VALUES (?)", 1)
			return err
		}))
		require.Error(t, db.RunInTx(ctx, nil, func(context.Context, bun.Tx) error { return errors.New("no") }))
		assert.Equal(t, sqltrace.Counts{Prepares: 1, Queries: 1, Execs: 2, Begins: 2, Commits: 1, Rollbacks: 1}, trace.Counts())
		assert.Equal(t, sqltrace.Call{Kind: sqltrace.Exec, Text: "CREATE TABLE rings (id INTEGER)", N: 1}, trace.Calls()[0])
		trace.Reset()
		assert.Zero(t, trace.Counts())
	})
}

func TestAFaultIsTheAnswerAndTheDatabaseIsNotAsked(t *testing.T) {
	fault := errors.New("the cable is cut")
	onBoth(t, func(t *testing.T, address string) {
		ctx := t.Context()
		db, trace := sqltrace.Open(t, address)
		_, err := db.ExecContext(ctx, "CREATE TABLE rings (id INTEGER)")
		require.NoError(t, err)
		insert := func() error {
			return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO rings VALUES (1)")
				return err
			})
		}
		for n, kind := range []sqltrace.Kind{sqltrace.Begin, sqltrace.Exec, sqltrace.Commit} {
			trace.Reset()
			trace.FailCall(n+1, fault)
			assert.ErrorIs(t, insert(), fault, kind)
			assert.Equal(t, kind, trace.Calls()[n].Kind)
		}
		trace.Reset()
		require.NoError(t, insert(), "the connection is as good as before")
		var rows int
		require.NoError(t, db.QueryRowContext(ctx, "SELECT count(*) FROM rings").Scan(&rows))
		assert.Equal(t, 1, rows, "nothing of the failed ones is there")
	})
}

func TestAFaultCanBeOfSomeStatementsOnly(t *testing.T) {
	db, trace := sqltrace.Open(t, ":memory:")
	trace.Fail(func(c sqltrace.Call) error {
		if c.Text == "SELECT 2" {
			return errors.New("no twos")
		}
		return nil
	})
	_, err := db.ExecContext(t.Context(), "SELECT 1")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "SELECT 2")
	require.EqualError(t, err, "no twos")
}
