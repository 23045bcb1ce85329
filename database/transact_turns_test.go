package database_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/tokenstores"
)

// impatient is an empty database that looks for deadlocks soon.
func impatient(t *testing.T) *world { return newWorld(t, with(pgtest.URL(t), "deadlock_timeout=50")) }

// meeting lets each side of a pair wait, at its first run, until both are there.
func meeting() func(run int) {
	var both sync.WaitGroup
	both.Add(2)
	return func(run int) {
		if run == 1 {
			both.Done()
			both.Wait()
		}
	}
}

// together runs each work in a transaction of its own, at once, and returns how often each was done.
func together(t *testing.T, w *world, works ...func(ctx context.Context, run int) error) []int {
	t.Helper()
	runs := make([]int, len(works))
	var group sync.WaitGroup
	for i, work := range works {
		group.Go(func() {
			assert.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
				runs[i]++
				return work(ctx, runs[i])
			}))
		})
	}
	group.Wait()
	nothingIsLeft(t, w.db)
	return runs
}

func (w *world) rename(ctx context.Context) error {
	return changes["the application's own statement"].do(ctx, w)
}

// TestATurnAndARowThatWaitForEachOther: who deletes all tokens waits for the turn of one who rotates, who waits for a row of the first. Postgres
// sees that, since a turn is a lock like that of a row.
func TestATurnAndARowThatWaitForEachOther(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, s *tokenstores.Bun) error{
		"DeleteAll":  func(ctx context.Context, s *tokenstores.Bun) error { return two(s.DeleteAll(ctx, "api", "7", "")) },
		"DeleteType": func(ctx context.Context, s *tokenstores.Bun) error { return two(s.DeleteType(ctx, "api")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := impatient(t)
			w.reset(t)
			meet := meeting()
			runs := together(t, w,
				func(ctx context.Context, run int) error {
					if err := w.rename(ctx); err != nil {
						return err
					}
					meet(run)
					return end(ctx, w.tokens)
				},
				func(ctx context.Context, run int) error {
					err := w.tokens.Rotate(ctx, "api", "a", "hash of a", start.Add(time.Minute), token("b"))
					if err != nil && !errors.Is(err, tokenstores.ErrTokenGone) {
						return err
					}
					meet(run)
					return w.rename(ctx)
				})
			assert.Equal(t, 3, runs[0]+runs[1], "one is done again")
			assert.Equal(t, "Mr Underhill", w.person(t).Name)
			list, err := w.tokens.List(t.Context(), "api", "7")
			require.NoError(t, err)
			assert.Empty(t, list, "what was rotated before is deleted, what was deleted before is not rotated")
		})
	}
}

// TestTwoWhoRotateAndThenDeleteAll: each shares the turn and wants it alone.
func TestTwoWhoRotateAndThenDeleteAll(t *testing.T) {
	w := impatient(t)
	w.reset(t)
	require.NoError(t, w.tokens.Insert(t.Context(), token("b")))
	meet := meeting()
	logout := func(id string) func(ctx context.Context, run int) error {
		return func(ctx context.Context, run int) error {
			err := w.tokens.Rotate(ctx, "api", id, "hash of "+id, start.Add(time.Minute), token("after "+id))
			if err != nil && !errors.Is(err, tokenstores.ErrTokenGone) {
				return err
			}
			meet(run)
			return two(w.tokens.DeleteAll(ctx, "api", "7", ""))
		}
	}
	runs := together(t, w, logout("a"), logout("b"))
	assert.Equal(t, 3, runs[0]+runs[1])
	list, err := w.tokens.List(t.Context(), "api", "7")
	require.NoError(t, err)
	assert.Empty(t, list)
}

// TestRotationsWaitForALongTransactionThatDeletesAll: the turn lasts until the end of the transaction.
func TestRotationsWaitForALongTransactionThatDeletesAll(t *testing.T) {
	w := impatient(t)
	w.reset(t)
	rotated := make(chan error, 1)
	require.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
		require.NoError(t, two(w.tokens.DeleteAll(ctx, "api", "7", "")))
		go func() {
			rotated <- w.tokens.Rotate(within(t), "api", "a", "hash of a", start.Add(time.Minute), token("b"))
		}()
		assert.Eventually(t, func() bool {
			return one[int](t, w.db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
		}, 10*time.Second, time.Millisecond)
		return w.tokens.Insert(ctx, token("c"))
	}))
	require.ErrorIs(t, <-rotated, tokenstores.ErrTokenGone)
	assert.Nil(t, w.token(t, t.Context(), "b"))
	assert.NotNil(t, w.token(t, t.Context(), "c"))
}

// TestAWaitThatPostgresDoesNotSeeEndsWithTheContext: the transaction that holds the turn waits for something else than a lock.
func TestAWaitThatPostgresDoesNotSeeEndsWithTheContext(t *testing.T) {
	w := impatient(t)
	w.reset(t)
	require.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
		require.NoError(t, two(w.tokens.DeleteAll(ctx, "api", "7", "")))
		short, cancel := context.WithTimeout(within(t), 200*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, w.tokens.Rotate(short, "api", "a", "hash of a", start.Add(time.Minute), token("b")), context.DeadlineExceeded)
		return nil
	}))
	nothingIsLeft(t, w.db)
}

// person is the user 7.
func (w *world) person(t *testing.T) *person {
	t.Helper()
	u, err := w.users.ByID(t.Context(), "7")
	require.NoError(t, err)
	return u
}
