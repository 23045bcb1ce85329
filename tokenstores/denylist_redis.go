package tokenstores

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/internal/redischeck"
)

// RedisDenylist is a [Denylist] in Redis. The application's clock decides when an entry
// ends; the time to live that Redis counts is an hour longer by the clock of the process
// that wrote it, never less than an hour, and only cleans up, also for an application that
// never calls Prune.
//
// What Redis forgets is no longer denied: call [RedisDenylist.Check] when the program
// starts. Never let a cluster's replicas answer reads.
type RedisDenylist struct {
	c    redis.UniversalClient
	keys string
}

var _ Denylist = (*RedisDenylist)(nil)

// NewRedisDenylist returns the list over c, which stays the caller's: closing it ends
// the list. Its keys begin with "{kahu:denials}:". It panics if c is nil.
func NewRedisDenylist(c redis.UniversalClient) *RedisDenylist {
	if c == nil {
		panic("tokenstores: NewRedisDenylist needs a client")
	}
	return (&RedisDenylist{c: c}).WithPrefix("kahu:denials")
}

// WithPrefix returns another list, whose keys begin with the prefix in braces, as with
// [Redis.WithPrefix]. It must not be the prefix of tokens.
func (r *RedisDenylist) WithPrefix(prefix string) *RedisDenylist {
	if !prefixes.MatchString(prefix) {
		panic(fmt.Sprintf("tokenstores: %q is no prefix of keys: use at most 63 letters, digits and _.:-", prefix))
	}
	return &RedisDenylist{c: r.c, keys: "{" + prefix + "}:"}
}

// Ping reports whether Redis answers.
func (r *RedisDenylist) Ping(ctx context.Context) error { return failed("ping", r.c.Ping(ctx).Err()) }

// Check reports what in the configuration of Redis would lose entries: call it when the
// program starts, and do not start if it fails. It asks by INFO, every master of a cluster.
func (r *RedisDenylist) Check(ctx context.Context) error {
	return redischeck.Run(ctx, r.c, redischeck.Loss{
		Package: "tokenstores",
		Evicted: "what says that a credential has ended",
		Revived: "credential that was revoked since is alive again",
		Stale:   "a credential can be shown as alive after its revocation",
	})
}

// Each entry is a text <keys>d:<key>, its time in microseconds, a colon and the mark;
// <keys>x is the sorted set of all keys by that time.
const denylistPrelude = `
local expiries = KEYS[1]
local prefix = string.sub(expiries, 1, -2) .. 'd:'
`

var (
	// denyScript is given keys, marks, times and lives in milliseconds in turn. It also
	// removes what is noted of up to ten entries that Redis has dropped by itself.
	denyScript = redis.NewScript(denylistPrelude + `
for i = 2, #ARGV, 4 do
	local key, mark, ends, life = unpack(ARGV, i, i + 3)
	local have = redis.pcall('GET', prefix .. key)
	local before = type(have) == 'string' and string.match(have, '^(-?%d+):')
	if before and tonumber(before) > tonumber(ends) then ends = before end
	life = math.max(tonumber(life), redis.call('PTTL', prefix .. key))
	redis.call('SET', prefix .. key, ends .. ':' .. mark, 'PX', string.format('%.0f', life))
	redis.call('ZADD', expiries, ends, key)
end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', ARGV[1], 'LIMIT', 0, 10)) do
	if redis.call('EXISTS', prefix .. old) == 0 then redis.call('ZREM', expiries, old) end
end
return 1`)

	// findScript returns what is stored for each key, or false. A key of another type is a
	// fault, which MGET would take for none.
	findScript = redis.NewScript(denylistPrelude + `
local found = {}
for i, key in ipairs(ARGV) do found[i] = redis.call('GET', prefix .. key) end
return found`)

	pruneDenialsScript = redis.NewScript(denylistPrelude + `
local old = redis.call('ZRANGEBYSCORE', expiries, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(old) do
	redis.call('DEL', prefix .. key)
	redis.call('ZREM', expiries, key)
end
return #old`)
)

// Deny is one script, and none for nothing.
func (r *RedisDenylist) Deny(ctx context.Context, d ...Denial) error {
	list, err := denials(d)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return ctx.Err()
	}
	now := time.Now() // Redis' own clock may be another
	args := []any{now.Add(-2 * slack).UnixMicro()}
	for _, one := range list {
		args = append(args, one.Key, one.Mark, one.Until.UnixMicro(), life(one.Until, now).Milliseconds())
	}
	return failed("deny", r.run(ctx, denyScript, args...).Err())
}

// life is how long Redis keeps what ends at until.
func life(until, now time.Time) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	return min(century, max(0, until.Sub(now))) + slack
}

// Find is one script. For text that is no key it is none.
func (r *RedisDenylist) Find(ctx context.Context, _ string, keys ...string) (*Denials, error) {
	possible, err := checkKeys(keys)
	if err != nil {
		return nil, err
	}
	if !possible {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return &Denials{Marks: make([]string, len(keys))}, nil
	}
	args := make([]any, len(keys))
	for i, key := range keys {
		if args[i] = ""; isName(key) {
			args[i] = key
		}
	}
	found, err := r.run(ctx, findScript, args...).Slice()
	if err == nil && len(found) != len(keys) {
		err = errors.New("a reply of another length")
	}
	if err != nil {
		return nil, failed("find denials", err)
	}
	return denied(marksOf(found))
}

// marksOf reads what denyScript wrote.
func marksOf(found []any) []mark {
	marks := make([]mark, len(found))
	for i, value := range found {
		if value == nil {
			continue
		}
		text, _ := value.(string)
		ends, text, _ := strings.Cut(text, ":")
		marks[i] = mark{text: text, damaged: !isName(text) || !integer(ends).OK}
	}
	return marks
}

// Prune is one script. It counts entries that Redis has dropped by itself too: of these
// it removes what is noted elsewhere.
func (r *RedisDenylist) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	n, err := r.run(ctx, pruneDenialsScript, now.UnixMicro(), limit).Int()
	return n, failed("prune denials", err)
}

func (r *RedisDenylist) run(ctx context.Context, script *redis.Script, args ...any) *redis.Cmd {
	return script.Run(ctx, r.c, []string{r.keys + "x"}, args...)
}
