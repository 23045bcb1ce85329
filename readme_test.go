package kahu_test

import (
	"os"
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
		file := block[1]
		if file == "" {
			file = "readme_snippets_test.go"
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, flat(string(source)), flat(block[2]), "not in %s", file)
	}
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
