package accounts

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// TableOptions say how a table keeps accounts. A column that is named has to be in the
// model, except Hash; one that is not named is its default if the model has that.
type TableOptions struct {
	// Name is the table, with its schema if need be; "": the model's.
	Name string

	// Email is the text column of the address; "": email.
	Email string

	// Hash is the column of the password hash; "": password_hash. It is never in a user,
	// even if the model has a field for it.
	Hash string

	// Verified is the column that says since when, or whether, the address is confirmed;
	// "": verified_at. If the model has none, every address counts as confirmed.
	Verified string

	// Disabled is the column that says since when, or whether, the account may not log in;
	// "": disabled_at. If the model has none, nobody is disabled.
	Disabled string

	// Created and Updated are the columns of times that the table keeps; "": created_at and
	// updated_at.
	Created, Updated string

	// CaseInsensitive compares addresses as lower(email) does, for tables with rows such as
	// "Frodo@Shire.example" that another application wrote: otherwise nobody finds them.
	// There has to be a unique index on lower(email). Letters outside ASCII are compared as
	// the database does: SQLite, and Postgres in the locale C, know no other letter's case.
	CaseInsensitive bool

	// Where narrows the table as serializer.TableOptions.Where does, for every method. A
	// tenant's new accounts are given their tenant by a BeforeAppendModel of the model.
	Where func(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// columns are the columns with a meaning; nil: not kept.
type columns struct {
	key, email, verified, disabled, created, updated *schema.Field
	hash                                             string
	fields                                           []*schema.Field // all but the hash
}

func columnsOf(model *schema.Table, o TableOptions) columns {
	o.Hash = cmp.Or(o.Hash, "password_hash")
	if !columnName.MatchString(o.Hash) {
		panic(fmt.Sprintf("accounts: NewTable: %q is no name of a column", o.Hash))
	}
	c := columns{
		key:      model.PKs[0],
		email:    column(model, o.Email, "email", isText, "text"),
		verified: column(model, o.Verified, "verified_at", isMark, "time or bool"),
		disabled: column(model, o.Disabled, "disabled_at", isMark, "time or bool"),
		created:  column(model, o.Created, "created_at", isTime, "time"),
		updated:  column(model, o.Updated, "updated_at", isTime, "time"),
		hash:     o.Hash,
	}
	if c.email == nil {
		panic(fmt.Sprintf("accounts: NewTable: %s has no column \"email\": say which it is in TableOptions.Email", model.Type))
	}
	seen := map[string]bool{c.hash: true}
	for _, f := range []*schema.Field{c.email, c.verified, c.disabled, c.created, c.updated} {
		if f != nil && seen[f.Name] {
			panic(fmt.Sprintf("accounts: NewTable: the column %q has two meanings", f.Name))
		}
		if f != nil {
			seen[f.Name] = true
		}
	}
	for _, f := range model.Fields {
		if f.Name != c.hash {
			c.fields = append(c.fields, f)
		}
	}
	return c
}

// column returns the field of a column, or nil if it is not named and the model has none.
func column(model *schema.Table, name, usual string, fits func(reflect.Type) bool, want string) *schema.Field {
	wanted := name
	wanted = cmp.Or(wanted, usual)
	for _, f := range model.Fields {
		switch {
		case f.Name != wanted:
		case fits(f.StructField.Type):
			return f
		default:
			panic(fmt.Sprintf("accounts: NewTable: the column %q of %s is no %s", wanted, model.Type, want))
		}
	}
	if name != "" {
		panic(fmt.Sprintf("accounts: NewTable: %s has no column %q", model.Type, name))
	}
	return nil
}

// text returns the field of a text column that has no meaning of its own, or nil.
func (c *columns) text(name string) *schema.Field {
	for _, f := range c.fields {
		if f.Name == name && isText(f.StructField.Type) && f != c.email && f != c.key {
			return f
		}
	}
	return nil
}
