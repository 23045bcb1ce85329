package strategies

import (
	"fmt"

	"github.com/kahu-go/kahu/app"
)

// AnyGuard is a [Guard] of whatever it issues.
type AnyGuard interface {
	app.Strategy
	Name() string
	Check(ctx *app.Context) (bool, error)
	Logout(ctx *app.Context) (revoked bool, err error)
	User(ctx *app.Context) any
	State(ctx *app.Context) State
}

// Guards are the guards of an application by their names, one of which is the default.
type Guards struct {
	first AnyGuard
	all   map[string]AnyGuard
}

// NewGuards collects guards; the first is the default. It panics if two share a name.
func NewGuards(first AnyGuard, others ...AnyGuard) *Guards {
	g := &Guards{first, map[string]AnyGuard{}}
	for _, guard := range append([]AnyGuard{first}, others...) {
		if isNil(guard) {
			panic("strategies: NewGuards: a guard is nil")
		}
		if g.all[guard.Name()] != nil {
			panic("strategies: two guards have the name " + guard.Name())
		}
		g.all[guard.Name()] = guard
	}
	return g
}

// Use returns the guard of a name; "" is the one that proved the request, or else the
// default. A name of none is an error, which names it.
func (g *Guards) Use(ctx *app.Context, name string) (AnyGuard, error) {
	if name == "" {
		return g.current(ctx)
	}
	guard, ok := g.all[name]
	if !ok {
		return nil, fmt.Errorf("strategies: there is no guard %q", name)
	}
	return guard, nil
}

func (g *Guards) current(ctx *app.Context) (AnyGuard, error) {
	for _, guard := range g.all {
		if guard.State(ctx).Authenticated {
			return guard, nil
		}
	}
	return g.first, nil
}

// AnyOf is a layer that lets in who one of the guards proves; without names, the
// default. It panics for a name of none.
func (g *Guards) AnyOf(names ...string) app.Middleware {
	return app.Authenticate(strategiesOf(g.named(names))...)
}

// Silent returns a layer that finds out who is there, as AnyOf does, and lets in
// everybody else, too, those with wrong credentials included. A fault is still 5xx.
func (g *Guards) Silent(names ...string) app.Middleware {
	guards := g.named(names)
	return func(ctx *app.Context, next app.Handler) error {
		for _, guard := range guards {
			found, err := guard.Check(ctx)
			if err != nil {
				return err
			}
			if found {
				break
			}
		}
		return next(ctx)
	}
}

func (g *Guards) named(names []string) []AnyGuard {
	if len(names) == 0 {
		return []AnyGuard{g.first}
	}
	guards := make([]AnyGuard, len(names))
	for i, name := range names {
		guard, ok := g.all[name]
		if !ok {
			panic(fmt.Sprintf("strategies: there is no guard %q", name))
		}
		guards[i] = guard
	}
	return guards
}

func strategiesOf(guards []AnyGuard) []app.Strategy {
	s := make([]app.Strategy, len(guards))
	for i, guard := range guards {
		s[i] = guard
	}
	return s
}
