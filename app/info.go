package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// WithInfo returns a strategy that proves whom s proves, with another [Identity].Info, which
// passport calls authInfo: each function is given that of the one before, and nil with no
// error leaves it as it is. Their errors are faults. What s proved is ended as before.
// It panics without a strategy or a function.
func WithInfo(s Strategy, change ...func(ctx context.Context, id *Identity) (info any, err error)) Strategy {
	checkStrategies("WithInfo", []Strategy{s})
	if len(change) == 0 {
		panic("app: WithInfo needs a function")
	}
	for i, f := range change {
		if f == nil {
			panic(fmt.Sprintf("app: WithInfo: function %d is nil", i))
		}
	}
	if inner, ok := s.(withInfo); ok {
		return withInfo{inner.Strategy, slices.Concat(inner.change, change)}
	}
	return withInfo{s, slices.Clone(change)}
}

type withInfo struct {
	Strategy
	change []func(ctx context.Context, id *Identity) (any, error)
}

func (w withInfo) Authenticate(ctx *Context) (*Identity, error) {
	proved, err := w.Strategy.Authenticate(ctx)
	if err != nil || proved == nil || isNil(proved.User) {
		return nil, err
	}
	id := new(*proved) // the strategy's own may be shared by requests
	id.credential = id.Info
	for _, f := range w.change {
		info, err := f(ctx.Context(), id)
		if err != nil {
			return nil, &Error{Status: http.StatusInternalServerError, Cause: fmt.Errorf("app: WithInfo: %w", err)}
		}
		if info != nil {
			id.Info = info
		}
	}
	return id, nil
}

// End gives the strategy its own Info back.
func (w withInfo) End(ctx *Context, id *Identity) error {
	e, ok := w.Strategy.(Ender)
	if !ok {
		return fmt.Errorf("%w: %T is no app.Ender", ErrCannotEnd, w.Strategy)
	}
	own := *id
	own.Info = id.credential
	return e.End(ctx, &own)
}

func (w withInfo) Challenge(ctx *Context, why error) string {
	if c, ok := w.Strategy.(Challenger); ok {
		return c.Challenge(ctx, why)
	}
	return ""
}

// sessionsOf returns the Sessions that a strategy is, or nil.
func sessionsOf(s Strategy) *Sessions {
	switch s := s.(type) {
	case *Sessions:
		return s
	case withInfo:
		return sessionsOf(s.Strategy)
	}
	return nil
}

func (w withInfo) Describe() (name, looksAt string) { return describe(w.Strategy) }
