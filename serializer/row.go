package serializer

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"

	"github.com/uptrace/bun/schema"
)

// rows reads users and, after their fields, the password hash and the rank if they are asked
// for. It is a Bun model, so that hooks and soft deletes of U hold in its queries.
type rows[U any] struct {
	table *Table[U]
	look  look
	users []*U
	hash  []string
	rank  []any
}

// look says what else a query asks for.
type look struct{ hash, rank bool }

func (l look) width() (n int) {
	if l.hash {
		n++
	}
	if l.rank {
		n++
	}
	return n
}

var _ schema.Model = (*rows[struct{}])(nil)

// Value implements [schema.Model].
func (r *rows[U]) Value() any { return r.users }

// ScanRows implements [schema.Model].
func (r *rows[U]) ScanRows(ctx context.Context, from *sql.Rows) (int, error) {
	for from.Next() {
		values := make([]any, len(r.table.fields)+r.look.width())
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
	hash, more := "", values[len(r.table.fields):]
	if r.look.hash {
		var err error
		if hash, err = r.table.hashOf(more[0]); err != nil {
			return err
		}
	}
	u := new(U)
	if hook, ok := any(u).(schema.BeforeScanRowHook); ok {
		if err := hook.BeforeScanRow(ctx); err != nil {
			return err
		}
	}
	if err := r.table.scan(reflect.ValueOf(u).Elem(), values, hash); err != nil {
		return err
	}
	if hook, ok := any(u).(schema.AfterScanRowHook); ok {
		if err := hook.AfterScanRow(ctx); err != nil {
			return err
		}
	}
	r.users, r.hash = append(r.users, u), append(r.hash, hash)
	if r.look.rank {
		r.rank = append(r.rank, more[len(more)-1])
	}
	return nil
}

// scan sets the fields of a user, and the stamp.
func (t *Table[U]) scan(user reflect.Value, values []any, hash string) error {
	for i, f := range t.fields {
		if err := f.ScanValue(user, values[i]); err != nil {
			return fmt.Errorf("serializer: column %s: %w", f.Name, err)
		}
	}
	t.setStamp(user, hash)
	return nil
}
