package main

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// jwtLogin answers with an access token that allows everything its owner may do, and the
// refresh token of the device that asks.
func (s *site) jwtLogin(ctx *app.Context) error {
	in, err := ctx.BindStrings(0, "email", "password", "name")
	switch {
	case err != nil:
		return err
	case in["email"] == "" || in["password"] == "":
		return ctx.Throw(http.StatusBadRequest, "Send email and password")
	}
	name := cmp.Or(strings.TrimSpace(in["name"]), device(ctx.Request.UserAgent()))
	pair, err := s.phones.Attempt(ctx, strategies.Credentials{Name: in["email"], Password: in["password"]},
		strategies.PairOptions{Name: name, Scopes: []string{"*"}, Address: address(ctx)})
	if err != nil {
		return unusable(err)
	}
	return answerSecret(ctx, http.StatusOK, pair)
}

// jwtRefresh takes a refresh token, which is good for one use, and answers with new tokens.
func (s *site) jwtRefresh(ctx *app.Context) error {
	in, err := ctx.BindStrings(0, "refresh_token")
	switch {
	case err != nil:
		return err
	case in["refresh_token"] == "":
		return ctx.Throw(http.StatusBadRequest, "Send refresh_token")
	}
	pair, err := s.jwt.Refresh(ctx, in["refresh_token"], strategies.RefreshRequest{Address: address(ctx)})
	if err != nil {
		return err
	}
	ctx.Body = pair
	return nil
}

// jwtLogout ends the request's token and its device, and that of a refresh token in the
// body, for whom the access token has expired. Whoever has neither is logged out already.
func (s *site) jwtLogout(ctx *app.Context) error {
	in, err := ctx.BindStrings(0, "refresh_token")
	if err != nil {
		return err
	}
	revoked, err := s.phones.Logout(ctx)
	if err != nil {
		return err
	}
	if text := in["refresh_token"]; text != "" {
		ended, err := s.jwt.RevokeText(ctx.Context(), text, "")
		if err != nil {
			return err
		}
		revoked = revoked || ended
	}
	ctx.Body = map[string]bool{"revoked": revoked}
	return nil
}

// An accessView is what the owner of an access token may see of it.
type accessView struct {
	ID        string    `json:"id"`
	Device    string    `json:"device"`
	Scopes    []string  `json:"scopes"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// jwtMe says whose token it is, and what it is worth.
func (s *site) jwtMe(ctx *app.Context, u *User) error {
	c, err := s.claims(ctx)
	if err != nil {
		return err
	}
	ctx.Body = struct {
		Data  userView   `json:"data"`
		Token accessView `json:"token"`
	}{userView{u.Username}, accessView{c.ID, c.Device, append([]string{}, c.Scopes...), c.IssuedAt, c.Expires}}
	return nil
}

// claims are those of the JWT that proved the request.
func (s *site) claims(ctx *app.Context) (*strategies.JWTClaims, error) {
	c, ok := s.phones.Token(ctx).(*strategies.JWTClaims)
	if !ok {
		return nil, errors.New("koa-style: " + ctx.Request.URL.Path + " without a JWT")
	}
	return c, nil
}
