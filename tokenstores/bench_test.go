package tokenstores_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

func BenchmarkFind(b *testing.B) {
	b.Run("Memory", func(b *testing.B) { benchmarkFind(b, tokenstores.NewMemory()) })
	b.Run("Redis", func(b *testing.B) { benchmarkFind(b, tokenstores.NewRedis(dial(b))) })
	for name, address := range addresses {
		b.Run(name, func(b *testing.B) {
			db := migrated(b, address(b))
			users := createUsers(b, db)
			store := tokenstores.NewBun(db)
			b.Run("alone", func(b *testing.B) { benchmarkFind(b, store) })
			b.Run("joined", func(b *testing.B) { benchmarkFind(b, store.JoinUsers(users)) })
		})
	}
}

func benchmarkFind(b *testing.B, store tokenstores.Store) {
	require.NoError(b, store.Insert(b.Context(), token(b.Name())))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := store.Find(b.Context(), "api", b.Name()); found == nil {
			b.Fatal(err)
		}
	}
}
