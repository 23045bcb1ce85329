package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
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

// bound reports whether a session's user has still what it was bound to.
func (s *Sessions) bound(rec *SessionRecord, user any) bool {
	if s.o.Stamp == nil {
		return true
	}
	was, stamp := noted(rec, stampName), s.o.Stamp(user)
	return stamp != "" && subtle.ConstantTimeCompare([]byte(was), []byte(s.digest(rec.Subject, stamp))) == 1
}

// noted is a text that the framework keeps in a session for itself, "" if there is none.
func noted(rec *SessionRecord, name string) (text string) {
	if rec != nil && rec.Data[name] != nil {
		_ = json.Unmarshal(rec.Data[name], &text) // "" if it is no string
	}
	return text
}
