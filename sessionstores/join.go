package sessionstores

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prepared"
	"github.com/kahu-go/kahu/internal/sqlerr"
)

// A UserTable is an [app.Serializer] whose users are rows of one table. Its Table of
// the package serializer is one. What it returns is part of SQL text, so none of it
// may come from a client.
type UserTable interface {
	// Database is where the table is.
	Database() *bun.DB

	// JoinColumns returns the table, its key and the columns that ScanJoined wants,
	// as quoted identifiers: never a password hash. An empty table says that these
	// users cannot be joined.
	JoinColumns() (table, key string, columns []string)

	// JoinKey returns the SQL expression that has the type of the key and the value
	// of subject, an expression of type text. It is NULL, and no error, for a text
	// that is no such value. So the join is an index search in the table's key.
	JoinKey(subject string) string

	// ScanJoined makes a user of the values of the columns, or returns nil, nil if
	// they are all nil: there is no such user.
	ScanJoined(values []any) (user any, err error)
}

// JoinUsers returns a store that loads the users together with their sessions, in
// one query. It is b itself if users is no [UserTable] or is in another database
// than the sessions. If the database cannot compare the table's key with a subject,
// because its type is not the model's, users are left to be deserialized.
func (b *Bun) JoinUsers(users app.Serializer) app.SessionStore {
	if b.plain != nil {
		return b.plain.JoinUsers(users) // other users than those that b joins
	}
	t, ok := users.(UserTable)
	if !ok || t.Database() == nil || t.Database().DB != b.db.DB {
		return b
	}
	table, key, names := t.JoinColumns()
	if table == "" || len(names) == 0 {
		return b
	}
	query := "SELECT " + columns + ", u." + strings.Join(names, ", u.") + " FROM sessions AS s" +
		" LEFT JOIN " + table + " AS u ON u." + key + " = " + t.JoinKey("s.subject") + " WHERE s.id = ?"
	return &Bun{db: b.db, users: t, width: len(names), find: prepared.New(b.db, query), plain: b}
}

// join puts the user of the joined columns into r. Of nobody's session there is no
// user to be gone.
func (b *Bun) join(r *app.SessionRecord, values []any) (err error) {
	if b.users == nil || r.Subject == "" {
		return nil
	}
	r.Joined = true
	if r.User, err = b.users.ScanJoined(values); err != nil {
		return fmt.Errorf("sessionstores: join: %w", err)
	}
	return nil
}

// incomparable reports whether Postgres has no operator, or no one collation, for the
// key and the subject.
func incomparable(err error) bool {
	const undefinedFunction, indeterminateCollation = "42883", "42P22"
	state := sqlerr.State(err)
	return state == undefinedFunction || state == indeterminateCollation
}
