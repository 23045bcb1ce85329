package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/serializer"
)

// Memory is a Store in memory, for tests, and to show what a Store of one's own has to do.
// Its users are *[User].
type Memory struct {
	users app.Serializer

	mu   sync.Mutex
	last int
	rows map[int]row
}

// A User is an account of a [Memory], as it was when it was loaded.
type User struct {
	ID                 int
	Email              string
	Fields             map[string]string
	Verified, Disabled bool
}

type row struct {
	User
	hash string
}

var _ accounts.Store = (*Memory)(nil)

// NewMemory returns a Store without accounts.
func NewMemory() *Memory {
	m := &Memory{rows: map[int]row{}}
	m.users = serializer.New(func(u *User) string { return strconv.Itoa(u.ID) }, m.byKey)
	return m
}

// Users implements [accounts.Store].
func (m *Memory) Users() app.Serializer { return m.users }

func (m *Memory) byKey(ctx context.Context, key string) (*User, error) {
	id, err := strconv.Atoi(key)
	if err != nil || strconv.Itoa(id) != key {
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.rows[id]
	if !found {
		return nil, ctx.Err()
	}
	return r.user(), ctx.Err()
}

// user is a copy: what is handed out does not change any more.
func (r row) user() *User {
	u := r.User
	u.Fields = maps.Clone(u.Fields)
	return &u
}

// ByEmail implements [accounts.Store].
func (m *Memory) ByEmail(ctx context.Context, email string) (any, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.named(email)
	if !found {
		return nil, "", sql.ErrNoRows
	}
	return r.user(), r.hash, nil
}

// named returns the account with an address; m.mu is held.
func (m *Memory) named(email string) (row, bool) {
	for _, r := range m.rows {
		if r.Email == email {
			return r, true
		}
	}
	return row{}, false
}

// Hash implements [accounts.Store].
func (m *Memory) Hash(ctx context.Context, user any) (hash string, err error) {
	found, err := m.change(ctx, user, func(r *row) bool { hash = r.hash; return true })
	if err == nil && !found {
		return "", sql.ErrNoRows
	}
	return hash, err
}

// Create implements [accounts.Store].
func (m *Memory) Create(ctx context.Context, n accounts.NewAccount) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.named(n.Email); taken {
		return nil, accounts.ErrEmailTaken
	}
	m.last++ // and never back: a key that is given again would come with the sessions of who had it
	r := row{User{ID: m.last, Email: n.Email, Fields: maps.Clone(n.Fields), Verified: n.Verified}, n.Hash}
	m.rows[r.ID] = r
	return r.user(), nil
}

// ReplaceHash implements [accounts.Store].
func (m *Memory) ReplaceHash(ctx context.Context, user any, old, hash string) (bool, error) {
	return m.change(ctx, user, func(r *row) bool {
		if r.hash != old {
			return false
		}
		r.hash = hash
		return true
	})
}

// ReplaceEmail implements [accounts.Store].
func (m *Memory) ReplaceEmail(ctx context.Context, user any, old, email string) (bool, error) {
	taken := false
	done, err := m.change(ctx, user, func(r *row) bool {
		other, found := m.named(email)
		if taken = found && other.ID != r.ID; taken || r.Email != old {
			return false
		}
		r.Email, r.Verified = email, true
		return true
	})
	if err == nil && taken {
		return false, accounts.ErrEmailTaken
	}
	return done, err
}

// Verify implements [accounts.Store].
func (m *Memory) Verify(ctx context.Context, user any, email string) (bool, error) {
	return m.change(ctx, user, func(r *row) bool {
		r.Verified = r.Verified || r.Email == email
		return r.Email == email
	})
}

// Disable says whether the user may log in.
func (m *Memory) Disable(user any, disabled bool) {
	_, _ = m.change(context.Background(), user, func(r *row) bool { r.Disabled = disabled; return true })
}

// Delete implements [accounts.Store].
func (m *Memory) Delete(ctx context.Context, user any) error {
	u, err := known(ctx, user)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, u.ID)
	return nil
}

// Status implements [accounts.Store].
func (m *Memory) Status(user any) accounts.Status {
	u, ok := user.(*User)
	if !ok || u == nil {
		return accounts.Status{Disabled: true}
	}
	return accounts.Status{Email: u.Email, Verified: u.Verified, Disabled: u.Disabled}
}

// change runs with the row of a user, and reports what it returns; false if it is gone.
func (m *Memory) change(ctx context.Context, user any, change func(*row) bool) (bool, error) {
	u, err := known(ctx, user)
	if err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.rows[u.ID]
	if !found || !change(&r) {
		return false, nil
	}
	m.rows[u.ID] = r
	return true, nil
}

func known(ctx context.Context, user any) (*User, error) {
	u, ok := user.(*User)
	if !ok || u == nil {
		return nil, fmt.Errorf("storetest: the user is a %T", user)
	}
	return u, ctx.Err()
}
