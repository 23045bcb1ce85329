package app_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// A mellon remembers friends: by a cookie of its own, whose word is good for one use. It is what
// a Rememberer has to be, with its rows in memory and faults where they are told to be.
type mellon struct {
	clock  *apptest.Clock
	kind   string
	cookie app.Cookie
	during func(method string) error // called first by each method; nil: nothing

	mu    sync.Mutex
	rows  map[string]mellonRow
	calls []string
}

type mellonRow struct {
	name     string
	word     [32]byte // hashed
	loggedIn time.Time
}

var _ app.Rememberer = (*mellon)(nil)

var errMellonGone = errors.New("mellon: no friend any more")

func newMellon(clock *apptest.Clock, kind string) *mellon {
	return &mellon{clock: clock, kind: kind, cookie: app.Cookie{Name: "__Host-mellon-" + kind, MaxAge: 30 * 24 * time.Hour, Unsigned: true}, rows: map[string]mellonRow{}}
}

func (m *mellon) call(method string) error {
	m.mu.Lock()
	m.calls = append(m.calls, method)
	m.mu.Unlock()
	if m.during == nil {
		return nil
	}
	return m.during(method)
}

// presented returns the handle and the row that a client's cookie names.
func (m *mellon) presented(ctx *app.Context) (handle string, row mellonRow, err error) {
	value, err := m.cookie.Get(ctx)
	if errors.Is(err, http.ErrNoCookie) || value == "" {
		return "", row, app.ErrNoCredentials
	}
	handle, word, _ := strings.Cut(value, ".")
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[handle]
	if !ok || row.word != sha256.Sum256([]byte(word)) {
		return "", row, &app.Rejection{Message: "Not remembered", Cause: errMellonGone}
	}
	return handle, row, nil
}

// give writes a row with a new word, and the cookie.
func (m *mellon) give(ctx *app.Context, handle string, row mellonRow) error {
	word := rand.Text()
	row.word = sha256.Sum256([]byte(word))
	m.mu.Lock()
	m.rows[handle] = row
	m.mu.Unlock()
	return m.cookie.Set(ctx, handle+"."+word)
}

func (m *mellon) Authenticate(ctx *app.Context) (*app.Identity, error) {
	handle, row, err := m.presented(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.call("Authenticate"); err != nil {
		return nil, err
	}
	if err := m.give(ctx, handle, row); err != nil {
		return nil, err
	}
	return &app.Identity{User: &hobbit{row.name}, Scopes: []string{"*"}, Via: "mellon", Subject: row.name, Handle: handle, LoggedIn: row.loggedIn}, nil
}

func (m *mellon) Describe() (name, looksAt string) { return "mellon", "the cookie " + m.cookie.Name }

func (m *mellon) Remember(ctx *app.Context, user any) (string, error) {
	handle := rand.Text()
	if err := m.give(ctx, handle, mellonRow{name: user.(*hobbit).Name, loggedIn: m.clock.Now()}); err != nil {
		return "", err
	}
	return handle, m.call("Remember")
}

func (m *mellon) Remembers(_ context.Context, id *app.Identity) (bool, error) {
	if err := m.call("Remembers"); err != nil {
		return false, err
	}
	return slices.Contains(m.handles(), id.Handle), nil
}

func (m *mellon) Kind() string { return m.kind }

func (m *mellon) Forget(ctx *app.Context) (ended []*app.Identity, err error) {
	handle, row, err := m.presented(ctx)
	if errors.Is(err, app.ErrNoCredentials) {
		return nil, nil
	}
	if err := m.call("Forget"); err != nil {
		return nil, err
	}
	if m.remove(func(h string, _ mellonRow) bool { return h == handle }) > 0 {
		ended = append(ended, &app.Identity{Subject: row.name, Handle: handle})
	}
	return ended, m.cookie.Clear(ctx)
}

func (m *mellon) Revoke(_ context.Context, user any, handle string) (bool, error) {
	if err := m.call("Revoke"); err != nil {
		return false, err
	}
	n := m.remove(func(h string, row mellonRow) bool { return h == handle && row.name == user.(*hobbit).Name })
	return n > 0, nil
}

func (m *mellon) RevokeAll(_ context.Context, user any, keep string) (int, error) {
	if err := m.call("RevokeAll"); err != nil {
		return 0, err
	}
	return m.remove(func(h string, row mellonRow) bool { return h != keep && row.name == user.(*hobbit).Name }), nil
}

func (m *mellon) remove(which func(handle string, row mellonRow) bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.rows)
	maps.DeleteFunc(m.rows, which)
	return before - len(m.rows)
}

// handles are those of who is remembered.
func (m *mellon) handles() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.rows))
}

// failing makes a method fail.
func (m *mellon) failing(method string, err error) {
	m.during = func(called string) error {
		if called == method {
			return err
		}
		return nil
	}
}
