package throttle_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/throttle"
)

// onEach runs test on an empty database of each sort.
func onEach(t *testing.T, test func(t *testing.T, address string)) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) { test(t, address(t)) })
	}
}

func TestMigrate(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		dbs, errs := make([]*bun.DB, 10), make([]error, 10)
		for i := range dbs {
			dbs[i] = open(t, address)
		}
		var all sync.WaitGroup
		for i, db := range dbs {
			all.Go(func() { errs[i] = throttle.Migrate(t.Context(), db) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		assert.EqualValues(t, 1, add(t, throttle.NewBun(dbs[0]), "frodo", start))
		require.NoError(t, throttle.Migrate(t.Context(), dbs[1]))
		assert.EqualValues(t, 2, add(t, throttle.NewBun(dbs[1]), "frodo", start), "nothing was lost")
	})
}

func TestBunWithoutItsTableFails(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		b := throttle.NewBun(open(t, address))
		_, err := b.Add(t.Context(), "frodo", 1, start, window)
		assert.ErrorContains(t, err, "throttle: add: ")
		assert.ErrorContains(t, b.Reset(t.Context(), "frodo"), "throttle: reset: ")
		assert.ErrorContains(t, b.TakeBack(t.Context(), "frodo", 1, start), "throttle: take back: ")
		_, err = b.Prune(t.Context(), start, 10)
		assert.ErrorContains(t, err, "throttle: prune: ")
	})
}

func TestBunAddIsOneStatement(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		db, trace := sqltrace.Open(t, address)
		require.NoError(t, throttle.Migrate(t.Context(), db))
		b := throttle.NewBun(db)
		add(t, b, "frodo", start)
		trace.Reset()
		add(t, b, "frodo", start)
		assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
	})
}

// Counting twice what may have been counted refuses too early at worst; taking back twice would let a guess through.
func TestBunRepeatsOnlyWhatCounts(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		db, trace := sqltrace.Open(t, address)
		require.NoError(t, throttle.Migrate(t.Context(), db))
		b := throttle.NewBun(db)
		add(t, b, "frodo", start)
		add(t, b, "frodo", start)

		trace.Reset()
		trace.FailCall(1, io.ErrUnexpectedEOF)
		assert.EqualValues(t, 3, add(t, b, "frodo", start))
		trace.Reset()
		trace.FailCall(1, io.ErrUnexpectedEOF)
		assert.ErrorIs(t, b.TakeBack(t.Context(), "frodo", 1, start.Add(window)), io.ErrUnexpectedEOF)
		assert.Len(t, trace.Calls(), 1)
		require.NoError(t, b.TakeBack(t.Context(), "frodo", 1, start.Add(window)))
		assert.EqualValues(t, 3, add(t, b, "frodo", start))
	})
}

func TestBunKeepsNoNames(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		db := open(t, address)
		require.NoError(t, throttle.Migrate(t.Context(), db))
		add(t, throttle.NewBun(db), "login account frodo@shire.example", start)
		var keys []string
		require.NoError(t, db.NewSelect().Table("throttle_counts").Column("key").Scan(t.Context(), &keys))
		require.Len(t, keys, 1)
		assert.Regexp(t, "^[0-9a-f]{64}$", keys[0])
	})
}

func TestBunPrune(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		db := open(t, address)
		require.NoError(t, throttle.Migrate(t.Context(), db))
		b := throttle.NewBun(db)
		for i := range 25 {
			add(t, b, strconv.Itoa(i), start.Add(time.Duration(i)*time.Second))
		}
		end := start.Add(window)
		for _, c := range []struct {
			later       time.Duration
			limit, want int
		}{
			{-time.Microsecond, 10, 0},
			{0, 10, 1},
			{22 * time.Second, 10, 10},
			{22 * time.Second, 0, 0},
			{22 * time.Second, -1, 0},
			{22 * time.Second, 100, 12},
			{22 * time.Second, 100, 0},
		} {
			deleted, err := b.Prune(t.Context(), end.Add(c.later), c.limit)
			require.NoError(t, err)
			assert.Equal(t, c.want, deleted, "%v", c)
		}
		assert.EqualValues(t, 1, add(t, b, "22", start), "pruned")
		assert.EqualValues(t, 2, add(t, b, "23", start), "not ended yet")
	})
}

// A window that begins anew while its old row is being pruned must not lose its first event.
func TestBunPruneAgainstAdd(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		db := open(t, address)
		require.NoError(t, throttle.Migrate(t.Context(), db))
		b := throttle.NewBun(db)
		for round := range 50 {
			now := start.Add(time.Duration(round) * window)
			var both sync.WaitGroup
			both.Go(func() { add(t, b, "frodo", now) })
			both.Go(func() {
				_, err := b.Prune(t.Context(), now, 10)
				assert.NoError(t, err)
			})
			both.Wait()
			require.EqualValues(t, 2, add(t, b, "frodo", now))
		}
	})
}

// A row that somebody is counting in is left alone, not waited for and then deleted with its new count.
func TestBunPrunePassesOverRowsInUse(t *testing.T) {
	db := open(t, pgtest.URL(t))
	require.NoError(t, throttle.Migrate(t.Context(), db))
	b := throttle.NewBun(db)
	add(t, b, "frodo", start)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	_, err = tx.ExecContext(t.Context(), "UPDATE throttle_counts SET until = ?", start.Add(2*window).UnixMicro())
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	deleted, err := b.Prune(ctx, start.Add(window), 10)
	require.NoError(t, err)
	assert.Zero(t, deleted)
	require.NoError(t, tx.Commit())
	assert.EqualValues(t, 2, add(t, b, "frodo", start.Add(window)))
}

func TestBunOutlivesARestartOfTheServer(t *testing.T) {
	server := pgtest.Start(t)
	db := open(t, server.URL())
	require.NoError(t, throttle.Migrate(t.Context(), db))
	b := throttle.NewBun(db)
	add(t, b, "frodo", start)
	server.Stop()
	count, err := b.Add(t.Context(), "frodo", 1, start, window)
	require.Error(t, err)
	assert.Zero(t, count)
	server.Start()
	assert.EqualValues(t, 2, add(t, b, "frodo", start))
}

func TestNewBunRefusesOtherDatabases(t *testing.T) {
	assert.PanicsWithValue(t, "throttle: NewBun needs a database", func() { throttle.NewBun(nil) })
	db := open(t, ":memory:")
	other := bun.NewDB(db.DB, otherDialect{pgdialect.New()})
	assert.Panics(t, func() { throttle.NewBun(other) })
	assert.Error(t, throttle.Migrate(t.Context(), other))
}

// otherDialect says that it is MySQL.
type otherDialect struct{ *pgdialect.Dialect }

func (otherDialect) Name() dialect.Name { return dialect.MySQL }
