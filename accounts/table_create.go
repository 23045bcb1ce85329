package accounts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/kahu-go/kahu/internal/cell"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// errAgain is that the account in the way of a new one is gone.
var errAgain = errors.New("accounts: create: a unique index other than those of the e-mail address and the fields refuses the account")

// Create is one INSERT. Doing it again after a fault whose outcome is unknown makes no
// second account, and finds its own by the salted hash. The first time it asks the database,
// as [Table.Check] does, whether the address is unique. Besides ErrEmailTaken it returns a
// *[TakenError] and [ErrUnstorable]. A Field that is no text column of the model is a fault.
func (t *Table[U]) Create(ctx context.Context, n NewAccount) (any, error) {
	fresh, err := t.fresh(n)
	if err != nil {
		return nil, err
	}
	if err := t.mustBeUnique(ctx); err != nil {
		return nil, err
	}
	var made *U
	again := false // an attempt before may have made it
	err = sqlerr.Retry(ctx, func(ctx context.Context) (err error) {
		if again {
			if made, err = t.mine(ctx, n); err != nil || made != nil {
				return err
			}
		}
		again = true
		made, err = t.insert(ctx, fresh, n)
		return err
	})
	_, taken := errors.AsType[*TakenError](err)
	if err != nil && !taken && !errors.Is(err, ErrEmailTaken) && !errors.Is(err, ErrUnstorable) {
		return nil, fmt.Errorf("accounts: create: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

// fresh returns the row to make, without its hash.
func (t *Table[U]) fresh(n NewAccount) (U, error) {
	var u U
	c, now, v := &t.columns, t.now(), reflect.ValueOf(&u).Elem()
	if !isEmail(n.Email) {
		return u, fmt.Errorf("%w: the e-mail address is not as strategies.CanonicalName returns it", ErrUnstorable)
	}
	setField(c.email, v, n.Email)
	for name, value := range n.Fields {
		f := c.text(name)
		if f == nil {
			return u, fmt.Errorf("accounts: %s has no text column %q", t.model.Type, name)
		}
		if !cell.Valid(value, maxField) {
			return u, fmt.Errorf("%w: the %q", ErrUnstorable, name)
		}
		setField(f, v, value)
	}
	for _, f := range []*schema.Field{c.created, c.updated} {
		if f != nil {
			setField(f, v, now)
		}
	}
	if n.Verified && c.verified != nil {
		setField(c.verified, v, now)
	}
	return u, nil
}

// insert makes the account or says why not.
func (t *Table[U]) insert(ctx context.Context, fresh U, n NewAccount) (*U, error) {
	for range 3 { // who is in the way may be gone meanwhile
		u := fresh
		made, err := t.insertRow(ctx, &u, n.Hash)
		if err != nil {
			return nil, err
		}
		if made {
			return &u, nil
		}
		if err := t.inTheWay(ctx, n); !errors.Is(err, errAgain) {
			return nil, err
		}
	}
	return nil, errAgain
}

// insertRow reports whether no unique index was in the way. u is then the row as stored.
func (t *Table[U]) insertRow(ctx context.Context, u *U, hash string) (bool, error) {
	q := txn.In(ctx, t.db).NewInsert().Model(u).Value(t.columns.hash, "?", hash).On("CONFLICT DO NOTHING")
	if t.o.Name != "" {
		q = q.ModelTableExpr("? AS ?TableAlias", bun.Ident(t.o.Name))
	}
	for _, f := range t.columns.fields {
		q = q.Returning("?", f.SQLName)
	}
	n, err := sqlerr.Affected(q.Exec(ctx))
	const tooLong = "22001"
	switch {
	case sqlerr.Unique(err): // by a trigger, or a constraint that is deferred
		return false, nil
	case sqlerr.State(err) == tooLong:
		return false, fmt.Errorf("%w: it is longer than its column", ErrUnstorable)
	}
	return n == 1, err
}

// inTheWay says what of a new account another one has. Who asks has been refused by a
// unique index, so that the answer need not be atomic; it heeds rows outside Where too.
func (t *Table[U]) inTheWay(ctx context.Context, n NewAccount) error {
	condition, args := t.same(n.Email)
	if found, err := t.exists(ctx, condition, args...); err != nil || found {
		return takenOr(err, ErrEmailTaken)
	}
	indexes, err := t.uniqueIndexes(ctx)
	if err != nil {
		return err
	}
	for _, column := range slices.Sorted(maps.Keys(n.Fields)) {
		if !slices.ContainsFunc(indexes, func(i index) bool { return slices.Contains(i.keys(), strings.ToLower(column)) }) {
			continue
		}
		found, err := t.exists(ctx, "? = ?", bun.Ident(column), n.Fields[column])
		if err != nil || found {
			return takenOr(err, &TakenError{Column: column})
		}
	}
	// An index on lower(email), or that ignores case, may be there without CaseInsensitive.
	if found, err := t.exists(ctx, "lower(?) = lower(?)", t.columns.email.SQLName, n.Email); err != nil || found {
		return takenOr(err, ErrEmailTaken)
	}
	return errAgain
}

func takenOr(fault, taken error) error {
	if fault != nil {
		return fault
	}
	return taken
}

// exists reports whether there is a row, also one that is soft-deleted or outside Where.
func (t *Table[U]) exists(ctx context.Context, condition string, args ...any) (bool, error) {
	condition = strings.ReplaceAll(condition, "?TableAlias.", "")
	return txn.In(ctx, t.db).NewSelect().TableExpr("?", t.name()).Where(condition, args...).Exists(ctx)
}

// mine returns the account that an attempt made whose answer was lost, or nil. Hashes are
// salted, so that no other has this one.
func (t *Table[U]) mine(ctx context.Context, n NewAccount) (*U, error) {
	if n.Hash == "" {
		return nil, nil
	}
	found, err := t.find(ctx, n.Email)
	if err != nil || len(found.users) != 1 || string(found.hashes[0]) != n.Hash {
		return nil, err
	}
	return found.users[0], nil
}
