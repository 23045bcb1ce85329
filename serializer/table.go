package serializer

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/kahu-go/kahu/app"
)

// TableOptions say where the users of a [Table] are.
type TableOptions struct {
	// Name is the table, with its schema if need be. Default: the model's.
	Name string

	// Hash is the column of the password hash, "password_hash" by default. The model
	// need not have a field for it, and better has none: what is not in a user cannot
	// get into an answer or a log.
	Hash string

	// Stamp is a field of the model that is no column: a string, which each user that is loaded
	// has a digest of the password hash in, never the hash. Sessions and JWTs that are bound to
	// it end when the password is changed, by whatever program: see app.SessionOptions.Stamp and
	// strategies.JWTOptions.Stamp.
	//
	//	PasswordStamp string `bun:",scanonly" json:"-"`
	//
	// The digest of a user without a password is no empty text either. A hash that is only made
	// anew at a login, as strategies.LocalOptions.Rehash does, is another hash: this ends the user's
	// other sessions, once. "": the hash is not read.
	Stamp string

	// LookUp are the text columns by which a person can be named. Default: those of
	// "username", "name" and "email" that the model has. Each should be unique and
	// have an index.
	LookUp []string

	// Where narrows every look-up of users: to those of a tenant, which ctx names, or to
	// those who are not deleted. Who is outside is gone: they can neither log in nor use a
	// session or a token. Users are then loaded by a query of their own. nil: all rows.
	Where func(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery
}

// A Table serializes the users of one table, which are the Bun model U with one
// primary key: an integer, a string or a UUID. Users are *U everywhere; their
// password hashes are in none of them, and never read but by [Table.ByNameWithHash] and
// for a [TableOptions].Stamp.
//
// Each method is one query, which is repeated at most twice after a fault that
// passes, such as a server that restarts. A Table is safe for concurrent use.
//
// In the same database as the sessions, sessionstores.Bun loads the users with them, and
// tokenstores.Bun with their tokens. They do so for a Table itself, not for a Serializer
// that embeds one: it is asked by its own Deserialize, which may refuse a user who is
// disabled. Models with hooks for selecting or scanning, or with soft deletes, are loaded by a
// query of their own, so that these hold.
type Table[U any] struct {
	db      *bun.DB
	model   *schema.Table
	name    bun.Ident // "": the model's
	key     key
	hash    bun.Ident
	where   func(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery
	fields  []*schema.Field // all but the hash
	stamp   *schema.Field   // nil: users have none
	lookUps []*schema.Field
}

var _ app.Serializer = (*Table[struct{}])(nil)

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// NewTable returns the table of the model U. It asks the database nothing. It panics
// if U is no struct with one primary key of a type that is known, and for an option
// that does not fit the model.
func NewTable[U any](db *bun.DB, o TableOptions) *Table[U] {
	if db == nil {
		panic("serializer: NewTable needs a database")
	}
	typ := reflect.TypeFor[U]()
	if typ.Kind() != reflect.Struct {
		panic(fmt.Sprintf("serializer: %s is no struct: name the model's type, not a pointer to it", typ))
	}
	if o.Name != "" && !tableName.MatchString(o.Name) {
		panic(fmt.Sprintf("serializer: %q is no name of a table", o.Name))
	}
	if o.Hash == "" {
		o.Hash = "password_hash"
	}
	if !tableName.MatchString(o.Hash) {
		panic(fmt.Sprintf("serializer: %q is no name of a column", o.Hash))
	}
	model := db.Table(typ)
	if len(model.PKs) != 1 {
		panic(fmt.Sprintf("serializer: %s has %d primary keys, it needs one: tag a field with bun:\",pk\"", typ, len(model.PKs)))
	}
	return &Table[U]{db: db, model: model, name: bun.Ident(o.Name), key: keyOf(db, model.PKs[0]), hash: bun.Ident(o.Hash), where: o.Where,
		fields: without(model.Fields, o.Hash), stamp: stampField(model, o), lookUps: lookUps(model, o)}
}

func without(fields []*schema.Field, column string) []*schema.Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f *schema.Field) bool { return f.Name == column })
}

// lookUps returns the fields that name a person.
func lookUps(model *schema.Table, o TableOptions) (fields []*schema.Field) {
	for _, column := range o.LookUp {
		f := field(model, column)
		if f == nil {
			panic(fmt.Sprintf("serializer: %s has no column %q to look users up by", model.Type, column))
		}
		if !isText(f) || column == o.Hash {
			panic(fmt.Sprintf("serializer: users cannot be looked up by the column %q of %s, which is no text that names them", column, model.Type))
		}
		fields = append(fields, f)
	}
	if len(o.LookUp) > 0 {
		return fields
	}
	for _, column := range []string{"username", "name", "email"} {
		if f := field(model, column); f != nil && isText(f) {
			fields = append(fields, f)
		}
	}
	return fields
}

func field(model *schema.Table, column string) *schema.Field {
	i := slices.IndexFunc(model.Fields, func(f *schema.Field) bool { return f.Name == column })
	if i < 0 {
		return nil
	}
	return model.Fields[i]
}

func isText(f *schema.Field) bool { return f.IndirectType.Kind() == reflect.String }

// Database returns the database of the table.
func (t *Table[U]) Database() *bun.DB { return t.db }

// Serialize returns the primary key of a *U or U as text.
func (t *Table[U]) Serialize(_ context.Context, user any) (string, error) {
	u, err := t.user(user)
	if err != nil {
		return "", err
	}
	return t.key.text(u)
}

// user returns the struct that user is or points to.
func (t *Table[U]) user(user any) (reflect.Value, error) {
	switch u := user.(type) {
	case *U:
		if u != nil {
			return reflect.ValueOf(u).Elem(), nil
		}
	case U:
		return reflect.ValueOf(&u).Elem(), nil
	}
	return reflect.Value{}, fmt.Errorf("serializer: the user is a %T that holds no %s", user, t.model.Type)
}

// Deserialize returns the user whose primary key is subject, or nil if there is none.
func (t *Table[U]) Deserialize(ctx context.Context, subject string) (any, error) {
	u, err := t.ByID(ctx, subject)
	if err != nil {
		return nil, err
	}
	return u, nil
}
