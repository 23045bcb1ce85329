package app

import (
	"errors"
	"fmt"
	"slices"
)

// A Handler answers a request: it sets Status, Body and headers of the Context, or
// returns the error to answer with.
type Handler func(ctx *Context) error

// A Middleware is one layer around what is below it. It works, calls next(ctx),
// works again. If it does not call next the request ends here. It returns the
// error of next, or deals with it.
//
// next may be called once, by the goroutine that runs the layer and before the
// layer returns. A second or a late call is [ErrNext] and runs nothing; the request
// is then answered 500, even if the layer drops the error. Calling next in another
// goroutine is a data race.
type Middleware func(ctx *Context, next Handler) error

var (
	// ErrNext is returned by a next that was called before, or whose layer has
	// returned. It answers 500.
	ErrNext = errors.New("app: next was called twice, or after its layer returned")

	// ErrCopied is returned when a copy of a Context is used. It answers 500.
	ErrCopied = errors.New("app: a copy of the Context was used: pass the pointer")
)

// Then returns a Handler that runs the layer around h.
func (m Middleware) Then(h Handler) Handler {
	return func(ctx *Context) error { return m(ctx, h) }
}

// Compose joins layers into one, first to last. The result may be used in many
// places and by many requests at once. No layers at all call next.
// It panics if a layer is nil.
func Compose(layers ...Middleware) Middleware {
	c := &chain{layers: slices.Clone(layers)}
	for i, m := range layers {
		if m == nil {
			panic(fmt.Sprintf("app: Compose: layer %d is nil", i))
		}
		c.nexts = append(c.nexts, func(ctx *Context) error { return c.next(ctx, i) })
	}
	return c.run
}

// A chain is a composed stack. Its nexts are linked once, so that a request
// allocates nothing for them; what they need to know of the request is in a frame.
type chain struct {
	layers []Middleware
	nexts  []Handler // nexts[i] is what layer i is given
}

// A frame is one run of a chain. The Context holds those that are under way.
type frame struct {
	chain *chain
	last  Handler
	open  int // the layer that may call next now, or shut
}

const shut = -1

func (c *chain) run(ctx *Context, next Handler) error {
	if ctx.self != ctx {
		return copied(ctx)
	}
	if len(c.layers) == 0 {
		return end(ctx, next)
	}
	depth := len(ctx.frames)
	ctx.frames = append(ctx.frames, frame{chain: c, last: next})
	defer func() { ctx.frames = ctx.frames[:depth] }()
	return c.layers[0](ctx, c.nexts[0])
}

// next runs what is below layer i.
func (c *chain) next(ctx *Context, i int) error {
	if ctx.self != ctx {
		return copied(ctx)
	}
	top := len(ctx.frames) - 1
	if top < 0 || ctx.frames[top].chain != c || ctx.frames[top].open != i {
		ctx.misuse = ErrNext
		return ErrNext
	}
	if i+1 == len(c.layers) {
		return c.leave(ctx, top)
	}
	ctx.frames[top].open = i + 1
	// Deferred: a panic that a layer above recovers from must not leave the frame open.
	defer func() { ctx.frames[top].open = shut }()
	return c.layers[i+1](ctx, c.nexts[i+1])
}

// leave runs what follows the chain, as part of the frame above it.
func (c *chain) leave(ctx *Context, top int) error {
	last := ctx.frames[top].last
	ctx.frames = ctx.frames[:top]
	defer func() { ctx.frames = append(ctx.frames[:top], frame{chain: c, open: shut}) }()
	return end(ctx, last)
}

// copied tells the Context that ctx is a copy of, in case that the error is dropped.
func copied(ctx *Context) error {
	if ctx.self != nil {
		ctx.self.misuse = ErrCopied
	}
	return ErrCopied
}

func end(ctx *Context, next Handler) error {
	if next == nil {
		return nil
	}
	return next(ctx)
}
