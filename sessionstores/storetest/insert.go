package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var insertClauses = []clause{
	{"Insert sets the version to 1", func(t *testing.T, s app.SessionStore) {
		r := record()
		r.Version = 41
		insert(t, s, "key", r)
		assert.EqualValues(t, 1, r.Version)
		assert.EqualValues(t, 1, find(t, s, "key").Version)
	}},
	{"Insert removes the row of old", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "before", of("session", ""))
		require.NoError(t, s.Insert(t.Context(), "after", "before", record()))
		assertGone(t, s, "before")
		assert.Equal(t, "frodo", find(t, s, "after").Subject)
	}},
	{"Insert does not mind an old that is gone", func(t *testing.T, s app.SessionStore) {
		require.NoError(t, s.Insert(t.Context(), "after", "before", record()))
		assert.Equal(t, "frodo", find(t, s, "after").Subject)
	}},
	{"Insert without old removes nothing", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "one", record())
		insert(t, s, "two", record())
		find(t, s, "one")
	}},
	{"Insert never takes over the session of another", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "old", record())
		want := insert(t, s, "key", record())
		require.Error(t, s.Insert(t.Context(), "key", "old", of("session", "sam")))
		assertRecord(t, want, find(t, s, "key"))
		find(t, s, "old") // the two changes are one transaction
	}},
	{"Insert refuses data that is no JSON and stores nothing", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "old", record())
		for _, text := range []string{"", "{", "nul", `"a" "b"`, "\x00", "'x'"} {
			r := record()
			r.Data = data("bad", text)
			require.Error(t, s.Insert(t.Context(), "key", "old", r), "%q", text)
		}
		assertGone(t, s, "key")
		find(t, s, "old")
	}},
}
