// Package prepared runs one hot look-up as a prepared statement with bound arguments. Bun writes values into the text of a query, which the
// server must then parse and plan each time; for a query of every request that is more than half of its cost.
package prepared

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/internal/txn"
)

// ErrClosed is the error of every query after [Query.Close].
var ErrClosed = errors.New("prepared: the query is closed")

// unprepared is what the driver of a pool can implement to say that its connections must not hold prepared statements, because a pooler such as
// PgBouncer hands out another server connection for each transaction. Package database does so.
type unprepared interface{ Unprepared() bool }

// unlikePrepared makes another text of a query: by the same one pgx finds what is prepared on the connection, which may be stale. In a transaction
// that would be the end of it.
const unlikePrepared = " /* in a transaction */"

// Query is a query that is prepared once, at its first use. It is safe for concurrent use. Query hooks of Bun do not see it.
type Query struct {
	db     *bun.DB
	text   string
	direct bool // never prepared
	joins  bool // a transaction of the context

	statement atomic.Pointer[sql.Stmt] // nil until prepared

	// turn is held, by taking its token, while the statement is changed. A channel, since waiting for it must end with the context:
	// preparing waits for a connection of the pool.
	turn       chan struct{}
	generation int // how often it was given up

	closed atomic.Bool // set with the turn
}

// New returns the query, in which ? stands for an argument outside of quotes. It does not talk to the database yet.
func New(db *bun.DB, query string) *Query {
	if db.Dialect().Name() == dialect.PG {
		query = numbered(query)
	}
	d, ok := db.Driver().(unprepared)
	q := &Query{db: db, text: query, direct: ok && d.Unprepared(), turn: make(chan struct{}, 1)}
	q.turn <- struct{}{}
	return q
}

// Joining makes the query a part of the transaction that its context is in; it is not prepared there. Without it, it is run at once. It returns q,
// and is called before the first use.
func (q *Query) Joining() *Query {
	q.joins = true
	return q
}

// Query runs the query. The caller closes the rows. Times among the arguments are bound in UTC with microseconds, as Bun writes them.
func (q *Query) Query(ctx context.Context, args ...any) (*sql.Rows, error) {
	args = bound(args)
	if tx, ok := txn.Of(ctx, q.db); ok && q.joins {
		if q.closed.Load() { // without the turn: who has it may wait for this transaction's connection
			return nil, ErrClosed
		}
		return tx.Tx.QueryContext(ctx, q.text+unlikePrepared, args...)
	}
	if q.direct {
		return q.queryDirect(ctx, args)
	}
	statement, err := q.prepare(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, args...)
	switch {
	case err == nil:
		return rows, nil
	case q.closed.Load():
		return nil, ErrClosed
	case !stale(err) && !q.replaced(ctx, statement):
		return nil, err
	}
	q.giveUp(ctx, statement)
	if statement, err = q.prepare(ctx); err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

func (q *Query) queryDirect(ctx context.Context, args []any) (*sql.Rows, error) {
	if q.closed.Load() {
		return nil, ErrClosed
	}
	return q.db.DB.QueryContext(ctx, q.text, args...)
}

// prepare returns the statement, preparing it if nobody has. Others wait meanwhile, each as long as its own context; if it fails, the next tries
// itself. Each statement given up has another text, because the driver would otherwise find the stale one again on connections where it still is open.
func (q *Query) prepare(ctx context.Context) (*sql.Stmt, error) {
	if statement := q.statement.Load(); statement != nil {
		return statement, nil
	}
	if err := q.enter(ctx); err != nil {
		return nil, err
	}
	defer q.leave()
	if statement := q.statement.Load(); statement != nil {
		return statement, nil
	}
	text := q.text
	if q.generation > 0 {
		text = fmt.Sprintf("%s /* %d */", text, q.generation)
	}
	statement, err := q.db.DB.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	q.statement.Store(statement)
	return statement, nil
}

// replaced tells whether an error only says that somebody else gave the statement up, and closed it, meanwhile.
func (q *Query) replaced(ctx context.Context, statement *sql.Stmt) bool {
	if q.enter(ctx) != nil {
		return false
	}
	defer q.leave()
	return q.statement.Load() != statement
}

// giveUp closes the statement, unless somebody else has.
func (q *Query) giveUp(ctx context.Context, statement *sql.Stmt) {
	if q.enter(ctx) != nil {
		return
	}
	defer q.leave()
	if q.statement.CompareAndSwap(statement, nil) {
		_ = statement.Close()
		q.generation++
	}
}

func (q *Query) enter(ctx context.Context) error {
	select {
	case <-q.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if q.closed.Load() {
		q.leave()
		return ErrClosed
	}
	return nil
}

func (q *Query) leave() { q.turn <- struct{}{} }

// Close releases the statement on all connections. Rows that are open stay valid. Closing twice is no error.
func (q *Query) Close() error {
	<-q.turn
	defer q.leave()
	q.closed.Store(true)
	statement := q.statement.Swap(nil)
	if statement == nil {
		return nil
	}
	return statement.Close()
}

// stale tells whether the statement must be prepared anew: it is unknown on the connection (somebody deallocated it), or a migration changed the
// columns that it returns.
func stale(err error) bool {
	switch sqlerr.State(err) {
	case "26000":
		return true
	case "0A000":
		return strings.Contains(err.Error(), "cached plan must not change result type")
	}
	return false
}

// bound returns args with times as Bun writes them: SQLite compares times as text.
func bound(args []any) []any {
	if !slices.ContainsFunc(args, isTime) {
		return args
	}
	out := make([]any, len(args))
	for i, arg := range args {
		if t, ok := arg.(time.Time); ok {
			arg = t.UTC().Truncate(time.Microsecond)
		}
		out[i] = arg
	}
	return out
}

func isTime(arg any) bool {
	_, is := arg.(time.Time)
	return is
}
