package accounts

import (
	"context"
	"strings"

	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// An index is a unique one.
type index struct {
	Name       string
	Partial    bool
	Deferrable bool   `bun:"later"`
	Keys       string // columns and expressions, one a line; those of SQLite are in Text alone
	Text       string // the statement that made it, on SQLite
}

const (
	postgresIndexes = "SELECT i.indexrelid::regclass::text AS name, i.indpred IS NOT NULL AS partial, NOT i.indimmediate AS later, '' AS text," +
		" (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), chr(10)) FROM generate_series(1, i.indnkeyatts) AS n) AS keys" +
		" FROM pg_index AS i WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid"
	sqliteIndexes = `SELECT l.name, l.partial, 0 AS later, COALESCE(s.sql, '') AS text,` +
		` (SELECT group_concat(c.name, char(10)) FROM pragma_index_info(l.name) AS c) AS keys` +
		` FROM pragma_index_list(?) AS l LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name WHERE l."unique"`
)

func (t *Table[U]) uniqueIndexes(ctx context.Context) (found []index, err error) {
	query, name := sqliteIndexes, t.bareName()
	if t.db.Dialect().Name() == dialect.PG {
		query, name = postgresIndexes, t.quotedName()
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		found = nil
		return txn.In(ctx, t.db).NewRaw(query, name).Scan(ctx, &found)
	})
	return found, err
}

var noise = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "", " ", "", "\t", "", "\n", "", "::text", "", "::charactervarying", "")

// keys returns the columns and expressions in lower case without quotes, blanks and casts.
func (i index) keys() []string {
	keys := strings.Split(i.Keys, "\n")
	if i.Text != "" {
		keys = split(i.Text)
	}
	for n, key := range keys {
		keys[n] = noise.Replace(strings.ToLower(noise.Replace(key)))
	}
	return keys
}

// split returns what stands between commas in the first brackets of a statement.
func split(statement string) (parts []string) {
	depth, from := 0, 0
	for n, r := range statement {
		switch {
		case r == '(':
			if depth++; depth == 1 {
				from = n + 1
			}
		case r == ',' && depth == 1:
			parts, from = append(parts, statement[from:n]), n+1
		case r == ')':
			if depth--; depth == 0 {
				return append(parts, statement[from:n])
			}
		}
	}
	return parts
}

func (t *Table[U]) quotedName() string { return t.db.QueryGen().FormatQuery("?", t.name()) }

func (t *Table[U]) plainName() string { return strings.ReplaceAll(t.quotedName(), `"`, "") }

// bareName is the name without a schema.
func (t *Table[U]) bareName() string {
	name := t.plainName()
	return name[strings.LastIndexByte(name, '.')+1:]
}
