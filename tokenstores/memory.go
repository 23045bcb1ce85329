package tokenstores

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/kahu-go/kahu/internal/cell"
)

// Memory keeps tokens in the memory of this process: for tests, and for a single
// process whose tokens may end with it. It has no limit of its own, so call Prune from
// time to time. All but Find, Insert, Touch, Rotate, Renew and Delete look at every token.
type Memory struct {
	mu     sync.Mutex
	tokens map[name]*Token
}

var _ Store = (*Memory)(nil)

type name struct{ typ, id string }

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{tokens: map[name]*Token{}} }

// Ping fails only if ctx has ended.
func (m *Memory) Ping(ctx context.Context) error { return ctx.Err() }

// Find returns a copy of the token.
func (m *Memory) Find(ctx context.Context, typ, id string) (*Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[name{typ, id}]
	if !ok {
		return nil, nil
	}
	return t.clone(), nil
}

// Insert stores a copy of t. Doing it again with the same token is no error.
func (m *Memory) Insert(ctx context.Context, t *Token) error {
	r, err := encode(t)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := name{t.Type, t.ID}
	if have, ok := m.tokens[key]; ok {
		if reflect.DeepEqual(have, &r.Token) {
			return nil
		}
		return errIDTaken
	}
	m.tokens[key] = &r.Token
	return nil
}

// Touch moves the last use of a token forward.
func (m *Memory) Touch(ctx context.Context, typ, id, hash string, used time.Time, address string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[name{typ, id}]
	if ok && t.Hash == hash && storable(used) && t.LastUsed.Before(cell.Micro(used)) {
		t.LastUsed, t.Address = cell.Micro(used), cell.Clean(address, maxAddress)
	}
	return nil
}

// Rotate stores a copy of next. Doing it again with the same next is no error.
func (m *Memory) Rotate(ctx context.Context, typ, id, hash string, until time.Time, next *Token) error {
	r, err := successor(typ, id, until, next)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[name{typ, id}]
	switch _, taken := m.tokens[name{typ, next.ID}]; {
	case !ok || t.Hash != hash:
		return ErrTokenGone
	case t.Successor == next.ID:
		return nil
	case t.Successor != "":
		return ErrTokenRotated
	case !t.Live(r.Created):
		return ErrTokenGone
	case taken:
		return errIDTaken
	}
	t.Successor = next.ID
	if t.Expires.IsZero() || until.Before(t.Expires) {
		t.Expires = cell.Micro(until)
	}
	m.tokens[name{typ, next.ID}] = &r.Token
	return nil
}

// Renew changes a token in place. Doing it again is no error.
func (m *Memory) Renew(ctx context.Context, typ, id, hash string, r Renewal) error {
	r, err := renewed(hash, r)
	if err != nil {
		return err
	}
	if !isName(hash) {
		return goneUnless(ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[name{typ, id}]
	switch {
	case !ok:
		return ErrTokenGone
	case t.Hash == r.Hash && t.State == r.State:
		return nil
	case t.Hash != hash || t.Successor != "":
		return ErrTokenRotated
	case !t.Live(r.Used):
		return ErrTokenGone
	}
	t.Hash, t.State = r.Hash, r.State
	if !r.Used.Before(t.LastUsed) {
		t.LastUsed, t.Address = r.Used, r.Address
	}
	return nil
}

// Delete removes a token.
func (m *Memory) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[name{typ, id}]
	if !ok || subject != "" && t.Subject != subject {
		return false, nil
	}
	delete(m.tokens, name{typ, id})
	return true, nil
}

// List returns copies of the tokens of a subject.
func (m *Memory) List(ctx context.Context, typ, subject string) ([]Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Token
	for _, t := range m.tokens {
		if t.Type == typ && t.Subject == subject {
			list = append(list, *t.clone())
		}
	}
	sortTokens(list)
	return list, nil
}

// DeleteAll removes the tokens of a subject but one.
func (m *Memory) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	return m.remove(ctx, -1, func(t *Token) bool { return t.Type == typ && t.Subject == subject && t.ID != keep })
}

// DeleteType removes the tokens of a type.
func (m *Memory) DeleteType(ctx context.Context, typ string) (int, error) {
	return m.remove(ctx, -1, func(t *Token) bool { return t.Type == typ })
}

// Prune removes at most limit tokens that are over.
func (m *Memory) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	return m.remove(ctx, max(0, limit), func(t *Token) bool { return !t.Live(now) })
}

// remove removes at most limit tokens, or any number if that is negative.
func (m *Memory) remove(ctx context.Context, limit int, which func(*Token) bool) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for key, t := range m.tokens {
		if n == limit {
			break
		}
		if which(t) {
			delete(m.tokens, key)
			n++
		}
	}
	return n, nil
}
