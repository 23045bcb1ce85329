package accounts_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

// A sign-up that is refused does not end the transaction it is in, which Postgres would do
// after an error.
func TestATableTakesPartInATransaction(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		require.NoError(t, accounts.Migrate(t.Context(), db))
		table := accounts.NewUsers(db, "")
		sam := signUp(t, table, "sam@shire.example")
		err := database.Transact(t.Context(), db, func(ctx context.Context) error {
			n := accounts.NewAccount{Email: "frodo@shire.example", Hash: "h"}
			user, err := table.Create(ctx, n)
			require.NoError(t, err)
			_, err = table.Create(ctx, n)
			require.ErrorIs(t, err, accounts.ErrEmailTaken)
			hash, err := table.Hash(ctx, user)
			require.NoError(t, err)
			assert.Equal(t, "h", hash)
			_, _, err = table.ByEmail(ctx, n.Email)
			require.NoError(t, err)
			done, err := table.ReplaceEmail(ctx, sam, "sam@shire.example", "samwise@shire.example")
			require.NoError(t, err)
			assert.True(t, done)
			require.NoError(t, table.Delete(ctx, user))
			_, err = table.Create(ctx, accounts.NewAccount{Email: "merry@shire.example", Hash: "h"})
			require.NoError(t, err)
			return assert.AnError
		})
		require.ErrorIs(t, err, assert.AnError)
		for email, want := range map[string]error{"sam@shire.example": nil, "samwise@shire.example": sql.ErrNoRows, "merry@shire.example": sql.ErrNoRows} {
			_, _, err := table.ByEmail(t.Context(), email)
			assert.Equal(t, want, err, email)
		}
	})
}
