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
}

// Handle names the session as [SessionInfo] does; "" if nothing is stored.
func (x *Session) Handle() string {
	if x.rec == nil {
		return ""
	}
	return x.key
}

// List returns the live sessions of a user, the last used first. It may be called
// outside a request.
func (s *Sessions) List(ctx context.Context, user any) ([]SessionInfo, error) {
	lister, subject, err := s.lister(ctx, user)
	if err != nil {
		return nil, err
	}
	stored, err := lister.ListSessions(ctx, s.o.Kind, subject)
	if err != nil {
		return nil, unavailable(fmt.Errorf("app: list sessions: %w", err))
	}
	now, list := s.now(), []SessionInfo(nil)
	for _, r := range stored {
		if live(&r.SessionRecord, now) {
			list = append(list, SessionInfo{Handle: r.Key, Created: r.Created, LoggedIn: r.LoggedIn, Seen: r.Seen, Ends: s.ends(&r.SessionRecord), Address: r.Address, Agent: r.Agent})
		}
	}
	return list, nil
}

func (s *Sessions) ends(r *SessionRecord) time.Time {
	if r.Until.Before(r.IdleUntil) {
		return r.Until
	}
	return r.IdleUntil
}

// LogoutAll ends every session of a user, from the next request of each on. It
// returns how many there were. Call it when an account is disabled.
func (s *Sessions) LogoutAll(ctx context.Context, user any) (int, error) {
	return s.endSessions(ctx, user, "")
}

// LogoutOthers ends every session of the request's user but the request's own. Call
// it when a password changes (ASVS 7.4.3).
func (s *Sessions) LogoutOthers(ctx *Context) (int, error) {
	x, err := s.session(ctx)
	if err != nil {
		return 0, err
	}
	id, err := x.identify()
	if err != nil {
		return 0, err
	}
	if id == nil {
		return 0, ErrLoginRequired
	}
	return s.endSessions(ctx.Context(), id.User, x.key)
}

func (s *Sessions) endSessions(ctx context.Context, user any, keep string) (int, error) {
	ctx, cancel := writing(ctx)
	defer cancel()
	lister, subject, err := s.lister(ctx, user)
	if err != nil {
		return 0, err
	}
	n, err := lister.DeleteSessions(ctx, s.o.Kind, subject, keep)
	if err != nil {
		return n, unavailable(fmt.Errorf("app: end sessions: %w", err))
	}
	return n, nil
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
