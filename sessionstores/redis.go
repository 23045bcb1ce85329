package sessionstores

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kahu-go/kahu/app"
)

// Redis keeps sessions in Redis, each in a hash of its own. The application's clock
// decides when a session ends; the time to live that Redis counts is an hour longer
// and only cleans up, also for an application that never calls PruneSessions.
//
// What Redis forgets comes back or goes: call [Redis.Check] when the program starts.
// Never let a cluster's replicas answer reads, which can show a session after its
// logout.
type Redis struct {
	c redis.UniversalClient
}

var (
	_ app.SessionStore   = (*Redis)(nil)
	_ app.SessionLister  = (*Redis)(nil)
	_ app.SessionLimiter = (*Redis)(nil)
	_ app.SessionMover   = (*Redis)(nil)
	_ app.SessionPruner  = (*Redis)(nil)
)

// The keys share one hash tag, so that a script may change several on a cluster.
//
//	{kahu}:s:<key>   hash: a session
//	{kahu}:u:<who>   set: the keys of a subject's sessions; who is a hash, never the text of a client
//	{kahu}:x         sorted set: <who><key> of every session by expiry
const (
	sessionPrefix = "{kahu}:s:"
	subjectPrefix = "{kahu}:u:"
	expiryKey     = "{kahu}:x"
)

// NewRedis returns the store over c, which stays the caller's: closing it ends the store.
func NewRedis(c redis.UniversalClient) *Redis { return &Redis{c: c} }

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error {
	return failed("ping", r.c.Ping(ctx).Err())
}

// Find is one HGETALL.
func (r *Redis) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	fields, err := r.c.HGetAll(ctx, sessionPrefix+key).Result()
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, damaged("a key that holds no hash")
	}
	if err != nil {
		return nil, failed("find", err)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return fromFields(fields)
}

// Insert is one script. Doing it again with the same record is no error, because
// go-redis repeats commands whose answer was lost.
func (r *Redis) Insert(ctx context.Context, key, old string, record *app.SessionRecord) error {
	_, err := r.insert(ctx, key, old, record, 0)
	return err
}

// insert is InsertLimited if there is a limit, else Insert. It returns the replies about
// the sessions that were ended.
func (r *Redis) insert(ctx context.Context, key, old string, record *app.SessionRecord, limit int) (ended []any, err error) {
	data, err := encodeData(record.Data)
	if err != nil {
		return nil, err
	}
	c := stored(record)
	c.Version = 1
	args := append([]any{key, old, who(c.Kind, c.Subject), c.Seen.UnixMicro(), limit}, toFields(&c, data)...)
	reply, err := insertScript.Run(ctx, r.c, []string{sessionPrefix + key, expiryKey}, args...).Result()
	if err != nil {
		return nil, failed("insert", err)
	}
	ended, ok := reply.([]any)
	if !ok {
		return nil, errKeyTaken
	}
	record.Version = 1
	return ended, nil
}

// Update is one script.
func (r *Redis) Update(ctx context.Context, key string, record *app.SessionRecord) error {
	data, err := encodeData(record.Data)
	if err != nil {
		return err
	}
	n, err := updateScript.Run(ctx, r.c, []string{sessionPrefix + key, expiryKey}, key, record.Version, record.Version+1, data,
		record.Seen.UnixMicro(), record.IdleUntil.UnixMicro()).Int()
	switch {
	case err != nil:
		return failed("update", err)
	case n < 0:
		return app.ErrSessionGone
	case n == 0:
		return app.ErrSessionChanged
	}
	record.Version++
	return nil
}

// Touch is one script.
func (r *Redis) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	return failed("touch", touchScript.Run(ctx, r.c, []string{sessionPrefix + key, expiryKey},
		key, seen.UnixMicro(), idleUntil.UnixMicro()).Err())
}

// Delete is one script.
func (r *Redis) Delete(ctx context.Context, key string) error {
	return failed("delete", deleteScript.Run(ctx, r.c, []string{sessionPrefix + key, expiryKey}, key).Err())
}

// who names a kind and subject in keys, in as many bytes for any text.
func who(kind, subject string) string {
	if subject == "" {
		return nobody
	}
	sum := sha256.Sum256([]byte(kind + "\x00" + subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// nobody stands for who in the sorted set and has no set of its own. It is as long.
const nobody = "-------------------------------------------"

// timeFields are the fields of a session's hash that hold microseconds since 1970.
var timeFields = []string{"created", "logged_in", "seen", "idle_until", "until"}

func toFields(r *app.SessionRecord, data string) []any {
	fields := []any{"who", who(r.Kind, r.Subject), "kind", r.Kind, "subject", r.Subject, "data", data, "version", r.Version,
		"address", r.Address, "agent", r.Agent}
	for i, t := range []time.Time{r.Created, r.LoggedIn, r.Seen, r.IdleUntil, r.Until} {
		if timeFields[i] == "logged_in" && t.IsZero() {
			fields = append(fields, timeFields[i], "")
			continue
		}
		fields = append(fields, timeFields[i], t.UnixMicro())
	}
	return fields
}

func fromFields(fields map[string]string) (*app.SessionRecord, error) {
	data, err := decodeData([]byte(fields["data"]))
	if err != nil {
		return nil, err
	}
	r := &app.SessionRecord{Kind: fields["kind"], Subject: fields["subject"], Data: data,
		Address: fields["address"], Agent: fields["agent"]}
	if r.Version, err = strconv.ParseInt(fields["version"], 10, 64); err != nil {
		return nil, damaged("a version that is no integer")
	}
	for i, t := range []*time.Time{&r.Created, &r.LoggedIn, &r.Seen, &r.IdleUntil, &r.Until} {
		text := fields[timeFields[i]]
		if text == "" && t == &r.LoggedIn {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, damaged("a time that is no integer")
		}
		*t = time.UnixMicro(n).UTC()
	}
	return r, nil
}

// failed wraps a fault of Redis.
func failed(what string, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("sessionstores: %s: %w", what, err)
}
