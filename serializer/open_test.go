package serializer_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

// onEach runs test on SQLite and on Postgres.
func onEach(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	t.Helper()
	for name, address := range map[string]func(t testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
		"Postgres": func(t testing.TB) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			test(t, db, trace)
		})
	}
}

func exec(t testing.TB, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

// create makes the table of a model and stores rows in it.
func create[U any](t testing.TB, db *bun.DB, users ...*U) {
	t.Helper()
	_, err := db.NewCreateTable().Model((*U)(nil)).Exec(t.Context())
	require.NoError(t, err)
	for _, u := range users {
		_, err := db.NewInsert().Model(u).Exec(t.Context())
		require.NoError(t, err)
	}
}
