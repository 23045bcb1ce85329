package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var until = start.Add(time.Hour)

func rotate(t *testing.T, s tokenstores.Store, id, next string) error {
	return s.Rotate(t.Context(), "api", id, "hash of "+id, until, token(next))
}

// end is when the tokens of ended are over.
var end = start.Add(time.Hour)

// ended sets limits, of which the sooner one is at end.
var ended = map[string]func(*tokenstores.Token){
	"expired": func(t *tokenstores.Token) { t.Expires = end },
	"unused":  func(t *tokenstores.Token) { t.IdleLimit = time.Hour },
	"idle":    func(t *tokenstores.Token) { t.LastUsed, t.IdleLimit = end.Add(-time.Minute), time.Minute },
	"expired, used": func(t *tokenstores.Token) {
		t.LastUsed, t.IdleLimit, t.Expires = end.Add(-time.Minute), time.Hour, end
	},
	"idle, not expired": func(t *tokenstores.Token) {
		t.LastUsed, t.IdleLimit, t.Expires = end.Add(-time.Minute), time.Minute, end.Add(time.Hour)
	},
}

var rotateClauses = []clause{
	{"Rotate stores the next token and names it in the one before", func(t *testing.T, s tokenstores.Store) {
		before := insert(t, s, token("one"))
		next := token("two")
		next.Scopes, next.Name = []string{"other"}, "Glamdring"
		require.NoError(t, s.Rotate(t.Context(), "api", "one", before.Hash, until, next))
		assertToken(t, next, find(t, s, "api", "two"))
		before.Successor, before.Expires = "two", until
		assertToken(t, before, find(t, s, "api", "one"))
		assert.Equal(t, []string{"one", "two"}, list(t, s, "api", "frodo"))
	}},
	{"Rotate lets a token end no later than it would have", func(t *testing.T, s tokenstores.Store) {
		for id, ends := range map[string][2]time.Time{
			"never": {{}, until}, "later": {until.Add(time.Microsecond), until}, "same": {until, until},
			"sooner": {until.Add(-time.Microsecond), until.Add(-time.Microsecond)}, "at once": {start.Add(time.Microsecond), start.Add(time.Microsecond)},
		} {
			before := bare(id)
			before.Expires = ends[0]
			insert(t, s, before)
			require.NoError(t, rotate(t, s, id, "after "+id))
			assertTime(t, ends[1], find(t, s, "api", id).Expires, id)
		}
	}},
	{"Rotate leaves the idle limit and the last use", func(t *testing.T, s tokenstores.Store) {
		before := insert(t, s, token("one"))
		require.NoError(t, rotate(t, s, "one", "two"))
		got := find(t, s, "api", "one")
		assert.Equal(t, before.IdleLimit, got.IdleLimit)
		assertTime(t, before.LastUsed, got.LastUsed, "LastUsed")
	}},
	{"Rotate of a rotated token is ErrTokenRotated and stores nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, rotate(t, s, "one", "two"))
		want := find(t, s, "api", "one")
		require.ErrorIs(t, rotate(t, s, "one", "three"), tokenstores.ErrTokenRotated)
		assertGone(t, s, "api", "three")
		assertToken(t, want, find(t, s, "api", "one"))
		require.NoError(t, rotate(t, s, "two", "three"), "the next one can be rotated again")
	}},
	{"Rotate into the same token once more is no error", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		for range 2 {
			require.NoError(t, rotate(t, s, "one", "two"))
		}
		assert.Equal(t, []string{"one", "two"}, list(t, s, "api", "frodo"))
	}},
	{"Rotate of a missing token is ErrTokenGone and stores nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		_, err := s.Delete(t.Context(), "api", "one", "")
		require.NoError(t, err)
		for _, id := range append([]string{"one", "never", ""}, unstorable...) {
			require.ErrorIs(t, rotate(t, s, id, "two"), tokenstores.ErrTokenGone)
		}
		assertGone(t, s, "api", "one")
		assertGone(t, s, "api", "two")
	}},
	{"Rotate of a token that was over when the next was made is ErrTokenGone and changes nothing", func(t *testing.T, s tokenstores.Store) {
		for id, limits := range ended {
			over := bare(id)
			limits(over)
			insert(t, s, over)
			next := bare("after " + id)
			next.Created = end.Add(999 * time.Nanosecond) // which no store keeps
			require.ErrorIs(t, s.Rotate(t.Context(), "api", id, over.Hash, end.Add(time.Hour), next), tokenstores.ErrTokenGone, id)
			assertToken(t, over, find(t, s, "api", id))
			assertGone(t, s, "api", next.ID)

			next.Created = end.Add(-time.Microsecond)
			require.NoError(t, s.Rotate(t.Context(), "api", id, over.Hash, end.Add(time.Hour), next), "%s, a moment before", id)
		}
	}},
	{"Rotate of a token that was rotated and is over since is ErrTokenRotated", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, s.Rotate(t.Context(), "api", "one", "hash of one", start, token("two")))
		require.ErrorIs(t, rotate(t, s, "one", "three"), tokenstores.ErrTokenRotated)
		require.NoError(t, s.Rotate(t.Context(), "api", "one", "hash of one", start, token("two")), "once more")
	}},
	{"Rotate with another hash is ErrTokenGone and changes nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for _, hash := range append([]string{"", "another", "HASH OF ONE", "%", "' OR 1=1 --"}, unstorable...) {
			require.ErrorIs(t, s.Rotate(t.Context(), "api", "one", hash, until, token("two")), tokenstores.ErrTokenGone)
		}
		assertGone(t, s, "api", "two")
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Rotate leaves the token of another type", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		require.ErrorIs(t, s.Rotate(t.Context(), "remember", "one", want.Hash, until, of("remember", "frodo", "two")), tokenstores.ErrTokenGone)
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Rotate never takes over the token of another", func(t *testing.T, s tokenstores.Store) {
		one, two := insert(t, s, token("one")), insert(t, s, of("api", "sam", "two"))
		err := rotate(t, s, "one", "two")
		require.Error(t, err)
		require.NotErrorIs(t, err, tokenstores.ErrTokenGone)
		require.NotErrorIs(t, err, tokenstores.ErrTokenRotated)
		assertToken(t, one, find(t, s, "api", "one"))
		assertToken(t, two, find(t, s, "api", "two"))
	}},
	{"Rotate refuses what cannot be a successor and changes nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for name, spoil := range refused {
			next := token("two")
			spoil(next)
			require.Error(t, s.Rotate(t.Context(), "api", "one", want.Hash, until, next), name)
		}
		for _, next := range []*tokenstores.Token{token("one"), of("remember", "frodo", "two")} {
			require.Error(t, s.Rotate(t.Context(), "api", "one", want.Hash, until, next))
		}
		require.Error(t, s.Rotate(t.Context(), "api", "one", want.Hash, time.Time{}, token("two")), "never is no time to end")
		assertToken(t, want, find(t, s, "api", "one"))
		assertGone(t, s, "api", "two")
	}},
	{"Rotate shares nothing with the store", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		next := token("two")
		require.NoError(t, s.Rotate(t.Context(), "api", "one", "hash of one", until, next))
		spoil(next)
		assertToken(t, token("two"), find(t, s, "api", "two"))
	}},
}
