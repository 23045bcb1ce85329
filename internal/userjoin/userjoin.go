// Package userjoin reads a row together with the user whom it names, by one prepared statement.
package userjoin

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// A Table has users who are rows of one table. What it returns is part of SQL text, so
// none of it may come from a client. Its Table of the package serializer is one.
type Table interface {
	// Itself returns its receiver, as it is given to those who join. A value that embeds
	// a Table has this method too, but is another value: nobody is joined for it, since
	// its own way to deserialize a user may refuse whom the table has.
	Itself() any

	// Database is where the table is.
	Database() *bun.DB

	// JoinColumns returns the table, its key and the columns that ScanJoined wants,
	// as quoted identifiers: a password hash only if ScanJoined makes a digest of it that
	// users have in its place. An empty table says that these users cannot be joined.
	JoinColumns() (table, key string, columns []string)

	// JoinKey returns the SQL expression that has the type of the key and the value
	// of subject, an expression of type text. It is NULL, and no error, for a text
	// that is no such value. So the join is an index search in the table's key.
	JoinKey(subject string) string

	// ScanJoined makes a user of the values of the columns, or returns nil, nil if
	// they are all nil: there is no such user.
	ScanJoined(values []any) (user any, err error)
}

// Rows says which row is read: SELECT Columns FROM From WHERE Where. Subject is the
// expression of the user's subject in it. The name u is the users'. All of it is SQL text.
type Rows struct{ Columns, From, Where, Subject string }

// A Query reads one row, with its user if it was made by [Query.Join]. It is safe for
// concurrent use.
type Query struct {
	db    *bun.DB
	rows  Rows
	text  *prepared.Query
	users Table // nil: none are joined
	width int   // how many columns of users are joined

	plain *Query      // the query that joins none, or nil
	apart atomic.Bool // the join turned out to be impossible
	works atomic.Bool // or possible
}

// New returns the query that joins nobody. It does not talk to the database yet.
func New(db *bun.DB, r Rows) *Query {
	return &Query{db: db, rows: r, text: prepared.New(db, "SELECT "+r.Columns+" FROM "+r.From+" WHERE "+r.Where).Joining()}
}

// Join returns the query that joins these users, instead of those that q joins, and
// true; or one that joins nobody, and false, if users is no [Table], only embeds one, or
// is in another database.
func (q *Query) Join(users any) (*Query, bool) {
	if q.plain != nil {
		return q.plain.Join(users)
	}
	t, ok := users.(Table)
	if !ok || !is(users, t.Itself()) || t.Database() == nil || t.Database().DB != q.db.DB {
		return q, false
	}
	table, key, names := t.JoinColumns()
	if table == "" || len(names) == 0 {
		return q, false
	}
	text := "SELECT " + q.rows.Columns + ", u." + strings.Join(names, ", u.") + " FROM " + q.rows.From +
		" LEFT JOIN " + table + " AS u ON u." + key + " = " + t.JoinKey(q.rows.Subject) + " WHERE " + q.rows.Where
	return &Query{db: q.db, rows: q.rows, text: prepared.New(q.db, text).Joining(), users: t, width: len(names), plain: q}, true
}

// is reports whether the table is what was given, and not a part of it. Values that cannot
// be compared are not.
func is(given, table any) bool { return reflect.ValueOf(given).Comparable() && given == table }

// Scan reads the row into dest and returns its user's columns. Without a row it is
// [database/sql.ErrNoRows]. It is repeated at most twice after a fault that passes.
// If the database cannot compare the users' key with a subject, because its type is
// not the model's, nobody is joined from then on.
func (q *Query) Scan(ctx context.Context, dest []any, args ...any) (User, error) {
	if q.apart.Load() {
		return q.plain.Scan(ctx, dest, args...)
	}
	values := make([]any, q.width)
	all := dest
	for i := range values {
		all = append(all, &values[i])
	}
	err := sqlerr.Retry(ctx, func(ctx context.Context) error { return q.scan(ctx, all, args) })
	if q.plain != nil && incomparable(err) {
		q.apart.Store(true)
		return q.plain.Scan(ctx, dest, args...)
	}
	return User{users: q.users, values: values}, err
}

// scan runs the query. In a transaction a join that may turn out to be impossible is a part by itself: on Postgres nothing could follow it.
func (q *Query) scan(ctx context.Context, dest, args []any) error {
	if q.plain == nil || q.works.Load() {
		return q.text.QueryRow(ctx, args...).Scan(dest...)
	}
	run := func(ctx context.Context, _ bun.Tx) error { return q.text.QueryRow(ctx, args...).Scan(dest...) }
	var err error
	if tx, inside := txn.Of(ctx, q.db); inside {
		err = txn.Run(ctx, q.db, run)
	} else {
		err = run(ctx, tx)
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		q.works.Store(true)
	}
	return err
}

// incomparable reports whether Postgres has no operator, or no one collation, for the
// key and the subject.
func incomparable(err error) bool {
	const undefinedFunction, indeterminateCollation = "42883", "42P22"
	state := sqlerr.State(err)
	return state == undefinedFunction || state == indeterminateCollation
}

// A User is what was joined with a row.
type User struct {
	users  Table
	values []any
}

// Load returns the user, who is nil if they are gone, and whether one was joined at all.
func (u User) Load() (user any, joined bool, err error) {
	if u.users == nil {
		return nil, false, nil
	}
	user, err = u.users.ScanJoined(u.values)
	return user, true, err
}
