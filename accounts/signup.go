package accounts

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A Registration is what somebody wants an account with.
type Registration struct {
	Email, Password string
	Confirmation    *string           // the password once more; nil: not asked for
	Fields          map[string]string // those of Options.Fields
}

// SignUp makes an account and signs in, unless the address has to be confirmed first.
func (a *Accounts) SignUp(ctx *app.Context) error {
	body, err := a.body(ctx, append([]string{"email", "password", "password_confirmation"}, a.o.Fields...)...)
	if err != nil {
		return a.fail(ctx, err)
	}
	reg := Registration{Email: body["email"], Password: body["password"], Confirmation: confirmation(body), Fields: map[string]string{}}
	for _, name := range a.o.Fields {
		if value, ok := body[name]; ok {
			reg.Fields[name] = value
		}
	}
	user, pair, err := a.Register(ctx, reg)
	return a.answer(ctx, Done{Key: SignedUp, User: user, Tokens: pair}, err)
}

func confirmation(body map[string]string) *string {
	if text, ok := body["password_confirmation"]; ok {
		return &text
	}
	return nil
}

// Register makes an account, mails the one to confirm its address, and signs in, in one
// transaction; there are no tokens if the address has to be confirmed first. What is wrong
// with the Registration is a *[Failure] 422. Of two with one address at once, one is made.
func (a *Accounts) Register(ctx *app.Context, reg Registration) (user any, pair *strategies.TokenPair, err error) {
	n, err := a.newAccount(ctx.Context(), reg)
	if err != nil {
		return nil, nil, err
	}
	var mail func()
	err = a.transact(ctx, func(ctx *app.Context) (err error) {
		if user, err = a.create(ctx.Context(), n); err != nil {
			return err
		}
		if mail, err = a.prepareMail(ctx, PurposeVerify, user, letter{Email: n.Email}); err != nil || a.barred(user) {
			return err
		}
		pair, err = a.issue(ctx, user)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	a.sendUnlessTooMany(ctx, n.Email, mail)
	return user, pair, nil
}

// sendUnlessTooMany keeps somebody who signs up with one address again and again from
// filling its mailbox. The account is made already, so a fault is logged only.
func (a *Accounts) sendUnlessTooMany(ctx *app.Context, email string, send func()) {
	switch err := a.countMail(ctx, PurposeVerify, email); {
	case err == nil:
		send()
	case failureOf(err) == nil:
		a.o.Logger.ErrorContext(ctx.Context(), "a mail was not sent", "error", err)
	}
}

// newAccount checks everything that can be checked without the Store, in the order in which
// people are told.
func (a *Accounts) newAccount(ctx context.Context, reg Registration) (n NewAccount, err error) {
	if n.Email, err = canonicalEmail(reg.Email); err != nil {
		return n, err
	}
	for name, value := range reg.Fields {
		if len(value) > 255 || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return n, unprocessable(name, FieldInvalid, "{field}", name)
		}
	}
	if err := a.checkPassword(n.Email, reg.Password, reg.Confirmation); err != nil {
		return n, err
	}
	n.Fields = reg.Fields
	n.Hash, err = a.hash(ctx, reg.Password)
	return n, err
}

func (a *Accounts) create(ctx context.Context, n NewAccount) (any, error) {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	user, err := a.store.Create(ctx, n)
	if taken, ok := errors.AsType[*TakenError](err); ok {
		return nil, unprocessable(taken.Column, FieldTaken, "{field}", taken.Column)
	}
	switch {
	case errors.Is(err, ErrEmailTaken):
		return nil, unprocessable("email", EmailTaken)
	case errors.Is(err, ErrUnstorable):
		return nil, unprocessable("", FieldInvalid, "{field}", "A field")
	}
	return user, unavailable("make the account", err)
}

// canonicalEmail returns an address in the one form in which addresses are stored and
// compared: see strategies.CanonicalName.
func canonicalEmail(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", unprocessable("email", EmailBlank)
	}
	email, err := strategies.CanonicalName(text)
	local, domain, _ := strings.Cut(email, "@")
	if err != nil || local == "" || domain == "" || strings.ContainsFunc(email, unicode.IsSpace) || checkAddress(email) != nil {
		return "", unprocessable("email", EmailInvalid)
	}
	return email, nil
}

// checkPassword says what is wrong with a new password.
func (a *Accounts) checkPassword(email, password string, confirmation *string) error {
	switch {
	case strings.TrimSpace(password) == "":
		return unprocessable("password", PasswordBlank)
	case confirmation != nil && *confirmation != password:
		return unprocessable("password_confirmation", PasswordUnequal)
	}
	if err := a.o.Policy.Check(password, strings.ReplaceAll(email, "@", " "), a.o.Resource); err != nil {
		return a.unfit(err)
	}
	return nil
}

func (a *Accounts) hash(ctx context.Context, password string) (string, error) {
	hash, err := a.o.Hasher.Hash(ctx, password)
	if err != nil {
		return "", a.unfit(unavailable("hash the password", err))
	}
	return hash, nil
}
