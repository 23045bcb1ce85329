package strategies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// An Issuer makes credentials of type T as O says, and proves users by them. *[Bearer]
// is one.
type Issuer[T, O any] interface {
	app.Strategy
	app.Challenger
	app.Ender
	Issue(ctx context.Context, user any, o O) (T, error)

	// Credential returns what Identity.Info will be for what Issue made: without its secret.
	Credential(issued T) any

	// EndIssued revokes what Issue made.
	EndIssued(ctx context.Context, issued T) error
}

// A Guard is one way to log in and be known, with the vocabulary of AdonisJS: Attempt,
// Login, Authenticate, Check, Logout, and a [State] of what happened in this request.
// It is a strategy, so app.Authenticate(guard) protects routes. Several guards stand
// side by side; none takes another's credentials. Make it with [NewGuard].
//
// A Guard is shared by all requests; what it knows of one is kept with its Context.
type Guard[T, O any] struct {
	name string
	kind Issuer[T, O]
	o    GuardOptions
}

var (
	_ AnyGuard       = (*Guard[*IssuedToken, TokenOptions])(nil)
	_ app.Challenger = (*Guard[*IssuedToken, TokenOptions])(nil)
	_ app.Ender      = (*Guard[*IssuedToken, TokenOptions])(nil)
)

// GuardOptions are the options of [NewGuard].
type GuardOptions struct {
	// Local checks names and passwords; nil: Attempt and VerifyCredentials are errors.
	Local *Local

	// ByID finds the user that LoginViaID logs in; sql.ErrNoRows or a nil user means that
	// there is none. nil: LoginViaID is an error.
	ByID func(ctx context.Context, id string) (user any, err error)
}

// NewGuard makes a guard. Its name is in Identity.Via and in events. It panics without
// a name or an Issuer.
func NewGuard[T, O any](name string, kind Issuer[T, O], o GuardOptions) *Guard[T, O] {
	if name == "" || isNil(kind) {
		panic("strategies: NewGuard needs a name and an Issuer")
	}
	return &Guard[T, O]{name, kind, o}
}

// issuer is what tells the credentials of two guards apart.
func (g *Guard[T, O]) issuer() any { return g.kind }

// Name returns the guard's name.
func (g *Guard[T, O]) Name() string { return g.name }

// A State says what happened with a guard in one request.
type State struct {
	LoggedIn      bool `json:"isLoggedIn"`              // somebody is known: by Login, or by Authenticate
	Guest         bool `json:"isGuest"`                 // the contrary
	Authenticated bool `json:"isAuthenticated"`         // this request's own credential was verified
	Attempted     bool `json:"authenticationAttempted"` // Authenticate or Check was called, whatever came of it
	LoggedOut     bool `json:"isLoggedOut"`             // Logout was the last that happened
}

// progress is what a guard knows of one request.
type progress[T any] struct {
	user      any
	asked     question
	verified  *app.Identity
	err       error // of the verification
	attempted bool
	loggedOut bool
	issued    []T
}

// A question is what a verification depends on: a layer may change it, or serve
// another request with the same Context.
type question struct {
	header     uintptr // the map
	credential string
}

// question is what the Issuer says that it looks at, or else the Authorization header.
func (g *Guard[T, O]) question(ctx *app.Context) question {
	q := question{header: reflect.ValueOf(ctx.Request.Header).Pointer()}
	if kind, ok := any(g.kind).(interface{ presented(ctx *app.Context) string }); ok {
		q.credential = kind.presented(ctx)
	} else {
		q.credential = strings.Join(ctx.Request.Header["Authorization"], "\n")
	}
	return q
}

func (g *Guard[T, O]) progress(ctx *app.Context) *progress[T] {
	if p, ok := ctx.Value(g).(*progress[T]); ok {
		return p
	}
	p := new(progress[T])
	ctx.SetValue(g, p)
	return p
}

// VerifyCredentials returns the user of a name and a password. It changes no [State].
func (g *Guard[T, O]) VerifyCredentials(ctx *app.Context, c Credentials) (user any, err error) {
	if g.o.Local == nil {
		return nil, fmt.Errorf("strategies: the guard %s has no Local to check passwords", g.name)
	}
	if c.Name == "" || c.Password == "" {
		return nil, &app.Rejection{Status: http.StatusBadRequest, Message: "Send a name and a password"}
	}
	if !c.Address.IsValid() {
		c.Address = g.o.Local.o.Address(ctx)
	}
	if user, err = g.o.Local.Verify(ctx.Context(), c); err != nil {
		EmitLogin(ctx, g.name, err)
	}
	return user, err
}

// Attempt is VerifyCredentials, then Login.
func (g *Guard[T, O]) Attempt(ctx *app.Context, c Credentials, o O) (issued T, err error) {
	user, err := g.VerifyCredentials(ctx, c)
	if err != nil {
		return issued, err
	}
	return g.Login(ctx, user, o)
}

// Login makes a credential for user, who is the guard's [Guard.User] for the rest of the
// request. It asks for no password.
func (g *Guard[T, O]) Login(ctx *app.Context, user any, o O) (issued T, err error) {
	if issued, err = g.kind.Issue(ctx.Context(), user, o); err != nil {
		return issued, err
	}
	ctx.Header().Set("Cache-Control", "no-store") // RFC 6749 section 5.1
	p := g.progress(ctx)
	p.user, p.loggedOut, p.issued = user, false, append(p.issued, issued)
	ctx.Emit(app.Event{Name: app.EventIssued, Via: g.name, User: user, Info: g.kind.Credential(issued)})
	return issued, nil
}

// Generate is Login.
func (g *Guard[T, O]) Generate(ctx *app.Context, user any, o O) (T, error) {
	return g.Login(ctx, user, o)
}

