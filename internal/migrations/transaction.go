package migrations

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// oneConnection sends every query that bun builds to the connection that holds the transaction.
type oneConnection struct{ conn *sql.Conn }

func (o oneConnection) ResolveConn(context.Context, bun.Query) bun.IConn { return o.conn }

// Close does nothing: the connection belongs to inTransaction.
func (o oneConnection) Close() error { return nil }

// inTransaction gives do a bun.DB whose built queries all run in one transaction, which begin opens. It is not database/sql's
// BeginTx, because only a statement of our own can ask SQLite for the write lock at the start whatever the pool's
// settings are; a transaction that reads before it writes fails there at once if another writer came between.
func inTransaction(ctx context.Context, db *bun.DB, begin string, do func(*bun.DB) error) (err error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			rollback(ctx, conn)
		}
		err = errors.Join(err, ignoreDone(conn.Close()))
	}()
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	if err := do(bun.NewDB(db.DB, db.Dialect(), bun.WithConnResolver(oneConnection{conn}))); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	committed = err == nil
	return err
}

// rollback ends the transaction even when ctx is over. A connection that cannot do it is thrown away: the pool must not hand
// out one with a transaction open. SQLite's refusal because there is none (an interrupted statement ends it) is fine, and its
// connection is kept, for with it an in-memory database would go.
func rollback(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// ignoreDone drops the report that a connection already thrown away cannot be closed again.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
