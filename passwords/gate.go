package passwords

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// GateOptions configures [NewGate]. The zero value is the default.
type GateOptions struct {
	// Concurrent is how many hashes are computed at once; 0: half of GOMAXPROCS, at least one, so that a flood of logins leaves
	// processors for everybody else.
	Concurrent int

	// Queue is how many more may wait for their turn; 0: 32 for each that is computed, about 8 seconds of waiting for the last
	// one at bcrypt's default cost.
	Queue int
}

// A Gate bounds how much hashing goes on at once. Give one gate to all hashers of a process, or none: they share one then.
type Gate struct {
	places chan struct{} // taken from asking to leaving
	turns  chan struct{} // taken while working; those who wait get it in the order they came
}

// NewGate returns a gate. It panics if a number is negative.
func NewGate(o GateOptions) *Gate {
	if o.Concurrent < 0 || o.Queue < 0 {
		panic(fmt.Sprintf("passwords: a gate cannot have Concurrent %d and Queue %d: neither may be negative", o.Concurrent, o.Queue))
	}
	if o.Concurrent == 0 {
		o.Concurrent = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.Queue == 0 {
		o.Queue = 32 * o.Concurrent
	}
	return &Gate{places: make(chan struct{}, o.Concurrent+o.Queue), turns: make(chan struct{}, o.Concurrent)}
}

// Do calls work when it is its turn, and returns nil after it. If the queue is full it returns [ErrBusy] at once, and if ctx ends
// before the turn comes, the error of ctx; work was not called then. Work that has begun is not interrupted.
func (g *Gate) Do(ctx context.Context, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.places <- struct{}{}:
		defer func() { <-g.places }()
	default:
		return ErrBusy
	}
	select {
	case g.turns <- struct{}{}:
		defer func() { <-g.turns }()
	case <-ctx.Done():
		return ctx.Err()
	}
	work()
	return nil
}

// sharedGate is the gate of hashers that were given none.
var sharedGate = sync.OnceValue(func() *Gate { return NewGate(GateOptions{}) })