// LoginViaID is Login for the user with this id; an id of nobody is a rejection.
func (g *Guard[T, O]) LoginViaID(ctx *app.Context, id string, o O) (issued T, err error) {
	if g.o.ByID == nil {
		return issued, fmt.Errorf("strategies: the guard %s has no ByID to find users", g.name)
	}
	user, err := g.o.ByID(ctx.Context(), id)
	switch {
	case noRows(err), err == nil && isNil(user):
		return issued, &app.Rejection{Message: "User not found"}
	case err != nil:
		return issued, err
	}
	return g.Login(ctx, user, o)
}

// Authenticate proves the user by the request's credential. It asks once for each
// request: what was refused stays refused. As a handler's own step write
// ctx.Authenticate(guard), which also makes the user the request's.
func (g *Guard[T, O]) Authenticate(ctx *app.Context) (*app.Identity, error) {
	p, q := g.progress(ctx), g.question(ctx)
	if q == p.asked && (p.verified != nil || p.err != nil) {
		return p.verified, p.err
	}
	p.attempted, p.loggedOut, p.asked = true, false, q
	p.verified, p.err = nil, errInterrupted // a panic that somebody recovers from is no answer
	id, err := g.kind.Authenticate(ctx)
	p.err = nil
	if err != nil {
		p.err = err
		if refused(err) && !errors.Is(err, app.ErrNoCredentials) {
			ctx.Emit(app.Event{Name: app.EventRefused, Via: g.name, Reason: err})
		}
		return nil, err
	}
	own := *id
	own.Via = g.name
	p.verified, p.user = &own, own.User
	ctx.Emit(app.Event{Name: app.EventUsed, Via: g.name, User: own.User, Subject: own.Subject, Info: own.Info})
	return p.verified, nil
}

// Check is Authenticate for those who only want to know. The request's user is then
// known below; a credential that is missing or wrong is no error, a fault is.
func (g *Guard[T, O]) Check(ctx *app.Context) (bool, error) {
	_, err := ctx.Authenticate(g)
	if refused(err) {
		return false, nil
	}
	return err == nil, err
}

var errInterrupted = &app.Error{Status: http.StatusServiceUnavailable, Cause: errors.New("strategies: a verification panicked")}

// refused tells a credential that is missing or wrong from a fault, which an app.Error is
// whatever its cause.
func refused(err error) bool {
	if _, fault := errors.AsType[*app.Error](err); fault {
		return false
	}
	return errors.Is(err, app.ErrNoCredentials) || errors.Is(err, app.ErrInvalidCredentials)
}

// Logout revokes this request's credential, verified first, and those that Login made
// in this request. It reports whether there was any: none is no error. A session of the
// request stays.
func (g *Guard[T, O]) Logout(ctx *app.Context) (revoked bool, err error) {
	p := g.progress(ctx)
	if _, err := g.Authenticate(ctx); err != nil && !refused(err) {
		return false, err // what could not be verified may be alive
	}
	for len(p.issued) > 0 {
		if err := g.endIssued(ctx, p); err != nil {
			return revoked, err
		}
		revoked = true
	}
	if p.verified != nil {
		verified := p.verified
		if err := g.End(ctx, verified); err != nil {
			return revoked, err
		}
		ctx.Forget(verified.Info)
		revoked = true
	}
	p.user, p.loggedOut = nil, true
	return revoked, nil
}

func (g *Guard[T, O]) endIssued(ctx *app.Context, p *progress[T]) error {
	issued := p.issued[0]
	if err := g.kind.EndIssued(ctx.Context(), issued); err != nil {
		return err
	}
	p.issued = p.issued[1:]
	ctx.Emit(app.Event{Name: app.EventRevoked, Via: g.name, User: p.user, Info: g.kind.Credential(issued)})
	return nil
}

// Revoke is Logout.
func (g *Guard[T, O]) Revoke(ctx *app.Context) (bool, error) { return g.Logout(ctx) }

// End revokes the credential of an identity that this guard proved. ctx.Logout calls it.
func (g *Guard[T, O]) End(ctx *app.Context, id *app.Identity) error {
	if err := g.kind.End(ctx, id); err != nil {
		return err
	}
	p := g.progress(ctx)
	p.user, p.verified, p.err, p.asked, p.attempted, p.loggedOut = nil, nil, app.ErrNoCredentials, g.question(ctx), true, true
	ctx.Emit(app.Event{Name: app.EventRevoked, Via: g.name, User: id.User, Subject: id.Subject, Info: id.Info})
	return nil
}

// Challenge is the Issuer's.
func (g *Guard[T, O]) Challenge(ctx *app.Context, why error) string {
	return g.kind.Challenge(ctx, why)
}

// Describe is the Issuer's, under the guard's name.
func (g *Guard[T, O]) Describe() (name, looksAt string) {
	if d, ok := any(g.kind).(app.Describer); ok {
		_, looksAt = d.Describe()
	}
	return g.name, looksAt
}

// User returns who is known in this request by this guard, or nil. It asks nobody.
func (g *Guard[T, O]) User(ctx *app.Context) any { return g.progress(ctx).user }

// Token returns the verified credential of this request, such as a
// *[tokenstores.Token], or nil. It asks nobody.
func (g *Guard[T, O]) Token(ctx *app.Context) any {
	if v := g.progress(ctx).verified; v != nil {
		return v.Info
	}
	return nil
}

// State returns what happened in this request so far.
func (g *Guard[T, O]) State(ctx *app.Context) State {
	p := g.progress(ctx)
	return State{
		LoggedIn: p.user != nil, Guest: p.user == nil, Authenticated: p.verified != nil,
		Attempted: p.attempted, LoggedOut: p.loggedOut,
	}
}
