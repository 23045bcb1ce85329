package storetest

import (
	"context"
	"time"

	"github.com/kahu-go/kahu/tokenstores"
)

// Faulty is a store that fails when told to and else passes calls on; users are never
// joined. It is safe for concurrent use.
type Faulty struct {
	faults
	store tokenstores.Store
}

var _ tokenstores.Store = (*Faulty)(nil)

// NewFaulty returns a store that works, over store.
func NewFaulty(store tokenstores.Store) *Faulty { return &Faulty{store: store} }

// Find implements [tokenstores.Store].
func (f *Faulty) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	return do(&f.faults, "Find", func() (*tokenstores.Token, error) { return f.store.Find(ctx, typ, id) })
}

// Insert implements [tokenstores.Store].
func (f *Faulty) Insert(ctx context.Context, t *tokenstores.Token) error {
	_, err := do(&f.faults, "Insert", func() (struct{}, error) { return nothing(f.store.Insert(ctx, t)) })
	return err
}

// Touch implements [tokenstores.Store].
func (f *Faulty) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	_, err := do(&f.faults, "Touch", func() (struct{}, error) { return nothing(f.store.Touch(ctx, typ, id, hash, used, address)) })
	return err
}

// Rotate implements [tokenstores.Store].
func (f *Faulty) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *tokenstores.Token) error {
	_, err := do(&f.faults, "Rotate", func() (struct{}, error) { return nothing(f.store.Rotate(ctx, typ, id, hash, until, next)) })
	return err
}

// Renew implements [tokenstores.Store].
func (f *Faulty) Renew(ctx context.Context, typ, id, hash string, r tokenstores.Renewal) error {
	_, err := do(&f.faults, "Renew", func() (struct{}, error) { return nothing(f.store.Renew(ctx, typ, id, hash, r)) })
	return err
}

// Delete implements [tokenstores.Store].
func (f *Faulty) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	return do(&f.faults, "Delete", func() (bool, error) { return f.store.Delete(ctx, typ, id, subject) })
}

// List implements [tokenstores.Store].
func (f *Faulty) List(ctx context.Context, typ, subject string) ([]tokenstores.Token, error) {
	return do(&f.faults, "List", func() ([]tokenstores.Token, error) { return f.store.List(ctx, typ, subject) })
}

// DeleteAll implements [tokenstores.Store].
func (f *Faulty) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	return do(&f.faults, "DeleteAll", func() (int, error) { return f.store.DeleteAll(ctx, typ, subject, keep) })
}

// DeleteType implements [tokenstores.Store].
func (f *Faulty) DeleteType(ctx context.Context, typ string) (int, error) {
	return do(&f.faults, "DeleteType", func() (int, error) { return f.store.DeleteType(ctx, typ) })
}

// Prune implements [tokenstores.Store].
func (f *Faulty) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return do(&f.faults, "Prune", func() (int, error) { return f.store.Prune(ctx, now, limit) })
}
