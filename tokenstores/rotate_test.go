package tokenstores_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/tokenstores"
)

// A commit whose answer is lost is repeated, and is one rotation.
func TestARotationWhoseAnswerWasLostIsRepeated(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		require.NoError(t, store.Rotate(t.Context(), "api", "a", "hash of a", start, token("b")))
		trace.Reset()
		require.NoError(t, store.Rotate(t.Context(), "api", "a", "hash of a", start, token("b")))
		assert.Equal(t, sqltrace.Counts{Begins: 1, Execs: 1, Queries: 1, Commits: 1}, trace.Counts(), "it only looks")
		require.ErrorIs(t, store.Rotate(t.Context(), "api", "a", "hash of a", start, token("c")), tokenstores.ErrTokenRotated)
		assert.Equal(t, 2, count(t, db, "SELECT count(*) FROM tokens"))
	})
}

// Trap: a statement that removes all of a user's tokens begins before a rotation ends,
// waits for it, and does not see the successor.
func TestDeleteAllMeetsARotation(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		for name, end := range map[string]func(*tokenstores.Bun) (int, error){
			"DeleteAll":  func(s *tokenstores.Bun) (int, error) { return s.DeleteAll(t.Context(), "api", "7", "") },
			"DeleteType": func(s *tokenstores.Bun) (int, error) { return s.DeleteType(t.Context(), "api") },
		} {
			store := tokenstores.NewBun(db)
			fresh(t, db, store)
			tx, err := db.Begin()
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "UPDATE tokens SET successor = 'b' WHERE id = 'a'")
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "INSERT INTO tokens SELECT type, 'b', subject, hash, name, scopes, meta, created, last_used,"+
				" expires, idle_limit, address, '' FROM tokens WHERE id = 'a'")
			require.NoError(t, err)
			ended := make(chan int)
			go func() {
				n, err := end(store)
				assert.NoError(t, err)
				ended <- n
			}()
			eventually(t, "the deletion waits", func() bool {
				return count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
			})
			require.NoError(t, tx.Commit())
			assert.Equal(t, 2, <-ended, name)
			assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"), name)
		}
	})
}
