// Package stamp binds what outlives a request, a session or a client that is remembered, to a text
// of its user, such as a digest of the password's hash: when that is another one, it is over.
package stamp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
)

// ErrNone says that the text is empty, to which nothing can be bound.
var ErrNone = errors.New("Stamp returned nothing")

// A Stamp says what to bind to. With a nil Of all is bound to nothing, which never changes.
type Stamp struct {
	Of     func(user any) string
	Domain string // tells digests of one use from those of another
}

// Digest returns what is kept of a user's text, "" with a nil Of. A user who came without it is
// asked for once more. The errors are ErrNone, sql.ErrNoRows for a user who is gone, and load's.
func (s Stamp) Digest(ctx context.Context, user any, subject string, load func(context.Context, string) (any, error)) (string, error) {
	if s.Of == nil {
		return "", nil
	}
	text := s.Of(user)
	if text == "" {
		loaded, err := load(ctx, subject)
		switch {
		case err != nil:
			return "", err
		case loaded == nil:
			return "", sql.ErrNoRows
		}
		if text = s.Of(loaded); text == "" {
			return "", ErrNone
		}
	}
	return s.digest(subject, text), nil
}

// Holds reports whether a digest that was kept is that of the user's text now.
func (s Stamp) Holds(kept string, user any, subject string) bool {
	if s.Of == nil {
		return true
	}
	text := s.Of(user)
	return text != "" && subtle.ConstantTimeCompare([]byte(kept), []byte(s.digest(subject, text))) == 1
}

func (s Stamp) digest(subject, text string) string {
	sum := sha256.Sum256([]byte(s.Domain + "\x00" + subject + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
