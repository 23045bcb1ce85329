package accounts

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/migrations"
)

// A User is the account of the tables that [Migrate] makes, for applications that have no
// users yet. Its password hash is in the table alone. Times are in UTC, zero for never.
type User struct {
	bun.BaseModel `bun:"table:users" json:"-"`

	ID         int64     `bun:",pk,autoincrement" json:"id"`
	Email      string    `bun:",notnull" json:"email"`
	CreatedAt  time.Time `bun:",nullzero,notnull" json:"created_at"`
	UpdatedAt  time.Time `bun:",nullzero,notnull" json:"updated_at"`
	VerifiedAt time.Time `bun:",nullzero" json:"verified_at,omitzero"` // the address was confirmed
	DisabledAt time.Time `bun:",nullzero" json:"-"`                    // may not log in any more
}

const usersTable = "users"

// NewUsers returns the accounts in a table that [Migrate] made; "": users. It panics for
// what is no name of one, or without a database.
func NewUsers(db *bun.DB, table string) *Table[User] {
	if db == nil {
		panic("accounts: NewUsers needs a database")
	}
	table = cmp.Or(table, usersTable)
	mustBeTable(table)
	return NewTable[User](db, TableOptions{Name: table})
}

//go:embed migrations
var userSteps embed.FS

// tableNames need no escaping and leave room for what is made of them.
var tableNames = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

func mustBeTable(name string) {
	if !tableNames.MatchString(name) {
		panic(fmt.Sprintf("accounts: %q is no name for a table: use at most 31 lower-case letters, digits and underscores", name))
	}
}

// Migrate makes tables for [User], or brings them up to date, on Postgres and SQLite; none:
// the table users. Calling it again, or from many processes at once, is harmless. It is an
// error if such a table is there that it did not make. It panics for what is no name of a
// table.
func Migrate(ctx context.Context, db *bun.DB, tables ...string) error {
	if len(tables) == 0 {
		tables = []string{usersTable}
	}
	for _, table := range tables {
		mustBeTable(table)
	}
	for _, table := range tables {
		steps := "accounts"
		if table != usersTable {
			steps += "_" + table
		}
		if err := migrations.Run(ctx, db, steps, namedSteps{userSteps, table}); err != nil {
			return err
		}
	}
	return nil
}

// namedSteps show the files with the table's name in them.
type namedSteps struct {
	fs.FS
	table string
}

func (n namedSteps) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(n.FS, name) }

func (n namedSteps) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(n.FS, name)
	return bytes.ReplaceAll(text, []byte("{table}"), []byte(n.table)), err
}
