package app

import "slices"

// AuthenticateOptions say what [AuthenticateWith] does with who is proved, and with who is
// not. The zero value is [Authenticate].
type AuthenticateOptions struct {
	// Login logs in whom the strategies prove, to the first Sessions of the stack or to these.
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
// is told so by the flash message, logged in, and sent on, in this order; who is not, is told by a
// flash message and sent back. It panics as [Authenticate] does, and for options that contradict
// each other or send browsers to other sites.
func AuthenticateWith(o AuthenticateOptions, strategies ...Strategy) Middleware {
	mustStrategies("AuthenticateWith", strategies)
	o.check()
	return func(ctx *Context, next Handler) error {
		outcome, err := ctx.Ask(strategies...)
		switch {
		case err != nil:
			return err
		case outcome.Identity == nil:
			return o.failed(ctx, outcome)
		}
		return o.succeeded(ctx, outcome, next)
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
}

func (o *AuthenticateOptions) succeeded(ctx *Context, outcome Outcome, next Handler) error {
	outcome.Accept()
	if err := o.flash(ctx, o.SuccessFlash, "success", ""); err != nil {
		return err
	}
	if err := o.login(ctx, outcome.Identity.User); err != nil {
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

func (o *AuthenticateOptions) login(ctx *Context, user any) error {
	if !o.Login {
		return nil
	}
	x, err := o.session(ctx)
	if err != nil {
		return err
	}
	opts := o.LoginOptions
	if o.Remember != nil {
		opts = append(slices.Clone(opts), Remember(o.Remember(ctx)))
	}
	return x.login(user, opts)
}

func (o *AuthenticateOptions) failed(ctx *Context, outcome Outcome) error {
	if err := o.flash(ctx, o.FailureFlash, "error", clientTitle(ctx, outcome.no.why)); err != nil {
		return err
	}
	if o.Failure == "" {
		return outcome.Err()
	}
	return ctx.Redirect(o.Failure)
}

func (o *AuthenticateOptions) flash(ctx *Context, f *Flash, kind, text string) error {
	if f == nil {
		return nil
	}
	x, err := o.session(ctx)
	if err != nil {
		return err
	}
	if f.Kind != "" {
		kind = f.Kind
	}
	if f.Text != "" {
		text = f.Text
	}
	return x.Flash(kind, text)
}

func (o *AuthenticateOptions) session(ctx *Context) (*Session, error) {
	if o.Sessions != nil {
		return o.Sessions.session(ctx)
	}
	return ctx.defaultSession()
}

// clientTitle is what the client may read of a refusal.
func clientTitle(ctx *Context, why error) string {
	status, title, _ := outcome(why)
	if title == "" {
		title = words(status)
	}
	if ctx.app != nil && ctx.app.Translate != nil {
		title = ctx.app.Translate(ctx, title)
	}
	return title
}
