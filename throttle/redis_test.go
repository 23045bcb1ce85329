package throttle_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/throttle"
)

func TestRedisKeysVanishAndNameNobody(t *testing.T) {
	c := client(t, redistest.URL(t))
	add(t, throttle.NewRedis(c), "login account frodo@shire.example", time.Unix(1, 0))
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Regexp(t, "^kahu:throttle:[0-9a-f]{64}$", keys[0])
	left, err := c.PTTL(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	assert.Greater(t, left, window, "for as long as the window is, by the clock of Redis, whatever the caller's says")
	assert.LessOrEqual(t, left, window+time.Minute)
}

func TestRedisFaultsAreErrors(t *testing.T) {
	c := client(t, redistest.URL(t))
	counter := throttle.NewRedis(c)
	add(t, counter, "frodo", start)
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)

	require.NoError(t, c.Set(t.Context(), keys[0], "of another type", 0).Err())
	_, err = counter.Add(t.Context(), "frodo", 1, start, window)
	assert.ErrorContains(t, err, "throttle: add: WRONGTYPE")
	assert.ErrorContains(t, counter.TakeBack(t.Context(), "frodo", 1, start), "throttle: take back: WRONGTYPE")

	require.NoError(t, c.Del(t.Context(), keys[0]).Err())
	require.NoError(t, c.HSet(t.Context(), keys[0], "until", "999999999999999999x", "n", 1).Err())
	_, err = counter.Add(t.Context(), "frodo", 1, start, window)
	assert.ErrorContains(t, err, "throttle: add: unexpected answer")

	closed := redis.NewClient(c.Options())
	require.NoError(t, closed.Close())
	_, err = throttle.NewRedis(closed).Add(t.Context(), "frodo", 1, start, window)
	assert.ErrorIs(t, err, redis.ErrClosed)
	assert.ErrorIs(t, throttle.NewRedis(closed).Reset(t.Context(), "frodo"), redis.ErrClosed)
}

func TestNewRedisNeedsAClient(t *testing.T) {
	assert.PanicsWithValue(t, "throttle: NewRedis needs a client", func() { throttle.NewRedis(nil) })
}
