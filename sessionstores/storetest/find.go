package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var findClauses = []clause{
	{"Find of an unknown key is nil and no error", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "one", record())
		assertGone(t, s, "two")
		assertGone(t, s, "")
	}},
	{"Find returns every field that was inserted", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		got := find(t, s, "key")
		assertRecord(t, want, got)
		assert.Nil(t, got.User)
		assert.False(t, got.Joined, "a store that was given no users joins none")
	}},
	{"Find returns times in UTC to the microsecond", func(t *testing.T, s app.SessionStore) {
		r, zone := record(), time.FixedZone("Shire", 13*60*60)
		for _, at := range []*time.Time{&r.Created, &r.LoggedIn, &r.Seen, &r.IdleUntil, &r.Until} {
			*at = at.Add(789 * time.Nanosecond).In(zone)
		}
		insert(t, s, "key", r)
		assertRecord(t, r, find(t, s, "key"))
	}},
	{"Find returns a zero LoggedIn as zero", func(t *testing.T, s app.SessionStore) {
		r := of("session", "")
		r.LoggedIn = time.Time{}
		insert(t, s, "key", r)
		assert.True(t, find(t, s, "key").LoggedIn.IsZero())
	}},
	{"Find returns a record without data", func(t *testing.T, s app.SessionStore) {
		r := record()
		r.Data = nil
		insert(t, s, "key", r)
		assert.Empty(t, find(t, s, "key").Data)
	}},
	{"Find shares nothing with the store", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		spoil(r)
		found := find(t, s, "key")
		assertData(t, record().Data, found.Data)
		spoil(found)
		assertData(t, record().Data, find(t, s, "key").Data)
	}},
	{"Find tells keys apart exactly", func(t *testing.T, s app.SessionStore) {
		keys := []string{"key", "KEY", "key ", "k%", "k_y", "*", "k?y", "'", `"`, `\`, "ключ"}
		for _, key := range keys {
			insert(t, s, key, of("session", "owner of "+key))
		}
		for _, key := range keys {
			assert.Equal(t, "owner of "+key, find(t, s, key).Subject)
		}
		require.NoError(t, s.Delete(t.Context(), "*"))
		require.NoError(t, s.Delete(t.Context(), "k%"))
		assert.Equal(t, "owner of key", find(t, s, "key").Subject)
	}},
}

// spoil changes what a record refers to.
func spoil(r *app.SessionRecord) {
	r.Data["cart"][1] = 'X'
	r.Data["new"] = json.RawMessage(`1`)
	delete(r.Data, "theme")
}
