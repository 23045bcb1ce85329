package tokenstores

import (
	"context"
	"sync"
	"time"
)

// MemoryDenylist is a [Denylist] in the memory of this process: for tests, and for a
// single process whose credentials end with it, since after a restart nothing is denied.
// It has no limit of its own, so call Prune from time to time.
type MemoryDenylist struct {
	mu      sync.Mutex
	denials map[string]Denial
}

var _ Denylist = (*MemoryDenylist)(nil)

// NewMemoryDenylist returns an empty list.
func NewMemoryDenylist() *MemoryDenylist { return &MemoryDenylist{denials: map[string]Denial{}} }

// Ping fails only if ctx has ended.
func (m *MemoryDenylist) Ping(ctx context.Context) error { return ctx.Err() }

// Deny writes marks.
func (m *MemoryDenylist) Deny(ctx context.Context, d ...Denial) error {
	list, err := denials(d)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range list {
		one.over(m.denials)
	}
	return nil
}

// Find looks each key up. It loads no user.
func (m *MemoryDenylist) Find(ctx context.Context, _ string, keys ...string) (*Denials, error) {
	if _, err := checkKeys(keys); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	marks := make([]string, len(keys))
	for i, key := range keys {
		marks[i] = m.denials[key].Mark
	}
	return &Denials{Marks: marks}, nil
}

// Prune looks at every entry.
func (m *MemoryDenylist) Prune(ctx context.Context, now time.Time, limit int) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, d := range m.denials {
		if n >= limit {
			break
		}
		if !d.Until.After(now) {
			delete(m.denials, key)
			n++
		}
	}
	return n, nil
}
