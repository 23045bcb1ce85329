package sessionstores_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
)

// allKeys are the keys of a user's sessions.
func allKeys(t testing.TB, store app.SessionLister, subject string) (keys []string) {
	t.Helper()
	list, err := store.ListSessions(t.Context(), "session", subject)
	require.NoError(t, err)
	for _, one := range list {
		keys = append(keys, one.Key)
	}
	return keys
}

func endedKeys(ended []app.StoredSession) (keys []string) {
	for _, one := range ended {
		keys = append(keys, one.Key)
	}
	return keys
}

func TestBunCountsOfStatementsOfALimitedInsert(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store, turn := sessionstores.NewBun(db), 0
		if db.Dialect().Name() == dialect.PG {
			turn = 1
		}
		require.NoError(t, store.Ping(t.Context()))
		for _, step := range []struct {
			name, subject, key, old string
			want                    sqltrace.Counts
		}{
			{"a first session is an insert and a delete", "frodo", "a", "", sqltrace.Counts{Begins: 1, Execs: turn + 1, Queries: 1, Commits: 1}},
			{"one that ends others is no more", "frodo", "b", "", sqltrace.Counts{Begins: 1, Execs: turn + 1, Queries: 1, Commits: 1}},
			{"one that replaces another is a delete more", "frodo", "c", "b", sqltrace.Counts{Begins: 1, Execs: turn + 2, Queries: 1, Commits: 1}},
			{"a visitor is one insert", "", "d", "", sqltrace.Counts{Begins: 1, Execs: 1, Commits: 1}},
		} {
			t.Run(step.name, func(t *testing.T) {
				trace.Reset()
				_, err := store.InsertLimited(t.Context(), step.key, step.old, record(step.subject), 1)
				require.NoError(t, err)
				assert.Equal(t, step.want, trace.Counts())
			})
		}
		assert.Equal(t, []string{"c"}, allKeys(t, store, "frodo"))
	})
}

// A commit whose answer is lost is repeated, and what it ended is told of once.
func TestALimitedInsertWhoseCommitIsNotAnswered(t *testing.T) {
	for name, committed := range map[string]bool{"and was made": true, "and was not made": false} {
		t.Run(name, func(t *testing.T) {
			for kind, address := range addresses {
				t.Run(kind, func(t *testing.T) {
					at := address(t)
					db, trace := sqltrace.Open(t, at)
					require.NoError(t, sessionstores.Migrate(t.Context(), db))
					store, r := sessionstores.NewBun(db), record("frodo")
					require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
					aside := sessionstores.NewBun(migrated(t, at))
					begins := 0
					trace.Fail(func(c sqltrace.Call) error {
						switch {
						case c.Kind == sqltrace.Begin:
							begins++
							if begins == 2 && committed { // it becomes what it would have been
								_, err := aside.InsertLimited(t.Context(), "b", "", r, 1)
								return err
							}
						case c.Kind == sqltrace.Commit && begins == 1:
							return passing{}
						}
						return nil
					})
					ended, err := store.InsertLimited(t.Context(), "b", "", record("frodo"), 1)
					trace.Reset()
					require.NoError(t, err)
					assert.Equal(t, []string{"a"}, endedKeys(ended))
					assert.Equal(t, []string{"b"}, allKeys(t, store, "frodo"))
				})
			}
		})
	}
}

func TestALimitedInsertInATransactionOfTheApplication(t *testing.T) {
	undone := errors.New("the application thinks better of it")
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := sessionstores.NewBun(db)
		require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
		login := func(ctx context.Context, key string) error {
			_, err := store.InsertLimited(ctx, key, "", record("frodo"), 1)
			return err
		}
		t.Run("is undone with it", func(t *testing.T) {
			require.ErrorIs(t, database.Transact(t.Context(), db, func(ctx context.Context) error { return errors.Join(login(ctx, "b"), undone) }), undone)
			assert.Equal(t, []string{"a"}, allKeys(t, store, "frodo"))
		})
		t.Run("is undone by itself", func(t *testing.T) {
			require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
				part := database.Transact(ctx, db, func(ctx context.Context) error { return errors.Join(login(ctx, "b"), undone) })
				require.ErrorIs(t, part, undone)
				return store.Insert(ctx, "sam", "", record("sam"))
			}))
			assert.Equal(t, []string{"a"}, allKeys(t, store, "frodo"))
			assert.Equal(t, []string{"sam"}, allKeys(t, store, "sam"))
		})
		t.Run("is committed with it and may be one of several", func(t *testing.T) {
			require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
				return errors.Join(login(ctx, "b"), login(ctx, "c"))
			}))
			assert.Equal(t, []string{"c"}, allKeys(t, store, "frodo"))
		})
	})
}

