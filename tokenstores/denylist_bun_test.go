package tokenstores_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/tokenstores"
)

// denial ends a day after the start.
func denial(key string) tokenstores.Denial {
	return tokenstores.Denial{Key: key, Mark: "mark of " + key, Until: start.AddDate(0, 0, 1)}
}

func findDenials(t testing.TB, l tokenstores.Denylist, subject string, keys ...string) *tokenstores.Denials {
	t.Helper()
	found, err := l.Find(t.Context(), subject, keys...)
	require.NoError(t, err)
	return found
}

func TestBunDenylistCountsOfStatements(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		list, joined, ctx := tokenstores.NewBunDenylist(db), tokenstores.NewBunDenylist(db).JoinUsers(createUsers(t, db)), t.Context()
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		for n := range len(keys) + 1 { // prepares
			findDenials(t, list, "", keys[:n]...)
			findDenials(t, joined, "7", keys[:n]...)
		}
		one, query := sqltrace.Counts{Execs: 1}, sqltrace.Counts{Queries: 1}
		look := func(l tokenstores.Denylist, subject string, keys ...string) func() error {
			return func() error { _, err := l.Find(ctx, subject, keys...); return err }
		}
		for name, step := range map[string]struct {
			work func() error
			want sqltrace.Counts
		}{
			"denying one is one statement":                    {func() error { return list.Deny(ctx, denial("a")) }, one},
			"denying many is one statement":                   {func() error { return list.Deny(ctx, denial("b"), denial("a"), denial("b")) }, one},
			"denying nothing is none":                         {func() error { return list.Deny(ctx) }, sqltrace.Counts{}},
			"a find of one is one query":                      {look(list, "7", "a"), query},
			"a find of three is one query":                    {look(list, "7", "a", "b", "x"), query},
			"a find of eight is one query":                    {look(list, "", keys...), query},
			"a find of nothing is none":                       {look(list, "7"), sqltrace.Counts{}},
			"a find of text that is no key is none":           {look(list, "7", "", "\xff", "a\x00", strings.Repeat("a", 1<<20)), sqltrace.Counts{}},
			"a find with its user is one query":               {look(joined, "7", "a", "b", "x"), query},
			"a user alone is one query":                       {look(joined, "7"), query},
			"a user with text that is no key is one query":    {look(joined, "7", ""), query},
			"no user with text that is no key is none":        {look(joined, "\xff", ""), sqltrace.Counts{}},
			"a find with a subject that nobody is is one":     {look(joined, "\xff", "a"), query},
			"pruning is one statement":                        {func() error { _, err := list.Prune(ctx, start, 9); return err }, one},
			"pruning nothing is none":                         {func() error { _, err := list.Prune(ctx, start, 0); return err }, sqltrace.Counts{}},
			"asking whether the database answers is one more": {func() error { return list.Ping(ctx) }, query},
		} {
			t.Run(name, func(t *testing.T) {
				trace.Reset()
				require.NoError(t, step.work())
				assert.Equal(t, step.want, trace.Counts())
			})
		}
	})
}

// denylistCalls are those of every method.
func denylistCalls(t *testing.T, l tokenstores.Denylist) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"Deny": func() error { return l.Deny(ctx, denial("a"), denial("b")) },
		"Find": func() error {
			found, err := l.Find(ctx, "7", "a")
			assert.Equal(t, err == nil, found != nil, "never nothing and no error")
			return err
		},
		"Prune": func() error { _, err := l.Prune(ctx, start.AddDate(1, 0, 0), 9); return err },
		"Ping":  func() error { return l.(interface{ Ping(context.Context) error }).Ping(ctx) },
	}
}

func TestBunDenylistFaults(t *testing.T) {
	fault := errors.New("the disk burns")
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		list := tokenstores.NewBunDenylist(db)
		for name, call := range denylistCalls(t, list) {
			require.NoError(t, call())
			trace.Reset()
			trace.FailCall(1, fault)
			require.ErrorIs(t, call(), fault, name)
			trace.Reset()
			trace.FailCall(1, passing{})
			require.NoError(t, call(), "%s is repeated after a fault that passes", name)
			trace.Reset()
		}
	})
}

