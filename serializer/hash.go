package serializer

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// SetHash stores the password hash of a *U or U, and is sql.ErrNoRows if the user is
// gone. To store the same password under a better hash call [Table.ReplaceHash]. A *U has
// the new [TableOptions].Stamp then, for the Login that follows.
func (t *Table[U]) SetHash(ctx context.Context, user any, hash string) error {
	n, err := t.setHash(ctx, user, hash, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q })
	if err == nil && n == 0 {
		return sql.ErrNoRows
	}
	return err
}

// ReplaceHash stores the password hash of a *U or U if it still is old, in one
// statement. So a rehash at login never undoes a change of the password that was
// made meanwhile. If it is not old any more, that is no error, and a *U keeps its
// [TableOptions].Stamp: what logs in with it ends with the old password. Else it has the new.
func (t *Table[U]) ReplaceHash(ctx context.Context, user any, old, hash string) error {
	_, err := t.setHash(ctx, user, hash, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Where("?TableAlias.? = ?", t.hash, old)
	})
	return err
}

func (t *Table[U]) setHash(ctx context.Context, user any, hash string, where func(*bun.UpdateQuery) *bun.UpdateQuery) (n int64, err error) {
	subject, err := t.Serialize(ctx, user)
	if err != nil {
		return 0, err
	}
	id, _ := t.key.parse(subject)
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		q := txn.In(ctx, t.db).NewUpdate().Model((*U)(nil))
		if t.name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", t.name)
		}
		result, err := where(q.Set("? = ?", t.hash, hash).Where("?TableAlias.? = ?", t.key.field.SQLName, id)).Exec(ctx)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("serializer: %w", err)
	}
	if n > 0 {
		t.restamp(ctx, user, hash)
	}
	return n, nil
}
