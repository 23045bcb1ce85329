package accounts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/accounts/storetest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) accounts.Store { return storetest.NewMemory() })
}

func TestUsers(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db, "users", "admins"))
		for _, table := range []string{"users", "admins"} {
			t.Run(table, func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) accounts.Store {
					execute(t, db, "DELETE FROM "+table)
					return accounts.NewUsers(db, table)
				})
			})
		}
	})
}
