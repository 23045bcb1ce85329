package accounts

import (
	"context"
	"database/sql"
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
	user, pair, err = a.signIn(ctx, email, password)
	if errors.Is(err, errChanged) {
		// Another sign-in has renewed the hash, or the password is another one by now.
		user, pair, err = a.signIn(ctx, email, password)
	}
	return user, pair, err
}

func (a *Accounts) signIn(ctx *app.Context, email, password string) (user any, pair *strategies.TokenPair, err error) {
	user, hash, err := a.credentials(ctx, email, password)
	if err != nil {
		return nil, nil, err
	}
	err = a.transact(ctx, func(ctx *app.Context) (err error) {
		pair, err = a.issueFor(ctx, user, hash)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return user, pair, nil
}

// issueFor signs a device in by a password that was checked, if it still is the account's. In
// a transaction a change of the password waits for this one's end, and then ends it;
// without one it is asked for again afterwards.
func (a *Accounts) issueFor(ctx *app.Context, user any, hash string) (pair *strategies.TokenPair, err error) {
	if err := a.stillIs(ctx, user, hash); err != nil {
		return nil, err
	}
	if pair, err = a.issue(ctx, user); err != nil || a.atomic {
		return pair, err
	}
	if refusal := a.stillIs(ctx, user, hash); refusal != nil {
		return nil, a.takeBack(ctx, pair, refusal)
	}
	return pair, nil
}

// takeBack ends tokens that are not given out, and returns why not. That they cannot be ended
// is a fault, and no refusal.
func (a *Accounts) takeBack(ctx *app.Context, pair *strategies.TokenPair, why error) error {
	if err := a.o.Tokens.EndIssued(ctx.Context(), pair); err != nil {
		return err
	}
	return why
}

func (a *Accounts) stillIs(ctx *app.Context, user any, hash string) error {
	now, err := a.storedHash(ctx.Context(), user)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && now != hash:
		return unauthorized(InvalidLoginCredentials, errChanged)
	case err != nil:
		return err
	}
	return nil
}

// checked is the hash against which a sign-in was checked, and what became of it.
type checked struct {
	hash  string
	again bool // it was renewed
}

type checkedKey struct{}

// find is the Store's ByEmail, and notes the hash.
func (a *Accounts) find(ctx context.Context, email string) (any, string, error) {
	user, hash, err := a.store.ByEmail(ctx, email)
	if c, ok := ctx.Value(checkedKey{}).(*checked); ok && err == nil {
		c.hash = hash
	}
	return user, hash, err
}

// rehash stores a hash that is as strong as they are made now.
func (a *Accounts) rehash(ctx context.Context, user any, old, hash string) error {
	replaced, err := a.store.ReplaceHash(ctx, user, old, hash)
	if c, ok := ctx.Value(checkedKey{}).(*checked); ok && replaced {
		c.hash, c.again = hash, true
	}
	return err
}

// credentials returns the user of an address and a password, and the password's hash.
func (a *Accounts) credentials(ctx *app.Context, email, password string) (any, string, error) {
	if email == "" || password == "" {
		return nil, "", unauthorized(InvalidLoginCredentials, errors.New("no address or no password"))
	}
	var c checked
	user, err := a.local.Verify(context.WithValue(ctx.Context(), checkedKey{}, &c), strategies.Credentials{Name: email, Password: password, Address: a.o.Address(ctx)})
	if err != nil {
		strategies.EmitLogin(ctx, a.guard.Name(), err)
	}
	if f := failureOf(err); f != nil {
		return nil, "", f
	}
	if err == nil && c.again {
		user, err = a.reload(ctx.Context(), user)
	}
	return user, c.hash, err
}

// issue signs a device in, which is named by its User-Agent.
func (a *Accounts) issue(ctx *app.Context, user any) (*strategies.TokenPair, error) {
	return a.guard.Login(ctx, user, strategies.PairOptions{Name: deviceName(ctx.Request.UserAgent()), Scopes: []string{"*"}, Address: a.address(ctx)})
}

// address is where a request comes from, "" if that is not known.
func (a *Accounts) address(ctx *app.Context) string {
	if address := a.o.Address(ctx); address.IsValid() {
		return address.String()
	}
	return ""
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
	pair, err := a.o.Tokens.Refresh(ctx, text, strategies.RefreshRequest{Address: a.address(ctx)})
	if errors.Is(err, strategies.ErrRefreshToken) {
		return nil, unauthorized(RefreshInvalid, err)
	}
	if err != nil {
		return nil, accessFailure(err)
	}
	if a.barred(pair.User) {
		return nil, a.takeBack(ctx, pair, unauthorized(RefreshInvalid, errBarred))
	}
	return pair, nil
}
