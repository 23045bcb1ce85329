package tokenstores_test

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/migrations"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestTenMigrationsAtOnce(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var wg sync.WaitGroup
			for i := range 10 { // as many processes, each with a pool of its own
				wg.Go(func() {
					db, err := database.Open(at)
					if !assert.NoError(t, err) {
						return
					}
					store := tokenstores.NewBun(db)
					if i%2 == 1 {
						store = store.InTable("personal_access_tokens")
						assert.NoError(t, tokenstores.Migrate(t.Context(), db))
					}
					assert.NoError(t, store.Migrate(t.Context()))
					assert.NoError(t, db.Close())
				})
			}
			wg.Wait()
			db := migrated(t, at)
			require.NoError(t, tokenstores.NewBun(db).Insert(t.Context(), token("one")))
			require.NoError(t, tokenstores.Migrate(t.Context(), db), "and once more")
			assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM tokens"))
			assert.Zero(t, count(t, db, "SELECT count(*) FROM personal_access_tokens"))
			assert.Zero(t, count(t, db, "SELECT count(*) FROM denials"))
		})
	}
}

// before is a database as it was before tokens had a state, with one token.
func before(t *testing.T, address, table string) {
	t.Helper()
	db := opened(t, address)
	old := fstest.MapFS{}
	for _, dialect := range []string{"postgres", "sqlite"} {
		name := "migrations/" + dialect + "/0001_tokens.up.sql"
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		old[name] = &fstest.MapFile{Data: bytes.ReplaceAll(text, []byte("{table}"), []byte(table))}
	}
	steps := "tokenstores"
	if table != "tokens" {
		steps += "_" + table
	}
	require.NoError(t, migrations.Run(t.Context(), db, steps, old))
	execute(t, db, `INSERT INTO "`+table+`" (type, id, subject, hash, name, scopes, meta, created, last_used, expires, idle_limit, address, successor)`+
		" VALUES ('api', 'old', '7', 'hash of old', '', '[]', '{}', ?, NULL, NULL, 0, '', '')", start.UnixMicro())
}

func TestTokensFromBeforeThereWereStatesAreKept(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			before(t, at, "tokens")
			before(t, at, "personal_access_tokens")
			var wg sync.WaitGroup
			for range 4 { // as many processes, each with a pool of its own
				wg.Go(func() {
					db, err := database.Open(at)
					if !assert.NoError(t, err) {
						return
					}
					for range 2 {
						assert.NoError(t, tokenstores.Migrate(t.Context(), db))
						assert.NoError(t, tokenstores.NewBun(db).InTable("personal_access_tokens").Migrate(t.Context()))
					}
					assert.NoError(t, db.Close())
				})
			}
			wg.Wait()
			db := opened(t, at)
			for _, store := range []*tokenstores.Bun{tokenstores.NewBun(db), tokenstores.NewBun(db).InTable("personal_access_tokens")} {
				want := &tokenstores.Token{ID: "old", Type: "api", Subject: "7", Hash: "hash of old", Created: start}
				assert.Equal(t, want, find(t, store, "old"))
				require.NoError(t, store.Renew(t.Context(), "api", "old", "hash of old", renewal("x", start)))
				assert.Equal(t, "state of x", find(t, store, "old").State)
			}
			require.NoError(t, tokenstores.NewBunDenylist(db).Deny(t.Context(), denial("a")), "and there is a denylist")
		})
	}
}

// A node of the version before writes no state.
func TestAStateIsNothingUnlessItIsWritten(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		execute(t, db, "INSERT INTO tokens (type, id, subject, hash, name, scopes, meta, created, idle_limit, address, successor)"+
			" VALUES ('api', 'old', '7', 'hash', '', '[]', '{}', 1, 0, '', '')")
		assert.Empty(t, find(t, tokenstores.NewBun(db), "old").State)
	})
}

