package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var findClauses = []clause{
	{"Find of an unknown id is nil and no error", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		assertGone(t, s, "api", "two")
		assertGone(t, s, "api", "")
		assertGone(t, s, "", "one")
	}},
	{"Find returns every field that was inserted", func(t *testing.T, s tokenstores.Store) {
		want := token("one")
		want.Successor = "two"
		insert(t, s, want)
		got := find(t, s, "api", "one")
		assertToken(t, want, got)
		assert.Equal(t, want.Scopes, got.Scopes, "in their order")
	}},
	{"Find returns what was left out as nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, bare("one"))
		got := find(t, s, "api", "one")
		assertToken(t, want, got)
		assert.Nil(t, got.Scopes)
		assert.Nil(t, got.Meta)
		assert.True(t, got.Live(start.AddDate(1000, 0, 0)), "it never ends")
	}},
	{"Find returns times in UTC to the microsecond", func(t *testing.T, s tokenstores.Store) {
		want, zone := token("one"), time.FixedZone("Shire", 13*60*60)
		for _, at := range []*time.Time{&want.Created, &want.LastUsed, &want.Expires} {
			*at = at.Add(789 * time.Nanosecond).In(zone)
		}
		want.IdleLimit += 789
		insert(t, s, want)
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Find returns a token that is over", func(t *testing.T, s tokenstores.Store) {
		over := token("one")
		over.Expires, over.IdleLimit = start.Add(-time.Hour), time.Microsecond
		insert(t, s, over)
		assertToken(t, over, find(t, s, "api", "one"))
	}},
	{"Find knows no token of another type", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, of("api", "frodo", "one"))
		insert(t, s, of("remember", "sam", "one"))
		assert.Equal(t, "frodo", find(t, s, "api", "one").Subject)
		assert.Equal(t, "sam", find(t, s, "remember", "one").Subject)
		for _, typ := range []string{"", "API", "ap", "api ", "%", "*", "api:one"} {
			assertGone(t, s, typ, "one")
		}
	}},
	{"Find tells types and ids apart exactly", func(t *testing.T, s tokenstores.Store) {
		names := []string{"id", "ID", "Id", "id ", " id", "i%", "i_", "*", "i?", "[id]", "'", `"`, `\`, "ключ", "КЛЮЧ", "é", "e\u0301", "1:id", ":", "i:d"}
		for _, typ := range names {
			for _, id := range names {
				insert(t, s, of(typ, typ+"/"+id, id))
			}
		}
		for _, typ := range names {
			for _, id := range names {
				assert.Equal(t, typ+"/"+id, find(t, s, typ, id).Subject)
			}
		}
	}},
	{"Find tells where the type ends and the id begins", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, of("a:b", "frodo", "c"))
		insert(t, s, of("a", "sam", "b:c"))
		assert.Equal(t, "frodo", find(t, s, "a:b", "c").Subject)
		assert.Equal(t, "sam", find(t, s, "a", "b:c").Subject)
		assertGone(t, s, "a:b:c", "")
		assertGone(t, s, "", "a:b:c")
	}},
	{"Find of text that names no token is nil and no error", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		for _, text := range unstorable {
			assertGone(t, s, "api", text)
			assertGone(t, s, text, "one")
			assertGone(t, s, "api", "one"+text)
		}
	}},
	{"Find shares nothing with the store", func(t *testing.T, s tokenstores.Store) {
		given := insert(t, s, token("one"))
		spoil(given)
		found := find(t, s, "api", "one")
		assertToken(t, token("one"), found)
		spoil(found)
		assertToken(t, token("one"), find(t, s, "api", "one"))
		tokens, err := s.List(t.Context(), "api", "frodo")
		require.NoError(t, err)
		spoil(&tokens[0])
		assertToken(t, token("one"), find(t, s, "api", "one"))
	}},
	{"users that cannot be joined are not", func(t *testing.T, s tokenstores.Store) {
		j, ok := s.(tokenstores.UserJoiner)
		if !ok {
			return // the contract leaves it out
		}
		insert(t, s, token("one"))
		for _, users := range []any{nil, struct{}{}, "users"} {
			assertToken(t, token("one"), find(t, j.JoinUsers(users), "api", "one"))
		}
	}},
}

// unstorable is text that no token is named by.
var unstorable = []string{"a\x00", "\x00", "\xff", "é\xc3", "\xed\xa0\x80", strings.Repeat("a", 256), strings.Repeat("é", 1<<19), "a\x00' OR 1=1 --"}

// spoil changes what a token refers to.
func spoil(t *tokenstores.Token) {
	t.Scopes[0] = "everything"
	t.Meta["device"][1] = 'X'
	t.Meta["new"] = json.RawMessage(`1`)
	delete(t.Meta, "family")
}
