package sessionstores_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestPostgresStoppedAndStarted(t *testing.T) {
	server := pgtest.Start(t)
	db := migrated(t, server.URL())
	create(t, db, frodo())
	store := sessionstores.NewBun(db).JoinUsers(serializer.NewTable[user](db, serializer.TableOptions{}))
	require.NoError(t, store.Insert(t.Context(), "in", "", record("7")))
	require.NoError(t, store.Insert(t.Context(), "out", "", record("7")))
	require.NoError(t, store.Delete(t.Context(), "out"))
	_, err := store.Find(t.Context(), "in")
	require.NoError(t, err)

	server.Kill()
	r, err := store.Find(t.Context(), "in")
	require.Error(t, err, "an outage is never a missing session")
	assert.Nil(t, r)
	require.Error(t, store.Delete(t.Context(), "in"))

	server.Start()
	r, err = store.Find(t.Context(), "in")
	require.NoError(t, err)
	require.NotNil(t, r, "who was logged in still is")
	assert.NotNil(t, r.User)
	r, err = store.Find(t.Context(), "out")
	require.NoError(t, err)
	assert.Nil(t, r, "who was logged out stays so")
}
