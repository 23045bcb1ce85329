package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Sessions keeps one kind of user logged in, by a cookie with a random id and a row
// in a store. Make it with [NewSessions] and put its Layer into the stack.
type Sessions struct {
	store  SessionStore
	users  Serializer
	o      SessionOptions
	origin *http.CrossOriginProtection // nil: not checked
	app    *atomic.Pointer[App]        // the first whose stack the Layer is in: told of what happens outside of requests
}

var (
	_ Strategy   = (*Sessions)(nil)
	_ Challenger = (*Sessions)(nil)
	_ Describer  = (*Sessions)(nil)
)

// SessionOptions are the options of [NewSessions]. The zero value is safe.
type SessionOptions struct {
	// Kind names the kind of user and is part of every key: a cookie of one kind never
	// opens a session of another. Letters, digits, '-' and '_'; "": session.
	Kind string

	// Idle ends a session that is not used for so long; 0: 30 minutes. It is written at
	// most once a minute, so a session may end up to a minute early.
	Idle time.Duration

	// Absolute ends a session this long after login, used or not; 0: 12 hours.
	Absolute time.Duration

	// Cookie says what is to be unusual about the cookie.
	Cookie SessionCookie

	// MaxPerUser bounds how many sessions a user has at once; a login beyond it ends the
	// oldest. 1: whoever logs in is logged out elsewhere. 0: no limit. The store
	// has to be a [SessionLimiter].
	MaxPerUser int

	// Stamp returns a text of a user, such as a digest of the password's hash, to which each
	// session is bound: when it is another one, the session has ended, whoever changed it. It is asked
	// for each request that asks for its user, so it should be loaded with them, and may not be
	// empty. nil: sessions are not bound. serializer.TableOptions.Stamp loads one.
	Stamp func(user any) string

	// Remember brings back who was logged in with the option [Remember] and has no session any
	// more; nil: nobody. With a Stamp it needs one too: a new password forgets who is remembered.
	// Each Sessions of a stack has one of its own.
	Remember Rememberer

	// LoginPage is where [RequireLogin] sends a browser that came for a page and is not logged in,
	// a path on this site; [Context.ReturnToOrRedirect] sends it back. "": nowhere, that is
	// answered 401 as to everybody else.
	LoginPage string

	// ConfirmPage is where [RequireRecentLogin] sends a browser whose login is not recent: it
	// asks for the password again and calls [Context.ConfirmLogin]. "": 401.
	ConfirmPage string

	// TrustedOrigins may send unsafe requests with the cookie although they are other
	// sites: "https://example.com", with a port if it is not the scheme's own.
	TrustedOrigins []string

	// InsecureAllowCrossOrigin lets every site use the cookie. Then SameSite is all that
	// stands between your users and cross-site request forgery.
	InsecureAllowCrossOrigin bool

	// Timeout bounds each question to the store and the Serializer; 0: 2 seconds. What
	// takes longer is a fault. Saving has 5 seconds, which a client that hangs up does not cut.
	Timeout time.Duration

	// MaxBytes bounds the data of one session as JSON; 0: 64 KiB.
	MaxBytes int

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

const (
	defaultKind  = "session"
	maxPerUser   = 10_000
	touchEvery   = time.Minute
	writeTimeout = 5 * time.Second
)

var errNoSessions = errors.New("app: there is no Sessions layer above: add app.Use(sessions.Layer) before it")

// NewSessions makes the sessions of one kind of user. It panics if the options are
// unsafe or contradict each other. If the store is a [UserJoiner] it is asked to load
// the users with their sessions.
func NewSessions(store SessionStore, users Serializer, o SessionOptions) *Sessions {
	if isNil(store) || isNil(users) {
		panic("app: NewSessions needs a store and a Serializer")
	}
	o.setDefaults()
	o.Cookie.check(o.Kind)
	if j, ok := store.(UserJoiner); ok {
		store = j.JoinUsers(users)
	}
	if _, ok := store.(SessionLimiter); !ok && o.MaxPerUser > 0 {
		panic(fmt.Sprintf("app: SessionOptions.MaxPerUser needs a store that is a SessionLimiter, %T is none", store))
	}
	return &Sessions{store: store, users: users, o: o, origin: crossOrigin(o), app: new(atomic.Pointer[App])}
}

// With returns the same sessions with other options, for tests above all: of another Clock,
// say. It panics as [NewSessions] does.
func (s *Sessions) With(change func(o *SessionOptions)) *Sessions {
	o := s.o
	change(&o)
	return NewSessions(s.store, s.users, o)
}

func (o *SessionOptions) setDefaults() {
	if o.Kind == "" {
		o.Kind = defaultKind
	}
	if len(o.Kind) > 64 || strings.Trim(o.Kind, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		panic(fmt.Sprintf("app: SessionOptions.Kind %q: letters, digits, '-' and '_', at most 64", o.Kind))
	}
	setDuration(&o.Idle, 30*time.Minute, "Idle")
	setDuration(&o.Absolute, 12*time.Hour, "Absolute")
	setDuration(&o.Timeout, 2*time.Second, "Timeout")
	for _, page := range []string{o.LoginPage, o.ConfirmPage} {
		if page != "" && !localPath(page) {
			panic("app: SessionOptions: LoginPage and ConfirmPage are paths on this site")
		}
	}
	switch {
	case o.MaxPerUser < 0 || o.MaxPerUser > maxPerUser:
		panic("app: SessionOptions.MaxPerUser is negative or over 10,000")
	case o.Remember != nil && isNil(o.Remember):
		panic("app: SessionOptions.Remember is a nil pointer")
	case o.Stamp != nil && unstamped(o.Remember):
		panic("app: SessionOptions.Remember has no Stamp: whom a Stamp logs out would be brought back by it")
	case o.MaxBytes < 0 || o.MaxBytes > math.MaxInt32:
		panic("app: SessionOptions.MaxBytes is out of range")
	case o.MaxBytes == 0:
		o.MaxBytes = 64 << 10
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// setDuration fills in a default and refuses what would never or always expire.
func setDuration(d *time.Duration, unset time.Duration, name string) {
	switch {
	case *d == 0:
		*d = unset
	case *d < 0 || *d > 10*365*24*time.Hour:
		panic("app: SessionOptions." + name + " must be positive and at most ten years")
	}
}

// crossOrigin returns the check that the options ask for.
func crossOrigin(o SessionOptions) *http.CrossOriginProtection {
	if o.InsecureAllowCrossOrigin {
		return nil
	}
	p := http.NewCrossOriginProtection()
	for _, origin := range o.TrustedOrigins {
		if err := p.AddTrustedOrigin(origin); err != nil {
			panic("app: SessionOptions.TrustedOrigins: " + err.Error())
		}
	}
	return p
}

// Layer gives the request its session. It asks the store for nothing: that happens
// when somebody below asks for the session or its user. A second Layer of the same
// Sessions does nothing.
func (s *Sessions) Layer(ctx *Context, next Handler) error {
	if ctx.self != ctx {
		return ErrCopied
	}
	if s.of(ctx) != nil {
		return next(ctx)
	}
	x := &ctx.first
	if len(ctx.kinds) > 0 {
		x = new(Session)
	}
	for _, other := range ctx.kinds {
		if other.s.o.Cookie.Name == s.o.Cookie.Name {
			return fmt.Errorf("app: two Sessions in one stack share the cookie %s: give each its own Kind", s.o.Cookie.Name)
		}
		if sameRememberer(other.s.o.Remember, s.o.Remember) {
			return fmt.Errorf("app: two Sessions in one stack share a Remember: it would bring users of the kind %q back as %q", other.s.o.Kind, s.o.Kind)
		}
	}
	x.s, x.ctx = s, ctx
	if s.app.Load() == nil && ctx.app != nil {
		s.app.CompareAndSwap(nil, ctx.app)
	}
	ctx.kinds = append(ctx.kinds, x)
	return next(ctx)
}

// Login is [Context.Login] for this kind of user.
func (s *Sessions) Login(ctx *Context, user any, opts ...LoginOption) error {
	o := loginOptionsOf(opts)
	if o.noSession {
		return ctx.loginOnce(user, o)
	}
	x, err := s.session(ctx)
	if err != nil {
		return err
	}
	return x.loginWith(user, o)
}

// Logout ends this kind's session, whatever proved the request.
func (s *Sessions) Logout(ctx *Context) error {
	x, err := s.session(ctx)
	if err != nil {
		return err
	}
	return x.logout()
}

// Identity returns who this kind's session says sent the request; nil, nil is nobody
// and an error is a fault.
func (s *Sessions) Identity(ctx *Context) (*Identity, error) {
	x, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	return x.identify()
}

// Authenticate makes the sessions a [Strategy] beside others: who has no session, or one
// that nobody is logged in to, has no credentials.
func (s *Sessions) Authenticate(ctx *Context) (*Identity, error) {
	id, err := s.Identity(ctx)
	if err == nil && id == nil {
		err = ErrNoCredentials
	}
	return id, err
}

// Describe names the cookie.
func (s *Sessions) Describe() (name, looksAt string) {
	return s.o.Kind, "the cookie " + s.o.Cookie.Name
}

// Challenge says that it takes a cookie.
func (s *Sessions) Challenge(*Context, error) string { return `Cookie realm="` + s.o.Kind + `"` }

// Session returns this kind's session, as [Context.Session] does the first one's.
func (s *Sessions) Session(ctx *Context) (*Session, error) {
	x, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	return x.ready()
}

// RequireLogin is a layer that lets in whoever this kind's session proves, and makes
// it the identity of everything below, as [Authenticate] does.
func (s *Sessions) RequireLogin(ctx *Context, next Handler) error {
	id, err := s.Identity(ctx)
	if err != nil {
		return err
	}
	if id == nil {
		return s.loginRequired(ctx, ctx.denied(nil, ErrLoginRequired))
	}
	ctx.prove(id)
	return next(ctx)
}

func (s *Sessions) of(ctx *Context) *Session {
	for _, x := range ctx.kinds {
		if x.s == s {
			return x
		}
	}
	return nil
}

func (s *Sessions) session(ctx *Context) (*Session, error) {
	if ctx.self != ctx {
		return nil, ErrCopied
	}
	if x := s.of(ctx); x != nil {
		return x, nil
	}
	return nil, fmt.Errorf("%w (kind %q)", errNoSessions, s.o.Kind)
}

func (c *Context) defaultSession() (*Session, error) {
	if c.self != c {
		return nil, ErrCopied
	}
	if len(c.kinds) == 0 {
		return nil, errNoSessions
	}
	return c.kinds[0], nil
}

func (s *Sessions) now() time.Time { return s.o.Clock().UTC().Truncate(time.Microsecond) }

// reading bounds one question to the store.
func (s *Sessions) reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.o.Timeout)
}

// writing bounds one change, and finishes it though the client hangs up.
func writing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
}
