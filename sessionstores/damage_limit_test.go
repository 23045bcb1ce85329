package sessionstores_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

// testDamagedNeighbour wants a login to end a session that is damaged as any other, and to
// tell of its key alone.
func testDamagedNeighbour(t *testing.T, store app.SessionLimiter, damage func(key string)) {
	t.Helper()
	both := store.(app.SessionStore)
	require.NoError(t, both.Insert(t.Context(), "whole", "", record("frodo")))
	require.NoError(t, both.Insert(t.Context(), "damaged", "", record("frodo")))
	damage("damaged")
	ended, err := store.InsertLimited(t.Context(), "new", "", record("frodo"), 1)
	require.NoError(t, err, "one damaged session keeps nobody from logging in")
	assert.ElementsMatch(t, []string{"whole", "damaged"}, endedKeys(ended))
	for _, one := range ended {
		if one.Key == "damaged" {
			assert.Equal(t, app.StoredSession{Key: "damaged"}, one)
		} else {
			assert.Equal(t, "frodo", one.Subject)
		}
	}
	r, err := both.Find(t.Context(), "damaged")
	require.NoError(t, err)
	assert.Nil(t, r)
	require.NoError(t, both.Delete(t.Context(), "new"))
}

func TestALoginBesideDamagedSessions(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		damages := []string{"data = '{'", "data = ''", "data = 'null null'"}
		if db.Dialect().Name() != dialect.PG { // which stores no text in a number
			damages = append(damages, "data = x'00ff'", "version = 'x'", "created = 'x'", "created = 1.5", "idle_until = 'x'", "until = x'00'")
		}
		for _, set := range damages {
			testDamagedNeighbour(t, sessionstores.NewBun(db), func(key string) {
				_, err := db.ExecContext(t.Context(), "UPDATE sessions SET "+set+" WHERE id = ?", key)
				require.NoError(t, err, set)
			})
		}
		t.Run("one that was over is not told of", func(t *testing.T) {
			store := sessionstores.NewBun(db)
			require.NoError(t, store.Insert(t.Context(), "damaged", "", record("frodo")))
			_, err := db.ExecContext(t.Context(), "UPDATE sessions SET data = '{', until = created")
			require.NoError(t, err)
			ended, err := store.InsertLimited(t.Context(), "new", "", record("frodo"), 1)
			require.NoError(t, err)
			assert.Empty(t, ended)
			assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM sessions"))
		})
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		for _, field := range []string{"kind", "subject", "data", "version", "created", "idle_until", "until"} {
			for _, value := range []string{"x", "nan", "", "0x10", "1e3", "\xff"} {
				testDamagedNeighbour(t, sessionstores.NewRedis(c), func(key string) {
					require.NoError(t, c.HSet(t.Context(), "{kahu}:s:"+key, field, value).Err())
				})
			}
			testDamagedNeighbour(t, sessionstores.NewRedis(c), func(key string) {
				require.NoError(t, c.HDel(t.Context(), "{kahu}:s:"+key, field).Err())
			})
		}
		testDamagedNeighbour(t, sessionstores.NewRedis(c), func(key string) {
			require.NoError(t, c.Set(t.Context(), "{kahu}:s:"+key, "no hash", 0).Err())
		})
	})
}