func TestWithoutMigrateEveryCallOfADenylistIsAFault(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db := opened(t, address(t))
			list := tokenstores.NewBunDenylist(db)
			for name, call := range denylistCalls(t, list) {
				require.Error(t, call(), name)
			}
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			require.NoError(t, list.Ping(t.Context()))
		})
	}
}

func TestEachLookUpOfADenylistIsAnIndexSearch(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		plain := tokenstores.NewBunDenylist(db)
		joined := plain.JoinUsers(createUsers(t, db))
		execute(t, db, "INSERT INTO denials WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"+
			" SELECT 'key' || i, 'mark', i FROM n")
		execute(t, db, "INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 8 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, '', '' FROM n")
		execute(t, db, "ANALYZE")
		sent := func(call func()) string {
			trace.Reset()
			call()
			calls := slices.DeleteFunc(trace.Calls(), func(c sqltrace.Call) bool { return !strings.Contains(c.Text, "denials") })
			text := calls[len(calls)-1].Text
			if db.Dialect().Name() == dialect.PG {
				return strings.NewReplacer("$1", "'7'", "$2", "'a'", "$3", "'b'", "$4", "'c'").Replace(text)
			}
			return strings.ReplaceAll(text, "?", "'a'")
		}
		pruned := sent(func() { _, _ = plain.Prune(t.Context(), start, 9) })
		found := sent(func() { findDenials(t, plain, "", "a", "b", "c") })
		withUser := sent(func() { findDenials(t, joined, "7", "a", "b", "c") })
		key, until, users := "denials_pkey", "denials_until", "users_pkey"
		if db.Dialect().Name() == dialect.SQLite {
			key, users = "sqlite_autoindex_denials_1 (key=?)", "SEARCH u USING INTEGER PRIMARY KEY"
		}
		for query, indexes := range map[string][]string{pruned: {until}, found: {key, key, key}, withUser: {key, key, key, users}} {
			plan := explain(t, db, query)
			for _, index := range indexes {
				assert.Contains(t, plan, index)
			}
			assert.GreaterOrEqual(t, strings.Count(plan, key), strings.Count(strings.Join(indexes, " "), key))
			for _, slow := range []string{"Seq Scan", "SCAN denials", "SCAN u", "AUTOMATIC", "TEMP B-TREE", "Sort"} {
				assert.NotContains(t, plan, slow)
			}
		}
	})
}

