package storetest

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var insertClauses = []clause{
	{"Insert does not change the token", func(t *testing.T, s tokenstores.Store) {
		given := token("one")
		given.User, given.Joined = "frodo", true
		insert(t, s, given)
		want := token("one")
		want.User, want.Joined = "frodo", true
		assert.Equal(t, want, given)
		assertToken(t, token("one"), find(t, s, "api", "one"))
	}},
	{"Insert never takes over the token of another", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		require.Error(t, s.Insert(t.Context(), of("api", "sam", "one")))
		other := token("one")
		other.Hash = "another"
		require.Error(t, s.Insert(t.Context(), other))
		other = token("one")
		other.State = "another"
		require.Error(t, s.Insert(t.Context(), other))
		assertToken(t, want, find(t, s, "api", "one"))
		assert.Empty(t, list(t, s, "api", "sam"))
	}},
	{"Insert of the same token once more is no error", func(t *testing.T, s tokenstores.Store) {
		for range 2 {
			insert(t, s, token("one"))
			insert(t, s, bare("two"))
		}
		assert.Equal(t, []string{"one", "two"}, list(t, s, "api", "frodo"))
	}},
	{"Insert refuses a token that cannot be stored as it is", func(t *testing.T, s tokenstores.Store) {
		for name, spoil := range refused {
			given := token("one")
			spoil(given)
			require.Error(t, s.Insert(t.Context(), given), name)
			assertGone(t, s, "api", "one")
		}
		assert.Empty(t, list(t, s, "api", "frodo"))
	}},
	{"Insert errors show nothing of the token", func(t *testing.T, s tokenstores.Store) {
		given := token("one")
		given.Meta["secret"] = json.RawMessage("mellon")
		assertSilent(t, s.Insert(t.Context(), given))
		insert(t, s, token("one"))
		assertSilent(t, s.Insert(t.Context(), of("api", "sam", "one")))
	}},
	{"Insert stores text as long as the limits", func(t *testing.T, s tokenstores.Store) {
		want := token(strings.Repeat("i", 255))
		want.Type, want.Hash, want.Name = strings.Repeat("t", 255), strings.Repeat("h", 255), strings.Repeat("n", 255)
		want.Subject, want.Scopes = strings.Repeat("s", 1024), []string{strings.Repeat("s", 255)}
		want.State = strings.Repeat("s", 1<<12)
		insert(t, s, want)
		assertToken(t, want, find(t, s, want.Type, want.ID))
		assert.Equal(t, []string{want.ID}, list(t, s, want.Type, want.Subject))
	}},
}

func assertSilent(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, text := range []string{"mellon", "hash of", "frodo", "sam", "one of", "phial"} {
		assert.NotContains(t, err.Error(), text)
	}
}

// refused are changes that make a token one that no store takes.
var refused = func() map[string]func(*tokenstores.Token) {
	m := map[string]func(*tokenstores.Token){
		"no id":                     func(t *tokenstores.Token) { t.ID = "" },
		"no type":                   func(t *tokenstores.Token) { t.Type = "" },
		"no subject":                func(t *tokenstores.Token) { t.Subject = "" },
		"no hash":                   func(t *tokenstores.Token) { t.Hash = "" },
		"no time when it was made":  func(t *tokenstores.Token) { t.Created = time.Time{} },
		"a time out of range":       func(t *tokenstores.Token) { t.Expires = time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a time before the year 1":  func(t *tokenstores.Token) { t.LastUsed = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a negative idle limit":     func(t *tokenstores.Token) { t.IdleLimit = -1 },
		"the least idle limit":      func(t *tokenstores.Token) { t.IdleLimit = math.MinInt64 },
		"less than a microsecond":   func(t *tokenstores.Token) { t.IdleLimit = 999 },
		"an empty scope":            func(t *tokenstores.Token) { t.Scopes = []string{"a", ""} },
		"meta that is no JSON":      func(t *tokenstores.Token) { t.Meta["bad"] = json.RawMessage("{") },
		"meta that is nothing":      func(t *tokenstores.Token) { t.Meta["bad"] = json.RawMessage("") },
		"two values for one key":    func(t *tokenstores.Token) { t.Meta["bad"] = json.RawMessage(`"a" "b"`) },
		"meta that is no UTF-8":     func(t *tokenstores.Token) { t.Meta["bad"] = json.RawMessage("\"\xff\"") },
		"meta that is too large":    func(t *tokenstores.Token) { t.Meta["bad"] = json.RawMessage(`"` + strings.Repeat("a", 1<<16) + `"`) },
		"scopes that are too large": func(t *tokenstores.Token) { t.Scopes = strings.Fields(strings.Repeat("scope ", 1<<15)) },
		"a subject that is too long": func(t *tokenstores.Token) {
			t.Subject = strings.Repeat("a", 1025)
		},
		"a state that is too long": func(t *tokenstores.Token) { t.State = strings.Repeat("a", 1<<12+1) },
	}
	for i, text := range unstorable {
		m["an id "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.ID = text }
		m["a type "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Type = text }
		m["a hash "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Hash = text }
		m["a name "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Name = text }
		m["a successor "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Successor = text }
		m["a scope "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Scopes = []string{text} }
		m["a key "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Meta = map[string]json.RawMessage{text: json.RawMessage("1")} }
		if len(text) != 256 {
			m["a subject "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.Subject = text }
			m["a state "+strconv.Itoa(i)] = func(t *tokenstores.Token) { t.State = text }
		}
	}
	return m
}()
