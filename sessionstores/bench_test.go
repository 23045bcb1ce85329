package sessionstores_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
)

func BenchmarkFind(b *testing.B) {
	b.Run("Memory", func(b *testing.B) { benchmarkFind(b, sessionstores.NewMemory()) })
	b.Run("Redis", func(b *testing.B) { benchmarkFind(b, sessionstores.NewRedis(dial(b))) })
	for name, address := range addresses {
		b.Run(name, func(b *testing.B) {
			db := migrated(b, address(b))
			create(b, db, frodo())
			store := sessionstores.NewBun(db)
			b.Run("alone", func(b *testing.B) { benchmarkFind(b, store) })
			b.Run("joined", func(b *testing.B) {
				benchmarkFind(b, store.JoinUsers(serializer.NewTable[user](db, serializer.TableOptions{})))
			})
		})
	}
}

func benchmarkFind(b *testing.B, store app.SessionStore) {
	r := record("7")
	r.Data = map[string]json.RawMessage{"cart": json.RawMessage(`["ring","rope"]`)}
	require.NoError(b, store.Insert(b.Context(), b.Name(), "", r))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := store.Find(b.Context(), b.Name()); found == nil {
			b.Fatal(err)
		}
	}
}
