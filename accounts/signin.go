package accounts

import (
	"errors"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// SignIn checks the password and answers with tokens. Every wrong pair is answered alike,
// at the price of one hash: whether the account is unknown, has no password, is disabled or
// has an address that must be confirmed first.
func (a *Accounts) SignIn(ctx *app.Context) error {
	body, err := a.body(ctx, "email", "password")
	if err != nil {
		return a.fail(ctx, err)
	}
	user, pair, err := a.Verify(ctx, body["email"], body["password"])
	return a.answer(ctx, Done{Key: SignedIn, User: user, Tokens: pair}, err)
}

// Verify checks the password and signs in. A pair that is wrong is a *[Failure] 401, too
// many attempts 429.
func (a *Accounts) Verify(ctx *app.Context, email, password string) (user any, pair *strategies.TokenPair, err error) {
	if user, err = a.credentials(ctx, email, password); err != nil {
		return nil, nil, err
	}
	pair, err = a.issue(ctx, user)
	return user, pair, err
}

// credentials returns the user of an address and a password.
func (a *Accounts) credentials(ctx *app.Context, email, password string) (any, error) {
	if email == "" || password == "" {
		return nil, unauthorized(InvalidLoginCredentials, errors.New("no address or no password"))
	}
	user, err := a.local.Verify(ctx.Context(), strategies.Credentials{Name: email, Password: password, Address: a.o.Address(ctx)})
	if f := failureOf(err); f != nil {
		return nil, f
	}
	return user, err
}

// issue signs a device in, which is named by its User-Agent.
func (a *Accounts) issue(ctx *app.Context, user any) (*strategies.TokenPair, error) {
	o := strategies.PairOptions{Name: deviceName(ctx.Request.UserAgent()), Scopes: []string{"*"}}
	if address := a.o.Address(ctx); address.IsValid() {
		o.Address = address.String()
	}
	return a.guard.Login(ctx, user, o)
}

// SignOut ends the access token, its refresh token, and all that was issued to the device.
func (a *Accounts) SignOut(ctx *app.Context) error {
	_, err := a.guard.Logout(ctx)
	return a.answer(ctx, Done{Key: SignedOut}, err)
}

// RefreshTokens gives a new pair for the refresh token in the header Refresh-Token, or the
// field refresh_token of the body, and, if the strategy wants it, the access token, which
// may have expired but must be genuine.
func (a *Accounts) RefreshTokens(ctx *app.Context) error {
	pair, err := a.refresh(ctx)
	return a.answer(ctx, Done{Key: AccessRefreshed, Tokens: pair}, err)
}

func (a *Accounts) refresh(ctx *app.Context) (*strategies.TokenPair, error) {
	if a.o.Tokens.NeedsAccess() {
		if _, err := a.o.Tokens.Presented(ctx); err != nil {
			return nil, accessFailure(err)
		}
	}
	text := ctx.Request.Header.Get("Refresh-Token")
	if text == "" {
		body, err := a.body(ctx, "refresh_token")
		if err != nil {
			return nil, err
		}
		text = body["refresh_token"]
	}
	if text == "" {
		return nil, unauthorized(RefreshMissing, app.ErrNoCredentials)
	}
	pair, err := a.o.Tokens.Refresh(ctx, text, strategies.RefreshRequest{})
	if errors.Is(err, strategies.ErrRefreshToken) {
		return nil, unauthorized(RefreshInvalid, err)
	}
	if err != nil {
		return nil, accessFailure(err)
	}
	return pair, nil
}
