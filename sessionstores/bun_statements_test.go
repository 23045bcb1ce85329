package sessionstores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
)

func onEachTraced(t *testing.T, test func(t *testing.T, db *bun.DB, trace *sqltrace.Trace)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			require.NoError(t, sessionstores.Migrate(t.Context(), db))
			trace.Reset()
			test(t, db, trace)
		})
	}
}

func TestBunCountsOfStatements(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := sessionstores.NewBun(db)
		assert.Empty(t, trace.Calls(), "making a store asks nothing")
		require.NoError(t, store.Ping(t.Context())) // prepares
		r := record("frodo")
		later := func() (time.Time, time.Time) { return r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute) }
		inTx := sqltrace.Counts{Begins: 1, Execs: 1, Commits: 1}
		for _, step := range []struct {
			name string
			work func() error
			want sqltrace.Counts
		}{
			{"a first session is one insert", func() error { return store.Insert(t.Context(), "a", "", r) }, inTx},
			{"a login is one delete and one insert in one transaction", func() error { return store.Insert(t.Context(), "b", "a", r) },
				sqltrace.Counts{Begins: 1, Execs: 2, Commits: 1}},
			{"a find is one query", func() error { _, err := store.Find(t.Context(), "b"); return err }, sqltrace.Counts{Queries: 1}},
			{"a find of nothing is one query", func() error { _, err := store.Find(t.Context(), "x"); return err }, sqltrace.Counts{Queries: 1}},
			{"an update is one statement", func() error { return store.Update(t.Context(), "b", r) }, sqltrace.Counts{Execs: 1}},
			{"a touch is one statement", func() error { a, b := later(); return store.Touch(t.Context(), "b", a, b) }, sqltrace.Counts{Execs: 1}},
			{"a list is one query", func() error { _, err := store.ListSessions(t.Context(), "session", "frodo"); return err }, sqltrace.Counts{Queries: 1}},
			{"a list of nobody is none", func() error { _, err := store.ListSessions(t.Context(), "session", ""); return err }, sqltrace.Counts{}},
			{"deleting all is one statement", func() error { _, err := store.DeleteSessions(t.Context(), "session", "frodo", "b"); return err }, sqltrace.Counts{Execs: 1}},
			{"pruning is one statement", func() error { _, err := store.PruneSessions(t.Context(), start, 9); return err }, sqltrace.Counts{Execs: 1}},
			{"a delete is one statement", func() error { return store.Delete(t.Context(), "b") }, sqltrace.Counts{Execs: 1}},
			{"a refused update asks why once", func() error {
				if err := store.Update(t.Context(), "b", r); !errors.Is(err, app.ErrSessionGone) {
					return err
				}
				return nil
			}, sqltrace.Counts{Execs: 1, Queries: 1}},
		} {
			t.Run(step.name, func(t *testing.T) {
				trace.Reset()
				require.NoError(t, step.work())
				assert.Equal(t, step.want, trace.Counts())
			})
		}
	})
}

func TestBunNeverUpserts(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store, r := sessionstores.NewBun(db), record("frodo")
		require.NoError(t, store.Insert(t.Context(), "a", "", r))
		require.NoError(t, store.Update(t.Context(), "a", r))
		require.NoError(t, store.Touch(t.Context(), "a", r.Seen.Add(time.Minute), r.Until))
		for _, call := range trace.Calls() {
			text := strings.ToUpper(call.Text)
			assert.NotContains(t, text, "DO UPDATE")
			assert.NotContains(t, text, "REPLACE")
		}
	})
}

