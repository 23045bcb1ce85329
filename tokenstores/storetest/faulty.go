package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kahu-go/kahu/tokenstores"
)

// ErrFault is the error of a [Faulty] store.
var ErrFault = errors.New("storetest: the store is down")

// Faulty is a store that fails when told to and else passes calls on; users are never
// joined. It is safe for concurrent use.
type Faulty struct {
	store tokenstores.Store

	mu      sync.Mutex
	calls   []string
	call    int // fails, counted from 1; 0: none
	methods []string
	late    bool
}

var _ tokenstores.Store = (*Faulty)(nil)

// NewFaulty returns a store that works, over store.
func NewFaulty(store tokenstores.Store) *Faulty { return &Faulty{store: store} }

// FailCall makes the n-th call from now fail, and no other; 1 is the next.
func (f *Faulty) FailCall(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call = len(f.calls) + n
}

// Fail makes every call of these methods fail, such as "Find"; without a name, of all.
func (f *Faulty) Fail(methods ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.methods = methods; len(methods) == 0 {
		f.methods = []string{"Find", "Insert", "Touch", "Rotate", "Delete", "List", "DeleteAll", "DeleteType", "Prune"}
	}
}

// LoseAnswers makes the calls that fail do their work first, as if the connection broke
// before the answer came.
func (f *Faulty) LoseAnswers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = true
}

// Heal makes the store work again.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call, f.methods, f.late = 0, nil, false
}

// Calls returns the names of the methods called so far.
func (f *Faulty) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// do notes a call and lets it be done, or not. What failed returns nothing.
func do[R any](f *Faulty, method string, work func() (R, error)) (result R, err error) {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	fail, late := len(f.calls) == f.call || slices.Contains(f.methods, method), f.late
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

// Find implements [tokenstores.Store].
func (f *Faulty) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	return do(f, "Find", func() (*tokenstores.Token, error) { return f.store.Find(ctx, typ, id) })
}

// Insert implements [tokenstores.Store].
func (f *Faulty) Insert(ctx context.Context, t *tokenstores.Token) error {
	_, err := do(f, "Insert", func() (struct{}, error) { return nothing(f.store.Insert(ctx, t)) })
	return err
}

// Touch implements [tokenstores.Store].
func (f *Faulty) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	_, err := do(f, "Touch", func() (struct{}, error) { return nothing(f.store.Touch(ctx, typ, id, hash, used, address)) })
	return err
}

// Rotate implements [tokenstores.Store].
func (f *Faulty) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *tokenstores.Token) error {
	_, err := do(f, "Rotate", func() (struct{}, error) { return nothing(f.store.Rotate(ctx, typ, id, hash, until, next)) })
	return err
}

// Delete implements [tokenstores.Store].
func (f *Faulty) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	return do(f, "Delete", func() (bool, error) { return f.store.Delete(ctx, typ, id, subject) })
}

// List implements [tokenstores.Store].
func (f *Faulty) List(ctx context.Context, typ, subject string) ([]tokenstores.Token, error) {
	return do(f, "List", func() ([]tokenstores.Token, error) { return f.store.List(ctx, typ, subject) })
}

// DeleteAll implements [tokenstores.Store].
func (f *Faulty) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	return do(f, "DeleteAll", func() (int, error) { return f.store.DeleteAll(ctx, typ, subject, keep) })
}

// DeleteType implements [tokenstores.Store].
func (f *Faulty) DeleteType(ctx context.Context, typ string) (int, error) {
	return do(f, "DeleteType", func() (int, error) { return f.store.DeleteType(ctx, typ) })
}

// Prune implements [tokenstores.Store].
func (f *Faulty) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return do(f, "Prune", func() (int, error) { return f.store.Prune(ctx, now, limit) })
}
