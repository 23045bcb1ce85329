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
	all   []AnyGuard // the first is the default
	named map[string]AnyGuard
}

// NewGuards collects guards; the first is the default. It panics if two share a name,
// and if two issuers share a Type: each would take the other's tokens, and user 1 be
// admin 1.
func NewGuards(first AnyGuard, others ...AnyGuard) *Guards {
	g := &Guards{append([]AnyGuard{first}, others...), map[string]AnyGuard{}}
	types := map[string]any{}
	for _, guard := range g.all {
		if isNil(guard) {
			panic("strategies: NewGuards: a guard is nil")
		}
		if g.named[guard.Name()] != nil {
			panic("strategies: two guards have the name " + guard.Name())
		}
		g.named[guard.Name()] = guard
		mustDiffer(types, guard)
	}
	return g
}

func mustDiffer(types map[string]any, guard AnyGuard) {
	g, ok := guard.(interface{ issuer() any })
	if !ok {
		return
	}
	typed, ok := g.issuer().(interface{ Type() string })
	if !ok {
		return
	}
	if other, taken := types[typed.Type()]; taken && other != g.issuer() {
		panic("strategies: two guards issue tokens of the Type " + typed.Type() + ": give each its own")
	}
	types[typed.Type()] = g.issuer()
}

// Use returns the guard of a name; "" is the one that proved the request, or else the
// default. A name of none is an error, which names it.
func (g *Guards) Use(ctx *app.Context, name string) (AnyGuard, error) {
	if name == "" {
		return g.current(ctx)
	}
	guard, ok := g.named[name]
	if !ok {
		return nil, fmt.Errorf("strategies: there is no guard %q", name)
	}
	return guard, nil
}

// current returns the guard that proved the request's user, or else the first that
// verified a credential, or else the default.
func (g *Guards) current(ctx *app.Context) (AnyGuard, error) {
	var verified []AnyGuard
	for _, guard := range g.all {
		if guard.State(ctx).Authenticated {
			verified = append(verified, guard)
		}
	}
	if len(verified) == 0 {
		return g.all[0], nil
	}
	id, err := ctx.Identity()
	if err != nil {
		return nil, err
	}
	for _, guard := range verified {
		if id != nil && id.Via == guard.Name() {
			return guard, nil
		}
	}
	return verified[0], nil
}

// AnyOf is a layer that lets in who one of the guards proves; without names, the
// default. It panics for a name of none.
func (g *Guards) AnyOf(names ...string) app.Middleware {
	return app.Authenticate(strategiesOf(g.byName(names))...)
}

// Silent returns a layer that finds out who is there, as AnyOf does, and lets in
// everybody else, too, those with wrong credentials included. A fault is still 5xx.
func (g *Guards) Silent(names ...string) app.Middleware {
	guards := g.byName(names)
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

func (g *Guards) byName(names []string) []AnyGuard {
	if len(names) == 0 {
		return g.all[:1]
	}
	guards := make([]AnyGuard, len(names))
	for i, name := range names {
		guard, ok := g.named[name]
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
