package kahu_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var goBlock = regexp.MustCompile("(?s)```go(?: file=(\\S+))?\n(.*?)```")

// Every block of Go in the README stands, line by line, in a file that is compiled.
func TestReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		source := snippets(t, block[1])
		assert.Contains(t, source, flat(block[2]), "in no file that is compiled")
	}
}

// snippets are what stands in a file, or in all that are there for the README.
func snippets(t *testing.T, file string) string {
	t.Helper()
	files := []string{file}
	if file == "" {
		var err error
		files, err = filepath.Glob("readme_*_test.go")
		require.NoError(t, err)
	}
	var all strings.Builder
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		all.WriteString(flat(string(source)))
	}
	return all.String()
}

// flat drops what indentation differs in.
func flat(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.Join(strings.Fields(line), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
