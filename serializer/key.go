package serializer

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

const maxText = 256 // bytes of a text that is looked for

type keyType int

const (
	noKey keyType = iota
	signedKey
	unsignedKey
	textKey
	uuidKey
)

// A key is the primary key of a table.
type key struct {
	field    *schema.Field
	typ      keyType
	joinable bool
	postgres bool
}

func keyOf(db *bun.DB, f *schema.Field) key {
	k := key{field: f, typ: typeOf(f), postgres: db.Dialect().Name() == dialect.PG}
	if k.typ == noKey {
		panic(fmt.Sprintf("serializer: the primary key %q of %s is a %s; it has to be an integer, a string or a UUID",
			f.Name, f.Table.Type, f.StructField.Type))
	}
	k.joinable = k.comparable()
	return k
}

func typeOf(f *schema.Field) keyType {
	typ := f.StructField.Type
	switch {
	case isUUID(typ):
		return uuidKey
	case reflect.PointerTo(typ).Implements(reflect.TypeFor[driver.Valuer]()):
		return noKey // what it is in the database cannot be known
	case typ.Kind() == reflect.String && strings.EqualFold(f.UserSQLType, "uuid"):
		return uuidKey
	case typ.Kind() == reflect.String:
		return textKey
	case typ.Kind() >= reflect.Int && typ.Kind() <= reflect.Int64:
		return signedKey
	case typ.Kind() >= reflect.Uint && typ.Kind() <= reflect.Uint64:
		return unsignedKey
	}
	return noKey
}

// isUUID reports whether typ is 16 bytes that print as a UUID does.
func isUUID(typ reflect.Type) bool {
	if typ.Kind() != reflect.Array || typ.Len() != 16 || typ.Elem().Kind() != reflect.Uint8 {
		return false
	}
	s, ok := reflect.Zero(typ).Interface().(fmt.Stringer)
	return ok && s.String() == "00000000-0000-0000-0000-000000000000"
}

// comparable reports whether the column's type, as the model gives it, is one that
// the expression of [Table.JoinKey] can be compared with.
func (k key) comparable() bool {
	typ := strings.ToUpper(k.field.UserSQLType)
	switch k.typ {
	case signedKey, unsignedKey:
		return typ == "" || strings.Contains(typ, "INT") || strings.Contains(typ, "SERIAL")
	case uuidKey:
		return typ == "UUID" || !k.postgres
	default:
		return typ == "" || typ == "TEXT" || strings.HasPrefix(typ, "VARCHAR") || strings.HasPrefix(typ, "CHARACTER VARYING")
	}
}

// text returns the key of a user.
func (k key) text(user reflect.Value) (string, error) {
	v := k.field.Value(user)
	text := ""
	switch k.typ {
	case signedKey:
		return strconv.FormatInt(v.Int(), 10), nil
	case unsignedKey:
		text = strconv.FormatUint(v.Uint(), 10)
	default:
		text = fmt.Sprint(v.Interface())
	}
	if text == "" {
		return "", errNoSubject
	}
	if _, ok := k.parse(text); !ok {
		return "", fmt.Errorf("serializer: the primary key %q of the user cannot be a subject", k.field.Name)
	}
	return text, nil
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// parse returns the value that has this text, if it is one of the key's type, in its
// only spelling. Postgres would answer an error for any other text.
func (k key) parse(text string) (any, bool) {
	switch k.typ {
	case signedKey, unsignedKey: // databases have no unsigned integers
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && strconv.FormatInt(n, 10) == text
	case uuidKey:
		return text, uuid.MatchString(text)
	default:
		return text, searchable(text)
	}
}

// searchable reports whether a text can be in the database at all: databases refuse
// NUL, and Bun would replace what is not UTF-8 and so find another text.
func searchable(text string) bool {
	return text != "" && len(text) <= maxText && utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}
