package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/internal/stamp"
)

// stampOf returns the digest of what a session of user is bound to, "" if it is to nothing.
func (s *Sessions) stampOf(ctx context.Context, user any, subject string) (string, error) {
	digest, err := s.stamp.Digest(ctx, user, subject, func(ctx context.Context, subject string) (any, error) {
		loaded, err := s.users.Deserialize(ctx, subject)
		if gone(loaded, err) {
			return nil, nil
		}
		return loaded, err
	})
	switch {
	case errors.Is(err, stamp.ErrNone):
		return "", fmt.Errorf("app: SessionOptions.%w for a user who logs in", err)
	case err != nil:
		return "", unavailable(fmt.Errorf("app: load the user's stamp: %w", err))
	}
	return digest, nil
}

// bound reports whether a session's user has still what it was bound to.
func (s *Sessions) bound(rec *SessionRecord, user any) bool {
	return s.o.Stamp == nil || s.stamp.Holds(noted(rec, stampName), user, rec.Subject)
}
