package kahu_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func koaPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("docs/koa.md")
	require.NoError(t, err)
	return string(text)
}

// Every block of Go in docs/koa.md stands, line by line, in one of the files docs_koa_*_test.go, where it runs.
func TestKoaPageCompiles(t *testing.T) {
	files, err := filepath.Glob("docs_koa_*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		all.WriteString(flat(string(source)))
	}
	blocks := goBlock.FindAllStringSubmatch(koaPage(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		assert.Contains(t, all.String(), flat(block[2]))
	}
}

// koaRows are the cells of the page's tables, three in each row, without the heads.
func koaRows(t *testing.T) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(koaPage(t)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Koa |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		require.Len(t, cells, 3, line)
		rows = append(rows, cells)
	}
	require.NotEmpty(t, rows)
	return rows
}

// Every line of a table has Koa's word, ours and the difference; nothing of Koa's is there twice.
func TestKoaPageTables(t *testing.T) {
	there := map[string]bool{}
	for _, cells := range koaRows(t) {
		assert.NotEmpty(t, cells[0])
		assert.NotEmpty(t, cells[1]+cells[2], "%s has nothing beside it", cells[0])
		assert.False(t, there[cells[0]], "%s is there twice", cells[0])
		there[cells[0]] = true
	}
}

// koaReceivers are what the page calls values of our types.
var koaReceivers = map[string]string{"ctx": "Context", "a": "App", "r": "Router", "session": "Session", "sessions": "Sessions", "cookie": "Cookie", "events": "EventStream", "key": "Key"}

var koaName = regexp.MustCompile(`\b([A-Za-z]\w*)\.([A-Z]\w*)`)

// Every name of ours in the tables is there: those in the second column, and all that begin with a capital letter.
func TestKoaPageNames(t *testing.T) {
	there := map[string]bool{}
	eachSource(t, func(name, source string) {
		if strings.HasSuffix(name, "_test.go") || strings.Count(name, "/") != 1 && !strings.HasPrefix(name, "app/apptest/") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			declared(d, file.Name.Name, there)
		}
	})
	seen := 0
	for _, cells := range koaRows(t) {
		for _, name := range koaName.FindAllStringSubmatch(strings.Join(cells[1:], " "), -1) {
			of, member := name[1], name[2]
			if ours, ok := koaReceivers[of]; ok {
				of = ours
			}
			if koaElsewhere[of] {
				continue
			}
			assert.True(t, there[of+"."+member], "%s in %v", name[0], cells)
			seen++
		}
	}
	assert.Greater(t, seen, 200)
}

// koaElsewhere are packages of Go and values of net/http.
var koaElsewhere = map[string]bool{"errors": true, "http": true, "io": true, "json": true, "netip": true, "multipart": true, "time": true, "Request": true, "slog": true}
