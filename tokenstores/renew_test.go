package tokenstores_test

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/tokenstores"
)

// A statement whose answer is lost is repeated, and is one renewal.
func TestARenewalWhoseAnswerWasLostIsRepeated(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		first := renewal("x", start.Add(time.Hour))
		require.NoError(t, store.Renew(t.Context(), "api", "a", "hash of a", first))
		want := find(t, store, "a")
		trace.Reset()
		require.NoError(t, store.Renew(t.Context(), "api", "a", "hash of a", first))
		assert.Equal(t, sqltrace.Counts{Execs: 1, Queries: 1}, trace.Counts(), "it only looks")
		assert.Equal(t, want, find(t, store, "a"))
		require.ErrorIs(t, store.Renew(t.Context(), "api", "a", "hash of a", renewal("y", start.Add(time.Hour))), tokenstores.ErrTokenRotated)

		_, err := store.Delete(t.Context(), "api", "a", "")
		require.NoError(t, err)
		require.ErrorIs(t, store.Renew(t.Context(), "api", "a", "hash of a", first), tokenstores.ErrTokenGone, "a late repetition brings nothing back")
		assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"))
	})
}

// isolations are what a Postgres database may have by default.
var isolations = []string{"read committed", "repeatable read", "serializable"}

func onEachIsolation(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	t.Helper()
	for _, isolation := range isolations {
		t.Run(isolation, func(t *testing.T) {
			address, err := url.Parse(addresses["Postgres"](t))
			require.NoError(t, err)
			query := address.Query()
			query.Set("default_transaction_isolation", isolation)
			address.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // which is a space to Postgres too
			db := migrated(t, address.String())
			var have string
			require.NoError(t, db.QueryRowContext(t.Context(), "SHOW default_transaction_isolation").Scan(&have))
			require.Equal(t, isolation, have)
			test(t, db)
		})
	}
}

// Trap: a statement that removes a row waits for a renewal which began before, and the row
// that it then finds is not the one that it saw.
func TestDeletionsMeetARenewal(t *testing.T) {
	onEachIsolation(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db)
		for name, end := range map[string]func() (int, error){
			"Delete": func() (int, error) {
				deleted, err := store.Delete(t.Context(), "api", "a", "7")
				assert.True(t, deleted)
				return 1, err
			},
			"DeleteAll":  func() (int, error) { return store.DeleteAll(t.Context(), "api", "7", "") },
			"DeleteType": func() (int, error) { return store.DeleteType(t.Context(), "api") },
		} {
			remove := func() {
				n, err := end()
				assert.NoError(t, err)
				assert.Equal(t, 1, n)
				assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"), "when it returns")
			}
			renew := func() error {
				return store.Renew(t.Context(), "api", "a", "hash of a", renewal("x", start.Add(time.Hour)))
			}
			t.Run(name+" comes second and removes what was renewed", func(t *testing.T) {
				fresh(t, db, store)
				inThisOrder(t, db, func() { assert.NoError(t, renew()) }, remove)
			})
			t.Run(name+" comes first and nothing is renewed", func(t *testing.T) {
				fresh(t, db, store)
				inThisOrder(t, db, remove, func() { assert.ErrorIs(t, renew(), tokenstores.ErrTokenGone) })
				assert.Zero(t, count(t, db, "SELECT count(*) FROM tokens"))
			})
		}
	})
}

func TestOneRenewalWinsWhateverTheIsolation(t *testing.T) {
	onEachIsolation(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		var won atomic.Int32
		work := make([]func(), 5)
		for i := range work {
			work[i] = func() {
				err := store.Renew(t.Context(), "api", "a", "hash of a", renewal(strconv.Itoa(i), start.Add(time.Hour)))
				if err == nil {
					won.Add(1)
					return
				}
				assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
			}
		}
		inThisOrder(t, db, work...)
		assert.EqualValues(t, 1, won.Load())
	})
}

// inThisOrder lets each function wait for the row of "a" before the next begins, and then
// all go on.
func inThisOrder(t *testing.T, db *bun.DB, work ...func()) {
	t.Helper()
	gate, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = gate.Rollback() }()
	_, err = gate.ExecContext(t.Context(), "SELECT id FROM tokens WHERE id = 'a' FOR UPDATE")
	require.NoError(t, err)
	var all sync.WaitGroup
	for i, one := range work {
		all.Go(one)
		waiting(t, db, i+1)
	}
	require.NoError(t, gate.Rollback())
	all.Wait()
}

// A renewal that waits for another sees what that one wrote: also that the token is used
// by now.
func TestARenewalAndATouchKeepTheLaterUse(t *testing.T) {
	onEachIsolation(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db)
		fresh(t, db, store)
		inThisOrder(t, db,
			func() {
				assert.NoError(t, store.Touch(t.Context(), "api", "a", "hash of a", start.Add(30*time.Minute), "192.0.2.9"))
			},
			func() {
				assert.NoError(t, store.Renew(t.Context(), "api", "a", "hash of a", renewal("x", start.Add(20*time.Minute))))
			})
		got := find(t, store, "a")
		assert.Equal(t, []string{"x", "192.0.2.9"}, []string{got.Hash, got.Address})
		assert.Equal(t, start.Add(30*time.Minute), got.LastUsed)
	})
}

// Tokens that were stored before there were states have none.
func TestATokenInRedisWithoutAState(t *testing.T) {
	c := dial(t)
	store := tokenstores.NewRedis(c)
	old := token("a")
	old.State = ""
	require.NoError(t, store.Insert(t.Context(), old))
	require.NoError(t, c.HDel(t.Context(), "{kahu:tokens}:t:3:api:a", "state").Err())
	assert.Equal(t, old, find(t, store, "a"))
	require.NoError(t, store.Insert(t.Context(), old), "once more")
	first := renewal("x", start.Add(time.Minute))
	first.State = ""
	require.NoError(t, store.Renew(t.Context(), "api", "a", "hash of a", first))
	require.NoError(t, c.HDel(t.Context(), "{kahu:tokens}:t:3:api:a", "state").Err())
	require.NoError(t, store.Renew(t.Context(), "api", "a", "hash of a", first), "once more")
	require.NoError(t, store.Renew(t.Context(), "api", "a", "x", renewal("y", start.Add(time.Minute))))
	assert.Equal(t, "state of y", find(t, store, "a").State)
}
