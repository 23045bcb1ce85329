package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/throttle"
)

// TestAttemptsAreCountedThoughTheTransactionIsUndone: else who guesses within one would never be counted.
func TestAttemptsAreCountedThoughTheTransactionIsUndone(t *testing.T) {
	db := open(t, pgtest.URL(t))
	require.NoError(t, throttle.Migrate(t.Context(), db))
	counter := throttle.NewBun(db)
	for n := int64(1); n <= 3; n++ {
		require.ErrorIs(t, database.Transact(within(t), db, func(ctx context.Context) error {
			count, err := counter.Add(ctx, "frodo", 1, start, time.Hour)
			require.NoError(t, err)
			assert.Equal(t, n, count.N)
			return errMordor
		}), errMordor)
	}
	require.NoError(t, database.Transact(within(t), db, func(ctx context.Context) error {
		count, err := counter.Add(ctx, "frodo", 1, start, time.Hour)
		require.NoError(t, err)
		return counter.TakeBack(ctx, "frodo", 1, count.Until)
	}))
	count, err := counter.Add(t.Context(), "frodo", 1, start, time.Hour)
	require.NoError(t, err)
	assert.EqualValues(t, 4, count.N)
	nothingIsLeft(t, db)
}

// TestInASQLiteTransactionAttemptsAreNotCountedButRefused: there is one writer at a time.
func TestInASQLiteTransactionAttemptsAreNotCountedButRefused(t *testing.T) {
	db := open(t, newFile(t)+"?_timeout=0")
	require.NoError(t, throttle.Migrate(t.Context(), db))
	counter := throttle.NewBun(db)
	runs := 0
	require.Error(t, database.Transact(within(t), db, func(ctx context.Context) error {
		runs++
		_, err := counter.Add(ctx, "frodo", 1, start, time.Hour)
		return err
	}))
	assert.Equal(t, 3, runs)
	_, err := counter.Add(t.Context(), "frodo", 1, start, time.Hour)
	require.NoError(t, err)
	nothingIsLeft(t, db)
}
