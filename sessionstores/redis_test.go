package sessionstores_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

func dial(t testing.TB) *redis.Client { return dialTo(t, redistest.URL(t)) }

func dialTo(t testing.TB, address string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(address)
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestRedis(t *testing.T) {
	c := dial(t)
	storetest.Run(t, func(t *testing.T) app.SessionStore {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		return sessionstores.NewRedis(c)
	})
}

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
	store, r := sessionstores.NewRedis(c), record("frodo")
	for range 2 { // the first time the scripts are sent in full
		require.NoError(t, c.FlushDB(t.Context()).Err())
		c.AddHook(sent)
		sent.names = nil
		_, err := store.InsertLimited(t.Context(), "b", "old", record("frodo"), 1)
		require.NoError(t, err)
		require.NoError(t, store.Insert(t.Context(), "a", "b", r))
		_, err = store.Find(t.Context(), "a")
		require.NoError(t, err)
		require.NoError(t, store.Update(t.Context(), "a", r))
		require.NoError(t, store.Touch(t.Context(), "a", r.Seen.Add(time.Minute), r.IdleUntil))
		_, err = store.ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		_, err = store.DeleteSessions(t.Context(), "session", "frodo", "a")
		require.NoError(t, err)
		_, err = store.PruneSessions(t.Context(), start, 9)
		require.NoError(t, err)
		require.NoError(t, store.Delete(t.Context(), "a"))
	}
	sent.names = sent.names[len(sent.names)/2:] // the hook is there twice by now
	for _, name := range sent.names {
		assert.Contains(t, []string{"evalsha", "hgetall", "flushdb"}, name)
	}
}

func TestRedisCleansUpByItself(t *testing.T) {
	c := dial(t)
	store := sessionstores.NewRedis(c)
	ttl := func(key string) time.Duration {
		d, err := c.PTTL(t.Context(), "{kahu}:s:"+key).Result()
		require.NoError(t, err)
		return d
	}
	const moment = time.Minute // that the test may take

	t.Run("a session lives an hour longer than its limits, whatever the time is there", func(t *testing.T) {
		r := record("frodo")
		require.NoError(t, store.Insert(t.Context(), "a", "", r))
		assert.InDelta(t, 90*time.Minute, ttl("a"), float64(moment))
		require.NoError(t, store.Touch(t.Context(), "a", r.Seen.Add(10*time.Minute), r.Seen.Add(50*time.Minute)))
		assert.InDelta(t, 100*time.Minute, ttl("a"), float64(moment))
		r.Seen, r.IdleUntil = r.Until.Add(-time.Minute), r.Until.Add(time.Hour)
		require.NoError(t, store.Update(t.Context(), "a", r))
		assert.InDelta(t, 61*time.Minute, ttl("a"), float64(moment), "the absolute limit is the nearer one")
	})
	t.Run("one that is over, or that hardly ends, has a life too", func(t *testing.T) {
		r := record("frodo")
		r.IdleUntil = r.Seen.Add(-time.Hour)
		require.NoError(t, store.Insert(t.Context(), "b", "", r))
		assert.InDelta(t, time.Hour, ttl("b"), float64(moment))
		r = record("frodo")
		r.IdleUntil, r.Until = r.Seen.AddDate(200, 0, 0), r.Seen.AddDate(200, 0, 0)
		require.NoError(t, store.Insert(t.Context(), "c", "", r))
		assert.Greater(t, ttl("c"), 50*365*24*time.Hour)
	})
	t.Run("what Redis has dropped is not listed", func(t *testing.T) {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
		require.NoError(t, store.Insert(t.Context(), "b", "", record("frodo")))
		require.NoError(t, c.Del(t.Context(), "{kahu}:s:a").Err())
		list, err := store.ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		assert.Len(t, list, 1)
		n, err := store.DeleteSessions(t.Context(), "session", "frodo", "")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Empty(t, keys(t, c), "and nothing is left of it")
	})
	t.Run("what Redis has dropped is not counted and not told of", func(t *testing.T) {
		for _, key := range []string{"a", "b", "c"} {
			require.NoError(t, store.Insert(t.Context(), key, "", record("frodo")))
		}
		require.NoError(t, c.Del(t.Context(), "{kahu}:s:a").Err())
		ended, err := store.InsertLimited(t.Context(), "d", "", record("frodo"), 3)
		require.NoError(t, err)
		assert.Empty(t, ended)
		ended, err = store.InsertLimited(t.Context(), "e", "", record("frodo"), 1)
		require.NoError(t, err)
		assert.Len(t, ended, 3)
		assert.Len(t, keys(t, c), 1+1+1, "and nothing is left of those that were ended")
		assert.EqualValues(t, 1, c.ZCard(t.Context(), "{kahu}:x").Val())
		require.NoError(t, c.FlushDB(t.Context()).Err())
	})
	t.Run("later logins remove what is noted of them", func(t *testing.T) {
		for i := range 25 {
			require.NoError(t, store.Insert(t.Context(), "old"+strconv.Itoa(i), "", record("user"+strconv.Itoa(i))))
			require.NoError(t, c.Del(t.Context(), "{kahu}:s:old"+strconv.Itoa(i)).Err())
		}
		for i := range 3 {
			r := record("frodo")
			r.Seen, r.IdleUntil, r.Until = r.Seen.AddDate(0, 0, 1), r.IdleUntil.AddDate(0, 0, 1), r.Until.AddDate(0, 0, 1)
			require.NoError(t, store.Insert(t.Context(), "new"+strconv.Itoa(i), "", r))
		}
		assert.EqualValues(t, 3, c.ZCard(t.Context(), "{kahu}:x").Val())
		assert.Len(t, keys(t, c), 3+1+1)
	})
	t.Run("ends and replacements leave nothing", func(t *testing.T) {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		require.NoError(t, store.Insert(t.Context(), "a", "", record("")))
		require.NoError(t, store.Insert(t.Context(), "b", "a", record("frodo")))
		require.NoError(t, store.Delete(t.Context(), "b"))
		assert.Empty(t, keys(t, c))
		require.NoError(t, store.Insert(t.Context(), "c", "", record("sam")))
		_, err := store.PruneSessions(t.Context(), start.AddDate(1, 0, 0), 9)
		require.NoError(t, err)
		assert.Empty(t, keys(t, c))
	})
}

