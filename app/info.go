package app

import (
	"context"
	"fmt"
)

// WithInfo returns a strategy that proves whom s proves, with another [Identity].Info, which
// passport calls authInfo: each function is given that of the one before, and nil with no
// error leaves it as it is. Their errors are faults. What s proved is ended as before.
// It panics without a strategy or a function.
func WithInfo(s Strategy, change ...func(ctx context.Context, id *Identity) (info any, err error)) Strategy {
	mustStrategies("WithInfo", []Strategy{s})
	if len(change) == 0 {
		panic("app: WithInfo needs a function")
	}
	for i, f := range change {
		if f == nil {
			panic(fmt.Sprintf("app: WithInfo: function %d is nil", i))
		}
	}
	return withInfo{s, change}
}

type withInfo struct {
	Strategy
	change []func(ctx context.Context, id *Identity) (any, error)
}

func (w withInfo) Authenticate(ctx *Context) (*Identity, error) {
	id, err := w.Strategy.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	if id, err = proven(w.Strategy, id); err != nil {
		return nil, err
	}
	if id.credential == nil {
		id.credential = id.Info
	}
	for _, f := range w.change {
		info, err := f(ctx.Context(), id)
		if err != nil {
			return nil, &Error{Status: 500, Cause: fmt.Errorf("app: WithInfo: %w", err)}
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

func (w withInfo) Describe() (name, looksAt string) { return describe(w.Strategy) }