func TestALimitedInsertWaitsForTheTransactionOfAnother(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		store, done := sessionstores.NewBun(db), make(chan []app.StoredSession)
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			ended, err := store.InsertLimited(ctx, "first", "", record("frodo"), 1)
			require.NoError(t, err)
			assert.Empty(t, ended)
			_, err = store.InsertLimited(t.Context(), "sam", "", record("sam"), 1)
			require.NoError(t, err, "another user does not wait")
			go func() {
				ended, err := store.InsertLimited(t.Context(), "second", "", record("frodo"), 1)
				assert.NoError(t, err)
				done <- ended
			}()
			eventually(t, "the second waits", func() bool {
				return count(t, db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
			})
			return nil
		}))
		assert.Equal(t, []string{"first"}, endedKeys(<-done))
		assert.Equal(t, []string{"second"}, allKeys(t, store, "frodo"))
	})
}

// A session that is used while a login ends it is ended all the same.
func TestALimitedInsertEndsASessionThatIsBeingWritten(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		store, done := sessionstores.NewBun(db), make(chan []app.StoredSession)
		require.NoError(t, store.Insert(t.Context(), "a", "", record("frodo")))
		require.NoError(t, database.Transact(t.Context(), db, func(ctx context.Context) error {
			r := record("frodo")
			r.Version, r.Data = 1, map[string]json.RawMessage{"saved": json.RawMessage(`1`)}
			require.NoError(t, store.Update(ctx, "a", r))
			go func() {
				ended, err := store.InsertLimited(t.Context(), "b", "", record("frodo"), 1)
				assert.NoError(t, err)
				done <- ended
			}()
			eventually(t, "the login waits", func() bool { return count(t, db, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1 })
			return nil
		}))
		ended := <-done
		require.Equal(t, []string{"a"}, endedKeys(ended))
		assert.Contains(t, ended[0].Data, "saved", "as it was in the end")
		assert.Equal(t, []string{"b"}, allKeys(t, store, "frodo"))
	})
}

func TestALimitedInsertAgainIsNoErrorAndEndsNothingMore(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		early, r := record("frodo"), record("frodo")
		early.Created = start.Add(-time.Hour)
		require.NoError(t, store.Insert(t.Context(), "a", "", early))
		require.NoError(t, store.Insert(t.Context(), "b", "", record("frodo")))
		require.NoError(t, store.Insert(t.Context(), "old", "", record("frodo")))
		for _, want := range [][]string{{"a"}, nil} {
			ended, err := store.(app.SessionLimiter).InsertLimited(t.Context(), "c", "old", r, 2)
			require.NoError(t, err)
			assert.Equal(t, want, endedKeys(ended))
			assert.EqualValues(t, 1, r.Version)
		}
		assert.Equal(t, []string{"b", "c"}, allKeys(t, store.(app.SessionLister), "frodo"))
		require.NoError(t, store.Update(t.Context(), "c", r))
		_, err := store.(app.SessionLimiter).InsertLimited(t.Context(), "c", "", record("frodo"), 1)
		require.Error(t, err, "once used it is nobody's to insert")
		assert.Equal(t, []string{"b", "c"}, allKeys(t, store.(app.SessionLister), "frodo"))
	})
}

func TestALimitBelowOneIsOne(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		for i, limit := range []int{0, -1, -1 << 62} {
			key := strings.Repeat("k", i+1)
			_, err := store.(app.SessionLimiter).InsertLimited(t.Context(), key, "", record("frodo"), limit)
			require.NoError(t, err)
			assert.Equal(t, []string{key}, allKeys(t, store.(app.SessionLister), "frodo"))
		}
	})
}

func TestALimitedInsertIsAnIndexSearch(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := sessionstores.NewBun(db)
		_, err := store.InsertLimited(t.Context(), "a", "", record("frodo"), 3)
		require.NoError(t, err)
		for _, call := range trace.Calls() {
			if strings.HasPrefix(call.Text, "DELETE") {
				plan := explain(t, db, call.Text)
				assert.Equal(t, 2, strings.Count(plan, "sessions_kind_subject"), plan)
				return
			}
		}
		t.Error("nothing was deleted")
	})
}
