package app

import (
	"errors"
	"fmt"
)

// Choose returns a strategy that is another one for each request: that of its tenant, say. A
// tenant that is not known is choose's error, such as ctx.Throw(404, ""), [ErrNoCredentials] to
// pass the question on, or a fault. No strategy and no error is a fault, too. It panics
// without choose.
func Choose(choose func(ctx *Context) (Strategy, error)) Strategy {
	if choose == nil {
		panic("app: Choose needs a function")
	}
	return chooser(choose)
}

type chooser func(ctx *Context) (Strategy, error)

// Authenticate is what the strategy of this request answers.
func (f chooser) Authenticate(ctx *Context) (*Identity, error) {
	s, err := f.strategy(ctx)
	if err != nil {
		return nil, err
	}
	return s.Authenticate(ctx)
}

func (f chooser) strategy(ctx *Context) (Strategy, error) {
	s, err := f(ctx)
	if err == nil && isNil(s) {
		err = errors.New("app: Choose: no strategy and no error for this request")
	}
	if inner, ok := s.(chooser); ok && err == nil {
		return inner.strategy(ctx)
	}
	return s, err
}

// chosen returns the strategies with those in place that are chosen for this request: their
// challenges are given, and they end what they proved.
func chosen(ctx *Context, strategies []Strategy) ([]Strategy, error) {
	var all []Strategy
	for i, s := range strategies {
		f, ok := s.(chooser)
		if !ok {
			if all != nil {
				all = append(all, s)
			}
			continue
		}
		if all == nil {
			all = append(make([]Strategy, 0, len(strategies)), strategies[:i]...)
		}
		s, err := f.strategy(ctx)
		switch {
		case passes(err):
		case err != nil:
			return nil, faultOf(fmt.Errorf("app: choose a strategy: %w", err))
		default:
			all = append(all, s)
		}
	}
	if all == nil {
		return strategies, nil
	}
	return all, nil
}