func keys(t *testing.T, c *redis.Client) []string {
	t.Helper()
	names, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	return names
}

func TestRedisKeysShowNoUserAndShareOneSlot(t *testing.T) {
	c := dial(t)
	store := sessionstores.NewRedis(c)
	require.NoError(t, store.Insert(t.Context(), "a", "", record("}frodo{*")))
	require.NoError(t, store.Insert(t.Context(), "b", "", record("")))
	slots := map[int64]bool{}
	for _, key := range keys(t, c) {
		assert.NotContains(t, key, "frodo")
		slots[c.ClusterKeySlot(t.Context(), key).Val()] = true
	}
	assert.Len(t, keys(t, c), 4)
	for _, key := range keys(t, c) {
		assert.True(t, strings.HasPrefix(key, "{kahu}:"), key)
	}
}

func TestRedisFaultsAreErrors(t *testing.T) {
	server := redistest.Start(t)
	o, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	o.MaxRetries, o.DialerRetries = -1, 1
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	store := sessionstores.NewRedis(c)
	require.NoError(t, store.Insert(t.Context(), "in", "", record("frodo")))
	require.NoError(t, store.Insert(t.Context(), "out", "", record("frodo")))
	require.NoError(t, store.Delete(t.Context(), "out"))
	server.Kill()

	r, err := store.Find(t.Context(), "key")
	require.Error(t, err)
	assert.Nil(t, r)
	for _, err := range []error{store.Insert(t.Context(), "key", "", record("frodo")), store.Update(t.Context(), "key", record("frodo")),
		store.Touch(t.Context(), "key", start, start), store.Delete(t.Context(), "key"), store.Ping(t.Context()), store.Check(t.Context())} {
		require.Error(t, err)
		require.NotErrorIs(t, err, app.ErrSessionGone)
	}
	_, err = store.InsertLimited(t.Context(), "key", "", record("frodo"), 1)
	require.Error(t, err)
	_, err = store.ListSessions(t.Context(), "session", "frodo")
	require.Error(t, err)
	_, err = store.DeleteSessions(t.Context(), "session", "frodo", "")
	require.Error(t, err)
	_, err = store.PruneSessions(t.Context(), start, 1)
	require.Error(t, err)

	server.Start()
	eventually(t, "a new connection", func() bool { return store.Ping(t.Context()) == nil })
	r, err = store.Find(t.Context(), "in")
	require.NoError(t, err)
	assert.NotNil(t, r, "who was logged in still is")
	r, err = store.Find(t.Context(), "out")
	require.NoError(t, err)
	assert.Nil(t, r, "who was logged out stays so")
}

func TestRedisCheck(t *testing.T) {
	server := redistest.Start(t)
	o, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	store := sessionstores.NewRedis(c)
	require.NoError(t, store.Check(t.Context()))

	t.Run("says what eviction loses", func(t *testing.T) {
		require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
		err := store.Check(t.Context())
		require.ErrorContains(t, err, "set maxmemory-policy noeviction")
		assert.NotContains(t, err.Error(), "appendonly")
		require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	})
	t.Run("says what a crash brings back", func(t *testing.T) {
		require.NoError(t, c.ConfigSet(t.Context(), "appendonly", "no").Err())
		err := store.Check(t.Context())
		require.ErrorContains(t, err, "set appendonly yes")
		assert.NotContains(t, err.Error(), "maxmemory")
	})
	t.Run("names both", func(t *testing.T) {
		require.NoError(t, c.ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err())
		err := store.Check(t.Context())
		require.ErrorContains(t, err, "appendonly")
		require.ErrorContains(t, err, "volatile-ttl")
	})
	t.Run("refuses replicas that answer reads", func(t *testing.T) {
		cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteByLatency: true, MaxRedirects: -1,
			MaxRetries: -1, DialerRetries: 1})
		t.Cleanup(func() { require.NoError(t, cluster.Close()) })
		require.ErrorContains(t, sessionstores.NewRedis(cluster).Check(t.Context()), "alive after its logout")
	})
}
