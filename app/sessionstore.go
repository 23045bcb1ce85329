package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

var (
	// ErrSessionChanged is what Update of a [SessionStore] and [SessionMover].MoveSession
	// return when the stored version is not the record's: another request saved meanwhile.
	ErrSessionChanged = errors.New("app: the session was changed meanwhile")

	// ErrSessionGone is what these return when there is no row: the session was ended
	// meanwhile, and stays so.
	ErrSessionGone = errors.New("app: the session is gone")

	// ErrSessionDamaged is what [SessionStore.Find] wraps when a row is there and
	// cannot be read. Sessions treats it as no session and reports it once.
	ErrSessionDamaged = errors.New("app: the stored session cannot be read")
)

// A SessionRecord is a session as a [SessionStore] keeps it. All times are UTC
// and come from the clock of [SessionOptions], never from the store's server.
type SessionRecord struct {
	Kind    string // the kind of user: [SessionOptions].Kind
	Subject string // who, as [Serializer] writes it; empty: nobody is logged in
	Data    map[string]json.RawMessage
	Version int64 // 1 when inserted, one more with each Update and MoveSession

	Created, LoggedIn time.Time // LoggedIn is zero for nobody
	Seen              time.Time // the last use that was written down
	IdleUntil, Until  time.Time // whichever comes first ends the session

	Address, Agent string // of the client that made the session

	User   any  // the user, if the store loaded it with the session
	Joined bool // the store did: User nil means the user is gone
}

// A SessionStore keeps session records under keys. It gets keys, never ids: a
// key is the SHA-256 of the kind and the id, so that what is stored cannot be
// used as a cookie (ASVS 11.2.4). It is safe for concurrent use.
//
// Every method returns an error for faults only, and a fault is answered 503.
// The package sessionstores has implementations, and sessionstores/storetest
// the suite that each must pass.
type SessionStore interface {
	// Find returns the record of key, or nil, nil if there is none. It may return
	// one that has expired: Sessions compares by its own clock.
	Find(ctx context.Context, key string) (*SessionRecord, error)

	// Insert stores r under a key that is new, sets r.Version to 1, and deletes the
	// row of old, if old is not empty, in the same transaction. A key that is another
	// session's is an error. Address and Agent are made fit to be stored.
	Insert(ctx context.Context, key, old string, r *SessionRecord) error

	// Update writes Data, Seen and IdleUntil if the stored version is still
	// r.Version, and then adds one to both. Else it returns ErrSessionChanged, or
	// ErrSessionGone if there is no row. It never inserts.
	Update(ctx context.Context, key string, r *SessionRecord) error

	// Touch writes when the session was last used. It leaves the version alone and
	// never moves seen back; a missing row is no error.
	Touch(ctx context.Context, key string, seen, idleUntil time.Time) error

	// Delete removes the row of key. A missing row is no error.
	Delete(ctx context.Context, key string) error
}

// A UserJoiner is a [SessionStore] that can load the user together with the
// session. [NewSessions] calls JoinUsers once and then uses what it returns:
// a store for the users of this kind, or the store itself if it cannot join them.
type UserJoiner interface {
	JoinUsers(users Serializer) SessionStore
}

// A StoredSession is a record and its key.
type StoredSession struct {
	Key string
	SessionRecord
}

// A SessionLister is a [SessionStore] that knows the sessions of a user.
type SessionLister interface {
	// ListSessions returns the sessions of a subject, expired ones too, the last
	// used first and by key where that is the same. It loads no users. The empty subject
	// has none, here and in DeleteSessions.
	ListSessions(ctx context.Context, kind, subject string) ([]StoredSession, error)

	// DeleteSessions removes the sessions of a subject but the one under keep (empty:
	// none is kept) in one statement or transaction, and returns how many there were.
	DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error)
}

// A SessionLimiter is a [SessionStore] that can bound how many sessions a user has.
type SessionLimiter interface {
	// InsertLimited is Insert, and in the same atomic step removes other sessions of r's kind
	// and subject until at most limit are left, r included: those that are over at r.Created,
	// then those that were created first. r itself always stays. However many are inserted at
	// once, no more than limit remain. For nobody, the subject "", it is Insert. It returns
	// those that were not over, in any order; of one that is damaged the Key alone.
	InsertLimited(ctx context.Context, key, old string, r *SessionRecord, limit int) (ended []StoredSession, err error)
}

// A SessionMover is a [SessionStore] that can give a session another key, for [Session.Regenerate].
type SessionMover interface {
	// MoveSession is Update of the session under old that in the same atomic step puts it under
	// key, which is new. Nothing is under old afterwards, and there is never a time when a
	// DeleteSessions of its subject would find neither. A key that is another session's is an error.
	MoveSession(ctx context.Context, key, old string, r *SessionRecord) error
}

// A SessionPruner is a [SessionStore] whose expired rows must be removed by us.
type SessionPruner interface {
	// PruneSessions removes at most limit rows that expired at or before now and
	// returns how many it removed.
	PruneSessions(ctx context.Context, now time.Time, limit int) (int, error)
}
