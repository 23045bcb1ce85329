package strategies

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
)

// A TokenAuthority says what the texts of its tokens are worth, and ends them. *[JWT] and
// *[Bearer] are some.
type TokenAuthority interface {
	// Introspect describes a live token of its own. Whatever else the text is: nil, nil.
	Introspect(ctx context.Context, text string) (*Introspection, error)

	// RevokeText ends the token of a text, which is all the proof it takes, and reports
	// whether it was one of its own. client is who asks, "" if that is not known: a token
	// that was issued to another one is left alone, and is a *app.Rejection.
	RevokeText(ctx context.Context, text, client string) (bool, error)
}

var (
	_ TokenAuthority = (*JWT)(nil)
	_ TokenAuthority = (*Bearer)(nil)
)

// An Introspection is a live token as RFC 7662 section 2.2 describes it.
type Introspection struct {
	Active   bool   `json:"active"` // true
	Scope    string `json:"scope,omitempty"`
	Client   string `json:"client_id,omitempty"`
	Type     string `json:"token_type,omitempty"` // Bearer; a refresh token has none
	Expires  int64  `json:"exp,omitempty"`
	IssuedAt int64  `json:"iat,omitempty"`
	Subject  string `json:"sub,omitempty"`
	Audience string `json:"aud,omitempty"`
	Issuer   string `json:"iss,omitempty"`
	ID       string `json:"jti,omitempty"`
	Device   string `json:"sid,omitempty"`
}

// IntrospectionEndpoint returns a handler that tells gateways whether a token is live and
// what it allows (RFC 7662). The body, a form or JSON, has the field token. It answers nobody
// but who is authenticated: route it below a guard, because whoever may ask can try tokens
// out. It panics without an authority.
func IntrospectionEndpoint(authorities ...TokenAuthority) app.Handler {
	mustAuthorities("IntrospectionEndpoint", authorities)
	return func(ctx *app.Context) error {
		switch id, err := ctx.Identity(); {
		case err != nil:
			return err
		case id == nil:
			return app.ErrLoginRequired
		}
		body, err := ctx.BindStrings(maxTokenBody, "token")
		switch {
		case err != nil:
			return err
		case body["token"] == "":
			return answerOAuth(ctx, http.StatusBadRequest, oauthProblem{"invalid_request"})
		}
		for _, a := range authorities {
			found, err := a.Introspect(ctx.Context(), body["token"])
			if err != nil {
				return err
			}
			if found != nil {
				return answerOAuth(ctx, http.StatusOK, found)
			}
		}
		return answerOAuth(ctx, http.StatusOK, map[string]bool{"active": false})
	}
}

// RevocationEndpoint returns a handler that ends a token (RFC 7009): an access token, or a
// refresh token with its device. The body, a form or JSON, has the fields token and, if the
// token was issued to a client, client_id. To have the token is all the proof it takes, so
// the route may be open; a text that is no token, or none any more, is answered 200 as well.
// It panics without an authority.
func RevocationEndpoint(authorities ...TokenAuthority) app.Handler {
	mustAuthorities("RevocationEndpoint", authorities)
	return func(ctx *app.Context) error {
		body, err := ctx.BindStrings(maxTokenBody, "token", "client_id")
		switch {
		case err != nil:
			return err
		case body["token"] == "":
			return answerOAuth(ctx, http.StatusBadRequest, oauthProblem{"invalid_request"})
		}
		for _, a := range authorities {
			ours, err := a.RevokeText(ctx.Context(), body["token"], body["client_id"])
			switch {
			case refused(err):
				return answerOAuth(ctx, http.StatusBadRequest, oauthProblem{"invalid_client"})
			case err != nil:
				return err
			case ours:
				return answerOAuth(ctx, http.StatusOK, nil)
			}
		}
		return answerOAuth(ctx, http.StatusOK, nil)
	}
}

const maxTokenBody = 64 << 10

func mustAuthorities(name string, authorities []TokenAuthority) {
	if len(authorities) == 0 {
		panic("strategies: " + name + " needs who issues the tokens")
	}
	for _, a := range authorities {
		if isNil(a) {
			panic("strategies: " + name + ": an authority is nil")
		}
	}
}

