package kahu_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

// Every block of Go and of SQL in a guide stands, line by line, in the test that follows the guide: docs/from-koa.md in docs_from_koa_test.go.
func TestGuidesCompile(t *testing.T) {
	guides, err := filepath.Glob("docs/from-*.md")
	require.NoError(t, err)
	require.Len(t, guides, 3)
	guides = append(guides, "docs/write-a-strategy.md")
	for _, guide := range guides {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(guide), ".md"), "-", "_")
		text, err := os.ReadFile(guide)
		require.NoError(t, err)
		source, err := os.ReadFile("docs_" + name + "_test.go")
		require.NoError(t, err)
		blocks := goBlock.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, blocks, guide)
		blocks = append(blocks, sqlBlock.FindAllStringSubmatch(string(text), -1)...)
		for _, block := range blocks {
			assert.Contains(t, flat(string(source)), flat(block[len(block)-1]), guide)
		}
	}
}

// atOnce calls f n times at once.
func atOnce(n int, f func()) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for range n {
		all.Go(func() { <-start; f() })
	}
	close(start)
	all.Wait()
}

func execute(t *testing.T, db *bun.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

// single returns the one value that a query selects.
func single[T any](t *testing.T, db *bun.DB, query string) (v T) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&v))
	return v
}
