package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

// hostile is text that has broken stores: quoting, escapes, placeholders, patterns, hash
// tags of a Redis cluster, and letters of many bytes.
var hostile = []string{
	`'`, `''`, `"`, `\`, `\'`, `' OR 1=1 --`, `\' OR 1=1) --`, `'; DROP TABLE tokens; --`, "$1", "?", "?0", "?TableName", "%s", "%", "_",
	"*", "{kahu}", "}:t:{", "{table}", "\r\n", "\t", "<script>", "&amp;", "\u2028", "\u00a0", "\U0001f48d", "Ба́рад-дур", "-1", "0", "null", "NaN",
}

var hostileClauses = []clause{
	{"hostile text comes back as it was", func(t *testing.T, s tokenstores.Store) {
		for _, text := range hostile {
			insert(t, s, hostileToken(t, text))
		}
		for _, text := range hostile {
			assertToken(t, hostileToken(t, text), find(t, s, text, text))
			assert.Equal(t, []string{text}, list(t, s, text, text))
		}
	}},
	{"hostile text is touched, renewed, rotated and deleted as any other", func(t *testing.T, s tokenstores.Store) {
		for _, text := range hostile {
			insert(t, s, hostileToken(t, text))
			require.NoError(t, s.Touch(t.Context(), text, text, text, start.Add(time.Hour), text))
			assert.Equal(t, text, find(t, s, text, text).Address)
			r := tokenstores.Renewal{Hash: text + "2", State: text + "2", Used: start.Add(2 * time.Hour), Address: text + "2"}
			require.NoError(t, s.Renew(t.Context(), text, text, text, r))
			renewed := find(t, s, text, text)
			assert.Equal(t, []string{r.Hash, r.State, r.Address}, []string{renewed.Hash, renewed.State, renewed.Address})
			next := hostileToken(t, text)
			next.ID += "2"
			require.NoError(t, s.Rotate(t.Context(), text, text, r.Hash, start.Add(3*time.Hour), next))
			assert.Equal(t, next.ID, find(t, s, text, text).Successor)
			assert.Equal(t, 1, removeAll(t, s, text, text, next.ID))
			assert.True(t, remove(t, s, text, next.ID, text))
			insert(t, s, hostileToken(t, text))
		}
		for _, text := range hostile {
			assert.Equal(t, 1, removeType(t, s, text), "%q is no pattern", text)
		}
	}},
	{"JSON of every sort comes back as it was", func(t *testing.T, s tokenstores.Store) {
		want := token("one")
		want.Meta = map[string]json.RawMessage{}
		for key, text := range map[string]string{"null": "null", "empty": `""`, "": "0", "object": `{"a":{"b":[1,2,{"c":null}]}}`,
			"number": "9007199254740993", "huge": "1e400", "precise": "0.10000000000000000555", "escape": `"\u0000\ud83d\ude00\\\/\""`,
			"surrogate": `"\ud800"`, "big": `"` + strings.Repeat(`x'\\\"é`, 50<<10/10) + `"`} {
			want.Meta[key] = json.RawMessage(text)
		}
		insert(t, s, want)
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"an address of any bytes fails neither Insert nor Touch", func(t *testing.T, s tokenstores.Store) {
		for i, text := range append([]string{"a\x00b", "\x00", "\xff\xfe", "é\xc3", "a" + strings.Repeat("é", 1<<19), strings.Repeat("\U0001f48d", 100) + "\xf0"}, hostile...) {
			one := token("one")
			one.Address = text
			insert(t, s, one)
			assertStorable(t, find(t, s, "api", "one").Address)
			require.NoError(t, s.Touch(t.Context(), "api", "one", one.Hash, start.Add(time.Duration(i+1)*time.Hour), text))
			got := find(t, s, "api", "one")
			assertStorable(t, got.Address)
			assertTime(t, start.Add(time.Duration(i+1)*time.Hour), got.LastUsed, "LastUsed")
			remove(t, s, "api", "one", "")
		}
	}},
}

func assertStorable(t *testing.T, address string) {
	t.Helper()
	assert.True(t, utf8.ValidString(address))
	assert.NotContains(t, address, "\x00")
	assert.LessOrEqual(t, len(address), 256)
}

// hostileToken has a text wherever it can.
func hostileToken(t *testing.T, text string) *tokenstores.Token {
	t.Helper()
	value, err := json.Marshal(text)
	require.NoError(t, err)
	return &tokenstores.Token{ID: text, Type: text, Subject: text, Hash: text, Name: text, Scopes: []string{text},
		Meta: map[string]json.RawMessage{text: value}, Created: start, Address: text, State: text}
}
