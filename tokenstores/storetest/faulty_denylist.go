package storetest

import (
	"context"
	"time"

	"github.com/kahu-go/kahu/tokenstores"
)

// FaultyDenylist is a denylist that fails when told to, as [Faulty] is a store; users are
// never joined.
type FaultyDenylist struct {
	faults
	list tokenstores.Denylist
}

var _ tokenstores.Denylist = (*FaultyDenylist)(nil)

// NewFaultyDenylist returns a list that works, over list.
func NewFaultyDenylist(list tokenstores.Denylist) *FaultyDenylist { return &FaultyDenylist{list: list} }

// Deny implements [tokenstores.Denylist].
func (f *FaultyDenylist) Deny(ctx context.Context, d ...tokenstores.Denial) error {
	_, err := do(&f.faults, "Deny", func() (struct{}, error) { return nothing(f.list.Deny(ctx, d...)) })
	return err
}

// Find implements [tokenstores.Denylist].
func (f *FaultyDenylist) Find(ctx context.Context, subject string, keys ...string) (*tokenstores.Denials, error) {
	return do(&f.faults, "Find", func() (*tokenstores.Denials, error) { return f.list.Find(ctx, subject, keys...) })
}

// Prune implements [tokenstores.Denylist].
func (f *FaultyDenylist) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return do(&f.faults, "Prune", func() (int, error) { return f.list.Prune(ctx, now, limit) })
}
