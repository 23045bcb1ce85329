package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
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

// A link, an image or a prefetch asks by GET: no such route may change what is stored, and none logs
// anybody out.
func TestNothingIsChangedByGet(t *testing.T) {
	table, err := os.ReadFile("testdata/routes.txt")
	require.NoError(t, err)
	v, trace := serve(t, "file:"+filepath.Join(t.TempDir(), "app.db"), func(*stores) {})
	require.Equal(t, 201, v.login(good))
	asked := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if fields[1] != "GET" {
			continue
		}
		path := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(fields[2], "1")
		for _, method := range []string{"GET", "HEAD"} {
			trace.Reset()
			status, _, _ := v.send(method, path, "", "", "Accept", "text/html")
			assert.Less(t, status, 500, "%s %s", method, path)
			assert.Zero(t, trace.Counts().Execs, "%s %s writes", method, path)
			asked++
		}
	}
	assert.Greater(t, asked, 50)
	assert.Equal(t, 200, v.status("GET", "/dashboard", ""), "nobody was logged out")
}
