package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrLoggedOut is why the context of [Context.WhileLoggedIn] ended: the session or the credential
// that it was opened with was ended, or has expired.
var ErrLoggedOut = errors.New("app: what proved the request is over")

// A Rechecker is a [Strategy] that can say, while a connection stays open, whether what proved an
// identity still would. It is asked outside of the request, at the same time as others are.
type Rechecker interface {
	// Recheck returns nil if so, a *[Rejection] if not, and any other error for a fault.
	Recheck(ctx context.Context, id *Identity) error
}

const (
	watchEvery  = 5 * time.Second
	watchFaults = 3
)

// WhileLoggedIn returns a context for an answer that goes on, such as a WebSocket or server-sent
// events. It ends with the request, when the server shuts down (see [App.Server]), and when the
// session or the credential that proved the request has been ended or has expired: context.Cause
// is then [ErrLoggedOut]. The store is asked every so often; 0: 5 seconds. If it cannot say three
// times in a row, the context ends with that fault. Call cancel when the answer is over.
//
// The error is [ErrLoginRequired] without a user, and another one if a strategy proved the user
// that is no [Rechecker].
func (c *Context) WhileLoggedIn(every time.Duration) (ctx context.Context, cancel context.CancelFunc, err error) {
	id, err := requireIdentity(c)
	if err != nil {
		return nil, nil, err
	}
	by, err := recheckerOf(id.by)
	if err != nil {
		return nil, nil, err
	}
	if every <= 0 {
		every = watchEvery
	}
	ctx, end := context.WithCancelCause(c.Context())
	go watch(ctx, end, every, func() error { return by.Recheck(ctx, id) })
	stop := context.AfterFunc(c.closing(), func() { end(http.ErrServerClosed) })
	return ctx, func() { stop(); end(nil) }, nil
}

// recheckerOf returns s if it can recheck, also under WithInfo.
func recheckerOf(s Strategy) (Rechecker, error) {
	own := s
	if w, ok := s.(withInfo); ok {
		own = w.Strategy
	}
	if _, ok := own.(Rechecker); !ok {
		return nil, fmt.Errorf("app: WhileLoggedIn: %T is no app.Rechecker", own)
	}
	return s.(Rechecker), nil
}

// watch asks until ctx ends, and ends it when it is to.
func watch(ctx context.Context, end context.CancelCauseFunc, every time.Duration, check func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for faults := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch err := survived(check); {
		case err == nil:
			faults = 0
		case rejects(err) || passes(err):
			end(fmt.Errorf("%w: %w", ErrLoggedOut, err))
		default:
			if faults++; faults == watchFaults {
				end(unavailable(err))
			}
		}
	}
}

// survived makes a fault of a panic: in this goroutine nobody else would recover, and the process
// would end.
func survived(check func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Status: http.StatusInternalServerError, Cause: &PanicError{Value: v, Stack: stack()}}
		}
	}()
	return check()
}

// Recheck asks the store whether a session is there still, and its user what it is bound to.
func (s *Sessions) Recheck(ctx context.Context, id *Identity) error {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rec, err := s.store.Find(ctx, id.Handle)
	switch {
	case errors.Is(err, ErrSessionDamaged):
		return &Rejection{Cause: err}
	case err != nil:
		return unavailable(err)
	case rec == nil || rec.Kind != s.o.Kind || rec.Subject != id.Subject:
		return &Rejection{Cause: errNoRow}
	case !live(rec, s.now()):
		return &Rejection{Cause: errExpired}
	}
	user, err := rec.User, error(nil)
	if !rec.Joined {
		user, err = s.users.Deserialize(ctx, rec.Subject)
	}
	switch {
	case gone(user, err):
		return &Rejection{Cause: errUserGone}
	case err != nil:
		return unavailable(err)
	case !s.bound(rec, user):
		return &Rejection{Cause: errStampChanged}
	}
	return nil
}

// Recheck is that of the strategy, which is given its own Info back.
func (w withInfo) Recheck(ctx context.Context, id *Identity) error {
	if _, err := recheckerOf(w); err != nil {
		return err
	}
	own := *id
	own.Info = id.credential
	return w.Strategy.(Rechecker).Recheck(ctx, &own)
}
