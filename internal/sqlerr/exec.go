package sqlerr

import (
	"context"
	"database/sql"
)

// Exec runs one statement that may be repeated, with [Retry], and returns how many rows it changed when it succeeded.
func Exec(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, query string, args ...any) (n int, err error) {
	err = Retry(ctx, func(ctx context.Context) (err error) {
		n, err = Affected(db.ExecContext(ctx, query, args...))
		return err
	})
	return n, err
}

// Affected returns how many rows a statement changed.
func Affected(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
