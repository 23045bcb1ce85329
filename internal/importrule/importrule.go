// Package importrule is the table of which package may import which. A test holds the tree to it.
package importrule

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/kahu-go/kahu"

// layer is what the packages of a top-level folder may import besides the standard library and internal/: folders of ours, and modules of others by the
// beginning of their path.
type layer struct{ ours, others []string }

const (
	bun   = "github.com/uptrace/bun"
	redis = "github.com/redis/go-redis/v9"
)

// layers is the table. Kits, tests and examples are free of it.
var layers = map[string]layer{
	"app":           {others: []string{"github.com/gorilla/securecookie", "github.com/elnormous/contenttype", "golang.org/x/text"}},
	"router":        {ours: []string{"app"}},
	"serializer":    {ours: []string{"app"}, others: []string{bun}},
	"sessionstores": {ours: []string{"app"}, others: []string{bun, redis, "github.com/gorilla/sessions", "github.com/gorilla/securecookie"}},
	"tokenstores":   {others: []string{bun, redis}},
	"passwords":     {others: []string{"golang.org/x/crypto", "golang.org/x/text", "golang.org/x/sys"}},
	"throttle":      {others: []string{bun, redis}},
	"strategies": {
		ours:   []string{"app", "tokenstores", "passwords", "throttle"},
		others: []string{"github.com/gorilla/securecookie", "golang.org/x/text"},
	},
	"accounts": {
		ours:   []string{"app", "router", "serializer", "sessionstores", "tokenstores", "passwords", "throttle", "strategies"},
		others: []string{bun, "github.com/wneessen/go-mail", "golang.org/x/text"},
	},
	"middleware": {
		ours:   []string{"app", "throttle"},
		others: []string{"github.com/klauspost/compress/gzhttp", "github.com/rs/cors"},
	},
	"database": {others: []string{bun, "github.com/jackc/pgx/v5", "modernc.org/sqlite"}},
	"internal": {others: []string{bun, redis, "github.com/golang-jwt/jwt/v5"}},
}

// drivers are linked by package database only, and by tests.
var drivers = []string{"github.com/jackc/", "modernc.org/", bun + "/driver/", "github.com/lib/pq", "github.com/mattn/go-sqlite3"}

// testHelp are the kits whose names do not end in "test".
var testHelp = []string{"internal/daemon", "internal/sqltrace"}

// isKit tells whether the folder holds a kit: a package that only tests import, such as app/apptest.
func isKit(folder string) bool {
	return strings.HasSuffix(folder, "test") || slices.Contains(testHelp, folder)
}

// Violations are sentences about the imports in tree, the root of the module, that the table does not allow.
func Violations(tree fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(tree, name)
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		imports, err := importsOf(tree, name)
		for _, imported := range imports {
			if reason := refused(path.Dir(name), imported); reason != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, reason))
			}
		}
		return err
	})
	return found, err
}

// skip leaves out what is not of this module.
func skip(tree fs.FS, folder string) error {
	if folder == "." {
		return nil
	}
	_, err := fs.Stat(tree, folder+"/go.mod")
	if err == nil || strings.HasPrefix(path.Base(folder), ".") || path.Base(folder) == "testdata" {
		return fs.SkipDir
	}
	return nil
}

func importsOf(tree fs.FS, name string) ([]string, error) {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imported)
	}
	return imports, nil
}

// refused says why a package in folder may not import the path, or nothing.
func refused(folder, imported string) string {
	if isKit(folder) || isStandard(imported) {
		return ""
	}
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	if isOurs && isKit(ours) {
		return "only tests import kits"
	}
	top, _, _ := strings.Cut(folder, "/")
	if top != "database" && begins(imported, drivers) {
		return "only package database links drivers"
	}
	if top == "examples" {
		return ""
	}
	rule, known := layers[top]
	switch {
	case !known:
		return "this folder is not in the table of package importrule"
	case isOurs:
		return refusedOurs(rule, top, ours)
	case !begins(imported, rule.others):
		return "a dependency of this package is a decision: see the table of package importrule"
	}
	return ""
}

func refusedOurs(rule layer, top, imported string) string {
	other, _, _ := strings.Cut(imported, "/")
	if other == "internal" || other == top || slices.Contains(rule.ours, other) {
		return ""
	}
	return "the layout does not allow it"
}

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func begins(imported string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		return imported == m || strings.HasPrefix(imported, strings.TrimSuffix(m, "/")+"/")
	})
}
