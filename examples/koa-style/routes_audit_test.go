package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

// Who may call what is a file that reviewers read: a route that was opened since shows there.
// UPDATE=1 writes it anew.
func TestWhoMayCallWhat(t *testing.T) {
	const golden = "testdata/routes.txt"
	c, err := readConfig(func(string) string { return "" })
	require.NoError(t, err)
	c.hasher, c.log = quick, quiet
	c.databaseURL = "file:" + t.TempDir() + "/app.db"
	s, err := openStores(t.Context(), c)
	require.NoError(t, err)
	defer s.close()
	var table strings.Builder
	require.NoError(t, newSite(c, s, accounts.PrintMailer(io.Discard)).routes().Audit(&table))
	if os.Getenv("UPDATE") == "1" {
		require.NoError(t, os.WriteFile(golden, []byte(table.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), table.String())
	assert.NotContains(t, table.String(), "unmarked")
}
