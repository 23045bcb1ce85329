package accounts

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
)

// ErrUnstorable is what [Table.Create] and [Table.ReplaceEmail] return for an address that
// is not as strategies.CanonicalName returns it, and for a text that is no UTF-8, has NUL
// or is longer than 255 bytes or than its column.
var ErrUnstorable = errors.New("accounts: a text cannot be stored")

// A TakenError is what [Table.Create] returns if another account has the text in a unique
// column that is not the e-mail address, such as a user name.
type TakenError struct{ Column string }

func (e *TakenError) Error() string {
	return fmt.Sprintf("accounts: another account has this %q", e.Column)
}

// A Table is a [Store] over the table of the Bun model U with one primary key, on Postgres
// and SQLite. Users are *U; a U is taken as well. [NewUsers] is one of a ready-made model.
//
// Each method is one statement. They are repeated at most twice after a fault that passes,
// such as a server that restarts. Only if Create makes no account, further queries tell
// why. Make it with [NewTable]; it is safe for concurrent use.
type Table[U any] struct {
	db      *bun.DB
	o       TableOptions
	model   *schema.Table
	users   *serializer.Table[U]
	columns columns
	unique  atomic.Bool // the index of addresses was seen
}

var _ Store = (*Table[struct{}])(nil)

// NewTable returns the accounts in the table of the model U. It asks the database nothing:
// call [Table.Check] before the first request. It panics if U is no struct with one primary
// key that serializer.NewTable can take, and for options that do not fit the model.
func NewTable[U any](db *bun.DB, o TableOptions) *Table[U] {
	users := serializer.NewTable[U](db, serializer.TableOptions{Name: o.Name, Hash: o.Hash, LookUp: []string{emailColumn(o)}, Where: o.Where})
	model := db.Table(reflect.TypeFor[U]())
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Table[U]{db: db, o: o, model: model, users: users, columns: columnsOf(model, o)}
}

func emailColumn(o TableOptions) string {
	o.Email = cmp.Or(o.Email, "email")
	return o.Email
}

// Users returns the *serializer.Table of the users, by which stores of sessions and tokens
// load them in queries of their own.
func (t *Table[U]) Users() app.Serializer { return t.users }

// HasField reports whether a new account can have a text in the column: Options.Fields must
// name such alone.
func (t *Table[U]) HasField(column string) bool { return t.columns.text(column) != nil }

// Status describes a *U or U. Whatever else it is given is disabled.
func (t *Table[U]) Status(user any) Status {
	u, err := t.user(user)
	if err != nil {
		return Status{Disabled: true}
	}
	v, c := reflect.ValueOf(u).Elem(), &t.columns
	return Status{
		Email:    textOf(c.email, v),
		Verified: c.verified == nil || marked(c.verified, v),
		Disabled: c.disabled != nil && marked(c.disabled, v),
	}
}

// user returns a copy, because hooks of the model may change what a query is given.
func (t *Table[U]) user(user any) (*U, error) {
	switch u := user.(type) {
	case *U:
		if u != nil {
			own := *u
			return &own, nil
		}
	case U:
		return &u, nil
	}
	return nil, fmt.Errorf("accounts: the user is a %T that holds no %s", user, t.model.Type)
}

func (t *Table[U]) now() time.Time { return cell.Micro(t.o.Clock()) }

// name is the table in a query that has no model.
func (t *Table[U]) name() any {
	if t.o.Name != "" {
		return bun.Ident(t.o.Name)
	}
	return t.model.SQLName
}

// same is a condition: the row's address is this one.
func (t *Table[U]) same(email string) (string, []any) {
	if t.o.CaseInsensitive {
		return "lower(?TableAlias.?) = lower(?)", []any{t.columns.email.SQLName, email}
	}
	return "?TableAlias.? = ?", []any{t.columns.email.SQLName, email}
}

const maxField = 255 // bytes

// isEmail reports whether a row that this package wrote can have the address.
func isEmail(email string) bool {
	canonical, err := strategies.CanonicalName(email)
	return err == nil && canonical == email
}
