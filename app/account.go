package app

// Authorize returns a layer that lets in only who one of the strategies proves, as
// [Authenticate] does, but to connect what they prove to somebody who is logged in: it is
// [Context.Account], and the request's user and session stay who they are. [ErrAnonymous] counts as
// no credentials here. It panics as Authenticate does.
func Authorize(strategies ...Strategy) Middleware {
	strategies = mustStrategies("Authorize", strategies)
	return func(ctx *Context, next Handler) error {
		asked := ctx.asked
		o, err := ctx.Ask(strategies...)
		ctx.asked = asked // what guards below want to see is what proves the user
		if err == nil {
			err = o.Err()
		}
		if err != nil {
			return err
		}
		ctx.account = o.Identity
		return next(ctx)
	}
}

// Account returns whom [Authorize] proved above, or nil.
func (c *Context) Account() *Identity { return c.account }
