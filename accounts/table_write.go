package accounts

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// ReplaceHash is one UPDATE. If it is repeated because its outcome is unknown, it finds
// its own hash, which is salted, and reports true.
func (t *Table[U]) ReplaceHash(ctx context.Context, user any, old, hash string) (bool, error) {
	column, again := bun.Ident(t.columns.hash), false
	return t.update(ctx, "replace hash", user, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		q = q.Set("? = ?", column, hash)
		if again && hash != "" {
			return q.Where("COALESCE(?, '') IN (?, ?)", column, old, hash)
		}
		again = true
		return q.Where("COALESCE(?, '') = ?", column, old)
	})
}

// ReplaceEmail is one UPDATE. Besides ErrEmailTaken it returns [ErrUnstorable].
func (t *Table[U]) ReplaceEmail(ctx context.Context, user any, old, email string) (bool, error) {
	if !isEmail(email) {
		return false, fmt.Errorf("%w: the e-mail address is not as strategies.CanonicalName returns it", ErrUnstorable)
	}
	if !isStored(old) {
		return false, ctx.Err()
	}
	again := false
	done, err := t.update(ctx, "replace e-mail", user, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		q = q.Set("? = ?", t.columns.email.SQLName, email)
		q = setMark(q, t.columns.verified, t.now())
		was, args := t.same(old)
		if !again {
			again = true
			return q.Where(was, args...)
		}
		is, more := t.same(email)
		return q.Where("("+was+" OR "+is+")", append(args, more...)...)
	})
	if sqlerr.Unique(err) {
		return false, ErrEmailTaken
	}
	return done, err
}

// Verify is one UPDATE, or a query if the table does not keep what is verified.
func (t *Table[U]) Verify(ctx context.Context, user any, email string) (bool, error) {
	if !isStored(email) {
		return false, ctx.Err()
	}
	is, args := t.same(email)
	return t.update(ctx, "verify", user, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		if t.columns.verified == nil {
			q = q.Set("? = ?", t.columns.email.SQLName, t.columns.email.SQLName) // which is nothing, atomically
		}
		return setMark(q, t.columns.verified, t.now()).Where(is, args...)
	})
}

// Disable says that the user may not log in any more, and reports whether there is one. It
// ends no session and no token by itself. It panics if the table has no column for it.
func (t *Table[U]) Disable(ctx context.Context, user any) (bool, error) {
	return t.setDisabled(ctx, "disable", user, func(f *schema.Field) any { return mark(f, t.now()) })
}

// Enable takes back what [Table.Disable] did.
func (t *Table[U]) Enable(ctx context.Context, user any) (bool, error) {
	return t.setDisabled(ctx, "enable", user, unmarked)
}

func (t *Table[U]) setDisabled(ctx context.Context, what string, user any, value func(*schema.Field) any) (bool, error) {
	f := t.columns.disabled
	if f == nil {
		panic(fmt.Sprintf("accounts: %s has no column that says who is disabled", t.model.Type))
	}
	return t.update(ctx, what, user, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Set("? = ?", f.SQLName, value(f)) })
}

// Delete is one statement: an UPDATE if the model has soft deletes.
func (t *Table[U]) Delete(ctx context.Context, user any) error {
	u, err := t.user(user)
	if err != nil {
		return err
	}
	err = sqlerr.Retry(ctx, func(ctx context.Context) error {
		q := txn.In(ctx, t.db).NewDelete().Model(u).WherePK()
		if t.o.Name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", bun.Ident(t.o.Name))
		}
		if t.o.Where != nil {
			q = q.Where("? IN (?)", t.columns.key.SQLName, t.inside(ctx))
		}
		_, err := q.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("accounts: delete: %w", err)
	}
	return nil
}

// update changes the row of a user by one statement, and reports whether it did.
func (t *Table[U]) update(ctx context.Context, what string, user any, change func(*bun.UpdateQuery) *bun.UpdateQuery) (bool, error) {
	u, err := t.user(user)
	if err != nil {
		return false, err
	}
	n := 0
	err = sqlerr.Retry(ctx, func(ctx context.Context) (err error) {
		q := txn.In(ctx, t.db).NewUpdate().Model(u).WherePK()
		if t.o.Name != "" {
			q = q.ModelTableExpr("? AS ?TableAlias", bun.Ident(t.o.Name))
		}
		if t.o.Where != nil {
			q = q.Where("? IN (?)", t.columns.key.SQLName, t.inside(ctx))
		}
		n, err = sqlerr.Affected(setMark(change(q), t.columns.updated, t.now()).Exec(ctx))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("accounts: %s: %w", what, err)
	}
	return n == 1, nil
}

// inside selects the keys of those whom Where leaves.
func (t *Table[U]) inside(ctx context.Context) *bun.SelectQuery {
	return t.narrow(ctx, t.selectUsers(ctx).ColumnExpr("?TableAlias.?", t.columns.key.SQLName))
}
