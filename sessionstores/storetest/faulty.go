package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kahu-go/kahu/app"
)

// ErrFault is the error of a [Faulty] store.
var ErrFault = errors.New("storetest: the store is down")

// Faulty is a store that fails when told to and else passes calls on. Where the
// store behind it lists, limits, moves or prunes, so does Faulty; users are never joined. It is
// safe for concurrent use.
type Faulty struct {
	store app.SessionStore

	mu      sync.Mutex
	calls   []string
	call    int // fails, counted from 1; 0: none
	methods []string
	late    bool
}

var (
	_ app.SessionStore   = (*Faulty)(nil)
	_ app.SessionLister  = (*Faulty)(nil)
	_ app.SessionLimiter = (*Faulty)(nil)
	_ app.SessionMover   = (*Faulty)(nil)
	_ app.SessionPruner  = (*Faulty)(nil)
)

// NewFaulty returns a store that works, over store.
func NewFaulty(store app.SessionStore) *Faulty { return &Faulty{store: store} }

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
		f.methods = []string{"Find", "Insert", "Update", "Touch", "Delete", "InsertLimited", "MoveSession", "ListSessions", "DeleteSessions", "PruneSessions"}
	}
}

// LoseAnswers makes the calls that fail do their work first, as if the connection
// broke before the answer came.
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

// do notes a call and lets it be done, or not.
func (f *Faulty) do(method string, work func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	fail, late := len(f.calls) == f.call || slices.Contains(f.methods, method), f.late
	f.mu.Unlock()
	if !fail {
		return work()
	}
	if late {
		return errors.Join(ErrFault, work())
	}
	return ErrFault
}

// Find implements [app.SessionStore].
func (f *Faulty) Find(ctx context.Context, key string) (r *app.SessionRecord, err error) {
	err = f.do("Find", func() (err error) {
		r, err = f.store.Find(ctx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Insert implements [app.SessionStore].
func (f *Faulty) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	return f.do("Insert", func() error { return f.store.Insert(ctx, key, old, r) })
}

// Update implements [app.SessionStore].
func (f *Faulty) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	return f.do("Update", func() error { return f.store.Update(ctx, key, r) })
}

// Touch implements [app.SessionStore].
func (f *Faulty) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	return f.do("Touch", func() error { return f.store.Touch(ctx, key, seen, idleUntil) })
}

// Delete implements [app.SessionStore].
func (f *Faulty) Delete(ctx context.Context, key string) error {
	return f.do("Delete", func() error { return f.store.Delete(ctx, key) })
}

var errNoOption = errors.New("storetest: the store behind Faulty cannot do this")

// optional is [Faulty.do] with what the store behind may have beside an [app.SessionStore].
func optional[Option any](f *Faulty, method string, work func(o Option) error) error {
	return f.do(method, func() error {
		o, ok := f.store.(Option)
		if !ok {
			return errNoOption
		}
		return work(o)
	})
}

// ListSessions implements [app.SessionLister] if the store behind does.
func (f *Faulty) ListSessions(ctx context.Context, kind, subject string) (list []app.StoredSession, err error) {
	err = optional(f, "ListSessions", func(o app.SessionLister) (err error) {
		list, err = o.ListSessions(ctx, kind, subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// DeleteSessions implements [app.SessionLister] if the store behind does.
func (f *Faulty) DeleteSessions(ctx context.Context, kind, subject, keep string) (n int, err error) {
	err = optional(f, "DeleteSessions", func(o app.SessionLister) (err error) {
		n, err = o.DeleteSessions(ctx, kind, subject, keep)
		return err
	})
	return n, err
}

// InsertLimited implements [app.SessionLimiter] if the store behind does.
func (f *Faulty) InsertLimited(ctx context.Context, key, old string, r *app.SessionRecord, limit int) (ended []app.StoredSession, err error) {
	err = optional(f, "InsertLimited", func(o app.SessionLimiter) (err error) {
		ended, err = o.InsertLimited(ctx, key, old, r, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// MoveSession implements [app.SessionMover] if the store behind does.
func (f *Faulty) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	return optional(f, "MoveSession", func(o app.SessionMover) error { return o.MoveSession(ctx, key, old, r) })
}

// PruneSessions implements [app.SessionPruner] if the store behind does.
func (f *Faulty) PruneSessions(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = optional(f, "PruneSessions", func(o app.SessionPruner) (err error) {
		n, err = o.PruneSessions(ctx, now, limit)
		return err
	})
	return n, err
}
