package tokenstores_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/tokenstores"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

// token returns a token of the user with the key 7.
func token(id string) *tokenstores.Token {
	return &tokenstores.Token{
		ID: id, Type: "api", Subject: "7", Hash: "hash of " + id, Name: "Sting", Scopes: []string{"rings:read"},
		Meta: map[string]json.RawMessage{"device": json.RawMessage(`"palantir"`)}, Created: start, LastUsed: start.Add(time.Minute),
		Expires: start.Add(24 * time.Hour), IdleLimit: time.Hour, Address: "192.0.2.7",
		State: "phial of Galadriel",
	}
}

// renewal gives a token another hash at a time.
func renewal(hash string, used time.Time) tokenstores.Renewal {
	return tokenstores.Renewal{Hash: hash, State: "state of " + hash, Used: used, Address: "192.0.2.8"}
}

// addresses are those of an empty database of each sort.
var addresses = map[string]func(t testing.TB) string{
	"SQLite":   func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
	"Postgres": func(t testing.TB) string { return pgtest.URL(t) },
}

// onPostgres runs test there alone.
func onPostgres(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Helper()
	test(t, migrated(t, addresses["Postgres"](t)))
}

// onEach runs test on SQLite and on Postgres, migrated and otherwise empty.
func onEach(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) { test(t, migrated(t, address(t))) })
	}
}

func opened(t testing.TB, address string) *bun.DB {
	t.Helper()
	db, err := database.Open(address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func migrated(t testing.TB, address string) *bun.DB {
	t.Helper()
	db := opened(t, address)
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	return db
}

func dial(t testing.TB) *redis.Client { return dialTo(t, redistest.URL(t)) }

func dialTo(t testing.TB, address string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(address)
	require.NoError(t, err)
	o.MaxRetries, o.DialerRetries = -1, 1
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func execute(t testing.TB, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

func count(t testing.TB, db *bun.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func find(t testing.TB, s tokenstores.Store, id string) *tokenstores.Token {
	t.Helper()
	found, err := s.Find(t.Context(), "api", id)
	require.NoError(t, err)
	return found
}

func cancelledContext(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
