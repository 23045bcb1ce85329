// Package rollback lets those who keep something in memory beside a database take it back if the transaction does not last.
package rollback

import (
	"context"
	"slices"
	"sync"
)

type key struct{}

// A List is what is to be taken back if a transaction does not last.
type List struct {
	mu   sync.Mutex
	undo []func()
}

// With returns a context of a transaction that begins, and its list.
func With(ctx context.Context) (context.Context, *List) {
	l := &List{}
	return context.WithValue(ctx, key{}, l), l
}

// On has undo called if the innermost transaction that ctx is in does not last. Outside of one it does nothing.
func On(ctx context.Context, undo func()) {
	l, ok := ctx.Value(key{}).(*List)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.undo = append(l.undo, undo)
}

// Undo takes back what is on the list, the last first.
func (l *List) Undo() {
	l.mu.Lock()
	undo := l.undo
	l.undo = nil
	l.mu.Unlock()
	for _, f := range slices.Backward(undo) {
		f()
	}
}
