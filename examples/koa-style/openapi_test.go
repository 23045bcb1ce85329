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
	"github.com/kahu-go/kahu/router"
)

// That the answers are those of the document is what the module in openapi/ tests.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	url := "file:" + filepath.Join(t.TempDir(), "app.db")
	c, err := readConfig(func(name string) string { return map[string]string{"DATABASE_URL": url}[name] })
	require.NoError(t, err)
	s, err := openStores(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(s.close)

	documented := documentedRoutes(t)
	var there, proven, open []string
	for route := range newSite(c, s, accounts.PrintMailer(io.Discard)).routes().Routes() {
		name := route.Method + " " + route.Path
		there = append(there, name)
		if route.Mark == router.Guarded {
			proven = append(proven, name)
		} else {
			open = append(open, name)
		}
	}
	var names []string
	for name, guarded := range documented {
		names = append(names, name)
		if guarded {
			assert.Contains(t, append(proven, "POST /users/tokens", "POST /admins/tokens"), name, "guarded, or it looks at the token itself")
		} else {
			assert.Contains(t, open, name)
		}
	}
	assert.ElementsMatch(t, there, names)
}

var (
	pathLine     = regexp.MustCompile(`^  (/\S*):$`)
	methodLine   = regexp.MustCompile(`^    (get|put|post|delete|options|head|patch|trace):$`)
	securityLine = regexp.MustCompile(`^      security: \[\{`)
)

// documentedRoutes reads what the document's lines say: which routes there are, and whether
// something has to prove who calls.
func documentedRoutes(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	_, paths, _ := strings.Cut(string(text), "\npaths:\n")
	paths, _, found := strings.Cut(paths, "\ncomponents:\n")
	require.True(t, found)
	routes, path, route := map[string]bool{}, "", ""
	for line := range strings.Lines(paths) {
		line = strings.TrimRight(line, "\n")
		if m := pathLine.FindStringSubmatch(line); m != nil {
			path = m[1]
		}
		if m := methodLine.FindStringSubmatch(line); m != nil {
			route = strings.ToUpper(m[1]) + " " + path
			require.NotContains(t, routes, route)
			routes[route] = false
		}
		if securityLine.MatchString(line) && !strings.Contains(line, "{}") {
			routes[route] = true
		}
	}
	return routes
}
