package app

import (
	"errors"
	"fmt"
	"slices"
)

// AuthenticateOptions say what [AuthenticateWith] does with who is proved, and with who is
// not. The zero value is [Authenticate].
type AuthenticateOptions struct {
	// Login logs in whom the strategies prove, to the first Sessions of the stack or to these. A
	// session is good for all that its user may, so an [Identity] without the scope "*" is answered
	// 403; and one that says when it LoggedIn makes no more recent login.
	Login    bool
	Sessions *Sessions

	// LoginOptions go with it.
	LoginOptions []LoginOption

	// Remember says whether this client is to be remembered, as [Remember] does; nil: no.
	Remember func(ctx *Context) bool

	// Success is where the browser is sent then, a path on this site; "": the layers below run.
	// With ReturnTo it is sent where it wanted to go before, if it did.
	Success  string
	ReturnTo bool

	// Failure is where the browser is sent if nobody is proved; "": 401 with the challenges.
	// What is no refusal, such as a fault or too many attempts, is answered as ever.
	Failure string

	// SuccessFlash and FailureFlash are messages for the next page; nil: none. Without a Kind
	// they are "success" and "error". A FailureFlash without a Text says what the first strategy
	// that rejected says to the client.
	SuccessFlash, FailureFlash *Flash
}

// AuthenticateWith is passport's authenticate with its options: a layer for forms. Who is proved
// is logged in with a message, and sent on; who is not, is told by a message and sent back. For the
// layers below, the [Identity].Info is what the strategy made of it. A message for which the session
// has no room is dropped. [ErrAnonymous] lets the layers below run, without a login. It panics
// as [Authenticate] does, and for options that contradict each other or send browsers to other sites.
// The Sessions have to be above.
func AuthenticateWith(o AuthenticateOptions, strategies ...Strategy) Middleware {
	strategies = mustStrategies("AuthenticateWith", strategies)
	o.check()
	o.copy()
	return func(ctx *Context, next Handler) error {
		if err := o.missing(ctx); err != nil {
			return err
		}
		outcome, err := ctx.Ask(strategies...)
		switch {
		case err != nil:
			return err
		case outcome.Identity != nil:
			return o.succeeded(ctx, outcome, next)
		case outcome.open():
			return next(ctx)
		}
		return o.failed(ctx, outcome)
	}
}

func (o *AuthenticateOptions) check() {
	for _, path := range []string{o.Success, o.Failure} {
		if path != "" && !localPath(path) {
			panic("app: AuthenticateOptions: Success and Failure are paths on this site")
		}
	}
	switch {
	case o.ReturnTo && o.Success == "":
		panic("app: AuthenticateOptions: ReturnTo needs a Success to go to otherwise")
	case !o.Login && (o.Remember != nil || len(o.LoginOptions) > 0):
		panic("app: AuthenticateOptions: Remember and LoginOptions need Login")
	case o.SuccessFlash != nil && o.SuccessFlash.Text == "":
		panic("app: AuthenticateOptions: SuccessFlash needs a Text")
	}
	o.checkLogin()
}

func (o *AuthenticateOptions) checkLogin() {
	for i, opt := range o.LoginOptions {
		if opt == nil {
			panic(fmt.Sprintf("app: AuthenticateOptions: LoginOption %d is nil", i))
		}
	}
	login := loginOptionsOf(o.LoginOptions)
	switch {
	case login.noSession:
		panic("app: AuthenticateOptions: WithoutSession contradicts Login: leave out both")
	case o.Sessions != nil && o.Sessions.o.Remember == nil && (o.Remember != nil || login.remember):
		panic("app: AuthenticateOptions: Remember needs Sessions with SessionOptions.Remember")
	}
}

// copy makes the options independent of what their owner does with theirs.
func (o *AuthenticateOptions) copy() {
	o.LoginOptions = slices.Clone(o.LoginOptions)
	for _, f := range []**Flash{&o.SuccessFlash, &o.FailureFlash} {
		if *f != nil {
			own := **f
			*f = &own
		}
	}
	if f := o.SuccessFlash; f != nil && f.Kind == "" {
		f.Kind = "success"
	}
	if f := o.FailureFlash; f != nil && f.Kind == "" {
		f.Kind = "error"
	}
}

// missing returns what is wrong with the stack, before a credential is used up.
func (o *AuthenticateOptions) missing(ctx *Context) error {
	if !o.Login && !o.ReturnTo && o.SuccessFlash == nil && o.FailureFlash == nil {
		return nil
	}
	_, err := o.session(ctx)
	return err
}

func (o *AuthenticateOptions) succeeded(ctx *Context, outcome Outcome, next Handler) error {
	if err := o.admit(ctx, outcome); err != nil {
		return err
	}
	if o.Success == "" {
		return next(ctx)
	}
	if !o.ReturnTo {
		return ctx.Redirect(o.Success)
	}
	x, err := o.session(ctx)
	if err != nil {
		return err
	}
	return x.returnToOr(o.Success)
}

// admit makes who is proved the request's user, and their message is kept only if they get in.
func (o *AuthenticateOptions) admit(ctx *Context, outcome Outcome) error {
	if o.Login {
		return o.login(ctx, outcome.Identity)
	}
	outcome.Accept()
	if o.SuccessFlash == nil {
		return nil
	}
	return o.tell(ctx, *o.SuccessFlash)
}

func (o *AuthenticateOptions) login(ctx *Context, id *Identity) error {
	x, err := o.session(ctx)
	if err != nil {
		return err
	}
	if !id.Allows("*") { // the session would allow more than what proved it
		return ctx.tooLittle(id, "*")
	}
	login := loginOptionsOf(o.LoginOptions)
	if o.Remember != nil {
		login.remember = o.Remember(ctx)
	}
	login.flash, login.loggedIn = o.SuccessFlash, id.LoggedIn
	if err := x.loginWith(id.User, login); err != nil {
		return err
	}
	ctx.identity.Info = id.Info
	return nil
}

func (o *AuthenticateOptions) failed(ctx *Context, outcome Outcome) error {
	if o.FailureFlash != nil {
		f := *o.FailureFlash
		if f.Text == "" {
			f.Text = ctx.titleOf(replyTo(outcome.no.why))
		}
		if err := o.tell(ctx, f); err != nil {
			return err
		}
	}
	if o.Failure == "" {
		return outcome.Err()
	}
	return ctx.Redirect(o.Failure)
}

func (o *AuthenticateOptions) tell(ctx *Context, f Flash) error {
	x, err := o.session(ctx)
	if err != nil {
		return err
	}
	if err := x.Flash(f.Kind, f.Text); err != nil && !errors.Is(err, ErrSessionTooLarge) {
		return err
	}
	return nil
}

func (o *AuthenticateOptions) session(ctx *Context) (*Session, error) {
	if o.Sessions != nil {
		return o.Sessions.session(ctx)
	}
	return ctx.defaultSession()
}
