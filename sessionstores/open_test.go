package sessionstores_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/sessionstores"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

func record(subject string) *app.SessionRecord {
	return &app.SessionRecord{
		Kind: "session", Subject: subject, Created: start, LoggedIn: start, Seen: start,
		IdleUntil: start.Add(30 * time.Minute), Until: start.Add(12 * time.Hour), Address: "192.0.2.7", Agent: "Palantir/1.0",
	}
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

func migrated(t testing.TB, address string, o ...database.Option) *bun.DB {
	t.Helper()
	db, err := database.Open(address, o...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sessionstores.Migrate(t.Context(), db))
	return db
}

func count(t testing.TB, db *bun.DB, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

type ctx = context.Context

func cancelledContext(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
