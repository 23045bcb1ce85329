package throttle_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/throttle/throttletest"
)

var (
	_ throttle.Counter = (*throttle.Memory)(nil)

	start = time.Date(2031, time.March, 4, 5, 6, 7, 0, time.UTC)
)

const window = 15 * time.Minute

func TestMemory(t *testing.T) {
	throttletest.Run(t, func(*testing.T) func() throttle.Counter {
		m := throttle.NewMemory()
		return func() throttle.Counter { return m }
	})
}

func TestBun(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			throttletest.Run(t, func(t *testing.T) func() throttle.Counter {
				url := address(t)
				require.NoError(t, throttle.Migrate(t.Context(), open(t, url)))
				return func() throttle.Counter { return throttle.NewBun(open(t, url)) }
			})
		})
	}
}

func TestRedis(t *testing.T) {
	throttletest.Run(t, func(t *testing.T) func() throttle.Counter {
		url := redistest.URL(t)
		return func() throttle.Counter { return throttle.NewRedis(client(t, url)) }
	})
}

// addresses are those of an empty database of each sort.
var addresses = map[string]func(t *testing.T) string{
	"sqlite":   func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
	"postgres": func(t *testing.T) string { return pgtest.URL(t) },
}

func open(t *testing.T, address string) *bun.DB {
	t.Helper()
	db, err := database.Open(address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func client(t *testing.T, address string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(address)
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

// add counts one for key and returns the count.
func add(t *testing.T, c throttle.Counter, key string, now time.Time) int64 {
	t.Helper()
	count, err := c.Add(t.Context(), key, 1, now, window)
	require.NoError(t, err)
	return count.N
}
