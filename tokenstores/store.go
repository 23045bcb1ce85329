// Package tokenstores keeps opaque tokens: long random texts that are worth an
// identity. It knows hashes of them, never the texts. Beside them it keeps what ends before
// its time of the credentials that no store knows, in a [Denylist].
package tokenstores

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

var (
	// ErrTokenGone is what Rotate and Renew return if there is no such token any more, or it
	// is over.
	ErrTokenGone = errors.New("tokenstores: the token is gone")

	// ErrTokenRotated is what Rotate and Renew return for a token that has a successor
	// already, and Renew for one that has another hash by now.
	ErrTokenRotated = errors.New("tokenstores: the token was rotated already")

	// ErrTokenDamaged is what Find wraps when a row is there and cannot be read. It is to
	// be taken for no token, and reported.
	ErrTokenDamaged = errors.New("tokenstores: the stored token cannot be read")
)

// A Token is an opaque token as a [Store] keeps it. All times are UTC and come from the
// application's clock; the zero time means never. As JSON it has neither hash nor owner.
type Token struct {
	ID      string // public and random; with Type it names the token
	Type    string // what it is for; a token of one type is unknown to those who ask for another
	Subject string // whose it is, as the application's Serializer writes it
	Hash    string `json:"-"` // of the secret; of no use as a secret

	Name   string // what its owner calls it, "" if nothing
	Scopes []string
	Meta   map[string]json.RawMessage // what else the application keeps with it

	Created, LastUsed time.Time
	Expires           time.Time     // zero: never
	IdleLimit         time.Duration // it ends if it is not used for so long; 0: no limit
	Address           string        // where it was last used, or made
	Successor         string        // the ID of the token that it was rotated into
	State             string        `json:"-"` // what the strategy that made it keeps with it, "" if nothing

	User   any  `json:"-"` // the owner, if the store loaded them with the token
	Joined bool `json:"-"` // the store did: User nil means the owner is gone
}

// Live reports whether the token has neither expired nor been idle for too long at now.
// At the limit it is over.
func (t *Token) Live(now time.Time) bool {
	if !t.Expires.IsZero() && !now.Before(t.Expires) {
		return false
	}
	return t.IdleLimit == 0 || now.Before(t.Used().Add(t.IdleLimit))
}

// Used returns when the token was last used, or made if it never was.
func (t *Token) Used() time.Time {
	if t.LastUsed.After(t.Created) {
		return t.LastUsed
	}
	return t.Created
}

// A Store keeps tokens. It is safe for concurrent use. Every method returns an error
// for faults only, but for those named here. tokenstores/storetest has the suite that
// each implementation must pass.
type Store interface {
	// Find returns the token of this type and id, or nil, nil. It may return one that is
	// not live any more: the caller's clock decides.
	Find(ctx context.Context, typ, id string) (*Token, error)

	// Insert stores a token whose type and id are new; the same token again is no error.
	// It refuses a token without a type, id, hash, subject or time of creation, an empty
	// scope, and text that is no UTF-8, has a NUL or is too long: 255 bytes, a subject
	// 1024, a state 4 KiB, scopes and meta 64 KiB each. Address is cut, never refused.
	Insert(ctx context.Context, t *Token) error

	// Touch writes when and where a token was used. It never moves LastUsed back; a
	// missing token, or one with another hash, is no error and nothing is written.
	Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error

	// Rotate stores next and makes it the successor of the token with this type, id and
	// hash, which expires at until or, if that is sooner, when it would have. It is one
	// atomic step: of many at once one succeeds, and the others get [ErrTokenRotated], or
	// [ErrTokenGone] if there is no such token or it was not live any more, and not rotated
	// before, when next was created. A zero until, which would mean never, and a next of
	// another type are refused.
	Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *Token) error

	// Renew gives the token with this type, id and hash another hash and state, writes
	// when and where it was used, and keeps everything else. LastUsed never moves back. It is
	// one atomic step: of many at once one succeeds, and the others get [ErrTokenRotated], or
	// [ErrTokenGone] if there is no such token or it was not live at r.Used. What succeeded
	// and is done again with the same hash and state is no error. A renewal that cannot be
	// stored, as Insert says, without Used or with the hash that the token has is refused.
	Renew(ctx context.Context, typ, id, hash string, r Renewal) error

	// Delete removes a token of a subject and reports whether there was one: true once,
	// and perhaps never if the answer of the database was lost. An empty subject means
	// anybody's.
	Delete(ctx context.Context, typ, id, subject string) (bool, error)

	// List returns the tokens of a subject, also those that are over, the last used or,
	// if never used, made first; where that is the same, by id. It loads no users.
	List(ctx context.Context, typ, subject string) ([]Token, error)

	// DeleteAll removes the tokens of a subject but the one with the id keep (empty: none
	// is kept), and returns how many there were. With a token goes the one that it is being
	// rotated into, whoever else removes tokens meanwhile.
	DeleteAll(ctx context.Context, typ, subject, keep string) (int, error)

	// DeleteType removes everybody's tokens of a type, as DeleteAll does, and returns how
	// many there were.
	DeleteType(ctx context.Context, typ string) (int, error)

	// Prune removes at most limit tokens that are not live at now, of any type, and
	// returns how many it removed.
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}

// A Renewal is what replaces the secret of a token that keeps its id: so all that
// followed one login are one row, which is listed as one device and ended as one.
type Renewal struct {
	Hash, State string    // of the token from now on
	Used        time.Time // when this was asked for
	Address     string    // and from where
}

// A UserJoiner is a [Store] that can load the owner together with the token. JoinUsers
// returns a store that does so for users, or itself if it cannot join these.
type UserJoiner interface {
	JoinUsers(users any) Store
}
