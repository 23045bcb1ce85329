package passwords_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/passwords"
)

func TestGateUnderAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood, concurrent, queue = 200, 3, 10
		gate := passwords.NewGate(passwords.GateOptions{Concurrent: concurrent, Queue: queue})
		var running, most, done, busy atomic.Int64
		open := make(chan struct{})
		for range flood {
			go func() {
				err := gate.Do(t.Context(), func() {
					most.Store(max(most.Load(), running.Add(1)))
					<-open
					running.Add(-1)
				})
				if err == nil {
					done.Add(1)
				} else if assert.ErrorIs(t, err, passwords.ErrBusy) {
					busy.Add(1)
				}
			}()
		}
		synctest.Wait()
		assert.EqualValues(t, concurrent, running.Load())
		assert.EqualValues(t, flood-concurrent-queue, busy.Load(), "refused at once, while the others still work")
		for range concurrent + queue {
			open <- struct{}{}
			synctest.Wait()
			assert.LessOrEqual(t, running.Load(), int64(concurrent))
		}
		assert.EqualValues(t, concurrent+queue, done.Load())
		assert.EqualValues(t, concurrent, most.Load())
		assert.NoError(t, gate.Do(t.Context(), func() {}), "free again")
	})
}

func TestGateServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 5})
		var order []int
		open := make(chan struct{})
		for i := range 6 {
			go func() { _ = gate.Do(t.Context(), func() { <-open; order = append(order, i) }) }()
			synctest.Wait()
		}
		close(open)
		synctest.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
	})
}

func TestGateQueueIsLeftWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1})
		open := make(chan struct{})
		go func() { _ = gate.Do(t.Context(), func() { <-open }) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		waits, never := make(chan error, 1), func() { t.Error("the work of a caller that left was done") }
		go func() { waits <- gate.Do(ctx, never) }()
		synctest.Wait()
		require.ErrorIs(t, gate.Do(t.Context(), never), passwords.ErrBusy)
		cancel()
		assert.ErrorIs(t, <-waits, context.Canceled)

		next := make(chan error, 1)
		go func() { next <- gate.Do(t.Context(), func() {}) }()
		synctest.Wait()
		close(open)
		assert.NoError(t, <-next, "its place in the queue was free")
	})
}

func TestGateDoesNothingForAContextThatIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		err := passwords.NewGate(passwords.GateOptions{}).Do(ctx, func() { t.Error("worked") })
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestGateIsFreeAfterAPanic(t *testing.T) {
	gate := passwords.NewGate(passwords.GateOptions{Concurrent: 1, Queue: 1})
	for range 3 {
		assert.PanicsWithValue(t, "ring", func() { _ = gate.Do(t.Context(), func() { panic("ring") }) })
	}
	assert.NoError(t, gate.Do(t.Context(), func() {}))
}

func TestGateSizes(t *testing.T) {
	half, all := max(1, runtime.GOMAXPROCS(0)/2), runtime.GOMAXPROCS(0)
	if runtime.GOOS != "linux" {
		all = half
	}
	concurrent, queue := passwords.NewGate(passwords.GateOptions{}).Sizes()
	assert.Equal(t, []int{all, 32 * all}, []int{concurrent, queue})
	concurrent, queue = passwords.NewGate(passwords.GateOptions{InsecurePriority: true}).Sizes()
	assert.Equal(t, []int{half, 32 * half}, []int{concurrent, queue})
	concurrent, queue = passwords.NewGate(passwords.GateOptions{Concurrent: 5}).Sizes()
	assert.Equal(t, []int{5, 160}, []int{concurrent, queue})
	assert.Panics(t, func() { passwords.NewGate(passwords.GateOptions{Concurrent: -1}) })
	assert.Panics(t, func() { passwords.NewGate(passwords.GateOptions{Queue: -1}) })
}

// The garbage collector waits for threads that give way, so it is to come seldom.
func TestGateKeepsASmallHeapFromBeingCollectedOften(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	require.NoError(t, passwords.NewGate(passwords.GateOptions{Concurrent: 1}).Do(t.Context(), func() {}))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	assert.GreaterOrEqual(t, m.NextGC, uint64(32<<20), "bytes of heap at which it comes")
}
