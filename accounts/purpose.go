package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A Purpose is what a mail with a token is for. Its token is good for nothing else, once.
type Purpose string

// The purposes.
const (
	PurposeReset  Purpose = "reset"  // to choose a new password
	PurposeVerify Purpose = "verify" // to confirm the address of an account
	PurposeEmail  Purpose = "email"  // to confirm a new address of an account
	PurposeNotice Purpose = "notice" // no token: that the address is to be changed, to the old one
)

const day = 24 * time.Hour

// mailTokens makes the tokens of each purpose. Those of two kinds of account in one store
// are of different types, as their JWTs are.
func (o *Options) mailTokens() map[Purpose]*strategies.OneTime {
	once := func(p Purpose, expiry time.Duration) *strategies.OneTime {
		return strategies.NewOneTime(o.Mail.Tokens, strategies.OneTimeOptions{
			Type: string(p) + "." + o.Tokens.Type(), Expiry: expiry, Timeout: o.Timeout, Logger: o.Logger, Clock: o.Clock,
		})
	}
	return map[Purpose]*strategies.OneTime{
		PurposeReset: once(PurposeReset, o.Mail.Expiry), PurposeVerify: once(PurposeVerify, day), PurposeEmail: once(PurposeEmail, day),
	}
}

// A letter is what a token in a mail is bound to.
type letter struct {
	Email    string `json:"email"`              // the address that it was sent to
	Old      string `json:"old,omitempty"`      // the one that it is to replace
	Password string `json:"password,omitempty"` // a hash of the password's hash, if the mail ends with the password
}

// boundTo says in a letter which password the account had.
func boundTo(hash string) string {
	sum := sha256.Sum256([]byte("kahu letter\x00" + hash))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// prepareMail makes the token of a mail to the address of the letter, as part of a
// transaction, and returns what sends it. Without Options.Mail it does nothing.
func (a *Accounts) prepareMail(ctx *app.Context, p Purpose, user any, l letter) (send func(), err error) {
	if a.mails == nil {
		return func() {}, nil
	}
	subject, err := a.store.Users().Serialize(ctx.Context(), user)
	if err != nil {
		return nil, err
	}
	text, err := a.token(ctx.Context(), p, subject, l)
	if err != nil {
		return nil, err
	}
	m := a.compose(ctx, p, a.o.Mail.Link(p, text))
	m.To = l.Email
	return func() { a.send(ctx, m) }, nil
}

// pretendMail costs what prepareMail costs, for an address without an account. Nobody gets
// the token.
func (a *Accounts) pretendMail(ctx *app.Context, p Purpose, email string) error {
	sum := sha256.Sum256([]byte(email))
	text, err := a.token(ctx.Context(), p, "nobody:"+base64.RawURLEncoding.EncodeToString(sum[:]), letter{Email: email, Password: boundTo("")})
	if err == nil {
		a.compose(ctx, p, a.o.Mail.Link(p, text))
	}
	return err
}

// token makes a token, and ends those that were sent before.
func (a *Accounts) token(ctx context.Context, p Purpose, subject string, l letter) (string, error) {
	if _, err := a.mails[p].RevokeAll(ctx, subject); err != nil {
		return "", err
	}
	t, err := a.mails[p].Issue(ctx, subject, map[string]any{"letter": l})
	if err != nil {
		return "", err
	}
	return t.Text(), nil
}

// send hands a mail over. If that fails, it is logged: the answer says nothing of it, or it
// would say whether there is an account.
func (a *Accounts) send(ctx *app.Context, m Mail) {
	c, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), a.o.Timeout)
	defer cancel()
	if err := a.o.Mail.Mailer.Send(c, m); err != nil {
		a.o.Logger.ErrorContext(c, "a mail was not sent", "error", err)
	}
}

// opened is a mail whose token came back.
type opened struct {
	user   any
	status Status
	letter letter
}

// open returns what a token is bound to, and uses it up if take says so.
func (a *Accounts) open(ctx context.Context, p Purpose, text string, take bool) (*opened, error) {
	ask := a.mails[p].Look
	if take {
		ask = a.mails[p].Take
	}
	t, err := ask(ctx, text)
	switch {
	case errors.Is(err, app.ErrInvalidCredentials):
		return nil, badLink(err)
	case err != nil:
		return nil, err
	}
	o := &opened{}
	if err := json.Unmarshal(t.Meta["letter"], &o.letter); err != nil {
		return nil, badLink(err)
	}
	return o, a.addressee(ctx, t, o)
}

// addressee loads the user of a mail.
func (a *Accounts) addressee(ctx context.Context, t *tokenstores.Token, o *opened) (err error) {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	o.user, err = a.store.Users().Deserialize(ctx, t.Subject)
	switch {
	case gone(o.user, err):
		return badLink(errors.New("the account is gone"))
	case err != nil:
		return unavailable("load the account", err)
	}
	o.status = a.store.Status(o.user)
	if o.status.Disabled {
		return badLink(errors.New("the account is disabled"))
	}
	return nil
}

func badLink(cause error) error {
	return &Failure{Status: http.StatusUnprocessableEntity, Key: LinkInvalid, Field: "token", Cause: cause}
}

// endMails ends the tokens in all mails to a user.
func (a *Accounts) endMails(ctx context.Context, user any) error {
	if a.mails == nil {
		return nil
	}
	subject, err := a.store.Users().Serialize(ctx, user)
	if err != nil {
		return err
	}
	var all error
	for _, m := range a.mails {
		_, err := m.RevokeAll(ctx, subject)
		all = errors.Join(all, err)
	}
	return all
}
