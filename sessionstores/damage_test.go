package sessionstores_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

// garbage returns n strings of random bytes, many of them close to JSON.
func garbage(n int) []string {
	source := rand.New(rand.NewPCG(1, 2))
	const likely = `{}[]":,\u0 nulltrefas123e+-.`
	list := []string{"", "null", "1", `"a"`, "[]", "{", `{"a":}`, `{"a":1}x`, `{"a":1,"a":2}`, strings.Repeat("[", 1<<16), strings.Repeat(`{"a":`, 1<<14)}
	for len(list) < n {
		b := make([]byte, source.IntN(64))
		for i := range b {
			if b[i] = byte(source.IntN(256)); source.IntN(2) == 0 {
				b[i] = likely[source.IntN(len(likely))]
			}
		}
		list = append(list, string(b))
	}
	return list
}

// assertDamaged wants a session of JSON values, or ErrSessionDamaged, and no other fault.
func assertDamaged(t *testing.T, store app.SessionStore, text string) {
	t.Helper()
	r, err := store.Find(t.Context(), "key")
	if err != nil {
		require.ErrorIs(t, err, app.ErrSessionDamaged, "%q", text)
		assert.Nil(t, r)
		for _, known := range []string{"key", "frodo"} {
			assert.NotContains(t, err.Error(), known, "what is stored is not told")
		}
		return
	}
	require.NotNil(t, r)
	for _, value := range r.Data {
		assert.True(t, json.Valid(value))
	}
}

func TestDamagedDataIsNoFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := sessionstores.NewBun(db)
		require.NoError(t, store.Insert(t.Context(), "key", "", record("frodo")))
		postgres := db.Dialect().Name() == dialect.PG
		for _, text := range garbage(1000) {
			if postgres { // which stores no other text
				text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "0")
			}
			var value any = text
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") { // which Bun writes into no statement
				value = []byte(text)
			}
			_, err := db.NewRaw("UPDATE sessions SET data = ?", value).Exec(t.Context())
			require.NoError(t, err)
			assertDamaged(t, store, text)
			_, err = store.ListSessions(t.Context(), "session", "frodo")
			require.NoError(t, err, "one damaged session hides no others")
		}
		require.NoError(t, store.Delete(t.Context(), "key"), "and it can be deleted")
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		store := sessionstores.NewRedis(c)
		require.NoError(t, store.Insert(t.Context(), "key", "", record("frodo")))
		for _, text := range garbage(1000) {
			require.NoError(t, c.HSet(t.Context(), "{kahu}:s:key", "data", text).Err())
			assertDamaged(t, store, text)
		}
		require.NoError(t, store.Delete(t.Context(), "key"))
	})
}

func TestDamagedColumnsAreNoFault(t *testing.T) {
	columns := []string{"kind", "subject", "data", "version", "created", "logged_in", "seen", "idle_until", "until", "address", "agent"}
	numeric := map[string]bool{"version": true, "created": true, "seen": true, "idle_until": true, "until": true}
	t.Run("SQLite", func(t *testing.T) {
		for _, column := range columns {
			for _, value := range []string{"'x'", "1.5", "x'00ff'", "1"} { // SQLite stores any type in any column
				db := migrated(t, addresses["SQLite"](t))
				store := sessionstores.NewBun(db)
				require.NoError(t, store.Insert(t.Context(), "key", "", record("frodo")))
				_, err := db.ExecContext(t.Context(), "UPDATE sessions SET "+column+" = "+value)
				require.NoError(t, err)
				assertDamaged(t, store, column)
				if numeric[column] && value != "1" {
					_, err = store.Find(t.Context(), "key")
					require.ErrorIs(t, err, app.ErrSessionDamaged, "%s in %s", value, column)
				}
			}
		}
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		store := sessionstores.NewRedis(c)
		for _, column := range columns {
			for _, value := range []string{"x", "", "1.5", "\xff", "99999999999999999999"} {
				require.NoError(t, c.FlushDB(t.Context()).Err())
				require.NoError(t, store.Insert(t.Context(), "key", "", record("frodo")))
				require.NoError(t, c.HSet(t.Context(), "{kahu}:s:key", column, value).Err())
				assertDamaged(t, store, column)
				if numeric[column] {
					_, err := store.Find(t.Context(), "key")
					require.ErrorIs(t, err, app.ErrSessionDamaged, "%q in %s", value, column)
				}
				require.NoError(t, c.HDel(t.Context(), "{kahu}:s:key", column).Err())
				assertDamaged(t, store, column)
				require.NoError(t, store.Delete(t.Context(), "key"))
			}
		}
		require.NoError(t, c.Set(t.Context(), "{kahu}:s:key", "no hash", 0).Err())
		_, err := store.Find(t.Context(), "key")
		require.ErrorIs(t, err, app.ErrSessionDamaged)
		require.NoError(t, store.Delete(t.Context(), "key"))
		r, err := store.Find(t.Context(), "key")
		require.NoError(t, err)
		assert.Nil(t, r)
	})
}

func TestTooMuchDataIsRefused(t *testing.T) {
	large := record("frodo")
	large.Data = map[string]json.RawMessage{"k": json.RawMessage(`"` + strings.Repeat("a", 1<<20) + `"`)}
	for name, store := range map[string]app.SessionStore{
		"Memory": sessionstores.NewMemory(),
		"SQLite": sessionstores.NewBun(migrated(t, addresses["SQLite"](t))),
		"Redis":  sessionstores.NewRedis(dial(t)),
	} {
		t.Run(name, func(t *testing.T) {
			r := record("frodo")
			require.NoError(t, store.Insert(t.Context(), "a", "", r))
			require.ErrorContains(t, store.Insert(t.Context(), "b", "a", large), "at most 1048576")
			large.Version = 1
			err := store.Update(t.Context(), "a", large)
			require.ErrorContains(t, err, "at most 1048576")
			assert.False(t, errors.Is(err, app.ErrSessionChanged))
			got, err := store.Find(t.Context(), "a")
			require.NoError(t, err)
			assert.Empty(t, got.Data)
		})
	}
}
