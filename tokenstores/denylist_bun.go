package tokenstores

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
	"github.com/kahu-go/kahu/internal/userjoin"
)

// BunDenylist is a [Denylist] in the table denials that [Migrate] makes, or another of
// [BunDenylist.InTable], in Postgres and SQLite alike. Statements are repeated at most
// twice after a fault that passes.
type BunDenylist struct {
	db    *bun.DB
	table string
	find  [maxKeys + 1]*userjoin.Query // by the number of keys; none for 0
	joins bool
}

var (
	_ Denylist       = (*BunDenylist)(nil)
	_ DenylistJoiner = (*BunDenylist)(nil)
)

const defaultDenials = "denials"

// NewBunDenylist returns the list over db, which stays the caller's: closing it ends the
// list. It panics if db is nil.
func NewBunDenylist(db *bun.DB) *BunDenylist {
	if db == nil {
		panic("tokenstores: NewBunDenylist needs a database")
	}
	return (&BunDenylist{db: db}).InTable(defaultDenials)
}

// InTable returns a list over another table of the same database, such as "jwt_denials";
// its [BunDenylist.Migrate] makes that table. It joins no users. It panics for names that
// [Bun.InTable] refuses.
func (b *BunDenylist) InTable(name string) *BunDenylist {
	if !tables.MatchString(name) {
		panic(fmt.Sprintf("tokenstores: %q is no name for a table: use at most 31 lower-case letters, digits and underscores", name))
	}
	list := &BunDenylist{db: b.db, table: name}
	for n := 1; n <= maxKeys; n++ {
		list.find[n] = userjoin.New(b.db, list.rows(n))
	}
	return list
}

// rows is one row of the marks of n keys, of which those that are not there are NULL. A
// mark that is itself NULL, in a table that others made, is ” and so damaged.
func (b *BunDenylist) rows(n int) userjoin.Rows {
	columns, marks := make([]string, n), make([]string, n)
	for i := range n {
		columns[i] = fmt.Sprintf("t.mark%d", i)
		marks[i] = b.sql("(SELECT COALESCE(mark, '') FROM {table} WHERE key {exactly} = ?) AS ") + columns[i][len("t."):]
	}
	return userjoin.Rows{Columns: strings.Join(columns, ", "), Where: "TRUE", Subject: "t.subject",
		From: "(SELECT CAST(? AS text) AS subject, " + strings.Join(marks, ", ") + ") AS t"}
}

// JoinUsers returns a list that loads a user together with the marks, in one query, or b
// itself where [Bun.JoinUsers] would return its store.
func (b *BunDenylist) JoinUsers(users any) Denylist {
	list := &BunDenylist{db: b.db, table: b.table}
	for n := 1; n <= maxKeys; n++ {
		list.find[n], list.joins = b.find[n].Join(users)
	}
	if list.find == b.find {
		return b
	}
	return list
}

// Ping reports whether the database answers the query that every request makes.
func (b *BunDenylist) Ping(ctx context.Context) error {
	_, err := b.read(ctx, "", make([]string, 1))
	return err
}

// Find reads the marks, and the user if [BunDenylist.JoinUsers] was called, by one
// prepared statement: it is the query of every request. For text that is neither a key nor a
// subject it is none.
func (b *BunDenylist) Find(ctx context.Context, subject string, keys ...string) (*Denials, error) {
	possible, err := checkKeys(keys)
	if err != nil {
		return nil, err
	}
	if !possible && !(b.joins && isSubject(subject)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return &Denials{Marks: make([]string, len(keys)), Joined: b.joins}, nil
	}
	return b.read(ctx, subject, keys)
}

func (b *BunDenylist) read(ctx context.Context, subject string, keys []string) (*Denials, error) {
	found := make([]mark, max(1, len(keys))) // without a key the query is about none that can be
	dest, args := make([]any, len(found)), make([]any, 1+len(found))
	for i := range found {
		dest[i] = &found[i]
	}
	if isSubject(subject) {
		args[0] = subject
	}
	for i, key := range keys {
		if isName(key) {
			args[1+i] = key
		}
	}
	user, err := b.find[len(found)].Scan(ctx, dest, args...)
	if err != nil {
		return nil, fmt.Errorf("tokenstores: find denials: %w", err)
	}
	d, err := denied(found[:len(keys)])
	if err != nil {
		return nil, err
	}
	if d.User, d.Joined, err = user.Load(); err != nil {
		return nil, fmt.Errorf("tokenstores: join: %w", err)
	}
	return d, nil
}

// Deny is one statement, and none for nothing.
func (b *BunDenylist) Deny(ctx context.Context, d ...Denial) error {
	list, err := denials(d)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return ctx.Err()
	}
	args := make([]any, 0, 3*len(list))
	for _, one := range list {
		args = append(args, one.Key, one.Mark, one.Until.UnixMicro())
	}
	n, err := b.exec(ctx, "deny", "INSERT INTO {table} AS t (key, mark, until) VALUES (?, ?, ?)"+strings.Repeat(", (?, ?, ?)", len(list)-1)+
		" ON CONFLICT (key) DO UPDATE SET mark = excluded.mark, until = CASE WHEN t.until > excluded.until THEN t.until ELSE excluded.until END"+
		" WHERE t.key {exactly} = excluded.key", args...)
	if err == nil && n != len(list) {
		return errors.New("tokenstores: deny: the table takes another key for the same")
	}
	return err
}

// Prune is one statement. On Postgres it passes over rows that somebody else is writing
// or pruning.
func (b *BunDenylist) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	query := "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE until <= ? ORDER BY until LIMIT ?)"
	if b.postgres() {
		// An array, as in the pruning of tokens.
		query = "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE until <= ? ORDER BY until LIMIT ? FOR UPDATE SKIP LOCKED))"
	}
	return b.exec(ctx, "prune denials", query, now.UnixMicro(), limit)
}

func (b *BunDenylist) exec(ctx context.Context, what, query string, args ...any) (int, error) {
	n, err := sqlerr.Exec(ctx, txn.In(ctx, b.db), b.sql(query), args...)
	if err != nil {
		return 0, fmt.Errorf("tokenstores: %s: %w", what, err)
	}
	return n, nil
}

// sql puts the table's name in the place of {table}, and in that of {exactly} what
// compares each byte in a table that others made too.
func (b *BunDenylist) sql(query string) string {
	exactly := "COLLATE BINARY"
	if b.postgres() {
		exactly = `COLLATE "C"`
	}
	return strings.NewReplacer("{table}", `"`+b.table+`"`, "{exactly}", exactly).Replace(query)
}

func (b *BunDenylist) postgres() bool { return b.db.Dialect().Name() == dialect.PG }