// A mark that cannot be read is a fault: nothing is allowed by damage.
func TestADamagedDenialIsAFault(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		db := migrated(t, addresses["SQLite"](t))
		list := tokenstores.NewBunDenylist(db)
		for _, value := range []string{"''", "1", "1.5", "x''", "x'ff'", "x'6100'", "replace(hex(zeroblob(150)), '0', 'a')"} {
			require.NoError(t, list.Deny(t.Context(), denial("a")))
			execute(t, db, "UPDATE denials SET mark = "+value)
			found, err := list.Find(t.Context(), "", "b", "a")
			if value == "1" || value == "1.5" { // which a column of text makes text
				require.NoError(t, err)
				assert.Equal(t, []string{"", value}, found.Marks)
				continue
			}
			require.EqualError(t, err, "tokenstores: a stored mark cannot be read", value)
			assert.Nil(t, found)
			assert.Equal(t, []string{""}, findDenials(t, list, "", "b").Marks)
		}
		for _, value := range []string{"'x'", "x'00'", "''", "1.5"} {
			execute(t, db, "UPDATE denials SET mark = 'm', until = "+value)
			assert.Equal(t, []string{"m"}, findDenials(t, list, "", "a").Marks)
			_, err := list.Prune(t.Context(), start.AddDate(-500, 0, 0), 9)
			require.NoError(t, err)
		}
		require.NoError(t, list.Deny(t.Context(), denial("a")), "and it can be denied again")
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		list := tokenstores.NewRedisDenylist(c)
		for _, value := range []string{"", ":", "1:", "x:mark", ":mark", "mark", "1:\xff", "1:a\x00", "1:" + strings.Repeat("a", 256)} {
			require.NoError(t, c.Set(t.Context(), "{kahu:denials}:d:a", value, 0).Err())
			found, err := list.Find(t.Context(), "", "b", "a")
			require.EqualError(t, err, "tokenstores: a stored mark cannot be read", "%q", value)
			assert.Nil(t, found)
			require.NoError(t, list.Deny(t.Context(), denial("a")), "and it can be denied again")
			assert.Equal(t, []string{"mark of a"}, findDenials(t, list, "", "a").Marks)
		}
		require.NoError(t, c.Del(t.Context(), "{kahu:denials}:d:a").Err())
		require.NoError(t, c.HSet(t.Context(), "{kahu:denials}:d:a", "no", "text").Err())
		found, err := list.Find(t.Context(), "", "a")
		require.ErrorContains(t, err, "WRONGTYPE")
		assert.Nil(t, found)
		require.NoError(t, list.Deny(t.Context(), denial("a")))
		assert.Equal(t, []string{"mark of a"}, findDenials(t, list, "", "a").Marks)
	})
}

// Whatever else a table compares alike, a key is denied only if each byte is the same; and
// where it cannot hold both, that is said.
func TestADenylistInATableThatIgnoresCase(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		collation := "NOCASE"
		if db.Dialect().Name() == dialect.PG {
			execute(t, db, "CREATE COLLATION ignorecase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
			collation = "ignorecase"
		}
		execute(t, db, "CREATE TABLE careless (key text COLLATE "+collation+" PRIMARY KEY, mark text, until bigint)")
		list := tokenstores.NewBunDenylist(db).InTable("careless")
		joined := list.JoinUsers(createUsers(t, db))
		require.NoError(t, list.Deny(t.Context(), denial("one"), denial("two")))
		assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM careless WHERE key = 'ONE'"), "it does")
		for _, l := range []tokenstores.Denylist{list, joined} {
			assert.Equal(t, []string{"", "mark of one", "mark of two", ""}, findDenials(t, l, "7", "ONE", "one", "two", "Two").Marks)
		}
		require.ErrorContains(t, list.Deny(t.Context(), denial("ONE")), "another key")
		assert.Equal(t, []string{"", "mark of one"}, findDenials(t, list, "", "ONE", "one").Marks)
		require.NoError(t, list.Deny(t.Context(), denial("one")), "the same is no other")

		execute(t, db, "UPDATE careless SET mark = NULL")
		_, err := list.Find(t.Context(), "", "one")
		require.EqualError(t, err, "tokenstores: a stored mark cannot be read", "nothing is no mark")
	})
}

func TestDenylistNamesThatWouldReachAQueryPanic(t *testing.T) {
	bunList, redisList := tokenstores.NewBunDenylist(migrated(t, addresses["SQLite"](t))), tokenstores.NewRedisDenylist(dial(t))
	for _, name := range []string{"", "Denials", "1", `a"`, "a;b", strings.Repeat("a", 32)} {
		assert.Panics(t, func() { bunList.InTable(name) }, name)
	}
	for _, prefix := range []string{"", "{a}", "a}", "*", strings.Repeat("a", 64)} {
		assert.Panics(t, func() { redisList.WithPrefix(prefix) }, prefix)
	}
	assert.PanicsWithValue(t, "tokenstores: NewBunDenylist needs a database", func() { tokenstores.NewBunDenylist(nil) })
	assert.PanicsWithValue(t, "tokenstores: NewRedisDenylist needs a client", func() { tokenstores.NewRedisDenylist(nil) })
}
