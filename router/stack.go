package router

import (
	"fmt"
	"slices"

	"github.com/kahu-go/kahu/app"
)

// A Mark says who may call a route. It comes from how the route was added.
type Mark int

const (
	Unmarked Mark = iota // nobody said; the zero value
	Open                 // everybody: below [Router.Open]
	Optional             // everybody, known or not: below [Router.Optional]
	Guarded              // whom its guards let in: below [Router.Guard]
)

// String returns "open", "optional", "guarded", or "unmarked".
func (m Mark) String() string {
	switch m {
	case Open:
		return "open"
	case Optional:
		return "optional"
	case Guarded:
		return "guarded"
	}
	return "unmarked"
}

// A stack is the layers before a handler.
type stack struct {
	layers []app.Middleware
	guards int // layers[:guards] end with the last guard
	params []param
	mark   Mark
}

// plus returns s with t below it. Nothing takes a guard away: the stricter mark stays.
func (s stack) plus(t stack) stack {
	n := stack{layers: slices.Concat(s.layers, t.layers), guards: s.guards, mark: max(s.mark, t.mark)}
	if t.guards > 0 {
		n.guards = len(s.layers) + t.guards
	}
	n.params = slices.Clip(s.params)
	for _, p := range t.params {
		p.at += len(s.layers)
		n.params = append(n.params, p)
	}
	return n
}

// cover returns the guards with the layers before them, on which they may build, or
// nil if there are none.
func (s stack) cover() app.Middleware {
	if s.guards == 0 {
		return nil
	}
	return app.Compose(s.layers[:s.guards]...)
}

// around returns h within all layers, linked once.
func (s stack) around(h app.Handler) app.Handler {
	if len(s.layers) == 0 {
		return h
	}
	return app.Compose(s.layers...).Then(h)
}

func checkLayers(method string, layers []app.Middleware) {
	if len(layers) == 0 {
		panic(fmt.Sprintf("router: %s needs a layer", method))
	}
	checkNoneNil(method, layers)
}

func checkNoneNil(method string, layers []app.Middleware) {
	for i, m := range layers {
		if m == nil {
			panic(fmt.Sprintf("router: %s: layer %d is nil", method, i))
		}
	}
}
