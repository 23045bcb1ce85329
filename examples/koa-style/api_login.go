package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// apiLogin answers with a token that allows everything its owner may do.
func (s *site) apiLogin(ctx *app.Context) error {
	issued, err := s.attempt(ctx)
	if err != nil {
		return err
	}
	return answerSecret(ctx, http.StatusOK, issued)
}

// bareToken is apiLogin for those who want nothing but the token.
func (s *site) bareToken(ctx *app.Context) error {
	issued, err := s.attempt(ctx)
	if err != nil {
		return err
	}
	return answerSecret(ctx, http.StatusOK, map[string]string{"token": issued.Text()})
}

func (s *site) attempt(ctx *app.Context) (*strategies.IssuedToken, error) {
	var body struct {
		Email     string `json:"email"`
		Password  string `json:"password"`
		Name      string `json:"name"`
		ExpiresIn *int64 `json:"expires_in"`
	}
	if err := ctx.Bind(&body); err != nil {
		return nil, err
	}
	if body.Email == "" || body.Password == "" {
		return nil, ctx.Throw(http.StatusBadRequest, "Send email and password")
	}
	expiry, err := seconds(body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	issued, err := s.api.Attempt(ctx, strategies.Credentials{Name: body.Email, Password: body.Password},
		strategies.TokenOptions{Name: body.Name, Scopes: []string{"*"}, Expiry: expiry, Address: address(ctx)})
	return issued, unusable(err)
}

// apiLogout ends the token of the request. Whoever has none is logged out already.
func (s *site) apiLogout(ctx *app.Context) error {
	revoked, err := s.api.Logout(ctx)
	if err != nil {
		return err
	}
	ctx.Body = map[string]bool{"revoked": revoked}
	return nil
}

func hello(ctx *app.Context) error {
	ctx.Body = map[string]string{"hello": "world"}
	return nil
}

// me says whose token it is, and what it is worth.
func (s *site) me(ctx *app.Context, u *User) error {
	t, ok := s.api.Token(ctx).(*tokenstores.Token)
	if !ok {
		return errors.New("koa-style: /api/me without a token")
	}
	ctx.Body = struct {
		Data  userView  `json:"data"`
		Token tokenView `json:"token"`
	}{userView{u.Username}, viewToken(t)}
	return nil
}

// answerSecret answers with what no cache may keep (RFC 6750 section 5.3).
func answerSecret(ctx *app.Context, status int, body any) error {
	ctx.Header().Set("Cache-Control", "no-store")
	ctx.Status, ctx.Body = status, body
	return nil
}

const longestLife = 100 * 365 * 24 * 60 * 60 // in seconds

// seconds reads a number that a client sent; none is the default.
func seconds(n *int64) (time.Duration, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 1 || *n > longestLife:
		return 0, &app.Error{Status: http.StatusBadRequest, Message: "expires_in is a number of seconds, at least 1 and at most 100 years"}
	}
	return time.Duration(*n) * time.Second, nil
}

// unusable answers 400 for what no token can be like.
func unusable(err error) error {
	if errors.Is(err, strategies.ErrTokenOptions) {
		return &app.Error{Status: http.StatusBadRequest, Message: "No token can have this name or these scopes", Cause: err}
	}
	return err
}

func address(ctx *app.Context) string {
	if a := ctx.Address(); a.IsValid() {
		return a.String()
	}
	return ""
}
