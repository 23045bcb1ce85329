package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var touchClauses = []clause{
	{"Touch writes when and where and nothing else", func(t *testing.T, s tokenstores.Store) {
		for _, want := range []*tokenstores.Token{token("one"), bare("two")} {
			insert(t, s, want)
			want.LastUsed, want.Address = start.Add(time.Hour), "192.0.2.1"
			require.NoError(t, s.Touch(t.Context(), "api", want.ID, want.Hash, want.LastUsed, want.Address))
			assertToken(t, want, find(t, s, "api", want.ID))
		}
	}},
	{"Touch never moves the last use back", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for _, back := range []time.Duration{0, time.Nanosecond, time.Microsecond, time.Hour} {
			require.NoError(t, s.Touch(t.Context(), "api", "one", want.Hash, want.LastUsed.Add(-back), "192.0.2.1"))
		}
		require.NoError(t, s.Touch(t.Context(), "api", "one", want.Hash, time.Time{}, "192.0.2.1"))
		assertToken(t, want, find(t, s, "api", "one"))
		require.NoError(t, s.Touch(t.Context(), "api", "one", want.Hash, want.LastUsed.Add(time.Microsecond), want.Address))
		assertTime(t, want.LastUsed.Add(time.Microsecond), find(t, s, "api", "one").LastUsed, "LastUsed")
	}},
	{"Touch with another hash is no error and writes nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for _, hash := range append([]string{"", "another", "HASH OF ONE", "%", "' OR 1=1 --"}, unstorable...) {
			require.NoError(t, s.Touch(t.Context(), "api", "one", hash, start.Add(time.Hour), "192.0.2.1"))
		}
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Touch of a missing token is no error and inserts nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		deleted, err := s.Delete(t.Context(), "api", "one", "")
		require.NoError(t, err)
		require.True(t, deleted)
		require.NoError(t, s.Touch(t.Context(), "api", "one", want.Hash, start.Add(time.Hour), ""))
		assertGone(t, s, "api", "one")
		for _, text := range unstorable {
			require.NoError(t, s.Touch(t.Context(), "api", text, want.Hash, start.Add(time.Hour), ""))
			require.NoError(t, s.Touch(t.Context(), text, "one", want.Hash, start.Add(time.Hour), ""))
		}
		assert.Empty(t, list(t, s, "api", "frodo"))
	}},
	{"Touch leaves the token of another type", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		require.NoError(t, s.Touch(t.Context(), "remember", "one", want.Hash, start.Add(time.Hour), ""))
		assertToken(t, want, find(t, s, "api", "one"))
	}},
}
