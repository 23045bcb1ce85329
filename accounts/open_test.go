package accounts_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

// addresses are those of an empty database of each sort.
var addresses = map[string]func(t testing.TB) string{
	"SQLite":   func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
	"Postgres": func(t testing.TB) string { return pgtest.URL(t) },
}

// onEach runs test on SQLite and on Postgres.
func onEach(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			test(t, db, trace)
		})
	}
}

func execute(t testing.TB, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

// create makes the table of a model, with a password_hash beside its columns, and indexes.
func create[U any](t testing.TB, db *bun.DB, indexes ...string) {
	t.Helper()
	_, err := db.NewCreateTable().Model((*U)(nil)).ColumnExpr("password_hash text NOT NULL DEFAULT ''").Exec(t.Context())
	require.NoError(t, err)
	for _, index := range indexes {
		execute(t, db, index)
	}
}

func signUp(t testing.TB, s accounts.Store, email string) any {
	t.Helper()
	user, err := s.Create(t.Context(), accounts.NewAccount{Email: email, Hash: "hash of " + email})
	require.NoError(t, err)
	return user
}
