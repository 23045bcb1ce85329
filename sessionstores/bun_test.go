package sessionstores_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

func TestBun(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		storetest.Run(t, func(t *testing.T) app.SessionStore {
			_, err := db.ExecContext(t.Context(), "DELETE FROM sessions")
			require.NoError(t, err)
			return sessionstores.NewBun(db)
		})
	})
}
