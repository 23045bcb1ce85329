// Package throttle counts events per key in windows of time: failed logins of an account, requests of an address. Counts are
// kept in memory, in a database through Bun, or in Redis; all three count alike.
//
// Count before the work that is limited, and go on only if the count is within the limit:
//
//	c, err := counter.Add(ctx, "login account "+user.ID, 1, now, 15*time.Minute)
//	if err != nil {
//		return err // a fault of the store: 503, not a free try
//	}
//	if c.N > 10 {
//		// too many: refuse until c.Until
//	}
//
// Because Add counts and tells in one atomic step, of any number of simultaneous callers exactly as many as the limit allows go on.
package throttle

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// A Counter counts events per key. Counters over the same database count together, so begin keys with what they are for. Any
// text is a key, and keys that differ in a byte differ; only their SHA-256 is kept, which hides names and addresses from a casual
// look at the store, not from somebody who guesses them. A Counter is safe for use by several goroutines and processes.
type Counter interface {
	// Add adds n to the count of key and returns the result. A window begins with the first Add for key, or the first after the
	// last window ended, and is window long; at its end, to the microsecond, the count starts anew. The length of a window that has
	// begun stays. With n 0 it tells the count.
	//
	// now is the caller's clock; if clocks differ, a window ends by that of whoever asks. It is an error if now is before 1970, window
	// is shorter than a microsecond or longer than a year, or n is negative or beyond a million; other errors are faults of
	// the store or ctx's.
	Add(ctx context.Context, key string, n int64, now time.Time, window time.Duration) (Count, error)

	// TakeBack takes back n, at most a million, that an Add counted; until is the Until of what that Add returned. If another window
	// has begun since, or the count was reset, there is nothing to take back and it does nothing: what was counted in one window
	// makes no room in the next. A count is never below zero.
	TakeBack(ctx context.Context, key string, n int64, until time.Time) error

	// Reset forgets the count of key, if there is one.
	Reset(ctx context.Context, key string) error
}

// Count is how often something happened in a window.
type Count struct {
	N     int64
	Until time.Time // when the window ends and the count starts anew, in UTC
}

const (
	largest = 1_000_000 // far from where a sum of them would leave what the stores count exactly
	longest = 366 * 24 * time.Hour
)

var (
	errN      = errors.New("throttle: n is negative or beyond a million")
	errNow    = errors.New("throttle: now is before 1970 or after 9000")
	errWindow = errors.New("throttle: the window is shorter than a microsecond or longer than a year")
)

// span returns now and the end of a window that would begin now, in microseconds since 1970.
func span(n int64, now time.Time, window time.Duration) (from, until int64, err error) {
	from = now.UnixMicro()
	switch {
	case !countable(n):
		return 0, 0, errN
	case window < time.Microsecond || window > longest:
		return 0, 0, errWindow
	case from < 0 || now.UTC().Year() > 9000:
		return 0, 0, errNow
	}
	return from, from + window.Microseconds(), nil
}

func countable(n int64) bool { return n >= 0 && n <= largest }

func count(n, until int64) Count { return Count{N: n, Until: time.UnixMicro(until).UTC()} }

// hashed is how the stores know a key: any text becomes a short one that every store takes as it is.
func hashed(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key))) }
