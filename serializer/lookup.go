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
	found, err := t.find(ctx, look{}, func(q *bun.SelectQuery) *bun.SelectQuery {
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
	u, _, err := t.byName(ctx, name, false)
	return u, err
}

// ByNameWithHash returns the user as [Table.ByName] does, and beside it the password
// hash, which is in no field of the user. It is "" for a user without a password.
func (t *Table[U]) ByNameWithHash(ctx context.Context, name string) (*U, string, error) {
	return t.byName(ctx, name, true)
}

func (t *Table[U]) byName(ctx context.Context, name string, hash bool) (*U, string, error) {
	if len(t.lookUps) == 0 || !searchable(name) {
		return nil, "", sql.ErrNoRows
	}
	found, err := t.find(ctx, look{hash: hash, rank: true}, func(q *bun.SelectQuery) *bun.SelectQuery { return t.whereNamed(q, name) })
	if err != nil {
		return nil, "", err
	}
	if len(found.users) > 1 && found.rank[0] == found.rank[1] {
		return nil, "", errAmbiguous
	}
	return found.users[0], found.hash[0], nil
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

// find runs one query for users, and for the hash whenever they have a stamp. No row is
// sql.ErrNoRows.
func (t *Table[U]) find(ctx context.Context, l look, where func(*bun.SelectQuery) *bun.SelectQuery) (*rows[U], error) {
	l.hash = l.hash || t.stamp != nil
	var found *rows[U]
	err := sqlerr.Retry(ctx, func(ctx context.Context) error {
		found = &rows[U]{table: t, look: l}
		q := txn.In(ctx, t.db).NewSelect().Model((*U)(nil))
		if t.name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", t.name)
		}
		for _, f := range t.fields {
			q = q.ColumnExpr("?TableAlias.?", f.SQLName)
		}
		if l.hash {
			q = q.ColumnExpr("?TableAlias.?", t.hash)
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
