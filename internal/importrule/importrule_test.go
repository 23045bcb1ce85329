package importrule_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/importrule"
)

const root = "../.."

func TestTheTreeKeepsTheImportRule(t *testing.T) {
	found, err := importrule.Violations(os.DirFS(root))
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestDependenciesAreNotOlderThanTheirKnownHoles(t *testing.T) {
	gomod, err := os.ReadFile(root + "/go.mod")
	require.NoError(t, err)
	assert.Empty(t, importrule.OldVersions(string(gomod)))
}

func TestEachImportIsAllowedOrRefused(t *testing.T) {
	const ours = "github.com/kahu-go/kahu/"
	for name, c := range map[string]struct{ file, imported, want string }{
		"the standard library":                {"app/app.go", "net/http", ""},
		"a module in the table":               {"app/app.go", "github.com/gorilla/securecookie", ""},
		"a module not in the table":           {"app/app.go", "github.com/uptrace/bun", "a dependency of this package is a decision: see the table of package importrule"},
		"a module with a name that begins so": {"serializer/table.go", "github.com/uptrace/bunny", "a dependency of this package is a decision: see the table of package importrule"},
		"a layer below":                       {"router/router.go", ours + "app", ""},
		"a layer above":                       {"app/app.go", ours + "router", "the layout does not allow it"},
		"a layer beside":                      {"throttle/bun.go", ours + "passwords", "the layout does not allow it"},
		"internal from everywhere":            {"app/app.go", ours + "internal/prune", ""},
		"a layer from internal":               {"internal/prune/prune.go", ours + "app", "the layout does not allow it"},
		"the core from a store of tokens":     {"tokenstores/bun.go", ours + "app", "the layout does not allow it"},
		"Redis from a store of tokens":        {"tokenstores/redis.go", "github.com/redis/go-redis/v9", ""},
		"Redis from internal":                 {"internal/redischeck/redischeck.go", "github.com/redis/go-redis/v9", ""},
		"database from a store":               {"sessionstores/bun.go", ours + "database", "the layout does not allow it"},
		"a kit from the code":                 {"app/app.go", ours + "app/apptest", "only tests import kits"},
		"a kit from an example":               {"examples/koa-style/main.go", ours + "internal/pgtest", "only tests import kits"},
		"a kit from a kit":                    {"sessionstores/storetest/store.go", ours + "app/apptest", ""},
		"a layer from a kit":                  {"internal/sqltrace/sqltrace.go", ours + "database", ""},
		"anything from a test":                {"app/app_test.go", "github.com/jackc/pgx/v5", ""},
		"a layer from an example":             {"examples/koa-style/main.go", ours + "accounts", ""},
		"a driver from database":              {"database/postgres.go", "github.com/jackc/pgx/v5/stdlib", ""},
		"a driver from an example":            {"examples/koa-style/main.go", "modernc.org/sqlite", "only package database links drivers"},
		"a driver from a store":               {"sessionstores/bun.go", "github.com/jackc/pgx/v5/pgconn", "only package database links drivers"},
		"a driver of Bun's":                   {"sessionstores/bun.go", "github.com/uptrace/bun/driver/pgdriver", "only package database links drivers"},
		"a new folder":                        {"misc/misc.go", ours + "app", "this folder is not in the table of package importrule"},
		"another module":                      {"tools/report/main.go", "example.com/x", ""},
		"a hidden folder":                     {".cache/main.go", "example.com/x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := importrule.Violations(fstest.MapFS{
				"tools/go.mod": {Data: []byte("module tools")},
				c.file:         {Data: []byte("package x\nimport _ \"" + c.imported + "\"\n")},
			})
			require.NoError(t, err)
			if c.want == "" {
				assert.Empty(t, found)
				return
			}
			assert.Equal(t, []string{c.file + " imports " + c.imported + ": " + c.want}, found)
		})
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	_, err := importrule.Violations(fstest.MapFS{"app/app.go": {Data: []byte("no Go")}})
	assert.Error(t, err)
}

func TestOldVersions(t *testing.T) {
	for gomod, want := range map[string][]string{
		"require github.com/uptrace/bun v1.3.0":                      nil,
		"require (\n\tgithub.com/uptrace/bun v1.10.0 // indirect\n)": nil,
		"require github.com/uptrace/bun v1.2.99":                     {"github.com/uptrace/bun is v1.2.99 and must be at least v1.3.0"},
		"require github.com/uptrace/bun v1.3.0-rc.1":                 {"github.com/uptrace/bun is v1.3.0-rc.1 and must be at least v1.3.0"},
		"require github.com/jackc/pgx/v5 v5.9.1":                     {"github.com/jackc/pgx/v5 is v5.9.1 and must be at least v5.9.2"},
		"require github.com/redis/go-redis/v9 v9.7.2":                {"github.com/redis/go-redis/v9 is v9.7.2 and must be at least v9.7.3"},
		"require github.com/golang-jwt/jwt/v5 v5.2.1":                {"github.com/golang-jwt/jwt/v5 is v5.2.1 and must be at least v5.2.2"},
		"require (\ngithub.com/uptrace/bun v1.3.1\ngithub.com/uptrace/bun/dialect/pgdialect v1.3.0\n)": {
			"github.com/uptrace/bun/dialect/pgdialect is v1.3.0 and must be v1.3.1 as Bun is"},
		"module x\n\ngo 1.26.0": nil,
	} {
		assert.Equal(t, want, importrule.OldVersions(gomod), gomod)
	}
}
