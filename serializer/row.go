package serializer

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"

	"github.com/uptrace/bun/schema"
)

// rows reads users and, after their fields, columns that the model does not have.
// It is a Bun model, so that hooks and soft deletes of U hold in its queries.
type rows[U any] struct {
	fields []*schema.Field
	extra  int
	users  []*U
	extras [][]any
}

var _ schema.Model = (*rows[struct{}])(nil)

// Value implements [schema.Model].
func (r *rows[U]) Value() any { return r.users }

// ScanRows implements [schema.Model].
func (r *rows[U]) ScanRows(ctx context.Context, from *sql.Rows) (int, error) {
	for from.Next() {
		values := make([]any, len(r.fields)+r.extra)
		dest := make([]any, len(values))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := from.Scan(dest...); err != nil {
			return 0, err
		}
		if err := r.add(ctx, values); err != nil {
			return 0, err
		}
	}
	return len(r.users), from.Err()
}

func (r *rows[U]) add(ctx context.Context, values []any) error {
	u := new(U)
	if hook, ok := any(u).(schema.BeforeScanRowHook); ok {
		if err := hook.BeforeScanRow(ctx); err != nil {
			return err
		}
	}
	if err := scan(reflect.ValueOf(u).Elem(), r.fields, values); err != nil {
		return err
	}
	if hook, ok := any(u).(schema.AfterScanRowHook); ok {
		if err := hook.AfterScanRow(ctx); err != nil {
			return err
		}
	}
	r.users = append(r.users, u)
	r.extras = append(r.extras, values[len(r.fields):])
	return nil
}

// scan sets the fields of a user.
func scan(user reflect.Value, fields []*schema.Field, values []any) error {
	for i, f := range fields {
		if err := f.ScanValue(user, values[i]); err != nil {
			return fmt.Errorf("serializer: column %s: %w", f.Name, err)
		}
	}
	return nil
}
