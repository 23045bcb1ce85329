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

func BenchmarkFindDenials(b *testing.B) {
	b.Run("Memory", func(b *testing.B) { benchmarkFindDenials(b, tokenstores.NewMemoryDenylist()) })
	b.Run("Redis", func(b *testing.B) { benchmarkFindDenials(b, tokenstores.NewRedisDenylist(dial(b))) })
	for name, address := range addresses {
		b.Run(name, func(b *testing.B) {
			db := migrated(b, address(b))
			users := createUsers(b, db)
			list := tokenstores.NewBunDenylist(db)
			b.Run("alone", func(b *testing.B) { benchmarkFindDenials(b, list) })
			b.Run("joined", func(b *testing.B) { benchmarkFindDenials(b, list.JoinUsers(users)) })
		})
	}
}

func benchmarkFindDenials(b *testing.B, list tokenstores.Denylist) {
	require.NoError(b, list.Deny(b.Context(), denial("a")))
	b.ReportAllocs()
	for b.Loop() {
		if found, err := list.Find(b.Context(), "7", "a", "b", "c"); err != nil || found.Marks[0] == "" {
			b.Fatal(err)
		}
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
