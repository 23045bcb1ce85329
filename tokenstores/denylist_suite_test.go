package tokenstores_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

func TestMemoryDenylist(t *testing.T) {
	storetest.RunDenylist(t, func(*testing.T) tokenstores.Denylist { return tokenstores.NewMemoryDenylist() })
}

func TestBunDenylist(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		storetest.RunDenylist(t, func(t *testing.T) tokenstores.Denylist {
			execute(t, db, "DELETE FROM denials")
			return tokenstores.NewBunDenylist(db)
		})
	})
}

func TestBunDenylistInAnotherTable(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		list := tokenstores.NewBunDenylist(db).InTable("order")
		require.NoError(t, list.Migrate(t.Context()))
		require.NoError(t, list.Migrate(t.Context()), "twice")
		storetest.RunDenylist(t, func(t *testing.T) tokenstores.Denylist {
			execute(t, db, `DELETE FROM "order"`)
			return list
		})
		require.Zero(t, count(t, db, "SELECT count(*) FROM denials"))
	})
}

func TestRedisDenylist(t *testing.T) {
	c := dial(t)
	storetest.RunDenylist(t, func(t *testing.T) tokenstores.Denylist {
		require.NoError(t, c.FlushDB(t.Context()).Err())
		return tokenstores.NewRedisDenylist(c)
	})
}
