package serializer

import (
	"reflect"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Itself returns t. By it sessionstores.Bun and tokenstores.Bun tell a table from a value
// that embeds one, whose own Deserialize they must not go past.
func (t *Table[U]) Itself() any { return t }

// JoinColumns returns quoted identifiers: the table, its primary key and all columns but the
// password hash, which comes last for a [TableOptions].Stamp. The table is "" for a model that
// has to be loaded by a query of its own.
func (t *Table[U]) JoinColumns() (table, key string, columns []string) {
	if !t.joinable() {
		return "", "", nil
	}
	for _, f := range t.fields {
		columns = append(columns, string(f.SQLName))
	}
	if t.stamp != nil {
		columns = append(columns, t.db.QueryGen().FormatQuery("?", t.hash))
	}
	table = string(t.model.SQLNameForSelects)
	if t.name != "" {
		table = t.db.QueryGen().FormatQuery("?", t.name)
	}
	return table, string(t.key.field.SQLName), columns
}

// joinable reports whether a plain join finds the same users as a query of the model.
func (t *Table[U]) joinable() bool {
	u := any((*U)(nil))
	_, before := u.(bun.BeforeSelectHook)
	_, after := u.(bun.AfterSelectHook)
	_, beforeRow := u.(schema.BeforeScanRowHook)
	_, afterRow := u.(schema.AfterScanRowHook)
	return t.key.joinable && t.where == nil && t.model.SoftDeleteField == nil && !before && !after && !beforeRow && !afterRow
}

// JoinKey returns an expression of the primary key's type for a subject, an SQL
// expression of type text: NULL if it is not the text of such a key. Comparing texts
// instead would read the whole table, and a plain cast would fail.
func (t *Table[U]) JoinKey(subject string) string {
	switch integer := t.key.typ == signedKey || t.key.typ == unsignedKey; {
	case integer && t.key.postgres:
		return "CASE WHEN " + subject + " ~ '^(0|-?[1-9][0-9]{0,18})$' THEN CASE WHEN " + subject + "::numeric " +
			"BETWEEN -9223372036854775808 AND 9223372036854775807 THEN " + subject + "::bigint END END"
	case integer:
		return "CASE WHEN CAST(CAST(" + subject + " AS INTEGER) AS TEXT) = " + subject + " THEN CAST(" + subject + " AS INTEGER) END"
	case t.key.typ == uuidKey && t.key.postgres:
		return "CASE WHEN " + subject + " ~ '" + uuid.String() + "' THEN " + subject + "::uuid END"
	}
	return subject
}

// ScanJoined returns the user, a *U, of values of the columns that [Table.JoinColumns]
// returned, or nil, nil if the key is NULL.
func (t *Table[U]) ScanJoined(values []any) (any, error) {
	for i, f := range t.fields {
		if f == t.key.field && values[i] == nil {
			return nil, nil
		}
	}
	hash := ""
	if t.stamp != nil {
		var err error
		if hash, err = t.hashOf(values[len(t.fields)]); err != nil {
			return nil, err
		}
	}
	u := new(U)
	if err := t.scan(reflect.ValueOf(u).Elem(), values, hash); err != nil {
		return nil, err
	}
	return u, nil
}
