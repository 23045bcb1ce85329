package tokenstores_test

import (
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

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
		want := sqltrace.Counts{Begins: 1, Execs: 1, Queries: 1, Commits: 1}
		if db.Dialect().Name() == dialect.PG {
			want.Execs++ // the lock
		}
		assert.Equal(t, want, trace.Counts(), "it only looks")
		require.ErrorIs(t, store.Rotate(t.Context(), "api", "a", "hash of a", start, token("c")), tokenstores.ErrTokenRotated)
		assert.Equal(t, 2, count(t, db, "SELECT count(*) FROM tokens"))
	})
}

// Trap: a statement that removes all of a user's tokens begins before a rotation ends,
// waits for it, and does not see the successor; and if somebody else takes the rotated
// token first, it does not even remove one.
func TestDeleteAllMeetsARotation(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) { // SQLite has one writer at a time
		store := tokenstores.NewBun(db)
		remove := func() int {
			deleted, err := store.Delete(t.Context(), "api", "a", "7")
			assert.NoError(t, err)
			if !deleted {
				return 0 // the others were there first
			}
			return 1
		}
		removeAll := func() int {
			n, err := store.DeleteAll(t.Context(), "api", "7", "")
			assert.NoError(t, err)
			assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"), "when it returns")
			return n
		}
		removeType := func() int {
			n, err := store.DeleteType(t.Context(), "api")
			assert.NoError(t, err)
			assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"), "when it returns")
			return n
		}
		for name, ends := range map[string][]func() int{
			"DeleteAll alone":                        {removeAll},
			"DeleteType alone":                       {removeType},
			"DeleteAll, and a Delete comes first":    {remove, removeAll},
			"DeleteType, and a Delete comes first":   {remove, removeType},
			"two DeleteAlls":                         {removeAll, removeAll},
			"DeleteAll, DeleteType and a Delete":     {remove, removeAll, removeType},
			"DeleteType, DeleteAll and a DeleteType": {removeType, removeAll, removeType},
		} {
			t.Run(name, func(t *testing.T) {
				fresh(t, db, store)
				assert.Equal(t, 2, duringARotation(t, db, store, ends), "each token is counted once")
				assert.Empty(t, list(t, store))
			})
		}
	})
}

// duringARotation runs each function when "a" has its successor, which is not stored yet
// and will be when all wait, and returns the sum of what they return. What is to be done
// meanwhile must not wait.
func duringARotation(t *testing.T, db *bun.DB, store *tokenstores.Bun, ends []func() int, meanwhile ...func()) (sum int) {
	t.Helper()
	gate, err := db.Begin() // holds the successor's id
	require.NoError(t, err)
	defer func() { _ = gate.Rollback() }()
	_, err = gate.ExecContext(t.Context(), "INSERT INTO tokens SELECT type, 'b', '8', hash, name, scopes, meta, created, last_used,"+
		" expires, idle_limit, address, '', '' FROM tokens WHERE id = 'a'")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, store.Rotate(t.Context(), "api", "a", "hash of a", start, token("b"))) })
	waiting(t, db, 1)
	for _, work := range meanwhile {
		work()
	}
	removed := make([]int, len(ends))
	for i, end := range ends {
		all.Go(func() { removed[i] = end() })
		waiting(t, db, i+2)
	}
	require.NoError(t, gate.Rollback())
	all.Wait()
	for _, n := range removed {
		sum += n
	}
	return sum
}

// waiting returns when so many statements wait for locks.
func waiting(t *testing.T, db *bun.DB, n int) {
	t.Helper()
	eventually(t, "statements wait", func() bool {
		return count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == n
	})
}

func list(t *testing.T, store tokenstores.Store) []tokenstores.Token {
	t.Helper()
	tokens, err := store.List(t.Context(), "api", "7")
	require.NoError(t, err)
	return tokens
}

// A database may have another isolation than Postgres has by default. Then the lock itself
// would fix what the deletion sees, and the deletion fail once on the rotation.
func TestDeleteAllMeetsARotationWhereTransactionsAreSerializable(t *testing.T) {
	address, err := url.Parse(addresses["Postgres"](t))
	require.NoError(t, err)
	query := address.Query()
	query.Set("default_transaction_isolation", "serializable")
	address.RawQuery = query.Encode()
	db := migrated(t, address.String())
	var isolation string
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW default_transaction_isolation").Scan(&isolation))
	require.Equal(t, "serializable", isolation)
	traced, trace := sqltrace.Open(t, address.String())
	store := tokenstores.NewBun(traced)
	fresh(t, db, store)
	trace.Reset()
	removed := duringARotation(t, db, store, []func() int{func() int {
		n, err := store.DeleteAll(t.Context(), "api", "7", "")
		assert.NoError(t, err)
		return n
	}})
	assert.Equal(t, 2, removed)
	assert.Equal(t, 2, trace.Counts().Begins, "the rotation's and the deletion's, neither repeated")
	assert.Empty(t, list(t, store))
}

// Rotations of different tokens, and of other types than the one that is removed, do not
// wait for each other.
func TestRotationsShareTheirTurn(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		require.NoError(t, store.Insert(t.Context(), token("c")))
		duringARotation(t, db, store, nil, func() {
			require.NoError(t, store.Rotate(t.Context(), "api", "c", "hash of c", start, token("d")))
			_, err := store.DeleteType(t.Context(), "remember")
			require.NoError(t, err)
		})
		assert.Len(t, list(t, store), 4)
	})
}
