package strategies

import (
	"context"
	"slices"
	"time"

	"github.com/kahu-go/kahu/internal/prune"
	"github.com/kahu-go/kahu/tokenstores"
)

// List returns the clients that remember a user, the last used first: Name is what each calls
// itself, ID what Revoke takes, LastUsed when it was brought back last.
func (r *Remember) List(ctx context.Context, user any) ([]tokenstores.Token, error) {
	subject, err := subjectOf(ctx, r.users, user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	all, err := r.store.List(ctx, r.typ, subject)
	if err != nil {
		return nil, away("list the series of a user", err)
	}
	now := r.now()
	return slices.DeleteFunc(all, func(t tokenstores.Token) bool { return !t.Live(now) }), nil
}

// Revoke ends a series of a user by its handle and reports whether there was one. The session
// that its client may have goes on: [app.Sessions.End] ends both.
func (r *Remember) Revoke(ctx context.Context, user any, handle string) (bool, error) {
	subject, err := subjectOf(ctx, r.users, user)
	if err != nil {
		return false, err
	}
	return r.end(ctx, handle, subject)
}

// RevokeAll ends the series of a user but the one with the handle keep ("": none is kept), and
// returns how many there were. [app.Sessions.LogoutAll] calls it.
func (r *Remember) RevokeAll(ctx context.Context, user any, keep string) (int, error) {
	subject, err := subjectOf(ctx, r.users, user)
	if err != nil {
		return 0, err
	}
	return r.endAll(ctx, subject, keep)
}

func (r *Remember) end(ctx context.Context, id, subject string) (bool, error) {
	if !isTokenID(id) {
		return false, nil
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	there, err := r.store.Delete(ctx, r.typ, id, subject)
	if err != nil {
		return false, away("end the series", err)
	}
	return there, nil
}

func (r *Remember) endAll(ctx context.Context, subject, keep string) (int, error) {
	ctx, cancel := finishing(ctx)
	defer cancel()
	n, err := r.store.DeleteAll(ctx, r.typ, subject, keep)
	if err != nil {
		return n, away("end the series of a user", err)
	}
	return n, nil
}

// Prune removes what is over, in batches, from the whole store, and returns how many there were.
func (r *Remember) Prune(ctx context.Context) (total int, err error) {
	return pruneAll(ctx, r.store, r.now)
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged and do
// not end it. Run it in a goroutine of its own.
func (r *Remember) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := r.Prune(ctx); err != nil && ctx.Err() == nil {
			r.o.Logger.ErrorContext(ctx, "expired series were not removed", "error", err)
		}
	})
}