func TestTablesAndPrefixesAreApart(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		longest := tokenstores.NewBun(db).InTable("a" + strings.Repeat("b", 30))
		require.NoError(t, longest.Migrate(t.Context()))
		testApart(t, tokenstores.NewBun(db), longest)
	})
	t.Run("Redis", func(t *testing.T) {
		store := tokenstores.NewRedis(dial(t))
		testApart(t, store, store.WithPrefix("shire:tokens-2"))
	})
}

func testApart(t *testing.T, a, b tokenstores.Store) {
	t.Helper()
	require.NoError(t, a.Insert(t.Context(), token("one")))
	assert.Nil(t, find(t, b, "one"))
	require.NoError(t, b.Insert(t.Context(), token("one")))
	n, err := b.DeleteType(t.Context(), "api")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.NotNil(t, find(t, a, "one"))
}

func TestNamesThatWouldReachAQueryPanic(t *testing.T) {
	bunStore, redisStore := tokenstores.NewBun(migrated(t, addresses["SQLite"](t))), tokenstores.NewRedis(dial(t))
	for _, name := range []string{"", "Tokens", "1", "_a", "a b", `a"`, "a;b", "a.b", "a\x00", "é", strings.Repeat("a", 32)} {
		assert.PanicsWithValue(t, "tokenstores: "+strconv.Quote(name)+" is no name for a table: use at most 31 lower-case letters, digits and underscores",
			func() { bunStore.InTable(name) })
	}
	for _, prefix := range []string{"", "{a}", "a}", "a b", "a\n", "*", "é", ":", strings.Repeat("a", 64)} {
		assert.PanicsWithValue(t, "tokenstores: "+strconv.Quote(prefix)+" is no prefix of keys: use at most 63 letters, digits and _.:-",
			func() { redisStore.WithPrefix(prefix) })
	}
	assert.PanicsWithValue(t, "tokenstores: NewBun needs a database", func() { tokenstores.NewBun(nil) })
	assert.PanicsWithValue(t, "tokenstores: NewRedis needs a client", func() { tokenstores.NewRedis(nil) })
}

func TestWithoutMigrateEveryCallIsAFault(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db := opened(t, address(t))
			store := tokenstores.NewBun(db)
			for name, call := range calls(t, store) {
				require.Error(t, call(), name)
			}
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			require.NoError(t, store.Ping(t.Context()))
		})
	}
}

// Whatever else a database compares alike, two ids are one only if each byte is.
func TestATableThatIgnoresCaseFindsNoOtherToken(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		collation := "NOCASE"
		if db.Dialect().Name() == dialect.PG {
			execute(t, db, "CREATE COLLATION ignorecase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
			collation = "ignorecase"
		}
		execute(t, db, "CREATE TABLE careless (type text COLLATE "+collation+", id text COLLATE "+collation+", subject text, hash text, name text,"+
			" scopes text, meta text, created bigint, last_used bigint, expires bigint, idle_limit bigint, address text, successor text, state text,"+
			" PRIMARY KEY (type, id))")
		store := tokenstores.NewBun(db).InTable("careless")
		require.NoError(t, store.Insert(t.Context(), token("one")))
		assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM careless WHERE id = 'ONE'"), "it does")
		assert.NotNil(t, find(t, store, "one"))
		assert.Nil(t, find(t, store, "ONE"))
		other, err := store.Find(t.Context(), "API", "one")
		require.NoError(t, err)
		assert.Nil(t, other)
	})
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			watch := opened(t, at)
			require.NoError(t, watch.PingContext(t.Context()))
			before := runtime.NumGoroutine()
			db, err := database.Open(at)
			require.NoError(t, err)
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			store := tokenstores.NewBun(db)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { _, _ = store.Find(t.Context(), "api", "one") })
			}
			wg.Wait()
			_, err = store.Find(cancelledContext(t), "api", "one")
			require.Error(t, err)
			assert.Zero(t, db.Stats().InUse)
			require.NoError(t, db.Close())
			eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
			_, err = store.Find(t.Context(), "api", "one")
			require.Error(t, err, "a closed database is a fault, never a missing token")
		})
	}
}

// eventually waits for what others do, for as long as the test may run.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 100_000 {
		if done() {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("not in time: " + what)
}
