package storetest

import (
	"errors"
	"slices"
	"sync"
)

// ErrFault is the error of a [Faulty] store and of a [FaultyDenylist].
var ErrFault = errors.New("storetest: the store is down")

// faults says which calls fail.
type faults struct {
	mu      sync.Mutex
	calls   []string
	call    int // fails, counted from 1; 0: none
	methods []string
	late    bool
}

// all stands for every method.
const all = "*"

// FailCall makes the n-th call from now fail, and no other; 1 is the next.
func (f *faults) FailCall(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call = len(f.calls) + n
}

// Fail makes every call of these methods fail, such as "Find"; without a name, of all.
func (f *faults) Fail(methods ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.methods = methods; len(methods) == 0 {
		f.methods = []string{all}
	}
}

// LoseAnswers makes the calls that fail do their work first, as if the connection broke
// before the answer came.
func (f *faults) LoseAnswers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = true
}

// Heal makes everything work again.
func (f *faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call, f.methods, f.late = 0, nil, false
}

// Calls returns the names of the methods called so far.
func (f *faults) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// do notes a call and lets it be done, or not. What failed returns nothing.
func do[R any](f *faults, method string, work func() (R, error)) (result R, err error) {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	fail, late := len(f.calls) == f.call || slices.Contains(f.methods, method) || slices.Contains(f.methods, all), f.late
	f.mu.Unlock()
	if !fail {
		return work()
	}
	if late {
		_, err = work()
	}
	return result, errors.Join(ErrFault, err)
}

// nothing is what a method returns that returns only an error.
func nothing(err error) (struct{}, error) { return struct{}{}, err }
