package serializer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

var errAmbiguous = errors.New("serializer: several users have one name: the column needs a unique index")

// ByID returns the user whose primary key has this text, as it stands in a session or
// a path. It is sql.ErrNoRows if there is none, without a query if the text cannot be
// that of a key.
func (t *Table[U]) ByID(ctx context.Context, id string) (*U, error) {
	value, ok := t.key.parse(id)
	if !ok {
		return nil, sql.ErrNoRows
	}
	found, err := t.find(ctx, 0, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("?TableAlias.? = ?", t.key.field.SQLName, value).Limit(1)
	})
	if err != nil {
		return nil, err
	}
	return found.users[0], nil
}

// ByName returns the user that one of the look-up columns names, or sql.ErrNoRows.
// Names are compared as the database compares them, by default byte for byte: an
// application that wants "Frodo" to be "frodo" changes names to one form before it
// stores and looks for them. A text that is empty, longer than 256 bytes, no valid
// UTF-8 or has control characters is nobody's name and costs no query.
//
// If a name is that of several users in different columns, the column that stands
// first in [TableOptions].LookUp counts. If it is in one column, that is a fault.
func (t *Table[U]) ByName(ctx context.Context, name string) (*U, error) {
	u, _, err := t.byName(ctx, name)
	return u, err
}

// ByNameWithHash returns the user as [Table.ByName] does, and beside it the password
// hash, which is in no field of the user. It is "" for a user without a password.
func (t *Table[U]) ByNameWithHash(ctx context.Context, name string) (*U, string, error) {
	u, extra, err := t.byName(ctx, name, t.hash)
	if err != nil {
		return nil, "", err
	}
	switch hash := extra[0].(type) {
	case string:
		return u, hash, nil
	case []byte:
		return u, string(hash), nil
	case nil:
		return u, "", nil
	}
	return nil, "", fmt.Errorf("serializer: the column %q holds no text", t.hash)
}

// byName returns the user and the extra columns.
func (t *Table[U]) byName(ctx context.Context, name string, extra ...bun.Ident) (*U, []any, error) {
	if len(t.lookUps) == 0 || !searchable(name) {
		return nil, nil, sql.ErrNoRows
	}
	found, err := t.find(ctx, len(extra)+1, func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, column := range extra {
			q = q.ColumnExpr("?TableAlias.?", column)
		}
		return t.whereNamed(q, name)
	})
	if err != nil {
		return nil, nil, err
	}
	rank := len(extra) // the column after them
	if len(found.users) > 1 && found.extras[0][rank] == found.extras[1][rank] {
		return nil, nil, errAmbiguous
	}
	return found.users[0], found.extras[0][:rank], nil
}

// whereNamed finds two users at most: who is meant, and whether somebody else is too.
func (t *Table[U]) whereNamed(q *bun.SelectQuery, name string) *bun.SelectQuery {
	var rank strings.Builder
	args := make([]any, 0, 2*len(t.lookUps))
	for i, f := range t.lookUps {
		fmt.Fprintf(&rank, " WHEN ?TableAlias.? = ? THEN %d", i)
		args = append(args, f.SQLName, name)
	}
	return q.ColumnExpr("CASE"+rank.String()+" END AS look_up_rank", args...).
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, f := range t.lookUps {
				q = q.WhereOr("?TableAlias.? = ?", f.SQLName, name)
			}
			return q
		}).
		OrderExpr("look_up_rank").Limit(2)
}

// find runs one query for users and extra columns. No row is sql.ErrNoRows.
func (t *Table[U]) find(ctx context.Context, extra int, where func(*bun.SelectQuery) *bun.SelectQuery) (*rows[U], error) {
	var found *rows[U]
	err := sqlerr.Retry(ctx, func(ctx context.Context) error {
		found = &rows[U]{fields: t.fields, extra: extra}
		q := txn.In(ctx, t.db).NewSelect().Model((*U)(nil))
		if t.name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", t.name)
		}
		for _, f := range t.fields {
			q = q.ColumnExpr("?TableAlias.?", f.SQLName)
		}
		if q = where(q); t.where != nil {
			// In brackets, so that an OR among its conditions widens nothing.
			q = q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery { return t.where(ctx, q) })
		}
		return q.Scan(ctx, found)
	})
	if err != nil {
		return nil, fmt.Errorf("serializer: %w", err)
	}
	if len(found.users) == 0 {
		return nil, sql.ErrNoRows
	}
	return found, nil
}
