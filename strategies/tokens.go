package strategies

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prune"
	"github.com/kahu-go/kahu/tokenstores"
)

// List returns the live tokens of a user, the last used or made first.
func (b *Bearer) List(ctx context.Context, user any) ([]tokenstores.Token, error) {
	subject, err := b.subject(ctx, user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	all, err := b.store.List(ctx, b.o.Type, subject)
	if err != nil {
		return nil, away("list tokens", err)
	}
	now := b.now()
	return slices.DeleteFunc(all, func(t tokenstores.Token) bool { return !t.Live(now) }), nil
}

// Find returns a user's live token by its id, or nil.
func (b *Bearer) Find(ctx context.Context, user any, id string) (*tokenstores.Token, error) {
	subject, err := b.subject(ctx, user)
	if err != nil || !isTokenID(id) {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	t, err := b.store.Find(ctx, b.o.Type, id)
	switch {
	case err != nil:
		return nil, away("find the token", err)
	case t == nil || t.Subject != subject || !t.Live(b.now()):
		return nil, nil
	}
	return t, nil
}

// Revoke ends a user's token by its id and reports whether there was one.
func (b *Bearer) Revoke(ctx context.Context, user any, id string) (bool, error) {
	subject, err := b.subject(ctx, user)
	if err != nil || !isTokenID(id) {
		return false, err
	}
	return b.revoke(ctx, id, subject)
}

func (b *Bearer) revoke(ctx context.Context, id, subject string) (bool, error) {
	ctx, cancel := finishing(ctx)
	defer cancel()
	there, err := b.store.Delete(ctx, b.o.Type, id, subject)
	if err != nil {
		return false, away("revoke the token", err)
	}
	return there, nil
}

// RevokeAll ends a user's tokens but the one with the id keep ("": none is kept), and
// returns how many there were.
func (b *Bearer) RevokeAll(ctx context.Context, user any, keep string) (int, error) {
	subject, err := b.subject(ctx, user)
	if err != nil {
		return 0, err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	n, err := b.store.DeleteAll(ctx, b.o.Type, subject, keep)
	if err != nil {
		return n, away("revoke tokens", err)
	}
	return n, nil
}

// RevokeEverybody ends all tokens of this Type: everybody must get a new one.
func (b *Bearer) RevokeEverybody(ctx context.Context) (int, error) {
	ctx, cancel := finishing(ctx)
	defer cancel()
	n, err := b.store.DeleteType(ctx, b.o.Type)
	if err != nil {
		return n, away("revoke everybody's tokens", err)
	}
	return n, nil
}

const pruneBatch = 500

// Prune removes the tokens that are over, in batches, from the whole store, and
// returns how many there were.
func (b *Bearer) Prune(ctx context.Context) (total int, err error) {
	return pruneAll(ctx, b.store, b.now)
}

func pruneAll(ctx context.Context, store pruner, now func() time.Time) (total int, err error) {
	for {
		n, err := store.Prune(ctx, now(), pruneBatch)
		total += n
		if err != nil {
			return total, fmt.Errorf("strategies: prune tokens: %w", err)
		}
		if n < pruneBatch {
			return total, nil
		}
	}
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged
// and do not end it. Run it in a goroutine of its own.
func (b *Bearer) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := b.Prune(ctx); err != nil && ctx.Err() == nil {
			b.o.Logger.ErrorContext(ctx, "expired tokens were not removed", "error", err)
		}
	})
}

func (b *Bearer) subject(ctx context.Context, user any) (string, error) {
	return subjectOf(ctx, b.users, user)
}

func subjectOf(ctx context.Context, users app.Serializer, user any) (string, error) {
	if isNil(user) {
		return "", errors.New("strategies: a token needs a user, not nil")
	}
	subject, err := users.Serialize(ctx, user)
	if err == nil && subject == "" {
		err = errors.New("an empty subject")
	}
	if err != nil {
		return "", fmt.Errorf("strategies: serialize the user: %w", err)
	}
	return subject, nil
}

// finishing bounds one change, and finishes it though the client hangs up.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// away marks a fault of the store as such, so that a handler which passes it on
// answers 503.
func away(what string, err error) error {
	if errors.Is(err, tokenstores.ErrTokenRotated) || errors.Is(err, tokenstores.ErrTokenGone) {
		return fmt.Errorf("strategies: %s: %w", what, err)
	}
	return &app.Error{Status: http.StatusServiceUnavailable, Cause: fmt.Errorf("strategies: %s: %w", what, err)}
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Credential returns the row of a token that Issue made.
func (b *Bearer) Credential(t *IssuedToken) any { return t.Token }

// Type returns what the tokens are for.
func (b *Bearer) Type() string { return b.o.Type }

// EndIssued revokes a token that Issue made.
func (b *Bearer) EndIssued(ctx context.Context, t *IssuedToken) error {
	_, err := b.revoke(ctx, t.ID, t.Subject)
	return err
}
