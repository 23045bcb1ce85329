package strategies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prune"
	"github.com/kahu-go/kahu/tokenstores"
)

// OneTime makes tokens that are good for one use, for mails: to reset a password, to verify
// an e-mail address, to confirm a new one. Only a hash of each is stored. Make it with
// [NewOneTime].
//
// Who has such a token has read the mail, and nothing more is known of them: it proves no
// request. End the other tokens of the subject, with [OneTime.RevokeAll], when one was used
// and when what they were made for has changed: the password, the address.
type OneTime struct {
	store tokenstores.Store
	o     OneTimeOptions
}

// OneTimeOptions are the options of [NewOneTime]. Type is required.
type OneTimeOptions struct {
	// Type is what the tokens are for, such as "reset": it is part of each row and each hash,
	// and a token of another Type is unknown. The rows' Type has "once." before it, so that
	// no [Bearer] takes for its own what was sent by mail.
	Type string

	// Prefix begins every token, so that leaked ones can be searched for; "": kahu_once_.
	Prefix string

	// Expiry is how long a token lives; 0: 1 hour, at most 30 days.
	Expiry time.Duration

	// Keys make MACs of the hashes; nil: SHA-256.
	Keys *TokenKeys

	// Timeout bounds each question to the store; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what must not fail a request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// NewOneTime makes the tokens of one Type. It panics without a store or a Type, and for
// options that cannot be used.
func NewOneTime(store tokenstores.Store, o OneTimeOptions) *OneTime {
	if isNil(store) {
		panic("strategies: NewOneTime needs a store")
	}
	o.Prefix = cmp.Or(o.Prefix, "kahu_once_")
	o.Expiry = cmp.Or(o.Expiry, time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	const plain = digits + "-_."
	switch {
	case o.Type == "" || len(o.Type) > 64 || strings.Trim(o.Type, plain) != "":
		panic("strategies: OneTimeOptions.Type says what the tokens are for: 1 to 64 letters, digits, '-', '_' and '.'")
	case len(o.Prefix) > 32 || strings.Trim(o.Prefix, plain) != "":
		panic("strategies: OneTimeOptions.Prefix: letters, digits, '-', '_' and '.', at most 32")
	case o.Expiry < time.Second || o.Expiry > month:
		panic("strategies: OneTimeOptions.Expiry is under a second or over 30 days")
	case o.Timeout < 0:
		panic("strategies: OneTimeOptions.Timeout is negative")
	}
	o.Type = "once." + o.Type
	return &OneTime{store, o}
}

// A OneTimeToken is a token and, this once, its text. Whatever prints or encodes it, as
// JSON too, leaves the text out: it belongs into the mail, never into the answer to whoever
// asked for it.
type OneTimeToken struct {
	*tokenstores.Token
	text func() string // a function, so that no printing of values can show it
}

// Text is what goes into the mail. It is stored nowhere.
func (t *OneTimeToken) Text() string { return t.text() }

// String keeps the text out of logs.
func (t *OneTimeToken) String() string { return "one-time token " + t.ID }

// Format is String for every verb.
func (t *OneTimeToken) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, t.String()) }

// LogValue is String for slog.
func (t *OneTimeToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Issue makes and stores a token of a subject, with what else to keep, such as the address
// that it is to confirm. Those that the subject has already stay good. [ErrTokenOptions] is
// for an empty subject and for meta that cannot be kept.
func (o *OneTime) Issue(ctx context.Context, subject string, meta map[string]any) (*OneTimeToken, error) {
	if subject == "" {
		return nil, fmt.Errorf("%w: a token needs a subject", ErrTokenOptions)
	}
	encoded, err := encodeMeta(meta)
	if err != nil {
		return nil, err
	}
	text, err := newTokenText(o.o.Prefix)
	if err != nil {
		return nil, err
	}
	now := o.now()
	t := &tokenstores.Token{
		ID: text.id, Type: o.o.Type, Subject: subject, Hash: o.o.Keys.hash(o.o.Type, text),
		Meta: encoded, Created: now, Expires: now.Add(o.o.Expiry),
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := o.store.Insert(ctx, t); err != nil {
		return nil, away("store the token", err)
	}
	return &OneTimeToken{t, text.String}, nil
}

// Look returns the token of a text if it is genuine and live, and uses nothing up: for the
// page that asks for the new password. Programs that read mails open links, too, so nothing
// else may happen there.
//
// What is malformed, forged, used, expired or of another Type is an *[app.Rejection] with
// the status 422 and the code invalid_token, alike; its cause, for the log, is
// [ErrTokenExpired] where that is why. The status is not 401, which would ask the client to
// authenticate (RFC 9110 section 15.5.2), and not 400: the request can be read, its content
// is refused. What the store cannot answer is a fault.
func (o *OneTime) Look(ctx context.Context, text string) (*tokenstores.Token, error) {
	want, ok := parseTokenText(o.o.Prefix, text)
	if !ok {
		return nil, unusable(errors.New("it cannot be one of ours"))
	}
	ctx, cancel := context.WithTimeout(ctx, o.o.Timeout)
	defer cancel()
	t, err := o.store.Find(ctx, o.o.Type, want.id)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		o.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, unusable(err)
	case err != nil:
		return nil, away("find the token", err)
	case t == nil || t.Type != o.o.Type:
		return nil, unusable(errNotThere)
	case !o.o.Keys.matches(t.Hash, o.o.Type, want):
		return nil, unusable(errors.New("its secret is wrong"))
	case !t.Live(o.now()):
		return nil, unusable(ErrTokenExpired)
	}
	return t, nil
}

var errNotThere = errors.New("there is none with this id")

// unusable is the answer to a text that is worth nothing.
func unusable(why error) error {
	return &app.Rejection{Status: http.StatusUnprocessableEntity, Code: "invalid_token", Message: "Invalid token", Cause: why}
}

// Take is [OneTime.Look] and uses the token up: of many calls one gets it, for the others it
// is not there any more. A text with a wrong secret removes nothing. The token is removed
// though the client hangs up, so do the change that it allows though ctx has ended. It is
// gone too if that change fails, or if the store cannot say what it has done: then somebody
// has to ask for another mail, which is better than a token that is good twice.
func (o *OneTime) Take(ctx context.Context, text string) (*tokenstores.Token, error) {
	t, err := o.Look(ctx, text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	switch first, err := o.store.Delete(ctx, t.Type, t.ID, t.Subject); {
	case err != nil:
		return nil, away("use the token up", err)
	case !first:
		return nil, unusable(errNotThere)
	}
	return t, nil
}

// RevokeAll ends the tokens of a subject and returns how many there were.
func (o *OneTime) RevokeAll(ctx context.Context, subject string) (int, error) {
	ctx, cancel := finishing(ctx)
	defer cancel()
	n, err := o.store.DeleteAll(ctx, o.o.Type, subject, "")
	if err != nil {
		return n, away("revoke tokens", err)
	}
	return n, nil
}

// Prune removes the tokens that are over, in batches, from the whole store, and returns how
// many there were. A [Bearer] or [JWT] over the same store does so too.
func (o *OneTime) Prune(ctx context.Context) (total int, err error) {
	return pruneAll(ctx, o.store, o.now)
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged and
// do not end it. Run it in a goroutine of its own.
func (o *OneTime) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := o.Prune(ctx); err != nil && ctx.Err() == nil {
			o.o.Logger.ErrorContext(ctx, "expired tokens were not removed", "error", err)
		}
	})
}

func (o *OneTime) now() time.Time { return o.o.Clock().UTC().Truncate(time.Microsecond) }
