package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// insert stores a session, and ends the oldest of a user who has more than limit; 0: none.
func (s *Sessions) insert(ctx context.Context, key, old string, rec *SessionRecord, limit int) ([]StoredSession, error) {
	if limit == 0 || rec.Subject == "" {
		return nil, s.store.Insert(ctx, key, old, rec)
	}
	return s.store.(SessionLimiter).InsertLimited(ctx, key, old, rec, limit)
}

// forgetOusted forgets the clients whose sessions were ended for a newer one: they would come
// back and end that. A client may have had an older session itself.
func (s *Sessions) forgetOusted(ctx context.Context, user any, by *SessionRecord, ended []StoredSession) error {
	own := noted(by, rememberName)
	for i := range ended {
		if own != "" && noted(&ended[i].SessionRecord, rememberName) == own {
			continue
		}
		if err := s.revokeRemembered(ctx, user, ended[i].Key, &ended[i].SessionRecord); err != nil {
			return err
		}
	}
	return nil
}

// forgetOthers forgets who would come back after a login that logs out everywhere else.
func (x *Session) forgetOthers(ctx context.Context, user any, keep string) error {
	if x.s.o.MaxPerUser != 1 {
		return nil
	}
	return x.s.forgetClients(ctx, user, keep)
}

// revokeRemembered ends what brings back the user of the session under key, and what else it has
// brought back.
func (s *Sessions) revokeRemembered(ctx context.Context, user any, key string, rec *SessionRecord) error {
	handle := noted(rec, rememberName)
	if s.o.Remember == nil || handle == "" {
		return nil
	}
	if _, err := s.o.Remember.Revoke(ctx, user, handle); err != nil {
		return unavailable(fmt.Errorf("app: forget the client of a session: %w", err))
	}
	return s.endClient(ctx, nil, rec.Subject, handle, key)
}

// endClient ends the sessions of a client that is remembered no more, but those under keep. c is
// nil outside of a request. A store that cannot list leaves them.
func (s *Sessions) endClient(ctx context.Context, c *Context, subject, handle string, keep ...string) error {
	if handle == "" {
		return nil
	}
	all, err := s.liveSessions(ctx, subject)
	if err != nil {
		return err
	}
	for i := range all {
		if noted(&all[i].SessionRecord, rememberName) != handle || slices.Contains(keep, all[i].Key) {
			continue
		}
		if err := s.endOne(ctx, c, &all[i], nil, errElsewhere); err != nil {
			return err
		}
	}
	return nil
}

// liveSessions returns those of a subject, none if the store cannot list.
func (s *Sessions) liveSessions(ctx context.Context, subject string) ([]StoredSession, error) {
	lister, ok := s.store.(SessionLister)
	if !ok {
		return nil, nil
	}
	all, err := lister.ListSessions(ctx, s.o.Kind, subject)
	if err != nil {
		return nil, unavailable(fmt.Errorf("app: list sessions: %w", err))
	}
	now := s.now()
	return slices.DeleteFunc(all, func(r StoredSession) bool { return !live(&r.SessionRecord, now) }), nil
}

// endOne ends a session and tells it, wherever Regenerate moves it meanwhile.
func (s *Sessions) endOne(ctx context.Context, c *Context, r *StoredSession, user any, why error) error {
	if err := s.delete(ctx, r.Key); err != nil {
		return err
	}
	if err := s.endMoved(ctx, r); err != nil {
		return err
	}
	s.tell(c, Event{Name: EventSessionRevoked, User: user, Subject: r.Subject, Session: r.Key, Reason: why})
	return nil
}

// endMoved ends what was a session until a moment ago, and has other keys since.
func (s *Sessions) endMoved(ctx context.Context, r *StoredSession) error {
	if _, ok := s.store.(SessionMover); !ok {
		return nil
	}
	for {
		all, err := s.liveSessions(ctx, r.Subject)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(other StoredSession) bool { return firstKey(&other) == firstKey(r) })
		if i < 0 {
			return nil
		}
		if err := s.delete(ctx, all[i].Key); err != nil {
			return err
		}
	}
}

// firstKey is the key that a session had when it began.
func firstKey(r *StoredSession) string { return cmp.Or(noted(&r.SessionRecord, firstKeyName), r.Key) }

func (s *Sessions) delete(ctx context.Context, key string) error {
	if err := s.store.Delete(ctx, key); err != nil {
		return unavailable(fmt.Errorf("app: end the session: %w", err))
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
