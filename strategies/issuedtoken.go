package strategies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/tokenstores"
)

// TokenOptions say what is special about one token.
type TokenOptions struct {
	Name      string         // what its owner calls it; at most 200 bytes
	Scopes    []string       // what it allows; none: nothing that RequireScopes guards, "*": everything
	Meta      map[string]any // what else to keep with it, as JSON
	Expiry    time.Duration  // 0: the strategy's; Never
	IdleLimit time.Duration  // 0: the strategy's; Never
	Address   string         // where it was asked for
}

// ErrTokenOptions is returned for a token that would be dead, or that cannot be kept:
// a duration that is negative, a name that is too long, a scope with white space.
var ErrTokenOptions = errors.New("strategies: unusable token options")

// An IssuedToken is a token and, this once, its text. It prints without the text and
// encodes as JSON with it:
//
//	{"type":"bearer","token":"kahu_…","expires_at":"3018-10-23T12:00:00Z","expires_in":2592000}
type IssuedToken struct {
	*tokenstores.Token
	kind string        // of the strategy: "bearer"
	text func() string // a function, so that no printing of values can show it
	now  time.Time
}

// Text is what the client sends from now on. It is stored nowhere.
func (t *IssuedToken) Text() string { return t.text() }

// String keeps the text out of logs.
func (t *IssuedToken) String() string { return "token " + t.ID }

// Format is String for every verb.
func (t *IssuedToken) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, t.String()) }

// LogValue is String for slog, whose JSON would have the text.
func (t *IssuedToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON is for the answer to the one who asked for the token.
func (t *IssuedToken) MarshalJSON() ([]byte, error) {
	shape := struct {
		Type      string     `json:"type"`
		Token     string     `json:"token"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
		ExpiresIn int64      `json:"expires_in,omitempty"`
	}{Type: t.kind, Token: t.Text()}
	if !t.Expires.IsZero() {
		at := t.Expires.Truncate(time.Second)
		shape.ExpiresAt, shape.ExpiresIn = &at, int64(t.Expires.Sub(t.now)/time.Second)
	}
	return json.Marshal(shape)
}

// Issue makes and stores a token of a user, whose password nobody asks for here.
func (b *Bearer) Issue(ctx context.Context, user any, o TokenOptions) (*IssuedToken, error) {
	subject, err := b.subject(ctx, user)
	if err != nil {
		return nil, err
	}
	issued, err := b.make(subject, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := b.store.Insert(ctx, issued.Token); err != nil {
		return nil, away("store the token", err)
	}
	return issued, nil
}

// make returns a new token that is not stored yet.
func (b *Bearer) make(subject string, o TokenOptions) (*IssuedToken, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.IdleLimit > 0 && b.o.NoTouch {
		return nil, fmt.Errorf("%w: an idle limit needs the last use, which NoTouch leaves unwritten", ErrTokenOptions)
	}
	text, err := newTokenText(b.o.Prefix)
	if err != nil {
		return nil, err
	}
	now := b.now()
	t := &tokenstores.Token{
		ID: text.id, Type: b.o.Type, Subject: subject, Hash: b.o.Keys.hash(b.o.Type, text),
		Name: o.Name, Scopes: slices.Clone(o.Scopes), Created: now, Address: o.Address,
	}
	if expiry := chosen(o.Expiry, b.o.Expiry); expiry != Never {
		t.Expires = now.Add(expiry)
	}
	if idle := chosen(o.IdleLimit, b.o.IdleLimit); idle != Never {
		t.IdleLimit = idle
	}
	if t.Meta, err = encodeMeta(o.Meta); err != nil {
		return nil, err
	}
	return &IssuedToken{t, b.kind, text.String, now}, nil
}

func chosen(own, general time.Duration) time.Duration {
	if own == 0 {
		return general
	}
	return own
}

func (o *TokenOptions) check() error {
	for _, d := range []time.Duration{o.Expiry, o.IdleLimit} {
		if d != 0 && d != Never && (d < time.Second || !sensible(d)) {
			return fmt.Errorf("%w: %v is no duration to live", ErrTokenOptions, d)
		}
	}
	if o.IdleLimit > 0 && o.IdleLimit < 2*touchEvery {
		return fmt.Errorf("%w: an idle limit is at least 2 minutes", ErrTokenOptions)
	}
	if len(o.Name) > 200 || strings.ContainsFunc(o.Name, hidden) {
		return fmt.Errorf("%w: the name has over 200 bytes or control characters", ErrTokenOptions)
	}
	if len(o.Scopes) > 100 {
		return fmt.Errorf("%w: over 100 scopes", ErrTokenOptions)
	}
	for _, s := range o.Scopes {
		// The characters of a scope: RFC 6749 section 3.3.
		if s == "" || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || notQuotable(r) }) {
			return fmt.Errorf("%w: %q is no scope", ErrTokenOptions, s)
		}
	}
	return nil
}

func encodeMeta(meta map[string]any) (map[string]json.RawMessage, error) {
	if len(meta) == 0 {
		return nil, nil
	}
	out := make(map[string]json.RawMessage, len(meta))
	for name, v := range meta {
		if name == "" || len(name) > 100 || strings.ContainsFunc(name, hidden) {
			return nil, fmt.Errorf("%w: %q is no name for meta", ErrTokenOptions, name)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("%w: meta %q: %w", ErrTokenOptions, name, err)
		}
		out[name] = raw
	}
	if encoded, err := json.Marshal(out); err != nil || len(encoded) > 16<<10 {
		return nil, fmt.Errorf("%w: meta takes over 16 KiB", ErrTokenOptions)
	}
	return out, nil
}

// Rotate gives the owner of a verified token a new one with the same name, scopes,
// meta and limits, as they are stored: what the request made of t does not count. The
// old one is good for overlap longer, 0 for not at all, so that a fleet of clients can
// change over. Of many calls at once one succeeds, the others get
// [tokenstores.ErrTokenRotated]; a token that is over or gone is
// [tokenstores.ErrTokenGone].
func (b *Bearer) Rotate(ctx context.Context, t *tokenstores.Token, overlap time.Duration) (*IssuedToken, error) {
	if overlap < 0 || overlap > month {
		return nil, fmt.Errorf("%w: an overlap is from 0 to 30 days", ErrTokenOptions)
	}
	stored, err := b.stored(ctx, t)
	if err != nil {
		return nil, err
	}
	next, err := b.make(stored.Subject, successorOptions(stored))
	if err != nil {
		return nil, err
	}
	next.Meta = stored.Meta
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := b.store.Rotate(ctx, stored.Type, stored.ID, stored.Hash, next.Created.Add(overlap), next.Token); err != nil {
		return nil, away("rotate the token", err)
	}
	return next, nil
}

// stored returns the live row of a token that was verified.
func (b *Bearer) stored(ctx context.Context, t *tokenstores.Token) (*tokenstores.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	stored, err := b.store.Find(ctx, b.o.Type, t.ID)
	switch {
	case err != nil:
		return nil, away("rotate the token", err)
	case stored == nil || stored.Hash != t.Hash || !stored.Live(b.now()):
		return nil, fmt.Errorf("strategies: rotate the token: %w", tokenstores.ErrTokenGone)
	}
	return stored, nil
}

func successorOptions(t *tokenstores.Token) TokenOptions {
	o := TokenOptions{Name: t.Name, Scopes: t.Scopes, Expiry: Never, IdleLimit: Never, Address: t.Address}
	if !t.Expires.IsZero() {
		o.Expiry = t.Expires.Sub(t.Created)
	}
	if t.IdleLimit != 0 {
		o.IdleLimit = t.IdleLimit
	}
	return o
}
