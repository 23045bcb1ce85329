package tokenstores_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
			require.ErrorIs(t, a.Renew(t.Context(), "api", "one", "hash of one", renewal("x", start)), tokenstores.ErrTokenGone)
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

func TestRenewalsOnTwoNodesHaveOneWinner(t *testing.T) {
	onTwoNodes(t, func(t *testing.T, a, b tokenstores.Store) {
		require.NoError(t, a.Insert(t.Context(), token("one")))
		hash := "hash of one"
		for round := range 20 {
			var won atomic.Int32
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					next := renewal(strconv.Itoa(round)+"."+strconv.Itoa(i), start.Add(time.Hour))
					err := []tokenstores.Store{a, b}[i%2].Renew(t.Context(), "api", "one", hash, next)
					if err == nil {
						won.Add(1)
						return
					}
					assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, won.Load())
			now := find(t, a, "one")
			assert.Equal(t, now.Hash, find(t, b, "one").Hash)
			assert.Equal(t, "state of "+now.Hash, now.State)
			require.NotEqual(t, hash, now.Hash)
			hash = now.Hash
		}
	})
}

// onTwoDenylists runs test with two lists over one database, each with a pool of its own.
func onTwoDenylists(t *testing.T, test func(t *testing.T, a, b tokenstores.Denylist)) {
	t.Helper()
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			a, b := migrated(t, at), migrated(t, at)
			test(t, tokenstores.NewBunDenylist(a).JoinUsers(createUsers(t, a)), tokenstores.NewBunDenylist(b))
		})
	}
	t.Run("Redis", func(t *testing.T) {
		at := redistest.URL(t)
		test(t, tokenstores.NewRedisDenylist(dialTo(t, at)), tokenstores.NewRedisDenylist(dialTo(t, at)))
	})
}

func TestWhatIsDeniedOnOneNodeIsDeniedOnEvery(t *testing.T) {
	onTwoDenylists(t, func(t *testing.T, a, b tokenstores.Denylist) {
		for i := range 20 {
			key := strconv.Itoa(i)
			assert.Equal(t, []string{""}, findDenials(t, a, "7", key).Marks)
			require.NoError(t, b.Deny(t.Context(), denial(key)))
			assert.Equal(t, []string{"mark of " + key}, findDenials(t, a, "7", key).Marks, "at once")
		}
		n, err := a.Prune(t.Context(), start.AddDate(0, 0, 1), 100)
		require.NoError(t, err)
		assert.Equal(t, 20, n)
		assert.Equal(t, []string{""}, findDenials(t, b, "7", "0").Marks)
	})
}

func TestDenialsOnTwoNodesKeepTheLatestTime(t *testing.T) {
	onTwoDenylists(t, func(t *testing.T, a, b tokenstores.Denylist) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				one, two := denial("one"), denial("two")
				one.Until, two.Until = one.Until.Add(time.Duration(i)*time.Second), two.Until.Add(-time.Duration(i)*time.Second)
				assert.NoError(t, []tokenstores.Denylist{a, b}[i%2].Deny(t.Context(), []tokenstores.Denial{one, two, one}[i%2:]...))
			})
		}
		wg.Wait()
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{-time.Second, 0}, {0, 1}, {18 * time.Second, 0}, {19 * time.Second, 1}} {
			n, err := a.Prune(t.Context(), start.AddDate(0, 0, 1).Add(step.after), 9)
			require.NoError(t, err)
			assert.Equal(t, step.want, n, step.after)
		}
	})
}

func TestADenylistWhosePostgresIsStoppedAndStarted(t *testing.T) {
	server := pgtest.Start(t)
	db := migrated(t, server.URL())
	testOutageOfDenylist(t, tokenstores.NewBunDenylist(db).JoinUsers(createUsers(t, db)), server.Kill, server.Start)
}

func TestADenylistWhoseRedisIsStoppedAndStarted(t *testing.T) {
	server := redistest.Start(t)
	testOutageOfDenylist(t, tokenstores.NewRedisDenylist(dialTo(t, server.URL())), server.Kill, server.Start)
}

func testOutageOfDenylist(t *testing.T, list tokenstores.Denylist, kill, start func()) {
	t.Helper()
	require.NoError(t, list.Deny(t.Context(), denial("a")))
	require.Equal(t, []string{"mark of a"}, findDenials(t, list, "7", "a").Marks)

	kill()
	for name, call := range denylistCalls(t, list) {
		require.Error(t, call(), "%s: an outage never allows", name)
	}

	start()
	eventually(t, "a new connection", func() bool {
		_, err := list.Find(t.Context(), "7", "a")
		return err == nil
	})
	assert.Equal(t, []string{"mark of a", ""}, findDenials(t, list, "7", "a", "x").Marks, "what was denied stays so")
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
