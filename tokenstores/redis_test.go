package tokenstores_test

import (
	"context"
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

// commands records what is sent to Redis.
type commands struct{ names []string }

func (c *commands) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.names = append(c.names, cmd.Name())
		return next(ctx, cmd)
	}
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestRedisSendsOneCommandACall(t *testing.T) {
	c, sent := dial(t), &commands{}
	store := tokenstores.NewRedis(c)
	each := func(check func(name string)) {
		for name, call := range calls(t, store) {
			require.NoError(t, c.FlushDB(t.Context()).Err())
			require.NoError(t, store.Insert(t.Context(), token("a")))
			sent.names = nil
			require.NoError(t, call(), name)
			check(name)
		}
	}
	each(func(string) {}) // the first time the scripts are sent in full
	c.AddHook(sent)
	each(func(name string) {
		want := map[string]string{"Find": "hgetall", "Ping": "ping"}[name]
		if want == "" {
			want = "evalsha"
		}
		assert.Equal(t, []string{want}, sent.names, name)
	})
	sent.names = nil
	for _, text := range []string{"", "a\x00", "\xff", strings.Repeat("a", 1<<20)} {
		assert.Nil(t, find(t, store, text))
	}
	assert.Empty(t, sent.names, "text that names no token")
}

func keys(t *testing.T, c *redis.Client) []string {
	t.Helper()
	names, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	return names
}

func TestRedisCleansUpByItself(t *testing.T) {
	c := dial(t)
	store := tokenstores.NewRedis(c)
	ttl := func(id string) time.Duration {
		d, err := c.PTTL(t.Context(), "{kahu:tokens}:t:3:api:"+id).Result()
		require.NoError(t, err)
		return d
	}
	const moment = time.Minute // that the test may take

	t.Run("a token lives an hour longer than its limits, whatever the time is there", func(t *testing.T) {
		require.NoError(t, store.Insert(t.Context(), token("a")))
		assert.InDelta(t, 2*time.Hour, ttl("a"), float64(moment), "the idle limit is the nearer one")
		require.NoError(t, store.Touch(t.Context(), "api", "a", "hash of a", start.Add(23*time.Hour+30*time.Minute), ""))
		assert.InDelta(t, 90*time.Minute, ttl("a"), float64(moment), "now the other is")
		next := token("b")
		next.Created, next.LastUsed, next.IdleLimit = start.Add(23*time.Hour+40*time.Minute), time.Time{}, 0
		next.Expires = next.Created.Add(10 * time.Hour)
		require.NoError(t, store.Rotate(t.Context(), "api", "a", "hash of a", next.Created.Add(time.Minute), next))
		assert.InDelta(t, 61*time.Minute, ttl("a"), float64(moment))
		assert.InDelta(t, 11*time.Hour, ttl("b"), float64(moment))
	})
	t.Run("a renewal moves the end that an idle limit sets", func(t *testing.T) {
		one := token("renewed")
		one.LastUsed = time.Time{}
		require.NoError(t, store.Insert(t.Context(), one))
		require.NoError(t, c.Persist(t.Context(), "{kahu:tokens}:t:3:api:renewed").Err())
		require.NoError(t, store.Renew(t.Context(), "api", "renewed", one.Hash, renewal("x", start.Add(30*time.Minute))))
		assert.InDelta(t, 2*time.Hour, ttl("renewed"), float64(moment))
		ends := c.ZScore(t.Context(), "{kahu:tokens}:x", member(t, c, "renewed")).Val()
		assert.InDelta(t, float64(start.Add(90*time.Minute).UnixMicro()), ends, 0)
	})
	t.Run("one without limits has no end until it is rotated", func(t *testing.T) {
		ever := token("ever")
		ever.Expires, ever.IdleLimit = time.Time{}, 0
		require.NoError(t, store.Insert(t.Context(), ever))
		assert.Negative(t, ttl("ever"))
		require.NoError(t, store.Touch(t.Context(), "api", "ever", ever.Hash, start.Add(time.Hour), ""))
		assert.Negative(t, ttl("ever"))
		require.NoError(t, store.Rotate(t.Context(), "api", "ever", ever.Hash, start.Add(2*time.Hour), token("next")))
		assert.InDelta(t, 2*time.Hour, ttl("ever"), float64(moment))
	})
	t.Run("one that is over, or that hardly ends, has a life too", func(t *testing.T) {
		over := token("over")
		over.Expires = start.Add(-time.Hour)
		require.NoError(t, store.Insert(t.Context(), over))
		assert.InDelta(t, time.Hour, ttl("over"), float64(moment))
		far := token("far")
		far.Expires, far.IdleLimit = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 0
		require.NoError(t, store.Insert(t.Context(), far))
		assert.Greater(t, ttl("far"), 50*365*24*time.Hour)
	})
	t.Run("what Redis has dropped is not listed", func(t *testing.T) {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		require.NoError(t, store.Insert(t.Context(), token("a")))
		require.NoError(t, store.Insert(t.Context(), token("b")))
		require.NoError(t, c.Del(t.Context(), "{kahu:tokens}:t:3:api:a").Err())
		list, err := store.List(t.Context(), "api", "7")
		require.NoError(t, err)
		assert.Len(t, list, 1)
		n, err := store.DeleteAll(t.Context(), "api", "7", "")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Empty(t, keys(t, c), "and nothing is left of it")
	})
	t.Run("later inserts remove what is noted of them, and never a token", func(t *testing.T) {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		for i := range 25 {
			require.NoError(t, store.Insert(t.Context(), token("old"+strconv.Itoa(i))))
			if i >= 5 {
				require.NoError(t, c.Del(t.Context(), "{kahu:tokens}:t:3:api:old"+strconv.Itoa(i)).Err())
			}
		}
		for i := range 5 {
			one := token("new" + strconv.Itoa(i))
			one.Subject, one.Created, one.Expires, one.LastUsed = "8", start.AddDate(1, 0, 0), start.AddDate(2, 0, 0), time.Time{}
			require.NoError(t, store.Insert(t.Context(), one))
		}
		list, err := store.List(t.Context(), "api", "7")
		require.NoError(t, err)
		assert.Len(t, list, 5, "a clock that is far ahead removes nobody's token")
		assert.Less(t, c.ZCard(t.Context(), "{kahu:tokens}:x").Val(), int64(30))
	})
	t.Run("every way to remove a token leaves nothing", func(t *testing.T) {
		for name, call := range calls(t, store) {
			if !strings.HasPrefix(name, "Delete") && name != "Prune" {
				continue
			}
			require.NoError(t, c.FlushDB(t.Context()).Err())
			require.NoError(t, store.Insert(t.Context(), token("a")))
			require.NoError(t, call())
			assert.Empty(t, keys(t, c), name)
		}
	})
}

