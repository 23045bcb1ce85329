package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A tokenView is what its owner may see of a token.
type tokenView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

func viewToken(t *tokenstores.Token) tokenView {
	return tokenView{t.ID, t.Name, append([]string{}, t.Scopes...), orNull(t.LastUsed)}
}

// A listedToken is a tokenView with the limits of its life.
type listedToken struct {
	tokenView
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Truncate(time.Second)
	return &t
}

func (s *site) listTokens(ctx *app.Context, u *User) error {
	tokens, err := s.tokens.List(ctx.Context(), u)
	if err != nil {
		return err
	}
	list := make([]listedToken, len(tokens))
	for i := range tokens {
		t := &tokens[i]
		list[i] = listedToken{viewToken(t), t.Created.Truncate(time.Second), orNull(t.Expires)}
	}
	ctx.Body = map[string][]listedToken{"data": list}
	return nil
}

// createToken answers with a new token. One that is made with a token can do no more
// than that one, and does not outlive it.
func (s *site) createToken(ctx *app.Context, u *User) error {
	o, err := askedToken(ctx)
	if err != nil {
		return err
	}
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(o.Scopes, func(scope string) bool { return !id.Allows(scope) }) {
		return ctx.Throw(http.StatusForbidden, "A token can only make tokens with scopes of its own")
	}
	if t, ok := id.Info.(*tokenstores.Token); ok && !t.Expires.IsZero() {
		o.Expiry = min(o.Expiry, time.Until(t.Expires))
	}
	issued, err := s.tokens.Issue(ctx.Context(), u, o)
	if err != nil {
		return unusable(err)
	}
	return answerSecret(ctx, http.StatusCreated, viewIssued(issued))
}

// askedToken reads what the token is to be like.
func askedToken(ctx *app.Context) (o strategies.TokenOptions, err error) {
	var body struct {
		Name      string   `json:"name"`
		Scopes    []string `json:"scopes"`
		ExpiresIn *int64   `json:"expires_in"`
	}
	if err := ctx.Bind(&body); err != nil {
		return o, err
	}
	o = strategies.TokenOptions{Name: strings.TrimSpace(body.Name), Scopes: body.Scopes, Address: address(ctx)}
	if o.Name == "" {
		return o, ctx.Throw(http.StatusBadRequest, "Send a name")
	}
	if o.Expiry, err = seconds(body.ExpiresIn); o.Expiry == 0 {
		o.Expiry = tokenExpiry
	}
	return o, err
}

// An issuedView is the answer to whoever made a token, with its text, this once.
type issuedView struct {
	tokenView
	Type      string     `json:"type"`
	Token     string     `json:"token"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	ExpiresIn int64      `json:"expires_in,omitempty"`
}

func viewIssued(t *strategies.IssuedToken) issuedView {
	v := issuedView{tokenView: viewToken(t.Token), Type: "bearer", Token: t.Text(), ExpiresAt: orNull(t.Expires)}
	if v.ExpiresAt != nil {
		v.ExpiresIn = int64(t.Expires.Sub(t.Created) / time.Second)
	}
	return v
}

// revokeToken ends a token of the user's. Another user's is as good as none.
func (s *site) revokeToken(ctx *app.Context, u *User) error {
	there, err := s.tokens.Revoke(ctx.Context(), u, ctx.Param("id"))
	switch {
	case err != nil:
		return err
	case !there:
		return ctx.Throw(http.StatusNotFound, "No such token")
	}
	ctx.Status = http.StatusNoContent
	return nil
}
