package strategies

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

// Exchange takes a token of another system, once, and returns one of ours to the same user:
// with its name, its scopes, and no longer to live. The systems are asked in the order given.
//
// o.Name, if it is not "", is the new name. o.Scopes, if they are not nil, are the most that
// the new token is to allow: it gets those of them that the old one has. What cannot be a
// scope here, because of a space in it, is left out.
//
// A text that no system takes, and one whose user is gone, is an *[app.Rejection],
// 401 invalid_token; nothing is removed then. First the new token is stored and then the
// old one removed: if one of both fails, the new one, which nobody has seen, is ended, and
// the old one stays good, so that the client can try again. Of many calls at once one
// succeeds. Two things cannot be mended, and take another login: an answer of the database to
// the removal that is lost, and an answer of ours that does not reach the client.
func (b *Bearer) Exchange(ctx context.Context, text string, o TokenOptions, legacy ...LegacyTokens) (*IssuedToken, error) {
	old, err := b.exchange().find(ctx, text, legacy)
	if err != nil {
		return nil, err
	}
	if o.Name, o.Scopes, err = old.keep(o.Name, o.Scopes); err != nil {
		return nil, err
	}
	own := *b
	own.o.Clock = func() time.Time { return old.now } // so that no moment is added to the life
	o.Expiry = old.shorter(chosen(o.Expiry, b.o.Expiry))
	return exchanged(ctx, &own, old, o)
}

// Exchange is [Bearer.Exchange] for a device: neither the access token nor the refresh
// tokens that follow live longer than the old token would have.
func (j *JWT) Exchange(ctx context.Context, text string, o PairOptions, legacy ...LegacyTokens) (*TokenPair, error) {
	if j.o.Keys == nil {
		return nil, errors.New("strategies: tokens of another issuer are not issued here")
	}
	old, err := j.exchange().find(ctx, text, legacy)
	if err != nil {
		return nil, err
	}
	if o.Name, o.Scopes, err = old.keep(o.Name, o.Scopes); err != nil {
		return nil, err
	}
	own := *j
	own.o.Clock = func() time.Time { return old.now }
	own.o.Expiry = old.shorter(j.o.Expiry)
	own.o.Refresh.Absolute = old.shorter(j.o.Refresh.Absolute)
	return exchanged(ctx, &own, old, o)
}

// A legacyExchange is what both need.
type legacyExchange struct {
	users   app.Serializer
	timeout time.Duration
	logger  *slog.Logger
	now     time.Time
}

func (b *Bearer) exchange() *legacyExchange {
	return &legacyExchange{b.users, b.o.Timeout, b.o.Logger, b.now()}
}

func (j *JWT) exchange() *legacyExchange {
	return &legacyExchange{j.users, j.o.Timeout, j.o.Logger, j.now()}
}

// An oldToken is a token to exchange, where it is, and its user.
type oldToken struct {
	*legacyExchange
	*LegacyToken
	text string
	from LegacyTokens
	user any
}

// find asks the systems for a token, and the Serializer for its user. It changes nothing.
func (x *legacyExchange) find(ctx context.Context, text string, legacy []LegacyTokens) (*oldToken, error) {
	if len(legacy) == 0 {
		return nil, errors.New("strategies: Exchange needs LegacyTokens")
	}
	ctx, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	for _, from := range legacy {
		t, err := from.Find(ctx, text)
		if err != nil {
			return nil, away("find the token to exchange", err)
		}
		if t != nil {
			old := &oldToken{x, t, text, from, nil}
			return old, old.load(ctx)
		}
	}
	return nil, invalidToken(errors.New("no other system has it"))
}

// load refuses what is too short-lived to be exchanged, and whose user is gone.
func (t *oldToken) load(ctx context.Context) (err error) {
	if !t.Expires.IsZero() && t.Expires.Sub(t.now) < time.Second {
		return invalidToken(ErrTokenExpired)
	}
	switch t.user, err = t.users.Deserialize(ctx, t.Subject); {
	case noRows(err), err == nil && isNil(t.user):
		return invalidToken(errGone)
	case err != nil:
		return away("deserialize the user of the token to exchange", err)
	}
	return nil
}

// keep returns the name and the scopes of the new token.
func (t *oldToken) keep(name string, most []string) (string, []string, error) {
	if err := (&TokenOptions{Name: name, Scopes: most}).check(); err != nil {
		return "", nil, err
	}
	if name == "" {
		name = cell.Clean(strings.Map(shown, t.Name), 200)
	}
	var scopes []string
	for _, s := range t.Scopes {
		if (&TokenOptions{Scopes: []string{s}}).check() == nil && (most == nil || slices.Contains(most, s) || slices.Contains(most, "*")) {
			scopes = append(scopes, s)
		}
	}
	if slices.Contains(t.Scopes, "*") && most != nil {
		scopes = slices.Clone(most)
	}
	if len(scopes) > 100 {
		return "", nil, fmt.Errorf("%w: the token to exchange has over 100 scopes", ErrTokenOptions)
	}
	return name, scopes, nil
}

// shown drops what a name must not have.
func shown(r rune) rune {
	if hidden(r) {
		return -1
	}
	return r
}

// shorter returns how long a new token lives that would live for own.
func (t *oldToken) shorter(own time.Duration) time.Duration {
	if t.Expires.IsZero() {
		return own
	}
	rest := min(t.Expires.Sub(t.now), hundredYear)
	if own == Never {
		return rest
	}
	return min(own, rest)
}

// exchanged issues the new token and then takes the old one. The client has not seen the
// new one before the old one is gone, so neither can be had twice.
func exchanged[T, O any](ctx context.Context, kind Issuer[T, O], old *oldToken, o O) (none T, err error) {
	issued, err := kind.Issue(ctx, old.user, o)
	if err != nil {
		return none, err
	}
	if err = old.take(ctx); err == nil {
		return issued, nil
	}
	ending, cancel := finishing(ctx)
	defer cancel()
	if e := kind.EndIssued(ending, issued); e != nil && !errors.Is(e, app.ErrCannotEnd) {
		old.logger.WarnContext(ctx, "a token that nobody has was not removed", "error", e)
	}
	return none, err
}

// take removes the old token, unless the client has hung up: then it is asked for again.
func (t *oldToken) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return away("exchange the token", err)
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	switch taken, err := t.from.Take(ctx, t.text); {
	case err != nil:
		return away("exchange the token", err)
	case taken == nil:
		return invalidToken(errors.New("somebody else has exchanged it"))
	case !taken.covers(t.LegacyToken):
		return invalidToken(errors.New("it was changed meanwhile"))
	}
	return nil
}

// covers reports whether what was found is not more than t.
func (t *LegacyToken) covers(found *LegacyToken) bool {
	sooner := !t.Expires.IsZero() && (found.Expires.IsZero() || t.Expires.Before(found.Expires))
	return t.Subject == found.Subject && slices.Equal(t.Scopes, found.Scopes) && !sooner
}
