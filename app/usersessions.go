package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kahu-go/kahu/internal/prune"
)

// ErrCannotList is returned for a store that is no [SessionLister].
var ErrCannotList = errors.New("app: the session store cannot list the sessions of a user")

// A SessionInfo is one session as its user may see it.
type SessionInfo struct {
	Handle                  string    // names it; of no use as a cookie
	Created, LoggedIn, Seen time.Time // Seen is exact to a minute
	Ends                    time.Time // if it is not used again
	Address, Agent          string
	Current                 bool // it is that of the request; only Mine knows
}

// Handle names the session as [SessionInfo] does; "" if nothing is stored.
func (x *Session) Handle() string {
	if x.rec == nil {
		return ""
	}
	return x.key
}

// Mine returns the live sessions of the request's user, the last used first. Nobody has none,
// which is [ErrLoginRequired].
func (s *Sessions) Mine(ctx *Context) ([]SessionInfo, error) {
	x, id, err := s.mine(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.List(ctx.Context(), id.User)
	for i := range list {
		list[i].Current = list[i].Handle == x.key
	}
	return list, err
}

// mine returns the request's session and its user.
func (s *Sessions) mine(ctx *Context) (*Session, *Identity, error) {
	x, err := s.session(ctx)
	if err != nil {
		return nil, nil, err
	}
	id, err := x.identify()
	if err == nil && id == nil {
		err = ErrLoginRequired
	}
	return x, id, err
}

// List returns the live sessions of a user, the last used first. It may be called
// outside a request.
func (s *Sessions) List(ctx context.Context, user any) ([]SessionInfo, error) {
	_, subject, err := s.lister(ctx, user)
	if err != nil {
		return nil, err
	}
	stored, err := s.liveSessions(ctx, subject)
	if err != nil {
		return nil, err
	}
	list := make([]SessionInfo, len(stored))
	for i := range stored {
		r := &stored[i]
		list[i] = SessionInfo{Handle: r.Key, Created: r.Created, LoggedIn: r.LoggedIn, Seen: r.Seen, Ends: earlier(r.IdleUntil, r.Until), Address: r.Address, Agent: r.Agent}
	}
	return list, nil
}

// LogoutAll ends every session of a user, from the next request of each on. It
// returns how many there were. Those who are remembered are forgotten. Call it when an account is
// disabled.
func (s *Sessions) LogoutAll(ctx context.Context, user any) (int, error) {
	return s.endSessions(ctx, nil, user, nil)
}

// LogoutOthers ends every session of the request's user but the request's own, and forgets the
// others' clients. Call it when a password changes (ASVS 7.4.3).
func (s *Sessions) LogoutOthers(ctx *Context) (int, error) {
	x, id, err := s.mine(ctx)
	if err != nil {
		return 0, err
	}
	return s.endSessions(ctx.Context(), ctx, id.User, x)
}

// endSessions ends what remembers a user first, so that no session begins behind its back. c and
// keep are nil outside of a request.
func (s *Sessions) endSessions(ctx context.Context, c *Context, user any, keep *Session) (int, error) {
	ctx, cancel := writing(ctx)
	defer cancel()
	lister, subject, err := s.lister(ctx, user)
	if err != nil {
		return 0, err
	}
	key, handle := "", ""
	if keep != nil {
		key, handle = keep.key, noted(keep.rec, rememberName)
	}
	if err := s.forgetClients(ctx, user, handle); err != nil {
		return 0, err
	}
	n, err := s.endAll(ctx, c, lister, Event{User: user, Subject: subject}, key)
	if err != nil {
		return n, err
	}
	// Once more: a login that was in between has its session ended, and is not to come back.
	return n, s.forgetClients(ctx, user, handle)
}

// endAll ends the sessions of the subject of an event, which it tells, but that under keep.
func (s *Sessions) endAll(ctx context.Context, c *Context, lister SessionLister, whose Event, keep string) (int, error) {
	n, err := lister.DeleteSessions(ctx, s.o.Kind, whose.Subject, keep)
	if err != nil {
		return n, unavailable(fmt.Errorf("app: end sessions: %w", err))
	}
	if n > 0 {
		whose.Name, whose.Reason = EventSessionRevoked, errElsewhere
		s.tell(c, whose)
	}
	return n, nil
}

func (s *Sessions) forgetClients(ctx context.Context, user any, keep string) error {
	if s.o.Remember == nil {
		return nil
	}
	if _, err := s.o.Remember.RevokeAll(ctx, user, keep); err != nil {
		return unavailable(fmt.Errorf("app: forget the clients of a user: %w", err))
	}
	return nil
}

// End ends the session of a user with a Handle, and that its client is remembered, with all that
// this has brought back, and reports whether there was one. Another user's Handle is none. It may
// be called outside a request; for the request's own session there is Logout.
func (s *Sessions) End(ctx context.Context, user any, handle string) (bool, error) {
	ctx, cancel := writing(ctx)
	defer cancel()
	subject, err := s.subject(ctx, user)
	if err != nil || !wellFormed(handle) {
		return false, err
	}
	rec, err := s.store.Find(ctx, handle)
	switch {
	case errors.Is(err, ErrSessionDamaged):
		return false, nil
	case err != nil:
		return false, unavailable(fmt.Errorf("app: find the session: %w", err))
	case rec == nil || rec.Kind != s.o.Kind || rec.Subject != subject:
		return false, nil
	}
	if err := s.revokeRemembered(ctx, user, handle, rec); err != nil {
		return false, err
	}
	if err := s.endOne(ctx, nil, &StoredSession{Key: handle, SessionRecord: *rec}, user, errElsewhere); err != nil {
		return false, err
	}
	return true, nil
}

func (s *Sessions) lister(ctx context.Context, user any) (SessionLister, string, error) {
	lister, ok := s.store.(SessionLister)
	if !ok {
		return nil, "", fmt.Errorf("%w: %T", ErrCannotList, s.store)
	}
	subject, err := s.subject(ctx, user)
	return lister, subject, err
}

const pruneBatch = 500

// Prune removes the rows of expired sessions, in batches, and returns how many there
// were. It is for the store as a whole: of several kinds in one store one suffices.
func (s *Sessions) Prune(ctx context.Context) (int, error) {
	pruner, ok := s.store.(SessionPruner)
	if !ok {
		return 0, nil
	}
	total := 0
	for {
		n, err := pruner.PruneSessions(ctx, s.now(), pruneBatch)
		total += n
		if err != nil {
			return total, fmt.Errorf("app: prune sessions: %w", err)
		}
		if n < pruneBatch {
			return total, nil
		}
	}
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged
// and do not end it. Run it in a goroutine of its own:
//
//	go sessions.PruneEvery(ctx, 15*time.Minute)
func (s *Sessions) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "expired sessions were not removed", "error", err)
		}
	})
}
