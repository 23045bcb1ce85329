package throttle

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a [Counter] in Redis, under keys that begin with "kahu:throttle:". Windows end by the callers' clock as everywhere; Redis
// deletes a key a minute after its window should have ended, so that nothing needs to be pruned.
//
// Use a Redis whose maxmemory-policy is noeviction: with any other it forgets counts, and with them limits, when memory is short.
type Redis struct{ client redis.UniversalClient }

var _ Counter = (*Redis)(nil)

// NewRedis returns a counter in Redis. The client stays the caller's to close. It panics if client is nil.
func NewRedis(client redis.UniversalClient) *Redis {
	if client == nil {
		panic("throttle: NewRedis needs a client")
	}
	return &Redis{client: client}
}

// addScript compares times as text of equal length, since Lua's numbers hold microseconds exactly until the year 2255 only.
// KEYS: the count. ARGV: n, now, end of a window that begins now, milliseconds to keep it.
var addScript = redis.NewScript(`
local ends = redis.call('HGET', KEYS[1], 'until')
if not ends or ends <= ARGV[2] then
	redis.call('HSET', KEYS[1], 'n', ARGV[1], 'until', ARGV[3])
	redis.call('PEXPIRE', KEYS[1], ARGV[4])
	return {tonumber(ARGV[1]), ARGV[3]}
end
return {redis.call('HINCRBY', KEYS[1], 'n', ARGV[1]), ends}`)

// takeBackScript. KEYS: the count. ARGV: -n, end of the window.
var takeBackScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'until') ~= ARGV[2] then
	return 0
end
if redis.call('HINCRBY', KEYS[1], 'n', ARGV[1]) < 0 then
	redis.call('HSET', KEYS[1], 'n', 0)
end
return 1`)

// Add implements [Counter]. When the connection breaks, the client may send the command again, and it is then counted twice.
func (r *Redis) Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (Count, error) {
	from, until, err := span(n, now, window)
	if err != nil {
		return Count{}, err
	}
	keep := (window + time.Minute).Milliseconds()
	answer, err := addScript.Run(ctx, r.client, []string{redisKey(key)}, n, padded(from), padded(until), keep).Slice()
	if err != nil {
		return Count{}, fmt.Errorf("throttle: add: %w", err)
	}
	return parsed(answer)
}

// TakeBack implements [Counter]. When the connection breaks, the client may send the command again, and it is then taken back twice;
// a client with MaxRetries -1 sends nothing again.
func (r *Redis) TakeBack(ctx context.Context, key string, n int64, until time.Time) error {
	if !countable(n) {
		return errN
	}
	if err := takeBackScript.Run(ctx, r.client, []string{redisKey(key)}, -n, padded(until.UnixMicro())).Err(); err != nil {
		return fmt.Errorf("throttle: take back: %w", err)
	}
	return nil
}

// Reset implements [Counter].
func (r *Redis) Reset(ctx context.Context, key string) error {
	if err := r.client.Del(ctx, redisKey(key)).Err(); err != nil {
		return fmt.Errorf("throttle: reset: %w", err)
	}
	return nil
}

func redisKey(key string) string { return "kahu:throttle:" + hashed(key) }

func padded(micro int64) string { return fmt.Sprintf("%018d", micro) }

func parsed(answer []any) (Count, error) {
	if len(answer) == 2 {
		n, isNumber := answer[0].(int64)
		text, isText := answer[1].(string)
		until, err := strconv.ParseInt(text, 10, 64)
		if isNumber && isText && err == nil {
			return count(n, until), nil
		}
	}
	return Count{}, errors.New("throttle: add: unexpected answer of Redis")
}
