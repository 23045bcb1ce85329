package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/kahu-go/kahu/internal/stamp"
)

// Sessions keeps one kind of user logged in, by a cookie with a random id and a row
// in a store. Make it with [NewSessions] and put its Layer into the stack.
type Sessions struct {
	store  SessionStore
	users  Serializer
	stamp  stamp.Stamp
	o      SessionOptions
	origin *http.CrossOriginProtection // nil: not checked
	app    *atomic.Pointer[App]        // the first whose stack the Layer is in: told of what happens outside of requests
}

var (
	_ Strategy   = (*Sessions)(nil)
	_ Challenger = (*Sessions)(nil)
	_ Describer  = (*Sessions)(nil)
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
	if _, ok := store.(SessionLister); !ok && o.MaxPerUser > 0 && o.Remember != nil {
		panic(fmt.Sprintf("app: SessionOptions.MaxPerUser with Remember needs a store that is a SessionLister, %T is none", store))
	}
	return &Sessions{store: store, users: users, o: o, origin: crossOrigin(o), app: new(atomic.Pointer[App]), stamp: stamp.Stamp{Of: o.Stamp, Domain: o.Kind}}
}

// With returns the same sessions with other options, for tests above all: of another Clock,
// say. It panics as [NewSessions] does.
func (s *Sessions) With(change func(o *SessionOptions)) *Sessions {
	o := s.o
	change(&o)
	return NewSessions(s.store, s.users, o)
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
		if other.s.o.Kind == s.o.Kind {
			return fmt.Errorf("app: two Sessions in one stack are of the kind %q: a session of one would open the other", s.o.Kind)
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
