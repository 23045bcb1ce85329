package app

import (
	"context"
	"encoding/json"
	"fmt"
)

// insert stores a session, and ends the oldest of a user who has too many.
func (s *Sessions) insert(ctx context.Context, key, old string, rec *SessionRecord) ([]StoredSession, error) {
	if s.o.MaxPerUser == 0 || rec.Subject == "" {
		return nil, s.store.Insert(ctx, key, old, rec)
	}
	return s.store.(SessionLimiter).InsertLimited(ctx, key, old, rec, s.o.MaxPerUser)
}

// ousted tells of sessions that were ended for a newer one. Their clients are not to be
// remembered either: they would come back and end the newer one.
func (s *Sessions) ousted(ctx context.Context, c *Context, user any, ended []StoredSession) error {
	for i := range ended {
		e := Event{Name: EventSessionRevoked, User: user, Subject: ended[i].Subject, Session: ended[i].Key, Reason: errTooMany}
		s.tell(c, e)
		if err := s.revokeRemembered(ctx, user, &ended[i].SessionRecord); err != nil {
			return err
		}
	}
	return nil
}

// revokeRemembered ends what brings back the user of a session.
func (s *Sessions) revokeRemembered(ctx context.Context, user any, rec *SessionRecord) error {
	handle := remembered(rec)
	if s.o.Remember == nil || handle == "" {
		return nil
	}
	if _, err := s.o.Remember.Revoke(ctx, user, handle); err != nil {
		return unavailable(fmt.Errorf("app: forget the client of a session: %w", err))
	}
	return nil
}

// remembered is the handle of what brings back the user of a session, "" if nothing does.
func remembered(rec *SessionRecord) (handle string) {
	if rec != nil && rec.Data[rememberName] != nil {
		_ = json.Unmarshal(rec.Data[rememberName], &handle) // "" if it is no string
	}
	return handle
}

// tell tells of sessions, also outside of requests.
func (s *Sessions) tell(ctx *Context, e Event) {
	e.Via, e.Kind = "session", s.o.Kind
	if ctx != nil {
		ctx.Emit(e)
		return
	}
	if a := s.app.Load(); a != nil && a.OnEvent != nil {
		if e.Time.IsZero() {
			e.Time = s.now()
		}
		a.tell(nil, e)
	}
}
