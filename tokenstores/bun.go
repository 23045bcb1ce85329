package tokenstores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/userjoin"
)

// Bun keeps tokens in the table tokens that [Migrate] makes, or another of
// [Bun.InTable], in Postgres and SQLite alike. Statements are repeated at most twice
// after a fault that passes, such as a server that restarts. One that is repeated
// although its first outcome is only unknown tells what the last attempt did: Delete
// can report false for what it has removed itself, never true twice.
type Bun struct {
	db    *bun.DB
	table string
	find  *userjoin.Query
}

var (
	_ Store      = (*Bun)(nil)
	_ UserJoiner = (*Bun)(nil)
)

const defaultTable = "tokens"

// tables are names that need no escaping and leave room for those of indexes and
// migrations, which are made of them.
var tables = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// NewBun returns the store over db, which stays the caller's: closing it ends the store.
// It panics if db is nil.
func NewBun(db *bun.DB) *Bun {
	if db == nil {
		panic("tokenstores: NewBun needs a database")
	}
	return (&Bun{db: db}).InTable(defaultTable)
}

// InTable returns a store over another table of the same database, such as "api_tokens";
// its [Bun.Migrate] makes that table. It joins no users. It panics unless name is at most
// 31 lower-case letters, digits and underscores, a letter first.
func (b *Bun) InTable(name string) *Bun {
	if !tables.MatchString(name) {
		panic(fmt.Sprintf("tokenstores: %q is no name for a table: use at most 31 lower-case letters, digits and underscores", name))
	}
	return &Bun{db: b.db, table: name, find: userjoin.New(b.db, userjoin.Rows{
		Columns: columns, From: `"` + name + `" AS t`, Where: "t.type = ? AND t.id = ?", Subject: "t.subject"})}
}

// JoinUsers returns a store that loads the owners together with their tokens, in one
// query. It is b itself if users are not rows of a table, as those of serializer.Table
// are, only embed such a table, or are in another database than the tokens. If the database cannot compare the
// table's key with a subject, because its type is not the model's, nobody is joined.
func (b *Bun) JoinUsers(users any) Store {
	find, joined := b.find.Join(users)
	if !joined && find == b.find {
		return b
	}
	return &Bun{db: b.db, table: b.table, find: find} // owners of its own, instead of those that b joins
}

// Ping reports whether the database answers the query that every request makes.
func (b *Bun) Ping(ctx context.Context) error {
	_, err := b.read(ctx, "", "")
	return err
}

// Find reads a token, and its owner if [Bun.JoinUsers] was called, by one prepared
// statement: it is the query of every request. For a text that cannot name a token it is
// none.
func (b *Bun) Find(ctx context.Context, typ, id string) (*Token, error) {
	if !isName(typ, id) {
		return nil, ctx.Err()
	}
	return b.read(ctx, typ, id)
}

func (b *Bun) read(ctx context.Context, typ, id string) (*Token, error) {
	var r row
	user, err := b.find.Scan(ctx, r.dest(), typ, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tokenstores: find: %w", err)
	}
	// A table that others made may compare without regard to case.
	if string(r.typ) != typ || string(r.id) != id {
		return nil, nil
	}
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	if t.User, t.Joined, err = user.Load(); err != nil {
		return nil, fmt.Errorf("tokenstores: join: %w", err)
	}
	return t, nil
}

// sql puts the table's name in the place of {table}.
func (b *Bun) sql(query string) string { return strings.ReplaceAll(query, "{table}", `"`+b.table+`"`) }
