package tokenstores_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) tokenstores.Store { return tokenstores.NewMemory() })
}

func TestBun(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		storetest.Run(t, func(t *testing.T) tokenstores.Store {
			execute(t, db, "DELETE FROM tokens")
			return tokenstores.NewBun(db)
		})
	})
}

func TestBunInAnotherTable(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		store := tokenstores.NewBun(db).InTable("order") // which is a word of SQL
		require.NoError(t, store.Migrate(t.Context()))
		storetest.Run(t, func(t *testing.T) tokenstores.Store {
			execute(t, db, `DELETE FROM "order"`)
			return store
		})
		require.Zero(t, count(t, db, "SELECT count(*) FROM tokens"))
	})
}

func TestRedis(t *testing.T) {
	c := dial(t)
	storetest.Run(t, func(t *testing.T) tokenstores.Store {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		return tokenstores.NewRedis(c)
	})
}
