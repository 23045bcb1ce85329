package prepared

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// Row is the first row of a result, or the error instead.
type Row struct {
	rows *sql.Rows
	err  error
}

// QueryRow runs the query. The caller calls [Row.Scan], which also releases the connection.
func (q *Query) QueryRow(ctx context.Context, args ...any) *Row {
	rows, err := q.Query(ctx, args...)
	return &Row{rows: rows, err: err}
}

// Scan copies the columns of the first row, as [sql.Row.Scan] does, and drops further rows. Without a row it is [sql.ErrNoRows].
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer func() { _ = r.rows.Close() }()
	for _, d := range dest {
		if _, ok := d.(*sql.RawBytes); ok {
			return errors.New("prepared: RawBytes do not outlive their row")
		}
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

// numbered replaces each ? outside of quotes by $1, $2, …
func numbered(query string) string {
	var b strings.Builder
	quote, n := byte(0), 0
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?':
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
