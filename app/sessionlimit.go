package app

import (
	"context"
	"fmt"
)

// insert stores a session, and ends the oldest of a user who has too many.
func (s *Sessions) insert(ctx context.Context, key, old string, rec *SessionRecord) ([]StoredSession, error) {
	if s.o.MaxPerUser == 0 || rec.Subject == "" {
		return nil, s.store.Insert(ctx, key, old, rec)
	}
	return s.store.(SessionLimiter).InsertLimited(ctx, key, old, rec, s.o.MaxPerUser)
}

// forgetOusted forgets the clients whose sessions were ended for a newer one: they would come
// back and end that. A client may have had an older session itself.
func (s *Sessions) forgetOusted(ctx context.Context, user any, by *SessionRecord, ended []StoredSession) error {
	own := noted(by, rememberName)
	for i := range ended {
		if own != "" && noted(&ended[i].SessionRecord, rememberName) == own {
			continue
		}
		if err := s.revokeRemembered(ctx, user, &ended[i].SessionRecord); err != nil {
			return err
		}
	}
	return nil
}

// revokeRemembered ends what brings back the user of a session.
func (s *Sessions) revokeRemembered(ctx context.Context, user any, rec *SessionRecord) error {
	handle := noted(rec, rememberName)
	if s.o.Remember == nil || handle == "" {
		return nil
	}
	if _, err := s.o.Remember.Revoke(ctx, user, handle); err != nil {
		return unavailable(fmt.Errorf("app: forget the client of a session: %w", err))
	}
	return nil
}

// tell tells of sessions, also outside of requests.
func (s *Sessions) tell(ctx *Context, e Event) {
	e.Via, e.Kind, e.Time = "session", s.o.Kind, s.now()
	if ctx != nil {
		ctx.Emit(e)
		return
	}
	if a := s.app.Load(); a != nil && a.OnEvent != nil {
		a.tell(nil, e)
	}
}