// member is how the token with this id is noted among those that end.
func member(t *testing.T, c *redis.Client, id string) string {
	t.Helper()
	all, err := c.ZRange(t.Context(), "{kahu:tokens}:x", 0, -1).Result()
	require.NoError(t, err)
	for _, one := range all {
		if strings.HasSuffix(one, ":"+id) {
			return one
		}
	}
	return ""
}

func TestRedisDeletesATypeInBatches(t *testing.T) {
	c, sent := dial(t), &commands{}
	store := tokenstores.NewRedis(c)
	for i := range 1500 {
		one := token(strconv.Itoa(i))
		one.Subject = strconv.Itoa(i % 10)
		require.NoError(t, store.Insert(t.Context(), one))
	}
	_, err := store.DeleteType(t.Context(), "other")
	require.NoError(t, err)
	c.AddHook(sent)
	n, err := store.DeleteType(t.Context(), "api")
	require.NoError(t, err)
	assert.Equal(t, 1500, n)
	assert.Equal(t, []string{"evalsha", "evalsha"}, sent.names)
	assert.Empty(t, keys(t, c))
}

func TestRedisKeysShowNoUserAndShareOneSlot(t *testing.T) {
	c := dial(t)
	store := tokenstores.NewRedis(c)
	one := token("a}{b")
	one.Type, one.Subject = "}api{*", "}frodo{*"
	require.NoError(t, store.Insert(t.Context(), one))
	slots := map[int64]bool{}
	for _, key := range keys(t, c) {
		assert.NotContains(t, key, "frodo")
		assert.True(t, strings.HasPrefix(key, "{kahu:tokens}:"), key)
		slots[c.ClusterKeySlot(t.Context(), key).Val()] = true
	}
	assert.Len(t, keys(t, c), 4)
	assert.Len(t, slots, 1)
}

func TestRedisCheck(t *testing.T) {
	server := redistest.Start(t)
	c := dialTo(t, server.URL())
	store := tokenstores.NewRedis(c)
	require.NoError(t, store.Check(t.Context()))

	t.Run("says what eviction loses", func(t *testing.T) {
		require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
		require.EqualError(t, store.Check(t.Context()), `tokenstores: the maxmemory-policy of Redis is "allkeys-lru": when memory is short `+
			"it throws away tokens that are in use; set maxmemory-policy noeviction")
		require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	})
	t.Run("says what a crash brings back", func(t *testing.T) {
		require.NoError(t, c.ConfigSet(t.Context(), "appendonly", "no").Err())
		require.EqualError(t, store.Check(t.Context()), "tokenstores: Redis keeps no append-only file: after a crash it goes back to its last "+
			"snapshot, where every token that was revoked since is alive again; set appendonly yes")
	})
	t.Run("refuses replicas that answer reads", func(t *testing.T) {
		cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteByLatency: true, MaxRedirects: -1,
			MaxRetries: -1, DialerRetries: 1})
		t.Cleanup(func() { require.NoError(t, cluster.Close()) })
		require.ErrorContains(t, tokenstores.NewRedis(cluster).Check(t.Context()), "alive after its revocation")
	})
}
