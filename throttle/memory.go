package throttle

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// keys is how many keys a Memory counts at most: some 20 MB.
const keys = 100_000

// Memory is a [Counter] in the memory of this process: counts are gone when it ends, and several processes have several limits.
//
// It counts at most 100,000 keys at a time. Windows that have ended are forgotten; if there are still too many, the key with the
// lowest count is, and among those the one whose window ends first. So keys made up by an attacker push out one another and not the
// account that is being guessed: to have a count of ten forgotten, each of the 100,000 keys must be counted ten times within the
// window, which is more work than the ten guesses it wins.
type Memory struct {
	mu      sync.Mutex
	most    int
	windows map[[sha256.Size]byte]*window
	ends    queue // the first to end comes first
	counts  queue // the first to be pushed out comes first
}

var _ Counter = (*Memory)(nil)

// NewMemory returns an empty counter.
func NewMemory() *Memory {
	return &Memory{
		most:    keys,
		windows: map[[sha256.Size]byte]*window{},
		ends:    queue{number: 0, before: func(a, b *window) bool { return a.until < b.until }},
		counts: queue{number: 1, before: func(a, b *window) bool {
			return a.n < b.n || a.n == b.n && a.until < b.until
		}},
	}
}

// Add implements [Counter].
func (m *Memory) Add(ctx context.Context, key string, n int64, now time.Time, length time.Duration) (Count, error) {
	if err := ctx.Err(); err != nil {
		return Count{}, err
	}
	from, until, err := span(n, now, length)
	if err != nil {
		return Count{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetEnded(from)
	w := m.window(sha256.Sum256([]byte(key)))
	if w.until <= from {
		w.n, w.until = 0, until
	}
	w.n += n
	m.moved(w)
	return count(w.n, w.until), nil
}

// TakeBack implements [Counter].
func (m *Memory) TakeBack(ctx context.Context, key string, n int64, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !countable(n) {
		return errN
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w, ok := m.windows[sha256.Sum256([]byte(key))]
	if ok && w.until == until.UnixMicro() {
		w.n = max(0, w.n-n)
		m.moved(w)
	}
	return nil
}

// Reset implements [Counter].
func (m *Memory) Reset(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if w, ok := m.windows[sha256.Sum256([]byte(key))]; ok {
		m.forget(w)
	}
	return nil
}

// window returns the key's window, or a new one that has ended, for which it makes room.
func (m *Memory) window(key [sha256.Size]byte) *window {
	if w, ok := m.windows[key]; ok {
		return w
	}
	if len(m.windows) >= m.most {
		m.forget(m.counts.windows[0])
	}
	w := &window{key: key}
	m.windows[key] = w
	heap.Push(&m.ends, w)
	heap.Push(&m.counts, w)
	return w
}

// moved gives a window that changed its new places.
func (m *Memory) moved(w *window) {
	heap.Fix(&m.ends, w.places[m.ends.number])
	heap.Fix(&m.counts, w.places[m.counts.number])
}

// forgetEnded forgets two ended windows at most: no call pays for the many that end together, and since a call adds one
// at most, they become fewer.
func (m *Memory) forgetEnded(now int64) {
	for range 2 {
		if len(m.ends.windows) > 0 && m.ends.windows[0].until <= now {
			m.forget(m.ends.windows[0])
		}
	}
}

func (m *Memory) forget(w *window) {
	delete(m.windows, w.key)
	heap.Remove(&m.ends, w.places[m.ends.number])
	heap.Remove(&m.counts, w.places[m.counts.number])
}
