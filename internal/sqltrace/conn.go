package sqltrace

import (
	"context"
	"database/sql/driver"
	"errors"
)

type connector struct {
	driver.Connector
	trace *Trace
}

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.trace.record(Connect, ""); err != nil {
		return nil, err
	}
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, errors.Join(errors.New("sqltrace: the driver has no calls with a context"), inner.Close())
	}
	return &conn{fullConn: full, trace: c.trace}, nil
}

// fullConn is what both drivers' connections can do, so that none of it is lost behind the trace.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
}

type conn struct {
	fullConn
	trace *Trace
}

var (
	_ driver.NamedValueChecker = (*conn)(nil)
	_ driver.Validator         = (*conn)(nil)
)

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.trace.record(Query, query); err != nil {
		return nil, err
	}
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.trace.record(Exec, query); err != nil {
		return nil, err
	}
	return c.fullConn.ExecContext(ctx, query, args)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.trace.record(Prepare, query); err != nil {
		return nil, err
	}
	inner, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullStmt)
	if !ok {
		return nil, errors.Join(errors.New("sqltrace: the driver's statements have no calls with a context"), inner.Close())
	}
	return &stmt{fullStmt: full, text: query, trace: c.trace}, nil
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.trace.record(Begin, ""); err != nil {
		return nil, err
	}
	inner, err := c.fullConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{inner: inner, trace: c.trace}, nil
}

// CheckNamedValue implements [driver.NamedValueChecker]: the driver's way if it has one, else the default of database/sql.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// IsValid implements [driver.Validator].
func (c *conn) IsValid() bool {
	validator, ok := c.fullConn.(driver.Validator)
	return !ok || validator.IsValid()
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	fullStmt
	text  string
	trace *Trace
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.trace.record(Query, s.text); err != nil {
		return nil, err
	}
	return s.fullStmt.QueryContext(ctx, args)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.trace.record(Exec, s.text); err != nil {
		return nil, err
	}
	return s.fullStmt.ExecContext(ctx, args)
}

type tx struct {
	inner driver.Tx
	trace *Trace
}

// Commit implements [driver.Tx]. database/sql takes a transaction whose commit failed for ended, so it is ended.
func (t *tx) Commit() error {
	if err := t.trace.record(Commit, ""); err != nil {
		return errors.Join(err, t.inner.Rollback())
	}
	return t.inner.Commit()
}

// Rollback implements [driver.Tx]. It is done even if its answer is a fault.
func (t *tx) Rollback() error {
	return errors.Join(t.trace.record(Rollback, ""), t.inner.Rollback())
}
