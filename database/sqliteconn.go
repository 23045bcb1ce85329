package database

import (
	"context"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

var (
	errSQLiteConn = errors.New("database: this version of the driver makes connections of another kind")
	errRolledBack = errors.New("database: SQLite rolled the transaction back after one of its statements had failed")
)

// sqliteConnector makes connections on which a transaction is whole or nothing also if its statements fail. SQLite rolls one back by itself if a
// statement is interrupted, the disk is full or cannot be written, and then would commit each further statement alone.
type sqliteConnector struct{ driver.Connector }

// Connect implements [driver.Connector].
func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(driverConn)
	hooks, hasHooks := inner.(sqlite.HookRegisterer)
	if !ok || !hasHooks {
		return nil, errors.Join(errSQLiteConn, inner.Close())
	}
	conn := &sqliteConn{driverConn: full, hooks: hooks}
	hooks.RegisterRollbackHook(func() { conn.lost = conn.begun })
	hooks.RegisterCommitHook(func() int32 {
		if conn.lost {
			return 1 // undoes the statement, which fails
		}
		return 0
	})
	return conn, nil
}

// driverConn is what the driver's connections can do, for database/sql and for who asks [sql.Conn.Raw].
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	NewBackup(to string) (*sqlite.Backup, error)
	NewRestore(from string) (*sqlite.Backup, error)
	Serialize() ([]byte, error)
	Deserialize([]byte) error
}

type sqliteConn struct {
	driverConn
	hooks sqlite.HookRegisterer
	begun bool // somebody has begun a transaction and not ended it
	lost  bool // SQLite has ended it
}

// BeginTx implements [driver.ConnBeginTx].
func (c *sqliteConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.driverConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	c.begun = true
	return sqliteTx{tx, c}, nil
}

// Close implements [driver.Conn]. The driver would keep the hooks.
func (c *sqliteConn) Close() error {
	c.hooks.RegisterCommitHook(nil)
	c.hooks.RegisterRollbackHook(nil)
	return c.driverConn.Close()
}

type sqliteTx struct {
	driver.Tx
	conn *sqliteConn
}

// Commit implements [driver.Tx].
func (t sqliteTx) Commit() error {
	if t.conn.lost {
		_ = t.Rollback()
		return errRolledBack
	}
	defer t.end()
	return t.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (t sqliteTx) Rollback() error {
	lost := t.conn.lost
	defer t.end()
	err := t.Tx.Rollback() // if it is lost, of what a savepoint may have begun since
	if lost {
		return nil
	}
	return err
}

func (t sqliteTx) end() { t.conn.begun, t.conn.lost = false, false }