func TestBunFaults(t *testing.T) {
	fault := errors.New("the disk burns")
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := sessionstores.NewBun(db)
		require.NoError(t, store.Ping(t.Context()))
		calls := map[string]func(r *app.SessionRecord) error{
			"Find": func(*app.SessionRecord) error {
				r, err := store.Find(t.Context(), "a")
				assert.Equal(t, err == nil, r != nil, "never nothing and no error")
				return err
			},
			"Insert": func(*app.SessionRecord) error { return store.Insert(t.Context(), "b", "a", record("frodo")) },
			"InsertLimited": func(*app.SessionRecord) error {
				ended, err := store.InsertLimited(t.Context(), "b", "", record("frodo"), 1)
				assert.Equal(t, err == nil, len(ended) == 1, "what was undone is not returned")
				return err
			},
			"Update": func(r *app.SessionRecord) error { return store.Update(t.Context(), "a", r) },
			"Touch":  func(r *app.SessionRecord) error { return store.Touch(t.Context(), "a", r.Seen.Add(1e9), r.Until) },
			"Delete": func(*app.SessionRecord) error { return store.Delete(t.Context(), "a") },
			"ListSessions": func(*app.SessionRecord) error {
				_, err := store.ListSessions(t.Context(), "session", "frodo")
				return err
			},
			"DeleteSessions": func(*app.SessionRecord) error {
				_, err := store.DeleteSessions(t.Context(), "session", "frodo", "")
				return err
			},
			"PruneSessions": func(r *app.SessionRecord) error { _, err := store.PruneSessions(t.Context(), r.Until, 9); return err },
			"Ping":          func(*app.SessionRecord) error { return store.Ping(t.Context()) },
		}
		for name, call := range calls {
			t.Run(name+" passes a fault on, and nothing is half done", func(t *testing.T) {
				want := fresh(t, db, store)
				for n := 1; ; n++ { // each statement in turn
					trace.Reset()
					trace.FailCall(n, fault)
					r := *want
					err := call(&r)
					reached := len(trace.Calls()) >= n
					trace.Reset()
					if !reached {
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, fault, "call %d", n)
					require.NotErrorIs(t, err, app.ErrSessionGone)
					assert.EqualValues(t, 1, r.Version)
					got, err := store.Find(t.Context(), "a")
					require.NoError(t, err)
					assert.Equal(t, want, got, "call %d", n)
					assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM sessions"), "call %d", n)
				}
			})
			t.Run(name+" is repeated after a fault that passes", func(t *testing.T) {
				r := fresh(t, db, store)
				trace.Reset()
				trace.Fail(func(c sqltrace.Call) error {
					if c.N == 1 {
						return passing{}
					}
					return nil
				})
				require.NoError(t, call(r))
				trace.Reset()
			})
		}
		t.Run("a fault that does not pass is not waited for", func(t *testing.T) {
			r := fresh(t, db, store)
			trace.Reset()
			trace.Fail(func(sqltrace.Call) error { return passing{} })
			require.ErrorIs(t, calls["Insert"](r), passing{})
			assert.Len(t, trace.Calls(), 3)
			trace.Reset()
		})
	})
}

// passing is a serialization failure, as Postgres says it.
type passing struct{}

func (passing) Error() string    { return "could not serialize access" }
func (passing) SQLState() string { return "40001" }

// fresh leaves the one session "a" and returns it as it is stored.
func fresh(t *testing.T, db *bun.DB, store *sessionstores.Bun) *app.SessionRecord {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "DELETE FROM sessions")
	require.NoError(t, err)
	require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
	r, err := store.Find(t.Context(), "a")
	require.NoError(t, err)
	return r
}

func TestRepeatedInsertIsNoError(t *testing.T) {
	stores := map[string]func(t *testing.T) app.SessionStore{
		"Memory": func(*testing.T) app.SessionStore { return sessionstores.NewMemory() },
		"Redis":  func(t *testing.T) app.SessionStore { return sessionstores.NewRedis(dial(t)) },
		"SQLite": func(t *testing.T) app.SessionStore { return sessionstores.NewBun(migrated(t, addresses["SQLite"](t))) },
		"Postgres": func(t *testing.T) app.SessionStore {
			return sessionstores.NewBun(migrated(t, addresses["Postgres"](t)))
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			store, r := open(t), record("frodo")
			require.NoError(t, store.Insert(t.Context(), "a", "", record("")))
			for range 2 {
				require.NoError(t, store.Insert(t.Context(), "b", "a", r))
				assert.EqualValues(t, 1, r.Version)
			}
			require.NoError(t, store.Update(t.Context(), "b", r))
			require.Error(t, store.Insert(t.Context(), "b", "", record("frodo")), "once used it is nobody's to insert")
			got, err := store.Find(t.Context(), "b")
			require.NoError(t, err)
			assert.EqualValues(t, 2, got.Version)
		})
	}
}

func TestPruneIsAnIndexSearch(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		const expires = "CASE WHEN idle_until < until THEN idle_until ELSE until END"
		plan := explain(t, db, "SELECT id FROM sessions WHERE "+expires+" <= 1 ORDER BY "+expires+" LIMIT 5")
		assert.Contains(t, plan, "sessions_expiry")
		assert.NotContains(t, strings.ToUpper(plan), "SORT")
		assert.NotContains(t, plan, "TEMP B-TREE")
		plan = explain(t, db, "SELECT id FROM sessions WHERE kind = 'a' AND subject = 'b'")
		assert.Contains(t, plan, "sessions_kind_subject")
	})
}

func TestPrunePassesOverRowsThatAreBeingWritten(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		store := sessionstores.NewBun(db)
		require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
		require.NoError(t, store.Insert(t.Context(), "b", "", record("sam")))
		tx, err := db.Begin()
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), "UPDATE sessions SET seen = seen WHERE id = 'a'")
		require.NoError(t, err)
		n, err := store.PruneSessions(t.Context(), start.AddDate(1, 0, 0), 9)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestBunErrorsNameNoKeyAndNoUser(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := sessionstores.NewBun(db)
		for _, err := range []error{store.Insert(cancelledContext(t), "key", "", record("frodo")), store.Delete(cancelledContext(t), "key")} {
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%+v", err), "key")
			assert.NotContains(t, err.Error(), "frodo")
		}
	})
}
