package app

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
)

// A Strategy finds out who sent a request. It is a value that is shared by all
// requests, so it holds no state of any of them.
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

// An Identity is who sent a request, and how that is known.
type Identity struct {
	User   any      // who; nil, and a nil pointer, is refused
	Scopes []string // what the credential allows: "*" is all that the user may, none is nothing that RequireScopes guards
	Info   any      // the credential itself, for those who know its type
	Via    string   // the strategy's name: "session", "local", "bearer", …

	// Deliberate says that no page of another site can make a browser send the credential:
	// it came in a header that takes a script and the consent of CORS. Only then is an
	// unsafe request from another site let through to the session.
	Deliberate bool

	by Strategy // set by Authenticate and Identify
	of *Session // set for a session
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
