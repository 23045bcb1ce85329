package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

var errAmbiguous = errors.New("accounts: several accounts have one e-mail address: the column needs a unique index")

// ByEmail returns a *U, and the hash that is in no field of it. A text that cannot be an
// address is nobody's and costs no query.
func (t *Table[U]) ByEmail(ctx context.Context, email string) (any, string, error) {
	if !isStored(email) {
		return nil, "", sql.ErrNoRows
	}
	found, err := t.find(ctx, email)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("accounts: find: %w", err)
	case len(found.users) == 0:
		return nil, "", sql.ErrNoRows
	case len(found.users) > 1:
		return nil, "", errAmbiguous
	}
	return found.users[0], string(found.hashes[0]), nil
}

// isStored reports whether a text may be somebody's address. Old rows need not be as ours.
func isStored(email string) bool { return email != "" && cell.Valid(email, 256) }

func (t *Table[U]) find(ctx context.Context, email string) (found *rows[U], err error) {
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		found = &rows[U]{db: t.db}
		q := t.selectUsers(ctx)
		for _, f := range t.columns.fields {
			q = q.ColumnExpr("?TableAlias.?", f.SQLName)
		}
		condition, args := t.same(email)
		return t.narrow(ctx, q.ColumnExpr("?TableAlias.? AS _hash", bun.Ident(t.columns.hash)).Where(condition, args...)).Limit(2).Scan(ctx, found)
	})
	return found, err
}

func (t *Table[U]) selectUsers(ctx context.Context) *bun.SelectQuery {
	q := txn.In(ctx, t.db).NewSelect().Model((*U)(nil))
	if t.o.Name != "" {
		q = q.ModelTableExpr("? AS ?TableAlias", bun.Ident(t.o.Name))
	}
	return q
}

// narrow puts the conditions of Where in brackets, so that an OR among them widens nothing.
func (t *Table[U]) narrow(ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery {
	if t.o.Where == nil {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery { return t.o.Where(ctx, q) })
}

// Hash is one query. In a transaction on Postgres it locks the row until the end; on SQLite
// nobody else writes then.
func (t *Table[U]) Hash(ctx context.Context, user any) (string, error) {
	u, err := t.user(user)
	if err != nil {
		return "", err
	}
	var hash cell.Text
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		q := txn.In(ctx, t.db).NewSelect().Model(u).WherePK().ColumnExpr("?TableAlias.?", bun.Ident(t.columns.hash))
		if t.o.Name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", bun.Ident(t.o.Name))
		}
		if _, inside := txn.Of(ctx, t.db); inside && t.db.Dialect().Name() == dialect.PG {
			q = q.For("UPDATE")
		}
		return t.narrow(ctx, q).Scan(ctx, &hash)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", sql.ErrNoRows
	case err != nil:
		return "", fmt.Errorf("accounts: hash: %w", err)
	}
	return string(hash), nil
}

// rows reads users, and their hashes from a last column that Bun passes over because its
// name begins with an underscore. It is a Bun model, so that hooks and soft deletes of U
// hold in its query.
type rows[U any] struct {
	db     *bun.DB
	users  []*U
	hashes []cell.Text
}

var _ bun.Model = (*rows[struct{}])(nil)

// Value implements [bun.Model].
func (r *rows[U]) Value() any { return r.users }

// ScanRows implements [bun.Model].
func (r *rows[U]) ScanRows(ctx context.Context, from *sql.Rows) (int, error) {
	columns, err := from.Columns()
	if err != nil {
		return 0, err
	}
	for from.Next() {
		u, hash := new(U), cell.Text("")
		if err := r.db.ScanRow(ctx, from, u); err != nil {
			return 0, err
		}
		dest := make([]any, len(columns))
		for i := range dest {
			dest[i] = new(any)
		}
		dest[len(dest)-1] = &hash
		if err := from.Scan(dest...); err != nil {
			return 0, err
		}
		r.users, r.hashes = append(r.users, u), append(r.hashes, hash)
	}
	return len(r.users), from.Err()
}
