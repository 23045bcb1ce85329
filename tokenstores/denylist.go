package tokenstores

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kahu-go/kahu/internal/cell"
)

// A Denylist keeps what ends before its time: credentials that verify without a store,
// as JWTs do. A key is text that its user chose, such as a hash, and so is a mark: the
// list does not know what they mean. It is safe for concurrent use. Every error is a
// fault or a wrong call, and what cannot be asked is never to be taken for not denied.
// tokenstores/storetest has the suite that each implementation must pass.
type Denylist interface {
	// Deny writes marks in one atomic step. A key that is there gets the new mark, and the
	// later of both times; of several for one key the last mark counts. It refuses a key or
	// a mark that is empty, no UTF-8, has a NUL or more than 255 bytes, and a denial without
	// Until; then nothing is written. Doing it again is no error.
	Deny(ctx context.Context, d ...Denial) error

	// Find returns the marks of at most eight keys, "" for those that are not there, in one
	// question. It may return what is over: the caller decides. subject names the user that
	// a list which joins them loads; others ignore it.
	Find(ctx context.Context, subject string, keys ...string) (*Denials, error)

	// Prune removes at most limit entries that are over at now, and returns how many it
	// removed. At its Until an entry is over.
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}

// A Denial is an entry of a [Denylist].
type Denial struct {
	Key, Mark string
	Until     time.Time // when it may be forgotten, by the application's clock
}

// Denials are what a [Denylist] found.
type Denials struct {
	Marks  []string // one for each key, in their order
	User   any      // the user of the subject, if the list loaded them
	Joined bool     // the list did: User nil means the user is gone
}

// A DenylistJoiner is a [Denylist] that can load a user together with the marks.
// JoinUsers returns a list that does so for users, or itself if it cannot join these.
type DenylistJoiner interface {
	JoinUsers(users any) Denylist
}

// maxKeys is how many keys are looked for at once.
const maxKeys = 8

// denials returns what is stored: each key once, and in one order for everybody, so that
// two callers never wait for each other.
func denials(given []Denial) ([]Denial, error) {
	keys := make(map[string]Denial, len(given))
	for _, d := range given {
		if !isName(d.Key, d.Mark) {
			return nil, fmt.Errorf("tokenstores: a key and a mark are UTF-8 without NUL of 1 to %d bytes", maxName)
		}
		if d.Until.IsZero() || !storable(d.Until) {
			return nil, errors.New("tokenstores: a denial needs the time until which it is kept")
		}
		d.Until = cell.Micro(d.Until)
		d.over(keys)
	}
	return slices.SortedFunc(maps.Values(keys), func(a, b Denial) int { return cmp.Compare(a.Key, b.Key) }), nil
}

// over puts d in the place of what is there, and keeps the later of both times.
func (d Denial) over(keys map[string]Denial) {
	if have := keys[d.Key]; have.Until.After(d.Until) {
		d.Until = have.Until
	}
	keys[d.Key] = d
}

// checkKeys also reports whether a key is among them that can be on a list.
func checkKeys(keys []string) (possible bool, err error) {
	if len(keys) > maxKeys {
		return false, fmt.Errorf("tokenstores: at most %d keys are looked for at once", maxKeys)
	}
	return slices.ContainsFunc(keys, func(key string) bool { return isName(key) }), nil
}
