// Package sqltrace lets tests see each statement that goes to a real database, and make it fail.
//
//	db, trace := sqltrace.Open(t, pgtest.URL(t))
//	…
//	trace.Reset()
//	get(t, "/session")
//	assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
package sqltrace

import (
	"database/sql/driver"
	"slices"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/database"
)

// Kind is what a call asks of the driver.
type Kind string

// The kinds of calls. The running of a prepared statement is a Query or an Exec.
const (
	Connect  Kind = "connect"
	Prepare  Kind = "prepare"
	Query    Kind = "query"
	Exec     Kind = "exec"
	Begin    Kind = "begin"
	Commit   Kind = "commit"
	Rollback Kind = "rollback"
)

// Call is one call of the driver.
type Call struct {
	Kind Kind
	Text string // of a statement
	N    int    // 1 for the first call since [Trace.Reset]
}

// Counts are the numbers of calls of each kind, those that failed included.
type Counts struct{ Connects, Prepares, Queries, Execs, Begins, Commits, Rollbacks int }

// Trace records calls. It is safe for concurrent use.
type Trace struct {
	mu    sync.Mutex
	calls []Call
	fault func(Call) error
}

// Open is [database.Open] with a trace of the pool, which is closed after the test. Calls of the opening are forgotten.
func Open(t testing.TB, address string, options ...database.Option) (*bun.DB, *Trace) {
	t.Helper()
	trace := &Trace{}
	db, err := database.Open(address, append(options, database.Wrap(trace.Connector))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	trace.Reset()
	return db, trace
}

// Connector wraps the connections of inner.
func (t *Trace) Connector(inner driver.Connector) driver.Connector {
	return connector{Connector: inner, trace: t}
}

// Reset forgets the calls so far, and the fault.
func (t *Trace) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.fault = nil, nil
}

// Calls are the calls since [Trace.Reset].
func (t *Trace) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// Counts counts the calls since [Trace.Reset].
func (t *Trace) Counts() Counts {
	var c Counts
	fields := map[Kind]*int{Connect: &c.Connects, Prepare: &c.Prepares, Query: &c.Queries, Exec: &c.Execs,
		Begin: &c.Begins, Commit: &c.Commits, Rollback: &c.Rollbacks}
	for _, call := range t.Calls() {
		*fields[call.Kind]++
	}
	return c
}

// Fail asks fault before each call from now on. If it returns an error, that is the answer and the database is not asked; a commit that fails
// so is rolled back. nil: no more faults. fault may be called concurrently.
func (t *Trace) Fail(fault func(Call) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = fault
}

// FailCall makes call number n since [Trace.Reset] fail. Number 1 is the first.
func (t *Trace) FailCall(n int, err error) {
	t.Fail(func(c Call) error {
		if c.N == n {
			return err
		}
		return nil
	})
}

// record notes the call and returns its fault.
func (t *Trace) record(kind Kind, text string) error {
	t.mu.Lock()
	call := Call{Kind: kind, Text: text, N: len(t.calls) + 1}
	t.calls = append(t.calls, call)
	fault := t.fault
	t.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(call)
}
