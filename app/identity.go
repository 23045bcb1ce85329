package app

import (
	"errors"
	"fmt"
)

// Identity returns who sent the request, or nil, nil for nobody. An error is a fault:
// nobody knows who it is; return it. The session is asked when this is first called,
// so a request whose handlers never ask costs no query.
func (c *Context) Identity() (*Identity, error) {
	if c.self != c {
		return nil, ErrCopied
	}
	if c.proven || len(c.kinds) == 0 {
		return c.identity, nil
	}
	return c.kinds[0].identify()
}

// User returns who sent the request, or nil for nobody. If it cannot be found out it
// returns nil, too, and the fault is answered instead of what the request prepares.
func (c *Context) User() any {
	if id := c.known(); id != nil {
		return id.User
	}
	return nil
}

// IsAuthenticated reports whether the request is proved to be somebody's. On a fault
// it is false, as [Context.User] is nil.
func (c *Context) IsAuthenticated() bool { return c.known() != nil }

// known keeps the fault that its callers cannot return.
func (c *Context) known() *Identity {
	id, err := c.Identity()
	if err != nil {
		c.self.fault = err // of a copy, the original's
		return nil
	}
	return id
}

// User returns the user of a request if there is one and it is a U.
func User[U any](ctx *Context) (user U, ok bool) {
	user, ok = ctx.User().(U)
	return user, ok
}

// prove sets who sent the request; nil is nobody.
func (c *Context) prove(id *Identity) {
	c.identity, c.proven = id, true
	if id != nil && id.Deliberate && errors.Is(c.fault, errCrossSite) {
		c.fault = nil // who asked before this was known need not be answered any more
	}
}

// Forget makes nobody of the request's user if that is who the credential info, an
// [Identity].Info, proved. Strategies call it when they ended one themselves.
func (c *Context) Forget(info any) {
	if id := c.identity; id != nil && info != nil && (same(id.Info, info) || same(id.credential, info)) {
		c.prove(nil)
	}
}

// Login makes user the user of this client's session, the first in the stack: a new
// id, a new row, the old row deleted in the same transaction, and the cookie. What
// the session held is dropped, except flash messages, the return-to address and what
// [KeepSession] names. It is written before Login returns, even if the client hangs up.
//
// The errors are 503 for a store that fails, 403 for a request from another site,
// [ErrHeadersSent], and 500 for a user that the Serializer does not take.
func (c *Context) Login(user any, opts ...LoginOption) error {
	o := loginOptionsOf(opts)
	if o.noSession {
		return c.loginOnce(user, o)
	}
	x, err := c.defaultSession()
	if err != nil {
		return err
	}
	return x.loginWith(user, o)
}

// loginOnce makes user that of this request.
func (c *Context) loginOnce(user any, o loginOptions) error {
	switch {
	case c.self != c:
		return ErrCopied
	case isNil(user):
		return errors.New("app: there is no user to log in: nil")
	case o.remember:
		return errors.New("app: Login: Remember contradicts WithoutSession")
	case o.maxAge != 0:
		return errors.New("app: Login: MaxAge contradicts WithoutSession")
	}
	c.prove(&Identity{User: user, Scopes: []string{"*"}, Via: "login", by: once{}})
	c.fault = nil
	return nil
}

// once is what proves a user who is logged in for one request.
type once struct{}

func (once) Authenticate(*Context) (*Identity, error) { return nil, ErrNoCredentials }
func (once) End(*Context, *Identity) error            { return nil }

// Logout ends what proved this request: the session, or the credential of a strategy
// that is an [Ender], and nothing else. Afterwards nobody is logged in for the rest of
// the request. It asks no Serializer, so it works for users that cannot be loaded.
// A client that is not logged in gets no error. A route for it is open.
//
// If the row cannot be deleted the error is answered 503 and the cookie stays, so that
// the client can try again.
func (c *Context) Logout() error {
	if c.self != c {
		return ErrCopied
	}
	if c.settled || c.sent {
		return ErrHeadersSent
	}
	switch id := c.identity; {
	case c.proven && id == nil:
		return nil // that was ended already, and nothing else is to be
	case id != nil && id.of == nil:
		return c.end(id)
	case id != nil:
		return id.of.logout()
	}
	if len(c.kinds) == 0 && len(c.asked) > 0 {
		return nil
	}
	x, err := c.defaultSession()
	if err != nil {
		return err
	}
	return x.logout()
}

// end ends the credential of a strategy.
func (c *Context) end(id *Identity) error {
	ender, ok := id.by.(Ender)
	if !ok {
		return fmt.Errorf("%w: %T is no app.Ender", ErrCannotEnd, id.by)
	}
	if err := ender.End(c, id); err != nil {
		return unavailable(err)
	}
	c.Emit(Event{Name: EventLogout, Via: id.Via, User: id.User, Subject: id.Subject, Info: id.Info})
	c.prove(nil)
	c.fault = nil
	return nil
}
