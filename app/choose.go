package app

import (
	"errors"
	"fmt"
	"slices"
)

// Choose returns a strategy that is another one for each request: that of its tenant, say. It is
// chosen when its turn has come. A tenant that is not known is choose's error, which counts as a
// strategy's: ctx.Throw(404, ""), [ErrNoCredentials] to pass the question on, or a fault. No
// strategy and no error is a fault, too. It panics without choose.
func Choose(choose func(ctx *Context) (Strategy, error)) Strategy {
	if choose == nil {
		panic("app: Choose needs a function")
	}
	return chooser(choose)
}

type chooser func(ctx *Context) (Strategy, error)

// Authenticate is what the strategy of this request answers.
func (f chooser) Authenticate(ctx *Context) (*Identity, error) {
	s, err := resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	return s.Authenticate(ctx)
}

func (f chooser) Describe() (name, looksAt string) { return "choose", "" }

// chooses reports whether what a strategy is depends on the request.
func chooses(s Strategy) bool {
	switch s := s.(type) {
	case chooser:
		return true
	case withInfo:
		return chooses(s.Strategy)
	}
	return false
}

// resolve returns the strategy that s is for this request.
func resolve(ctx *Context, s Strategy) (Strategy, error) {
	switch s := s.(type) {
	case chooser:
		inner, err := s(ctx)
		if err != nil {
			return nil, fmt.Errorf("app: choose a strategy: %w", err)
		}
		if isNil(inner) {
			return nil, errors.New("app: Choose: no strategy and no error for this request")
		}
		return resolve(ctx, inner)
	case withInfo:
		inner, err := resolve(ctx, s.Strategy)
		if err != nil {
			return nil, err
		}
		return WithInfo(inner, s.change...), nil
	}
	return s, nil
}

// choosable returns the strategies, or a copy of them for one request, if some are chosen for it.
func choosable(strategies []Strategy) []Strategy {
	if slices.ContainsFunc(strategies, chooses) {
		return slices.Clone(strategies)
	}
	return strategies
}

// ask asks a strategy. One that is chosen for this request takes its place from then on: its
// challenge is given, and it ends what it proved.
func (c *Context) ask(s *Strategy) (*Identity, error) {
	if chooses(*s) {
		chosen, err := resolve(c, *s)
		if err != nil {
			return nil, err
		}
		*s = chosen
	}
	return (*s).Authenticate(c)
}
