package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// Names that the framework keeps in a session for itself.
const (
	stampName    = "_stamp"
	rememberName = "_remember"
)

var errNoStamp = errors.New("app: SessionOptions.Stamp returned nothing for a user who logs in")

// stampOf returns the digest of what a session of user is bound to, "" if it is to nothing. A user
// who came without it is loaded once more.
func (s *Sessions) stampOf(ctx context.Context, user any, subject string) (string, error) {
	if s.o.Stamp == nil {
		return "", nil
	}
	text := s.o.Stamp(user)
	if text == "" {
		loaded, err := s.users.Deserialize(ctx, subject)
		if err != nil || isNil(loaded) {
			return "", unavailable(fmt.Errorf("app: load the user's stamp: %w", errors.Join(err, errNoStamp)))
		}
		if text = s.o.Stamp(loaded); text == "" {
			return "", errNoStamp
		}
	}
	return s.digest(subject, text), nil
}

func (s *Sessions) digest(subject, stamp string) string {
	sum := sha256.Sum256([]byte(s.o.Kind + "\x00" + subject + "\x00" + stamp))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// bound reports whether the session's user has still what it was bound to.
func (x *Session) bound(user any) bool {
	if x.s.o.Stamp == nil {
		return true
	}
	var was string
	if ok, err := x.value(stampName, &was); !ok || err != nil {
		return false
	}
	stamp := x.s.o.Stamp(user)
	return stamp != "" && subtle.ConstantTimeCompare([]byte(was), []byte(x.s.digest(x.rec.Subject, stamp))) == 1
}
