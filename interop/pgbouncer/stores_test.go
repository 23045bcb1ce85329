package pgbouncer_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/sessionstores"
	sessionstest "github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

func migrated(t *testing.T, address string) *bun.DB {
	t.Helper()
	db := open(t, address)
	for _, migrate := range []func(context.Context, *bun.DB) error{sessionstores.Migrate, tokenstores.Migrate, throttle.Migrate} {
		require.NoError(t, migrate(t.Context(), db))
	}
	return db
}

func emptied(t *testing.T, db *bun.DB, table string) *bun.DB {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "TRUNCATE "+table)
	require.NoError(t, err)
	return db
}

func TestStores(t *testing.T) {
	db := migrated(t, newBouncer(t).newDatabase("stores"))
	t.Run("sessions", func(t *testing.T) {
		sessionstest.Run(t, func(t *testing.T) app.SessionStore { return sessionstores.NewBun(emptied(t, db, "sessions")) })
	})
	t.Run("tokens", func(t *testing.T) {
		tokenstest.Run(t, func(t *testing.T) tokenstores.Store { return tokenstores.NewBun(emptied(t, db, "tokens")) })
	})
}

func TestMigrationsFromManyProcessesAtOnce(t *testing.T) {
	address := newBouncer(t).newDatabase("migrations")
	var all sync.WaitGroup
	for range 8 {
		db := open(t, address)
		all.Go(func() {
			assert.NoError(t, errors.Join(sessionstores.Migrate(t.Context(), db), tokenstores.Migrate(t.Context(), db), throttle.Migrate(t.Context(), db)))
		})
	}
	all.Wait()
}

var errChanged = errors.New("changed our mind")

// What is written in a transaction is there as a whole or not at all, though others are handed the same
// connections meanwhile.
func TestTransactions(t *testing.T) {
	db := migrated(t, newBouncer(t).newDatabase("transactions"))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE rings (bearer int, ring int)")
	require.NoError(t, err)
	var all sync.WaitGroup
	for bearer := range 40 {
		all.Go(func() {
			err := database.Transact(t.Context(), db, func(ctx context.Context) error {
				for ring := range 3 {
					if _, err := database.Tx(ctx, db).ExecContext(ctx, "INSERT INTO rings VALUES (?, ?)", bearer, ring); err != nil {
						return err
					}
				}
				if bearer%2 == 1 {
					return errChanged
				}
				return nil
			})
			if bearer%2 == 1 {
				assert.ErrorIs(t, err, errChanged)
			} else {
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	var whole, half int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE n = 3 AND bearer % 2 = 0), count(*) FILTER (WHERE n <> 3 OR bearer % 2 = 1)
		FROM (SELECT bearer, count(*) AS n FROM rings GROUP BY bearer) AS b`).Scan(&whole, &half))
	assert.Equal(t, 20, whole)
	assert.Zero(t, half)
}

// Who forgets the option is told so at once, and not by some request.
func TestWithoutTheOption(t *testing.T) {
	_, err := database.Open(newBouncer(t).newDatabase("forgotten"))
	assert.ErrorContains(t, err, "unsupported startup parameter")
}
