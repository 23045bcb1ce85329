package main

import (
	"net/http"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// mailedPages are those that mails of one kind of account point to. A program that looks
// at mails follows links, so nothing happens there until a form is sent.
type mailedPages struct {
	people *accounts.Accounts
	prefix string // of their paths
	login  string // where they log in
	again  string // where they ask for other mails than those for a new password; "": nowhere
}

func (m mailedPages) routes(r *router.Router) {
	const verify, email = "Confirm your address", "Confirm your new address"
	open := r.Open()
	open.Get(m.prefix+"/reset", m.showAsk)
	open.Post(m.prefix+"/reset", m.ask)
	open.Get(m.prefix+"/reset/sent", showSent)
	open.Get(m.prefix+"/reset/new", opened(chooseTitle, m.resetForm))
	open.Post(m.prefix+"/reset/new", m.reset)
	open.Get(m.prefix+"/verify", opened(verify, m.verifyForm))
	open.Post(m.prefix+"/verify", confirmed(verify, m.verifyForm, m.people.Confirm, "Your address is confirmed."))
	open.Get(m.prefix+"/email", opened(email, m.emailForm))
	open.Post(m.prefix+"/email", confirmed(email, m.emailForm, m.people.ReplaceEmail, "Your account has the new address."))
}

func (m mailedPages) askForm(email string) form {
	return form{Action: m.prefix + "/reset", Button: "Send me a mail", Fields: []field{emailField("email", "E-mail address", email)}}
}

func (m mailedPages) resetForm(token string) form {
	return form{Action: m.prefix + "/reset/new", Button: "Change the password", Token: token, Again: m.prefix + "/reset", Fields: newPassword("New password")}
}

func (m mailedPages) verifyForm(token string) form {
	return form{Action: m.prefix + "/verify", Button: "This address is mine", Token: token, Again: m.again}
}

func (m mailedPages) emailForm(token string) form {
	return form{Action: m.prefix + "/email", Button: "Use this address", Token: token, Again: m.again}
}

const askTitle, chooseTitle = "Forgot your password?", "Choose a new password"

func (m mailedPages) showAsk(ctx *app.Context) error {
	return showForm(ctx, "reset", askTitle, m.askForm(""))
}

// ask tells nobody whether there is an account.
func (m mailedPages) ask(ctx *app.Context) error {
	if _, err := ctx.Session(); err != nil {
		return err // a form on another site
	}
	in, err := ctx.BindStrings(0, "email")
	if err != nil {
		return err
	}
	if err := m.people.MailReset(ctx, in["email"]); err != nil {
		f := m.askForm(in["email"])
		if err := f.refuse(ctx, err); err != nil {
			return err
		}
		return showForm(ctx, "reset", askTitle, f)
	}
	return ctx.Redirect(m.prefix + "/reset/sent")
}

func showSent(ctx *app.Context) error {
	return show(ctx, "sent", page{Title: "Look into your mail"})
}

// opened shows the form with the token of a link, which is good for nothing until it is sent.
func opened(title string, of func(token string) form) app.Handler {
	return func(ctx *app.Context) error {
		f := of(ctx.Request.URL.Query().Get("token"))
		if f.wrong = f.Token == ""; f.wrong {
			ctx.Status = http.StatusBadRequest
		}
		return showSecret(ctx, title, f)
	}
}

// showSecret shows a form with a token, which no cache may keep and no other page be told.
func showSecret(ctx *app.Context, title string, f form) error {
	if err := showForm(ctx, "mailed", title, f); err != nil {
		return err
	}
	ctx.Header().Set("Cache-Control", "no-store")
	ctx.Header().Set("Referrer-Policy", "no-referrer")
	return nil
}

// reset changes the password and logs this browser out too: the session that it may have
// is ended with the others.
func (m mailedPages) reset(ctx *app.Context) error {
	if _, err := ctx.Session(); err != nil {
		return err
	}
	in, err := ctx.BindStrings(0, "token", "password", "password_confirmation")
	if err != nil {
		return err
	}
	again := in["password_confirmation"]
	if err := m.people.Reset(ctx, in["token"], in["password"], &again); err != nil {
		f := m.resetForm(in["token"])
		if err := f.refuse(ctx, err); err != nil {
			return err
		}
		return showSecret(ctx, chooseTitle, f)
	}
	if err := ctx.Logout(); err != nil {
		return err
	}
	return flash(ctx, "info", "Your password was changed. You are logged out everywhere.", m.login)
}

// confirmed does with a token what its mail is for.
func confirmed(title string, of func(token string) form, do func(*app.Context, string) error, done string) app.Handler {
	return func(ctx *app.Context) error {
		if _, err := ctx.Session(); err != nil {
			return err
		}
		in, err := ctx.BindStrings(0, "token")
		if err != nil {
			return err
		}
		if err := do(ctx, in["token"]); err != nil {
			f := of("")
			if err := f.refuse(ctx, err); err != nil {
				return err
			}
			return showSecret(ctx, title, f)
		}
		return flash(ctx, "info", done, "/")
	}
}
