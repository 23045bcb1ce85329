package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/tokenstores"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

// world is every store in one database, each with one thing in it, of the user 7.
type world struct {
	db       *bun.DB
	users    *serializer.Table[person]
	sessions *sessionstores.Bun
	tokens   *tokenstores.Bun
	denials  *tokenstores.BunDenylist

	joinedSessions app.SessionStore
	joinedTokens   tokenstores.Store
	joinedDenials  tokenstores.Denylist
}

func newWorld(t *testing.T, address string) *world {
	db := storesOf(t, address)
	w := &world{db: db, users: people(db), sessions: sessionstores.NewBun(db), tokens: tokenstores.NewBun(db), denials: tokenstores.NewBunDenylist(db)}
	w.joinedSessions, w.joinedTokens, w.joinedDenials = w.sessions.JoinUsers(w.users), w.tokens.JoinUsers(w.users), w.denials.JoinUsers(w.users)
	return w
}

// reset leaves the session a, the token a, the denial a and the user Frodo.
func (w *world) reset(t *testing.T) {
	t.Helper()
	for _, table := range []string{"sessions", "tokens", "denials"} {
		exec(t, w.db, "DELETE FROM ?", bun.Ident(table))
	}
	exec(t, w.db, "UPDATE people SET name = 'Frodo', password_hash = 'old'")
	require.NoError(t, errors.Join(w.sessions.Insert(t.Context(), "a", "", session()), w.tokens.Insert(t.Context(), token("a")),
		w.denials.Deny(t.Context(), tokenstores.Denial{Key: "a", Mark: "1", Until: start})))
}

func session() *app.SessionRecord {
	return &app.SessionRecord{Kind: "session", Subject: "7", Created: start, LoggedIn: start, Seen: start, IdleUntil: start.Add(time.Hour),
		Until: start.Add(12 * time.Hour), Version: 1}
}

func token(id string) *tokenstores.Token {
	return &tokenstores.Token{ID: id, Type: "api", Subject: "7", Hash: "hash of " + id, Created: start, Expires: start.Add(time.Hour)}
}

func (w *world) session(t *testing.T, ctx context.Context, key string) *app.SessionRecord {
	t.Helper()
	r, err := w.sessions.Find(ctx, key)
	require.NoError(t, err)
	joined, err := w.joinedSessions.Find(ctx, key)
	require.NoError(t, err)
	assert.Equal(t, r == nil, joined == nil)
	list, err := w.sessions.ListSessions(ctx, "session", "7")
	require.NoError(t, err)
	listed := false
	for _, one := range list {
		listed = listed || one.Key == key
	}
	assert.Equal(t, r != nil, listed)
	return r
}

func (w *world) token(t *testing.T, ctx context.Context, id string) *tokenstores.Token {
	t.Helper()
	found, err := w.tokens.Find(ctx, "api", id)
	require.NoError(t, err)
	joined, err := w.joinedTokens.Find(ctx, "api", id)
	require.NoError(t, err)
	assert.Equal(t, found == nil, joined == nil)
	list, err := w.tokens.List(ctx, "api", "7")
	require.NoError(t, err)
	listed := false
	for _, one := range list {
		listed = listed || one.ID == id
	}
	assert.Equal(t, found != nil, listed)
	return found
}

func (w *world) mark(t *testing.T, ctx context.Context, key string) string {
	t.Helper()
	found, err := w.denials.Find(ctx, "7", "x", key)
	require.NoError(t, err)
	joined, err := w.joinedDenials.Find(ctx, "7", "x", key)
	require.NoError(t, err)
	assert.Equal(t, found.Marks, joined.Marks)
	return found.Marks[1]
}

// hash is that of Frodo.
func (w *world) hash(t *testing.T, ctx context.Context) string {
	t.Helper()
	_, hash, err := w.users.ByNameWithHash(ctx, "Frodo")
	require.NoError(t, err)
	return hash
}

// name is the user's, which every look-up of a user agrees on.
func (w *world) name(t *testing.T, ctx context.Context) string {
	t.Helper()
	u, err := w.users.ByID(ctx, "7")
	require.NoError(t, err)
	named, err := w.users.ByName(ctx, u.Name)
	require.NoError(t, err)
	deserialized, err := w.users.Deserialize(ctx, "7")
	require.NoError(t, err)
	r, err := w.joinedSessions.Find(ctx, "a")
	require.NoError(t, err)
	bearer, err := w.joinedTokens.Find(ctx, "api", "a")
	require.NoError(t, err)
	denials, err := w.joinedDenials.Find(ctx, "7", "a")
	require.NoError(t, err)
	for _, other := range []any{named, deserialized, r.User, bearer.User, denials.User} {
		assert.Equal(t, u, other)
	}
	return u.Name
}

func onEachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	for name, address := range map[string]func() string{
		"file":     func() string { return newFile(t) },
		"memory":   func() string { return ":memory:" },
		"postgres": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, address())
			test(t, w)
			nothingIsLeft(t, w.db)
		})
	}
}

// inMemory tells whether there is one connection, so that nobody can look from outside.
func (w *world) inMemory() bool { return w.db.Stats().MaxOpenConnections == 1 }
