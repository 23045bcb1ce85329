package sessionstores_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestTenMigrationsAtOnce(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var wg sync.WaitGroup
			for range 10 { // as many processes, each with a pool of its own
				wg.Go(func() {
					db, err := database.Open(at)
					if assert.NoError(t, err) {
						assert.NoError(t, sessionstores.Migrate(t.Context(), db))
						assert.NoError(t, db.Close())
					}
				})
			}
			wg.Wait()
			db := migrated(t, at)
			require.NoError(t, sessionstores.NewBun(db).Insert(t.Context(), "key", "", record("frodo")))
			require.NoError(t, sessionstores.Migrate(t.Context(), db), "and once more")
			assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM sessions"))
		})
	}
}

func TestWithoutMigrateEveryCallIsAFault(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(address(t))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			store := sessionstores.NewBun(db)
			require.Error(t, store.Ping(t.Context()))
			r, err := store.Find(t.Context(), "key")
			require.Error(t, err)
			assert.Nil(t, r)
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			require.NoError(t, store.Ping(t.Context()))
		})
	}
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			watch, err := database.Open(at)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, watch.Close()) })
			require.NoError(t, watch.PingContext(t.Context()))
			before := runtime.NumGoroutine()

			db, err := database.Open(at)
			require.NoError(t, err)
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			store := sessionstores.NewBun(db)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { _, _ = store.Find(t.Context(), "key") })
			}
			wg.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = store.Find(ctx, "key")
			require.ErrorIs(t, err, context.Canceled)
			assert.Zero(t, db.Stats().InUse)
			require.NoError(t, db.Close())

			eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
			if name == "Postgres" {
				eventually(t, "connections end", func() bool {
					return count(t, watch, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1
				})
			}
			_, err = store.Find(t.Context(), "key")
			require.Error(t, err, "a closed database is a fault, never a missing session")
			require.False(t, errors.Is(err, context.Canceled))
		})
	}
}

// eventually waits for what others do, for as long as the test may run.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 100_000 {
		if done() {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("not in time: " + what)
}
