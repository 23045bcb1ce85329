package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

func remove(t *testing.T, s tokenstores.Store, typ, id, subject string) bool {
	t.Helper()
	deleted, err := s.Delete(t.Context(), typ, id, subject)
	require.NoError(t, err)
	return deleted
}

var deleteClauses = []clause{
	{"Delete removes one token and says so once", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		insert(t, s, token("two"))
		assert.True(t, remove(t, s, "api", "one", "frodo"))
		assert.False(t, remove(t, s, "api", "one", "frodo"))
		assert.True(t, remove(t, s, "api", "two", ""), "anybody's")
		assertGone(t, s, "api", "one")
		assertGone(t, s, "api", "two")
		assert.Empty(t, list(t, s, "api", "frodo"))
	}},
	{"Delete leaves the tokens of others", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for _, subject := range append([]string{"sam", "Frodo", "frodo ", "%", "*", "' OR 1=1 --"}, unstorable...) {
			assert.False(t, remove(t, s, "api", "one", subject))
		}
		for _, typ := range append([]string{"", "remember", "API", "%", "*"}, unstorable...) {
			assert.False(t, remove(t, s, typ, "one", "frodo"))
			assert.False(t, remove(t, s, typ, "one", ""))
		}
		for _, id := range append([]string{"", "ONE", "%", "*", "' OR 1=1 --"}, unstorable...) {
			assert.False(t, remove(t, s, "api", id, "frodo"))
			assert.False(t, remove(t, s, "api", id, ""))
		}
		assertToken(t, want, find(t, s, "api", "one"))
	}},
}

var deleteAllClauses = []clause{
	{"DeleteAll removes all but one and counts them", func(t *testing.T, s tokenstores.Store) {
		for _, id := range []string{"a", "b", "c"} {
			insert(t, s, token(id))
		}
		assert.Equal(t, 2, removeAll(t, s, "api", "frodo", "b"))
		assertGone(t, s, "api", "a")
		assertGone(t, s, "api", "c")
		assert.Equal(t, []string{"b"}, list(t, s, "api", "frodo"))
		assert.Equal(t, 1, removeAll(t, s, "api", "frodo", ""))
		assertGone(t, s, "api", "b")
		assert.Zero(t, removeAll(t, s, "api", "frodo", ""))
	}},
	{"DeleteAll leaves other types and subjects", func(t *testing.T, s tokenstores.Store) {
		insertMany(t, s)
		for _, who := range [][2]string{{"api", "frodo"}, {"api", ""}, {"api", "%"}, {"", "frodo"}, {"%", "frodo"}, {"api", "a\x00"}, {"\xff", "frodo"}} {
			removeAll(t, s, who[0], who[1], "")
		}
		assertGone(t, s, "api", "1")
		assertMany(t, s, "1")
	}},
	{"DeleteAll keeps no token of another for its id", func(t *testing.T, s tokenstores.Store) {
		insertMany(t, s)
		assert.Equal(t, 1, removeAll(t, s, "api", "frodo", "3"))
		find(t, s, "api", "3")
	}},
	{"DeleteAll keeps none for an id that no token has", func(t *testing.T, s tokenstores.Store) {
		for i, keep := range append([]string{"unknown", "%", "A"}, unstorable...) {
			insert(t, s, token("a"+strconv.Itoa(i)))
			assert.Equal(t, 1, removeAll(t, s, "api", "frodo", keep))
		}
	}},
	{"DeleteType removes everybody's tokens of a type and counts them", func(t *testing.T, s tokenstores.Store) {
		insertMany(t, s)
		for _, typ := range append([]string{"", "%", "*", "ap", "unknown"}, unstorable...) {
			assert.Zero(t, removeType(t, s, typ))
		}
		assert.Equal(t, 3, removeType(t, s, "api"))
		assertMany(t, s, "1", "3", "6")
		assert.Empty(t, list(t, s, "api", "frodo"))
		assert.Zero(t, removeType(t, s, "api"))
		insert(t, s, token("1"))
		assert.Equal(t, 1, removeType(t, s, "api"))
	}},
	{"DeleteType removes the rotated and the expired too", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, rotate(t, s, "one", "two"))
		over := token("three")
		over.Expires = start.Add(-time.Hour)
		insert(t, s, over)
		assert.Equal(t, 3, removeType(t, s, "api"))
	}},
}

func removeAll(t *testing.T, s tokenstores.Store, typ, subject, keep string) int {
	t.Helper()
	n, err := s.DeleteAll(t.Context(), typ, subject, keep)
	require.NoError(t, err)
	return n
}

func removeType(t *testing.T, s tokenstores.Store, typ string) int {
	t.Helper()
	n, err := s.DeleteType(t.Context(), typ)
	require.NoError(t, err)
	return n
}

// many are types and subjects that are easily confused, by ids.
var many = map[string][2]string{
	"1": {"api", "frodo"}, "2": {"remember", "frodo"}, "3": {"api", "Frodo"}, "4": {"apif", "rodo"}, "5": {"API", "frodo"}, "6": {"api", "frodo "},
}

func insertMany(t *testing.T, s tokenstores.Store) {
	t.Helper()
	for id, who := range many {
		insert(t, s, of(who[0], who[1], id))
	}
}

// assertMany wants all of these but the ones that are gone.
func assertMany(t *testing.T, s tokenstores.Store, gone ...string) {
	t.Helper()
	for id, who := range many {
		want := []string{id}
		for _, one := range gone {
			if one == id {
				want = []string{}
			}
		}
		assert.Equal(t, want, list(t, s, who[0], who[1]), id)
	}
}
