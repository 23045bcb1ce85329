package tokenstores_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/tokenstores"
)

// onTwoNodes runs test with two stores over one database, each with a pool of its own.
func onTwoNodes(t *testing.T, test func(t *testing.T, a, b tokenstores.Store)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			a, b := migrated(t, at), migrated(t, at)
			test(t, tokenstores.NewBun(a).JoinUsers(createUsers(t, a)), tokenstores.NewBun(b))
		})
	}
	t.Run("Redis", func(t *testing.T) {
		at := redistest.URL(t)
		test(t, tokenstores.NewRedis(dialTo(t, at)), tokenstores.NewRedis(dialTo(t, at)))
	})
}

func TestARevokedTokenIsDeadOnEveryNode(t *testing.T) {
	onTwoNodes(t, func(t *testing.T, a, b tokenstores.Store) {
		ways := map[string]func() error{
			"Delete":     func() error { _, err := b.Delete(t.Context(), "api", "one", ""); return err },
			"DeleteAll":  func() error { _, err := b.DeleteAll(t.Context(), "api", "7", ""); return err },
			"DeleteType": func() error { _, err := b.DeleteType(t.Context(), "api"); return err },
			"Prune":      func() error { _, err := b.Prune(t.Context(), start.AddDate(1, 0, 0), 9); return err },
		}
		for name, end := range ways {
			require.NoError(t, a.Insert(t.Context(), token("one")))
			for _, s := range []tokenstores.Store{a, b} {
				require.NotNil(t, find(t, s, "one"))
			}
			require.NoError(t, end())
			assert.Nil(t, find(t, a, "one"), name)
			require.ErrorIs(t, a.Rotate(t.Context(), "api", "one", "hash of one", start, token("two")), tokenstores.ErrTokenGone)
		}
	})
}

func TestRotationsOnTwoNodesHaveOneWinner(t *testing.T) {
	onTwoNodes(t, func(t *testing.T, a, b tokenstores.Store) {
		require.NoError(t, a.Insert(t.Context(), token("one")))
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				err := []tokenstores.Store{a, b}[i%2].Rotate(t.Context(), "api", "one", "hash of one", start, token("next"+strconv.Itoa(i)))
				if err == nil {
					won.Add(1)
					return
				}
				assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, won.Load())
	})
}

func TestPostgresStoppedAndStarted(t *testing.T) {
	server := pgtest.Start(t)
	db := migrated(t, server.URL())
	store := tokenstores.NewBun(db).JoinUsers(createUsers(t, db))
	testOutage(t, store, server.Kill, server.Start)
}

func TestRedisStoppedAndStarted(t *testing.T) {
	server := redistest.Start(t)
	testOutage(t, tokenstores.NewRedis(dialTo(t, server.URL())), server.Kill, server.Start)
}

func testOutage(t *testing.T, store tokenstores.Store, kill, start func()) {
	t.Helper()
	require.NoError(t, store.Insert(t.Context(), token("a")))
	require.NoError(t, store.Insert(t.Context(), token("revoked")))
	_, err := store.Delete(t.Context(), "api", "revoked", "")
	require.NoError(t, err)
	require.NotNil(t, find(t, store, "a"))

	kill()
	for name, call := range calls(t, store) {
		err := call()
		require.Error(t, err, name)
		require.NotErrorIs(t, err, tokenstores.ErrTokenGone, "an outage is never a missing token")
	}

	start()
	eventually(t, "a new connection", func() bool {
		_, err := store.Find(t.Context(), "api", "a")
		return err == nil
	})
	assert.NotNil(t, find(t, store, "a"))
	assert.Nil(t, find(t, store, "revoked"), "what was revoked stays so")
}
