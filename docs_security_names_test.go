package kahu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asvsRequirements are those of ASVS 5.0 that concern what kahu does.
const asvsRequirements = `1.1.1 1.2.1 1.2.2 1.2.4 1.3.12 1.4.2 1.5.2 1.5.3 2.2.1 2.2.2 2.3.3 2.4.1
	3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.4.8 3.5.1 3.5.2 3.5.3 3.7.2 4.1.1 4.1.3 4.1.4 4.2.1 4.2.4
	6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.7 6.3.8 6.4.3 6.5.2
	7.1.1 7.1.2 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 8.2.1 8.3.1 8.3.2
	9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 10.1.1 10.3.1 10.3.2 10.3.3 10.4.5 10.4.8 10.4.9
	11.1.2 11.2.1 11.2.2 11.2.3 11.2.4 11.2.5 11.4.1 11.4.2 11.4.3 11.5.1 11.5.2 11.6.1
	13.1.2 13.1.3 13.1.4 13.2.3 13.2.6 13.3.1 13.3.4 13.4.2 13.4.4 13.4.6 14.2.1 14.2.2 14.2.6 14.2.7 14.3.1 14.3.2
	15.1.3 15.2.1 15.2.2 15.3.1 15.3.3 15.3.4 15.3.5 15.3.7 15.4.1 15.4.2 15.4.3 15.4.4
	16.2.1 16.2.2 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.5.1 16.5.2 16.5.3 16.5.4`

var asvsRow = regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \| (.+) \| (.+) \|$`)

// Each requirement has one row, which says what kahu does, and names rows of the conformance and tests that are there.
func TestSecurityPageCoversASVS(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	var covered []string
	for _, row := range asvsRow.FindAllStringSubmatch(string(text), -1) {
		covered = append(covered, row[1])
		assert.Regexp(t, `^(none|R\d+(, R\d+)*)$`, row[4], row[1])
		assert.Regexp(t, `^(none|(Test|Fuzz)\w+(, (Test|Fuzz)\w+)*)$`, row[5], row[1])
	}
	assert.Equal(t, strings.Fields(asvsRequirements), covered)
}

// Every test that docs/security.md names is there.
func TestSecurityPageNamesTests(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	there := map[string]bool{}
	eachSource(t, func(name, source string) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, f := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(source, -1) {
			there[f[1]] = true
		}
	})
	for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(string(text), -1) {
		assert.True(t, there[name], name)
	}
}

// Every option, method and function that docs/security.md names as Type.Name or package.Name is there.
func TestSecurityPageNamesOptions(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	there := map[string]bool{}
	eachSource(t, func(name, source string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			declared(d, file.Name.Name, there)
		}
	})
	names := regexp.MustCompile("`(\\w+\\.\\w+)(?:\\(\\))?`").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.True(t, there[name[1]], name[1])
	}
}

func eachSource(t *testing.T, take func(name, source string)) {
	t.Helper()
	tree := os.DirFS(".")
	require.NoError(t, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if strings.HasPrefix(path.Base(name), ".") && name != "." || path.Base(name) == "node_modules" {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		take(name, string(source))
		return err
	}))
}

// declared notes what a declaration makes: package.Name, Type.Field, Type.Method.
func declared(d ast.Decl, in string, there map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			there[in+"."+d.Name.Name] = true
			return
		}
		there[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				there[in+"."+spec.Name.Name] = true
				if s, ok := spec.Type.(*ast.StructType); ok {
					fieldsOf(s, spec.Name.Name, there)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					there[in+"."+name.Name] = true
				}
			}
		}
	}
}

func fieldsOf(s *ast.StructType, of string, there map[string]bool) {
	for _, field := range s.Fields.List {
		for _, name := range field.Names {
			there[of+"."+name.Name] = true
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
