package tokenstores

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/redischeck"
)

// Redis keeps tokens in Redis, each in a hash of its own. The application's clock
// decides when a token ends; the time to live that Redis counts is an hour longer and
// only cleans up, also for an application that never calls Prune. A token without a
// limit has none there either.
//
// What Redis forgets comes back or goes: call [Redis.Check] when the program starts.
// Never let a cluster's replicas answer reads, which can show a token after its
// revocation.
//
// go-redis repeats a command whose answer was lost; a deletion then tells what the last
// attempt did, as with [Bun].
type Redis struct {
	c    redis.UniversalClient
	keys keys
}

var _ Store = (*Redis)(nil)

// prefixes are names that cannot be mistaken for the end of a cluster's hash tag.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$`)

// NewRedis returns the store over c, which stays the caller's: closing it ends the
// store. Its keys begin with "{kahu:tokens}:". It panics if c is nil.
func NewRedis(c redis.UniversalClient) *Redis {
	if c == nil {
		panic("tokenstores: NewRedis needs a client")
	}
	return (&Redis{c: c}).WithPrefix("kahu:tokens")
}

// WithPrefix returns a store with other tokens, whose keys begin with the prefix in
// braces: so they share a slot of a cluster and a script may change several. It panics
// unless prefix is at most 63 letters, digits, underscores, dots, colons and hyphens, a
// letter or digit first.
func (r *Redis) WithPrefix(prefix string) *Redis {
	if !prefixes.MatchString(prefix) {
		panic(fmt.Sprintf("tokenstores: %q is no prefix of keys: use at most 63 letters, digits and _.:-", prefix))
	}
	return &Redis{c: r.c, keys: keys("{" + prefix + "}:")}
}

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error { return failed("ping", r.c.Ping(ctx).Err()) }

// Check reports what in the configuration of Redis would lose tokens or bring revoked
// ones back: call it when the program starts, and do not start if it fails. A Redis that
// is only a cache of tokens is chosen by not calling it. It asks by INFO, every master of
// a cluster.
func (r *Redis) Check(ctx context.Context) error {
	return redischeck.Run(ctx, r.c, redischeck.Loss{
		Package: "tokenstores",
		Evicted: "tokens that are in use",
		Revived: "token that was revoked since is alive again",
		Stale:   "a token can be shown as alive after its revocation",
	})
}

// Find is one HGETALL. For a text that cannot name a token it is nothing.
func (r *Redis) Find(ctx context.Context, typ, id string) (*Token, error) {
	if !isName(typ, id) {
		return nil, ctx.Err()
	}
	fields, err := r.c.HGetAll(ctx, r.keys.token(typ, id)).Result()
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, damaged("a key that holds no hash")
	}
	if err != nil {
		return nil, failed("find", err)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	t, err := fromFields(fields)
	if err != nil {
		return nil, err
	}
	if t.Type != typ || t.ID != id {
		return nil, damaged("another type or id than its key")
	}
	return t, nil
}

// Insert is one script. Doing it again with the same token is no error.
func (r *Redis) Insert(ctx context.Context, t *Token) error {
	c, err := encode(t)
	if err != nil {
		return err
	}
	stale := c.Created.Add(-2 * slack).UnixMicro()
	n, err := r.run(ctx, insertScript, append([]any{tokenName(c.Type, c.ID), stale}, toFields(c)...)...).Int()
	if err != nil {
		return failed("insert", err)
	}
	if n == 0 {
		return errIDTaken
	}
	return nil
}

// Touch is one script.
func (r *Redis) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	if !isName(typ, id, hash) || used.IsZero() || !storable(used) {
		return ctx.Err()
	}
	return failed("touch", r.run(ctx, touchScript, tokenName(typ, id), hash, used.UnixMicro(), cell.Clean(address, maxAddress)).Err())
}

// Rotate is one script. Doing it again with the same next is no error.
func (r *Redis) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *Token) error {
	c, err := successor(typ, id, until, next)
	if err != nil {
		return err
	}
	if !isName(id, hash) {
		return goneUnless(ctx.Err())
	}
	args := append([]any{tokenName(typ, id), hash, until.UnixMicro(), c.ID, tokenName(typ, c.ID), c.Created.UnixMicro()}, toFields(c)...)
	answer, err := r.run(ctx, rotateScript, args...).Text()
	if err != nil {
		return failed("rotate", err)
	}
	return refusal(answer)
}

// Renew is one script. Doing it again is no error.
func (r *Redis) Renew(ctx context.Context, typ, id, hash string, n Renewal) error {
	n, err := renewed(hash, n)
	if err != nil {
		return err
	}
	if !isName(typ, id, hash) {
		return goneUnless(ctx.Err())
	}
	answer, err := r.run(ctx, renewScript, tokenName(typ, id), hash, n.Hash, n.State, n.Used.UnixMicro(), n.Address).Text()
	if err != nil {
		return failed("renew", err)
	}
	return refusal(answer)
}

// refusal is the error that a script's answer stands for.
func refusal(answer string) error {
	switch answer {
	case "gone":
		return ErrTokenGone
	case "rotated":
		return ErrTokenRotated
	case "taken":
		return errIDTaken
	}
	return nil
}

// Delete is one script.
func (r *Redis) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	if !isName(typ, id) || subject != "" && !isSubject(subject) {
		return false, ctx.Err()
	}
	n, err := r.run(ctx, deleteScript, tokenName(typ, id), subject).Int()
	return n > 0, failed("delete", err)
}

// run gives a script one key, which says where all of them are.
func (r *Redis) run(ctx context.Context, script *redis.Script, args ...any) *redis.Cmd {
	return script.Run(ctx, r.c, []string{r.keys.expiries()}, args...)
}

// failed wraps a fault of Redis.
func failed(what string, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("tokenstores: %s: %w", what, err)
}
