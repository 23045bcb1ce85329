package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// Check tells what is wrong with the table as it is in the database: columns that are not
// there, no unique index on the address (on lower(email) with CaseInsensitive; one that
// has it among its columns or is partial will do with Where), a deferrable constraint, or,
// on SQLite, an integer key without AUTOINCREMENT: a new account would get the key, and so
// the sessions and tokens, of one that was deleted. Call it when the program starts.
func (t *Table[U]) Check(ctx context.Context) error {
	if _, _, err := t.ByEmail(ctx, "nobody@accounts.invalid"); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	t.unique.Store(false)
	if err := t.mustBeUnique(ctx); err != nil {
		return err
	}
	return t.mustNotReuseKeys(ctx)
}

// mustBeUnique asks until the answer was yes once.
func (t *Table[U]) mustBeUnique(ctx context.Context) error {
	if t.unique.Load() {
		return nil
	}
	indexes, err := t.uniqueIndexes(ctx)
	if err != nil {
		return fmt.Errorf("accounts: check: %w", err)
	}
	if i := slices.IndexFunc(indexes, func(i index) bool { return i.Deferrable }); i >= 0 {
		return fmt.Errorf("accounts: the unique constraint %s of the table %s is deferrable, and sign-ups cannot heed such", indexes[i].Name, t.plainName())
	}
	if !slices.ContainsFunc(indexes, t.protects) {
		return fmt.Errorf("accounts: the table %s needs a unique index on %s, or two sign-ups at once make two accounts", t.plainName(), t.indexed())
	}
	t.unique.Store(true)
	return nil
}

// protects reports whether the index lets nobody take the address of another. One on
// lower(email) does so also where letters' case counts.
func (t *Table[U]) protects(i index) bool {
	keys := i.keys()
	if (len(keys) > 1 || i.Partial) && t.o.Where == nil {
		return false
	}
	email := strings.ToLower(t.columns.email.Name)
	return !t.o.CaseInsensitive && slices.Contains(keys, email) || slices.Contains(keys, "lower("+email+")")
}

// indexed is what the index is to be on.
func (t *Table[U]) indexed() string {
	if t.o.CaseInsensitive {
		return "lower(" + t.columns.email.Name + ")"
	}
	return t.columns.email.Name
}

func (t *Table[U]) mustNotReuseKeys(ctx context.Context) error {
	if t.db.Dialect().Name() != dialect.SQLite || t.columns.key.IndirectType.Kind().String() == "string" {
		return nil
	}
	var bad bool
	err := sqlerr.Retry(ctx, func(ctx context.Context) error {
		return txn.In(ctx, t.db).NewRaw("SELECT EXISTS (SELECT 1 FROM sqlite_schema AS s, pragma_table_info(?) AS c WHERE s.type = 'table' AND s.name = ?"+
			" AND c.pk AND upper(c.type) = 'INTEGER' AND upper(s.sql) NOT LIKE '%AUTOINCREMENT%')", t.bareName(), t.bareName()).Scan(ctx, &bad)
	})
	if err != nil {
		return fmt.Errorf("accounts: check: %w", err)
	}
	if bad {
		return fmt.Errorf("accounts: the key of the table %s needs AUTOINCREMENT, or a new account gets the key of one that was deleted", t.plainName())
	}
	return nil
}
