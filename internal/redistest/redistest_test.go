package redistest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/redistest"
)

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEachTestHasALogicalDatabaseOfItsOwn(t *testing.T) {
	first, second := client(t, redistest.URL(t)), client(t, redistest.URL(t))
	require.NoError(t, first.Set(t.Context(), "ring", 1, 0).Err())
	size, err := second.DBSize(t.Context()).Result()
	require.NoError(t, err)
	assert.EqualValues(t, 0, size)
}

func TestAServerOfREDIS_URLIsBorrowedWhereNoneIsInstalled(t *testing.T) {
	s := redistest.Start(t)
	t.Setenv("REDIS_URL", s.URL())
	full := client(t, s.URL()+"?db=1")
	require.NoError(t, full.Set(t.Context(), "somebody", "else", 0).Err())
	t.Setenv("PATH", "")
	var kept *redis.Client
	t.Run("a database that is in use is left alone", func(t *testing.T) {
		first, second := redistest.Borrow(t), redistest.Borrow(t)
		assert.Contains(t, first, "db=2")
		assert.Contains(t, second, "db=3")
		require.NoError(t, client(t, first).Set(t.Context(), "ring", 1, 0).Err())
	})
	kept = client(t, s.URL()+"?db=2")
	size, err := kept.DBSize(t.Context()).Result()
	require.NoError(t, err)
	assert.EqualValues(t, 0, size, "emptied after its test")
	assert.Equal(t, "else", full.Get(t.Context(), "somebody").Val())
}

// TestWithoutAnyServer runs a test of this binary again where redis-server cannot be found.
func TestWithoutAnyServer(t *testing.T) {
	for name, c := range map[string]struct{ required, want string }{
		"the test is skipped, and says why": {"", "--- SKIP"},
		"the test fails where it must run":  {"1", "--- FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			again := exec.Command(os.Args[0], "-test.run=^TestOwnArgumentsWin$", "-test.v")
			again.Env = []string{"PATH=", "KAHU_REQUIRE_SERVERS=" + c.required}
			out, err := again.CombinedOutput()
			assert.Equal(t, c.required == "1", err != nil)
			assert.Contains(t, string(out), c.want)
			assert.Contains(t, string(out), "no Redis: redis-server is not installed and REDIS_URL is not set")
		})
	}
}

func TestAServerKeepsItsDataAndAddress(t *testing.T) {
	s := redistest.Start(t)
	c := client(t, s.URL())
	require.NoError(t, c.Set(t.Context(), "ring", "one", 0).Err())
	for name, end := range map[string]func(){"stopped": s.Stop, "killed": s.Kill} {
		end()
		require.Error(t, c.Ping(t.Context()).Err(), name)
		s.Start()
		assert.Equal(t, "one", c.Get(t.Context(), "ring").Val(), name)
	}
}

func TestOwnArgumentsWin(t *testing.T) {
	c := client(t, redistest.Start(t, "--appendonly", "no").URL())
	assert.Equal(t, map[string]string{"appendonly": "no"}, c.ConfigGet(t.Context(), "appendonly").Val())
}
