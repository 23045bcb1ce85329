package app

import (
	"context"
	"net/http"
	"sync"
)

// A call is one run of foreign code: a wrapped middleware or a mounted handler. The
// request's context carries it to what is below. The foreign code may run that in
// another goroutine and answer before it ends, as http.TimeoutHandler does.
type call struct {
	ctx   *Context
	by    *wrapped // nil for a mounted handler
	next  Handler
	above *call
	err   error // of what was below

	mu      sync.Mutex
	idle    sync.Cond
	running int  // how many runs of what is below there are now
	called  bool // next was
	over    bool // the foreign code has returned
	early   int  // the status that it sent while something below ran
}

func newCall(ctx *Context, by *wrapped, next Handler) *call {
	k := &call{ctx: ctx, by: by, next: next}
	k.idle.L = &k.mu
	return k
}

func callOf(ctx context.Context) *call {
	k, _ := ctx.Value(carryKey{}).(*call)
	return k
}

// enter begins a run of what is below, of next if it is that: once, and not after the
// foreign code has returned.
func (k *call) enter(next bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || next && k.called {
		if next {
			k.err = ErrNext
		}
		return false
	}
	k.called = k.called || next
	k.running++
	return true
}

func (k *call) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running--
	k.idle.Broadcast()
}

// answered reports whether the foreign code has answered before what is below began to.
func (k *call) answered() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.early != 0
}

// finish waits for what is below and returns its error. Nothing may begin there any more.
func (k *call) finish() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	for k.running > 0 {
		k.idle.Wait()
	}
	return k.err
}

// handOver runs foreign code with the innermost writer, and waits for what it may have
// started below.
func (c *Context) handOver(k *call, h http.Handler) error {
	r, outer, before := c.Request, c.w, c.w.call
	k.above = callOf(r.Context())
	outer.call = k
	defer func() {
		_ = k.finish() // after a panic, too
		handUp(r, c.Request)
		c.Request, c.w, outer.call = r, outer, before
	}()
	c.Request = r.WithContext(context.WithValue(r.Context(), carryKey{}, k))
	h.ServeHTTP(outer, c.Request)
	if k.early != 0 {
		_ = outer.FlushError() // the client is not to wait for what is below
	}
	err := k.finish()
	outer.call = nil
	if outer.overtaken() {
		c.reportUnsaved() // the answer went past this writer, which knows no status of it
	} else {
		outer.WriteHeader(http.StatusOK)
	}
	c.sent = true
	if k.early != 0 {
		c.Status = k.early
	}
	return err
}

// below runs next with another request and writer, then writes the answer to it.
func (c *Context) below(w http.ResponseWriter, r *http.Request, next Handler) error {
	outer, above, returned := c.w, c.Request, false
	c.Request = r
	c.w = &responder{ctx: c, w: w, outer: outer, encoding: w.Header()["Content-Encoding"]}
	defer func() {
		inner := c.w
		c.endEvents()        // after a panic, too
		handUp(r, c.Request) // layers may have replaced r
		handUp(above, c.Request)
		c.w, c.Request = outer, above
		if !returned && inner.overtaken() {
			c.cutShort(recover(), inner.answeredFor())
		}
	}()
	err := next(c)
	if err == nil {
		err = c.misuse
	}
	c.answer(err)
	returned = true
	return err
}

// cutShort tells of a panic after the answer began. The client must not take that for whole, so
// its connection is cut, unless the foreign code answered in place of what panicked: that is
// whole, and maybe nobody in this goroutine would recover.
func (c *Context) cutShort(v any, answered bool) {
	if v != nil && v != http.ErrAbortHandler {
		c.report(&PanicError{Value: v, Stack: stack()})
	}
	if v != nil && !answered {
		panic(http.ErrAbortHandler)
	}
}
