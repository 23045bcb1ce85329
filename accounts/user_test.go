package accounts_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func TestTenMigrationsAtOnce(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var wg sync.WaitGroup
			for range 10 { // as many processes, each with a pool of its own
				wg.Go(func() {
					db, err := database.Open(at)
					if !assert.NoError(t, err) {
						return
					}
					assert.NoError(t, accounts.Migrate(t.Context(), db))
					assert.NoError(t, accounts.Migrate(t.Context(), db, "admins", "users"))
					assert.NoError(t, db.Close())
				})
			}
			wg.Wait()
			db, _ := sqltrace.Open(t, at)
			for _, table := range []string{"", "admins"} {
				users := accounts.NewUsers(db, table)
				require.NoError(t, users.Check(t.Context()))
				signUp(t, users, "frodo@shire.example")
			}
			require.NoError(t, accounts.Migrate(t.Context(), db), "and once more")
			_, _, err := accounts.NewUsers(db, "").ByEmail(t.Context(), "frodo@shire.example")
			require.NoError(t, err)
		})
	}
}

func TestMigrateLeavesATableOfOthersAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		execute(t, db, "CREATE TABLE users (name text)")
		execute(t, db, "INSERT INTO users VALUES ('frodo')")
		require.Error(t, accounts.Migrate(t.Context(), db))
		var name string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT name FROM users").Scan(&name))
		assert.Equal(t, "frodo", name)
	})
}

func TestWithoutMigrateEveryCallIsAFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		users := accounts.NewUsers(db, "")
		_, _, err := users.ByEmail(t.Context(), "frodo@shire.example")
		require.Error(t, err)
		_, err = users.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example"})
		require.Error(t, err)
		require.Error(t, users.Check(t.Context()))
	})
}
