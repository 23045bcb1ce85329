package tokenstores_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestRedisDenylistSendsOneCommandACall(t *testing.T) {
	c, sent := dial(t), &commands{}
	list := tokenstores.NewRedisDenylist(c)
	for _, call := range denylistCalls(t, list) { // the first time the scripts are sent in full
		require.NoError(t, call())
	}
	c.AddHook(sent)
	for name, call := range denylistCalls(t, list) {
		sent.names = nil
		require.NoError(t, call(), name)
		want := "evalsha"
		if name == "Ping" {
			want = "ping"
		}
		assert.Equal(t, []string{want}, sent.names, name)
	}
	sent.names = nil
	for _, text := range []string{"", "a\x00", "\xff", strings.Repeat("a", 1<<20)} {
		assert.Equal(t, []string{""}, findDenials(t, list, "7", text).Marks)
	}
	findDenials(t, list, "7")
	require.NoError(t, list.Deny(t.Context()))
	assert.Empty(t, sent.names, "text that is no key, and nothing")
}

func TestRedisDenylistCleansUpByItself(t *testing.T) {
	c := dial(t)
	list := tokenstores.NewRedisDenylist(c)
	ttl := func(key string) time.Duration {
		d, err := c.PTTL(t.Context(), "{kahu:denials}:d:"+key).Result()
		require.NoError(t, err)
		return d
	}
	deny := func(key string, until time.Time) {
		require.NoError(t, list.Deny(t.Context(), tokenstores.Denial{Key: key, Mark: "m", Until: until}))
	}
	const moment = time.Minute // that the test may take
	now := time.Now()

	t.Run("an entry lives an hour longer than it must", func(t *testing.T) {
		deny("a", now.Add(10*time.Minute))
		assert.InDelta(t, 70*time.Minute, ttl("a"), float64(moment))
		deny("a", now.Add(2*time.Hour))
		assert.InDelta(t, 3*time.Hour, ttl("a"), float64(moment))
		deny("a", now.Add(time.Minute))
		assert.InDelta(t, 3*time.Hour, ttl("a"), float64(moment), "and never less than it was to")
	})
	t.Run("one that is over, or that hardly ends, has a life too", func(t *testing.T) {
		deny("over", now.AddDate(-20, 0, 0))
		assert.InDelta(t, time.Hour, ttl("over"), float64(moment))
		deny("far", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		assert.Greater(t, ttl("far"), 50*365*24*time.Hour)
	})
	t.Run("later denials remove what is noted of those that Redis has dropped, and nothing else", func(t *testing.T) {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		for i := range 25 {
			deny("old"+strconv.Itoa(i), now.AddDate(-1, 0, 0))
			if i >= 5 {
				require.NoError(t, c.Del(t.Context(), "{kahu:denials}:d:old"+strconv.Itoa(i)).Err())
			}
		}
		for i := range 5 {
			deny("new"+strconv.Itoa(i), now.Add(time.Hour))
		}
		assert.Less(t, c.ZCard(t.Context(), "{kahu:denials}:x").Val(), int64(30))
		for i := range 5 {
			assert.Equal(t, []string{"m", "m"}, findDenials(t, list, "", "old"+strconv.Itoa(i), "new"+strconv.Itoa(i)).Marks)
		}
	})
	t.Run("pruning leaves nothing", func(t *testing.T) {
		_, err := list.Prune(t.Context(), now.AddDate(1, 0, 0), 1000)
		require.NoError(t, err)
		assert.Empty(t, keys(t, c))
	})
}

func TestRedisDenylistKeysShareOneSlotAndPrefixesAreApart(t *testing.T) {
	c := dial(t)
	list := tokenstores.NewRedisDenylist(c)
	other := list.WithPrefix("shire:denials-2")
	require.NoError(t, list.Deny(t.Context(), denial("}:{*"), denial("{a}b")))
	assert.Equal(t, []string{"", ""}, findDenials(t, other, "", "}:{*", "{a}b").Marks)
	slots := map[int64]bool{}
	for _, key := range keys(t, c) {
		assert.True(t, strings.HasPrefix(key, "{kahu:denials}:"), key)
		slots[c.ClusterKeySlot(t.Context(), key).Val()] = true
	}
	assert.Len(t, keys(t, c), 3)
	assert.Len(t, slots, 1)
	require.NoError(t, other.Deny(t.Context(), denial("a")))
	n, err := list.Prune(t.Context(), start.AddDate(1, 0, 0), 9)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Equal(t, []string{"mark of a"}, findDenials(t, other, "", "a").Marks)
}

func TestRedisDenylistCheck(t *testing.T) {
	server := redistest.Start(t)
	c := dialTo(t, server.URL())
	list := tokenstores.NewRedisDenylist(c)
	require.NoError(t, list.Check(t.Context()))
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err())
	require.EqualError(t, list.Check(t.Context()), `tokenstores: the maxmemory-policy of Redis is "volatile-ttl": when memory is short `+
		"it throws away what says that a credential has ended; set maxmemory-policy noeviction")
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	require.NoError(t, c.ConfigSet(t.Context(), "appendonly", "no").Err())
	require.EqualError(t, list.Check(t.Context()), "tokenstores: Redis keeps no append-only file: after a crash it goes back to its last "+
		"snapshot, where every credential that was revoked since is alive again; set appendonly yes")
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteByLatency: true, MaxRedirects: -1,
		MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	require.ErrorContains(t, tokenstores.NewRedisDenylist(cluster).Check(t.Context()), "alive after its revocation")
}

// Memory that has run out refuses a denial as a whole, and what was denied stays so.
func TestRedisDenylistWithoutMemoryIsAFault(t *testing.T) {
	server := redistest.Start(t)
	c := dialTo(t, server.URL())
	list := tokenstores.NewRedisDenylist(c)
	require.NoError(t, list.Deny(t.Context(), denial("a")))
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	require.Error(t, list.Deny(t.Context(), denial("b"), denial("c")))
	assert.Equal(t, []string{"mark of a", "", ""}, findDenials(t, list, "", "a", "b", "c").Marks)
}
