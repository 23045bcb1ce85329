package tokenstores_test

import (
	"context"
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

// The statements are those that the store sends, with arguments in the place of what is
// bound.
func TestEachLookUpIsAnIndexSearch(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			plain := tokenstores.NewBun(db)
			joined := plain.JoinUsers(createUsers(t, db))
			execute(t, db, "INSERT INTO tokens WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"+
				" SELECT 'api', 'id' || i, i % 50, 'hash', '', '[]', '{}', i, NULL, NULL, i, '', '', '' FROM n")
			execute(t, db, "INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 8 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, '', '' FROM n")
			execute(t, db, "ANALYZE")
			sent := func(call func()) string {
				trace.Reset()
				call()
				calls := slices.DeleteFunc(trace.Calls(), func(c sqltrace.Call) bool { return !strings.Contains(c.Text, "tokens") }) // no locks and commits
				text := calls[len(calls)-1].Text
				if db.Dialect().Name() == dialect.PG {
					return strings.NewReplacer("$1", "'api'", "$2", "'id5'").Replace(text)
				}
				return strings.ReplaceAll(text, "?", "'api'")
			}
			for what, c := range map[string]struct {
				index []string
				query string
			}{
				"Find":              {[]string{"tokens_pkey"}, sent(func() { find(t, plain, "one") })},
				"a join":            {[]string{"tokens_pkey", "users_pkey"}, sent(func() { find(t, joined, "one") })},
				"List":              {[]string{"tokens_subject"}, sent(func() { _, _ = plain.List(t.Context(), "api", "7") })},
				"DeleteAll":         {[]string{"tokens_subject"}, sent(func() { _, _ = plain.DeleteAll(t.Context(), "api", "7", "") })},
				"DeleteType of few": {[]string{"tokens_"}, sent(func() { _, _ = plain.DeleteType(t.Context(), "other") })},
				"Delete":            {[]string{"tokens_pkey"}, sent(func() { _, _ = plain.Delete(t.Context(), "api", "a", "7") })},
				"Touch":             {[]string{"tokens_pkey"}, sent(func() { _ = plain.Touch(t.Context(), "api", "a", "h", start, "") })},
				"why no rotation":   {[]string{"tokens_pkey"}, sent(func() { _ = plain.Rotate(t.Context(), "api", "a", "h", start, token("b")) })},
				"Renew":             {[]string{"tokens_pkey"}, sent(func() { _ = plain.Renew(t.Context(), "api", "one", "hash of one", renewal("x", start)) })},
				"why no renewal":    {[]string{"tokens_pkey"}, sent(func() { _ = plain.Renew(t.Context(), "api", "a", "h", renewal("x", start)) })},
				"Prune":             {[]string{"tokens_expiry"}, sent(func() { _, _ = plain.Prune(t.Context(), start, 9) })},
			} {
				plan := explain(t, db, c.query)
				for _, index := range c.index {
					if db.Dialect().Name() == dialect.SQLite {
						index = strings.NewReplacer("tokens_pkey", "sqlite_autoindex_tokens_1", "users_pkey", "SEARCH u USING INTEGER PRIMARY KEY",
							"tokens_", "").Replace(index)
					}
					assert.Contains(t, plan, index, what)
				}
				for _, slow := range []string{"Seq Scan", "SCAN", "AUTOMATIC", "TEMP B-TREE", "Sort"} {
					assert.NotContains(t, plan, slow, what)
				}
			}
		})
	}
}

func TestTheOrderOfPruningIsTheIndexs(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		plan := explain(t, db, "SELECT id FROM tokens WHERE "+tokenstores.Ends+" <= 1 ORDER BY "+tokenstores.Ends+" LIMIT 5")
		assert.Contains(t, plan, "tokens_expiry")
		assert.NotContains(t, plan, "Sort")
		assert.NotContains(t, plan, "TEMP B-TREE")
	})
}

// explain returns the plan of a query. Tables are as good as empty here, where Postgres
// would rather read them whole: that is forbidden unless there is no other way.
func explain(t *testing.T, db *bun.DB, query string) string {
	t.Helper()
	prefix := "EXPLAIN QUERY PLAN "
	if db.Dialect().Name() == dialect.PG {
		prefix = "EXPLAIN "
	}
	var lines []string
	require.NoError(t, db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if db.Dialect().Name() == dialect.PG {
			if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"); err != nil {
				return err
			}
		}
		rows, err := tx.Tx.QueryContext(ctx, prefix+query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return err
			}
			text, _ := (*values[len(values)-1].(*any)).(string)
			lines = append(lines, text)
		}
		return rows.Err()
	}))
	return strings.Join(lines, "\n")
}
