package sessionstores

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

// Memory keeps sessions in the memory of this process: for tests, and for a single
// process whose sessions may end with it. It has no limit of its own, so call
// PruneSessions from time to time. Listing, limiting and pruning look at every session.
type Memory struct {
	mu      sync.Mutex
	records map[string]app.SessionRecord
}

var (
	_ app.SessionStore   = (*Memory)(nil)
	_ app.SessionLister  = (*Memory)(nil)
	_ app.SessionLimiter = (*Memory)(nil)
	_ app.SessionMover   = (*Memory)(nil)
	_ app.SessionPruner  = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{records: map[string]app.SessionRecord{}}
}

// Ping fails only if ctx has ended.
func (m *Memory) Ping(ctx context.Context) error { return ctx.Err() }

// Find returns a copy of the record of key.
func (m *Memory) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[key]
	if !ok {
		return nil, nil
	}
	r.Data = cloneData(r.Data)
	return &r, nil
}

// Insert stores a copy of r and removes old.
func (m *Memory) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	_, err := m.insert(ctx, key, old, r, 0)
	return err
}

// insert is InsertLimited if there is a limit, else Insert.
func (m *Memory) insert(ctx context.Context, key, old string, r *app.SessionRecord, limit int) (ended []app.StoredSession, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := storable(r)
	if err != nil {
		return nil, err
	}
	c.Version = 1
	m.mu.Lock()
	defer m.mu.Unlock()
	if have, ok := m.records[key]; ok && !sameSession(&have, &c) {
		return nil, errKeyTaken
	}
	if old != key {
		delete(m.records, old)
	}
	m.records[key] = c
	r.Version = 1
	if limit > 0 {
		ended = m.oust(key, &c, limit)
	}
	return ended, nil
}

// Update replaces what may change of the record of key.
func (m *Memory) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	return m.rewrite(ctx, key, key, r)
}

// MoveSession replaces what may change of the record of old and puts it under key.
func (m *Memory) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	return m.rewrite(ctx, key, old, r)
}

// rewrite replaces what may change of the record of old and puts it under key, which may be the same.
func (m *Memory) rewrite(ctx context.Context, key, old string, r *app.SessionRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := storable(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.records[old]
	switch _, taken := m.records[key]; {
	case taken && key != old:
		return errKeyTaken
	case !ok:
		return app.ErrSessionGone
	case have.Version != r.Version:
		return app.ErrSessionChanged
	}
	r.Version++
	have.Data, have.Seen, have.IdleUntil, have.Version = c.Data, c.Seen, c.IdleUntil, r.Version
	delete(m.records, old)
	m.records[key] = have
	return nil
}

// Touch moves the last use of key forward.
func (m *Memory) Touch(ctx context.Context, key string, seen, idleUntil time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if have, ok := m.records[key]; ok && have.Seen.Before(cell.Micro(seen)) {
		have.Seen, have.IdleUntil = cell.Micro(seen), cell.Micro(idleUntil)
		m.records[key] = have
	}
	return nil
}

// Delete removes the record of key.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, key)
	return nil
}

// ListSessions returns copies of the records of a subject. Nobody, the subject "",
// has none.
func (m *Memory) ListSessions(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	if err := ctx.Err(); err != nil || subject == "" {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []app.StoredSession
	for key, r := range m.records {
		if r.Kind == kind && r.Subject == subject {
			r.Data = cloneData(r.Data)
			list = append(list, app.StoredSession{Key: key, SessionRecord: r})
		}
	}
	sortSessions(list)
	return list, nil
}

// DeleteSessions removes the records of a subject but the one under keep. Nobody,
// the subject "", has none.
func (m *Memory) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	if err := ctx.Err(); err != nil || subject == "" {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for key, r := range m.records {
		if r.Kind == kind && r.Subject == subject && key != keep {
			delete(m.records, key)
			n++
		}
	}
	return n, nil
}

// PruneSessions removes at most limit expired records.
func (m *Memory) PruneSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for key, r := range m.records {
		if n >= limit {
			break
		}
		if over(&r, now) {
			delete(m.records, key)
			n++
		}
	}
	return n, nil
}

// storable returns the stored form of r, or the error that any store gives for data
// that is no JSON or too large.
func storable(r *app.SessionRecord) (app.SessionRecord, error) {
	text, err := encodeData(r.Data)
	if err != nil {
		return app.SessionRecord{}, err
	}
	c := stored(r)
	c.Data, err = decodeData([]byte(text))
	return c, err
}

// sortSessions puts the last used first.
func sortSessions(list []app.StoredSession) {
	slices.SortFunc(list, func(a, b app.StoredSession) int {
		return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.Key, b.Key))
	})
}
