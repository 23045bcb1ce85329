package tokenstores_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/tokenstores"
)

// garbage returns n strings of random bytes, many of them close to JSON.
func garbage(n int) []string {
	source := rand.New(rand.NewPCG(1, 2))
	const likely = `{}[]":,\u0 nulltrefas123e+-.`
	list := []string{"", "null", "1", `"a"`, "[]", "{", `{"a":}`, `{"a":1}x`, `[""]`, `[null]`, `["a",1]`, `{"a":1,"a":2}`, `["a"`, "\xff",
		strings.Repeat("[", 1<<15), strings.Repeat(`{"a":`, 1<<13), `["` + strings.Repeat("a", 1<<16) + `"]`}
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

// assertDamaged wants a token of JSON values with a hash, or ErrTokenDamaged, and no
// other fault.
func assertDamaged(t *testing.T, store tokenstores.Store, what string) {
	t.Helper()
	got, err := store.Find(t.Context(), "api", "one")
	if err != nil {
		require.ErrorIs(t, err, tokenstores.ErrTokenDamaged, "%q", what)
		assert.Nil(t, got)
		for _, known := range []string{"one", "hash of", "Sting"} {
			assert.NotContains(t, err.Error(), known, "what is stored is not told")
		}
	}
	if got != nil {
		assert.NotEmpty(t, got.Hash)
		assert.NotEmpty(t, got.Subject)
		assert.NotContains(t, got.Scopes, "")
		assert.True(t, utf8.ValidString(got.State) && len(got.State) <= 1<<12)
		for _, value := range got.Meta {
			assert.True(t, json.Valid(value))
		}
	}
	_, err = store.List(t.Context(), "api", "7")
	require.NoError(t, err, "one damaged token hides no others")
}

func TestDamagedJSONIsNoFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db)
		require.NoError(t, store.Insert(t.Context(), token("one")))
		postgres := db.Dialect().Name() == dialect.PG
		for _, column := range []string{"scopes", "meta"} {
			for _, text := range garbage(300) {
				if postgres { // which stores no other text
					text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "0")
				}
				var value any = text
				if !utf8.ValidString(text) || strings.Contains(text, "\x00") { // which Bun writes into no statement
					value = []byte(text)
				}
				execute(t, db, "UPDATE tokens SET "+column+" = ?", value)
				assertDamaged(t, store, text)
			}
			execute(t, db, "UPDATE tokens SET scopes = '[]', meta = '{}'")
		}
		deleted, err := store.Delete(t.Context(), "api", "one", "7")
		require.NoError(t, err)
		assert.True(t, deleted, "and it can be revoked")
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		store := tokenstores.NewRedis(c)
		require.NoError(t, store.Insert(t.Context(), token("one")))
		for _, field := range []string{"scopes", "meta"} {
			for _, text := range garbage(300) {
				require.NoError(t, c.HSet(t.Context(), "{kahu:tokens}:t:3:api:one", field, text).Err())
				assertDamaged(t, store, text)
			}
		}
		deleted, err := store.Delete(t.Context(), "api", "one", "7")
		require.NoError(t, err)
		assert.True(t, deleted)
	})
}

var (
	fields = []string{"type", "id", "subject", "hash", "name", "scopes", "meta", "created", "last_used", "expires", "idle_limit", "address", "successor", "state"}
	// harmful are those of which nothing may be taken for no limit, or be equal to an empty hash.
	harmful = map[string]bool{"created": true, "last_used": true, "expires": true, "idle_limit": true}
)

func TestDamagedColumnsAreNoFault(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		db := migrated(t, addresses["SQLite"](t))
		store := tokenstores.NewBun(db)
		for _, column := range fields {
			for _, value := range []string{"'x'", "1.5", "x'00ff'", "''", "-1", "9223372036854775807"} { // SQLite stores any type in any column
				execute(t, db, "DELETE FROM tokens")
				require.NoError(t, store.Insert(t.Context(), token("one")))
				execute(t, db, "UPDATE tokens SET "+column+" = "+value)
				assertDamaged(t, store, column)
				if harmful[column] && !strings.HasSuffix(value, "1") && !strings.HasSuffix(value, "7") || column == "hash" && value == "''" {
					_, err := store.Find(t.Context(), "api", "one")
					require.ErrorIs(t, err, tokenstores.ErrTokenDamaged, "%s in %s", value, column)
				}
				_, err := store.Prune(t.Context(), start, 9)
				require.NoError(t, err, "%s in %s", value, column)
			}
		}
	})
	t.Run("Redis", func(t *testing.T) {
		c := dial(t)
		store := tokenstores.NewRedis(c)
		const key = "{kahu:tokens}:t:3:api:one"
		for _, field := range fields {
			for _, value := range []string{"x", "", "1.5", "\xff", "99999999999999999999"} {
				require.NoError(t, c.FlushDB(t.Context()).Err())
				require.NoError(t, store.Insert(t.Context(), token("one")))
				require.NoError(t, c.HSet(t.Context(), key, field, value).Err())
				assertDamaged(t, store, field)
				if harmful[field] && value != "" || field == "hash" && value == "" {
					_, err := store.Find(t.Context(), "api", "one")
					require.ErrorIs(t, err, tokenstores.ErrTokenDamaged, "%q in %s", value, field)
				}
				require.NoError(t, c.HDel(t.Context(), key, field).Err())
				assertDamaged(t, store, field)
				if harmful[field] {
					_, err := store.Find(t.Context(), "api", "one")
					require.ErrorIs(t, err, tokenstores.ErrTokenDamaged, "a missing %s is not no limit", field)
				}
				deleted, err := store.Delete(t.Context(), "api", "one", "")
				require.NoError(t, err)
				assert.True(t, deleted)
			}
		}
		require.NoError(t, c.Set(t.Context(), key, "no hash", 0).Err())
		assertDamaged(t, store, "no hash")
		deleted, err := store.Delete(t.Context(), "api", "one", "")
		require.NoError(t, err)
		assert.True(t, deleted)
		assert.Nil(t, find(t, store, "one"))
	})
}
