package passwords

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// GateOptions configures [NewGate]. The zero value is the default.
type GateOptions struct {
	// Concurrent is how many hashes are computed at once; 0: GOMAXPROCS on Linux, where hashing gives way to everything else, and
	// half of it elsewhere, at least one, so that a flood of logins leaves processors for everybody else.
	Concurrent int

	// InsecurePriority computes hashes at the priority of the program: then a flood of logins takes the processors from all
	// other requests.
	InsecurePriority bool

	// Queue is how many more may wait for their turn; 0: 32 for each that is computed, about 8 seconds of waiting for the last
	// one at bcrypt's default cost.
	Queue int
}

// A Gate bounds how much hashing goes on at once. Give one gate to all hashers of a process, or none: they share one then.
//
// On Linux hashing gives way to everything else: each hash has a thread of its own, the first at nice 10 and those beside it
// at the priority SCHED_IDLE. So one hash at a time goes on however busy the machine is, and all of them use what is idle.
//
// The first use of a gate changes two things of the process. GOMAXPROCS is raised by Concurrent, or pages would wait for the
// threads that hash. And 16 MiB are reserved, of which no page is touched, so that a small heap is collected less often: each
// collection waits for all threads, those that have to wait themselves too.
type Gate struct {
	equal  bool // hashing has the program's priority
	room   sync.Once
	leads  atomic.Bool   // a hash is at work that always goes on
	places chan struct{} // taken from asking to leaving
	turns  chan struct{} // taken while working; those who wait get it in the order they came
}

// NewGate returns a gate. It panics if a number is negative.
func NewGate(o GateOptions) *Gate {
	if o.Concurrent < 0 || o.Queue < 0 {
		panic(fmt.Sprintf("passwords: a gate cannot have Concurrent %d and Queue %d: neither may be negative", o.Concurrent, o.Queue))
	}
	if o.Concurrent == 0 {
		o.Concurrent = runtime.GOMAXPROCS(0)
		if !polite || o.InsecurePriority {
			o.Concurrent = max(1, o.Concurrent/2)
		}
	}
	if o.Queue == 0 {
		o.Queue = 32 * o.Concurrent
	}
	return &Gate{equal: o.InsecurePriority || !polite, places: make(chan struct{}, o.Concurrent+o.Queue), turns: make(chan struct{}, o.Concurrent)}
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
	if g.equal {
		work()
		return nil
	}
	g.room.Do(g.makeRoom)
	if g.leads.CompareAndSwap(false, true) {
		defer g.leads.Store(false)
		apart(giveWay, work)
		return nil
	}
	apart(whenIdle, work)
	return nil
}

func (g *Gate) makeRoom() {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + cap(g.turns))
	heap()
}

// heap is what makes collections rare. Its pages are never touched, so that it takes no memory itself: the garbage between two
// collections may be as much more.
var heap = sync.OnceValue(func() []byte { return make([]byte, 16<<20) })

// apart runs work in a thread of its own, of that priority, which ends with it, and waits. A panic is the caller's.
func apart(priority, work func()) {
	done := make(chan any, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: no other goroutine gets the thread
		priority()
		var failed any = errors.New("passwords: a hash was not computed to its end")
		defer func() {
			if v := recover(); v != nil {
				failed = v
			}
			done <- failed
		}()
		work()
		failed = nil
	}()
	if failed := <-done; failed != nil {
		panic(failed)
	}
}

// sharedGate is the gate of hashers that were given none.
var sharedGate = sync.OnceValue(func() *Gate { return NewGate(GateOptions{}) })
