package app

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"time"
)

// A Strategy finds out who sent a request. It is a value that is shared by all
// requests, so it holds no state of any of them. strategies/strategytest has the suite
// that each must pass.
type Strategy interface {
	// Authenticate returns the identity that a credential in the request proves.
	//
	//   - ErrNoCredentials: nothing here is mine, ask the next.
	//   - a *Rejection: a credential of mine, and wrong.
	//   - a *Redirection: the client has to go elsewhere first.
	//   - any other error is a fault of the server, answered 5xx: never "not logged in".
	//
	// It sets no Status and no Body. It may set a cookie of its own and change rows
	// of its own.
	Authenticate(ctx *Context) (*Identity, error)
}

// A Challenger is a [Strategy] with a challenge for the WWW-Authenticate header
// of a 401 (RFC 9110 section 11.6.1).
type Challenger interface {
	// Challenge returns one challenge, or "" for none. why is ErrNoCredentials or
	// the *Rejection that is answered.
	Challenge(ctx *Context, why error) string
}

// An Ender is a [Strategy] whose credentials can be ended: [Context.Logout] calls it.
type Ender interface {
	End(ctx *Context, id *Identity) error
}

// A Rememberer is a [Strategy] whose credentials outlive sessions: [SessionOptions].Remember
// asks it for who has no session, and logs in whom it proves. strategies.Remember is one.
// What it remembers is named by [Identity].Handle.
type Rememberer interface {
	Strategy

	// Kind names the kind of user that it remembers: that of the [SessionOptions] it is in.
	// "" and "session" are both the default one. Another kind's credential is unknown to it.
	Kind() string

	// Remember makes a credential of user, gives it to the client, and returns its handle.
	Remember(ctx *Context, user any) (handle string, err error)

	// Remembers reports whether the credential of an identity is good still.
	Remembers(ctx context.Context, id *Identity) (bool, error)

	// Forget ends the credentials that the client presents, as a rule one, takes them from it,
	// and returns the Subject and the Handle of each: what they brought back ends, too. A client
	// without one costs no question. A *[Rejection] that is caused by [Stolen] says that it is
	// done, and what was found.
	Forget(ctx *Context) (ended []*Identity, err error)

	// Revoke ends the credential of a user with this handle and reports whether there was one.
	Revoke(ctx context.Context, user any, handle string) (bool, error)

	// RevokeAll ends the credentials of a user but the one with the handle keep ("": none is
	// kept), and returns how many there were.
	RevokeAll(ctx context.Context, user any, keep string) (int, error)
}

// A Stolen is the cause of a [Rejection] by a [Rememberer]: the credential was used before, so two
// have it, the user and a thief, and nobody can tell which of them has asked. All that
// remembers the user has been ended, and before that, by [Context.EndStolen], their sessions,
// of which the thief may have one. Sessions ends those once more that began meanwhile.
type Stolen struct {
	Subject string // whose it was
	User    any    // nil if they could not be loaded
}

func (s *Stolen) Error() string { return "app: a credential that is good for one use was used before" }

// A Describer is a [Strategy] that says what [Context.Explain] calls it, and where in a
// request it looks: "bearer", "the Authorization header".
type Describer interface {
	Describe() (name, looksAt string)
}

// An Identity is who sent a request, and how that is known.
type Identity struct {
	User   any      // who; nil, and a nil pointer, is refused
	Scopes []string // what the credential allows: "*" is all that the user may, none is nothing that RequireScopes guards
	Info   any      // the credential itself, for those who know its type
	Via    string   // the strategy's name: "session", "local", "bearer", …

	// Subject is the user as the strategy's Serializer writes it, for logs; "": not known.
	Subject string

	// Handle names the credential and is of no use as one; "": it has no name. A session's is
	// the hash of its id.
	Handle string

	// LoggedIn is when the user proved themselves to get the credential; zero: not known, or now.
	LoggedIn time.Time

	// Deliberate says that no page of another site can make a browser send the credential:
	// it came in a header that takes a script and the consent of CORS. Only then is an
	// unsafe request from another site let through to the session.
	Deliberate bool

	by         Strategy // set by Authenticate and Identify
	of         *Session // set for a session
	credential any      // Info as by made it, if WithInfo has changed it
}

// A Serializer turns the users of one kind into subjects that are stored, and back.
// The package serializer makes them.
type Serializer interface {
	// Serialize returns the subject of a user, which is not empty.
	Serialize(ctx context.Context, user any) (subject string, err error)

	// Deserialize returns the user of a subject. nil, nil and sql.ErrNoRows say that
	// the user is gone; any other error is a fault.
	Deserialize(ctx context.Context, subject string) (user any, err error)
}

// gone reports whether Deserialize said that there is no such user any more.
func gone(user any, err error) bool {
	return errors.Is(err, sql.ErrNoRows) || err == nil && isNil(user)
}

// isNil reports whether v is nil or holds a nil pointer, map, slice, func or channel.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return r.IsNil()
	}
	return false
}