// An oauthProblem is an error as RFC 6749 section 5.2 writes it.
type oauthProblem struct {
	Error string `json:"error"`
}

// answerOAuth answers with what no cache may keep. Without a body the answer is empty.
func answerOAuth(ctx *app.Context, status int, body any) error {
	ctx.Header().Set("Cache-Control", "no-store")
	ctx.Status, ctx.Body = status, body
	if body == nil {
		ctx.Body = ""
	}
	return nil
}

// Introspect describes a live access or refresh token.
func (j *JWT) Introspect(ctx context.Context, text string) (*Introspection, error) {
	if sent, ok := parseRefreshText(j.o.Refresh.Prefix, text); ok && !isNil(j.o.Refresh.Store) {
		return j.introspectRefresh(ctx, sent)
	}
	c, _, err := j.verify(ctx, text)
	if err != nil {
		return nil, unlessRefused(err)
	}
	return &Introspection{
		Active: true, Scope: strings.Join(c.Scopes, " "), Client: c.Client, Type: "Bearer", Expires: c.Expires.Unix(), IssuedAt: seconds(c.IssuedAt),
		Subject: c.Subject, Audience: j.o.Audience, Issuer: c.Issuer, ID: c.ID, Device: c.Device,
	}, nil
}

// introspectRefresh describes the last refresh token of a device; one that was used is not
// live, and to ask about it is no use.
func (j *JWT) introspectRefresh(ctx context.Context, sent refreshText) (*Introspection, error) {
	d, err := j.device(ctx, sent)
	if err == nil && sent.secretIs(j.o.Refresh.Keys, j.refreshType, d.row.Hash) {
		err = j.undenied(ctx, d, nil)
	} else if err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, unlessRefused(err)
	}
	return &Introspection{
		Active: true, Scope: strings.Join(d.row.Scopes, " "), Client: d.state.Client, Expires: d.row.Expires.Unix(),
		IssuedAt: time.UnixMicro(d.state.Issued).Unix(), Subject: d.row.Subject, Issuer: j.o.Issuer, Device: d.row.ID,
	}, nil
}

// RevokeText ends an access token with its device, though it may have expired, or a refresh
// token with its device, though it may have been used.
func (j *JWT) RevokeText(ctx context.Context, text, client string) (bool, error) {
	if sent, ok := parseRefreshText(j.o.Refresh.Prefix, text); ok && !isNil(j.o.Refresh.Store) {
		d, err := j.device(ctx, sent)
		if err != nil {
			return false, unlessRefused(err)
		}
		if err := ofClient(d.state.Client, client); err != nil {
			return true, err
		}
		_, err = j.endDevice(ctx, d.row)
		return true, err
	}
	c, err := j.genuine(ctx, text)
	if err != nil {
		return false, unlessRefused(err)
	}
	if err := ofClient(c.Client, client); err != nil {
		return true, err
	}
	return true, j.end(ctx, c)
}

func ofClient(owner, client string) error {
	if owner != "" && owner != client {
		return invalidToken(errors.New("it was issued to another client"))
	}
	return nil
}

// Introspect describes a live token.
func (b *Bearer) Introspect(ctx context.Context, text string) (*Introspection, error) {
	t, _, err := b.verify(ctx, text)
	if err != nil {
		return nil, unlessRefused(err)
	}
	return &Introspection{
		Active: true, Scope: strings.Join(t.Scopes, " "), Type: "Bearer", Expires: seconds(t.Expires), IssuedAt: t.Created.Unix(),
		Subject: t.Subject, ID: t.ID,
	}, nil
}

// RevokeText ends a token. It belongs to no client.
func (b *Bearer) RevokeText(ctx context.Context, text, _ string) (bool, error) {
	t, _, err := b.verify(ctx, text)
	if err != nil {
		return false, unlessRefused(err)
	}
	_, err = b.revoke(ctx, t.ID, t.Subject)
	return err == nil, err
}

// seconds is 0 for a time that is not said.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// unlessRefused returns faults only.
func unlessRefused(err error) error {
	if refused(err) {
		return nil
	}
	return err
}
