package serializer

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"

	"github.com/uptrace/bun/schema"

	"github.com/kahu-go/kahu/internal/rollback"
)

// stampField returns the field that [TableOptions].Stamp names, nil if it names none.
func stampField(model *schema.Table, o TableOptions) *schema.Field {
	if o.Stamp == "" {
		return nil
	}
	f := namedField(model, o.Stamp)
	if f == nil {
		panic(fmt.Sprintf("serializer: %s has no field %q for a stamp: add a string with the tag bun:\",scanonly\"", model.Type, o.Stamp))
	}
	same := func(other *schema.Field) bool { return slices.Equal(other.Index, f.Index) }
	hash := model.FieldMap[o.Hash]
	switch {
	case hash != nil && same(hash):
		panic(fmt.Sprintf("serializer: the field %q of %s is the password hash: a stamp needs one of its own", o.Stamp, model.Type))
	case model.Type.FieldByIndex(f.Index).Type.Kind() != reflect.String:
		panic(fmt.Sprintf("serializer: the field %q of %s cannot hold a stamp: it is no string", o.Stamp, model.Type))
	case slices.ContainsFunc(model.Fields, same):
		panic(fmt.Sprintf("serializer: the field %q of %s is a column, a stamp is in no table: tag it bun:\",scanonly\"", o.Stamp, model.Type))
	}
	return f
}

// namedField finds a field by the name of its column or its own: Bun does not know those with
// the tag "-".
func namedField(model *schema.Table, name string) *schema.Field {
	if f, ok := model.FieldMap[name]; ok {
		return f
	}
	if f, ok := model.Type.FieldByName(name); ok && f.IsExported() {
		return &schema.Field{Index: f.Index}
	}
	return nil
}

// setStamp gives a user the stamp of a password hash.
func (t *Table[U]) setStamp(user reflect.Value, hash string) {
	if t.stamp == nil {
		return
	}
	sum := sha256.Sum256([]byte("kahu: the stamp of a password hash\x00" + hash))
	t.stamp.Value(user).SetString(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// restamp gives a user the stamp of the hash that was stored for them in ctx.
func (t *Table[U]) restamp(ctx context.Context, user any, hash string) {
	u, err := t.user(user)
	if err != nil || t.stamp == nil {
		return
	}
	stamp := t.stamp.Value(u)
	before := stamp.String()
	rollback.On(ctx, func() { stamp.SetString(before) })
	t.setStamp(u, hash)
}

// hashOf returns the value of the column of the hash; "" is no password.
func (t *Table[U]) hashOf(value any) (string, error) {
	switch hash := value.(type) {
	case string:
		return hash, nil
	case []byte:
		return string(hash), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf("serializer: the column %q holds no text", t.hash)
}
