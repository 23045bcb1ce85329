package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// hostile is text that has broken stores: quoting, escapes, placeholders, patterns,
// hash tags of a Redis cluster, and letters of many bytes.
var hostile = []string{
	`'`, `''`, `"`, `\`, `\'`, `' OR 1=1 --`, `\' OR 1=1) --`, `'; DROP TABLE sessions; --`, "$1", "?", "?0", "?TableName", "%s", "%", "_",
	"*", "{kahu}", "}:s:{", "\r\n", "\t", "<script>", "&amp;", "\u2028", "\u00a0", "\U0001f48d", "Ба́рад-дур", "-1", "0", "null", "NaN",
}

var hostileClauses = []clause{
	{"hostile subjects come back as they were", func(t *testing.T, s app.SessionStore) {
		for _, text := range hostile {
			insert(t, s, "key of "+text, of("session", text))
		}
		for _, text := range hostile {
			assert.Equal(t, text, find(t, s, "key of "+text).Subject)
		}
	}},
	{"hostile data comes back as it was", func(t *testing.T, s app.SessionStore) {
		r := record()
		for _, text := range hostile {
			value, err := json.Marshal(text)
			require.NoError(t, err)
			r.Data[text] = value
		}
		insert(t, s, "key", r)
		assertRecord(t, r, find(t, s, "key"))
		require.NoError(t, s.Update(t.Context(), "key", r))
		assertRecord(t, r, find(t, s, "key"))
	}},
	{"JSON of every sort comes back as it was", func(t *testing.T, s app.SessionStore) {
		r := record()
		r.Data = data("null", "null", "empty", `""`, "", "0", "object", `{"a":{"b":[1,2,{"c":null}]}}`, "number", "9007199254740993",
			"huge", "1e400", "precise", "0.10000000000000000555", "escape", `"\u0000\ud83d\ude00\\\/\""`, "surrogate", `"\ud800"`)
		insert(t, s, "key", r)
		assertRecord(t, r, find(t, s, "key"))
	}},
	{"60 KiB of data come back as they were", func(t *testing.T, s app.SessionStore) {
		r := record()
		r.Data["big"] = json.RawMessage(`"` + strings.Repeat(`x'\\\"é`, 60<<10/10) + `"`)
		insert(t, s, "key", r)
		assertRecord(t, r, find(t, s, "key"))
	}},
	{"an address and agent of any bytes fail no Insert", func(t *testing.T, s app.SessionStore) {
		for _, text := range append([]string{"a\x00b", "\x00", "\xff\xfe", "é\xc3", "a" + strings.Repeat("é", 8<<10), strings.Repeat("\U0001f48d", 100) + "\xf0"}, hostile...) {
			r := record()
			r.Address, r.Agent = text, text
			require.NoError(t, s.Insert(t.Context(), "key", "", r), "%q", text)
			got := find(t, s, "key")
			assert.True(t, utf8.ValidString(got.Address+got.Agent), "%q is stored as text", text)
			assert.NotContains(t, got.Agent, "\x00")
			assert.LessOrEqual(t, len(got.Agent), 256)
			assert.LessOrEqual(t, len(got.Address), 256)
			require.NoError(t, s.Delete(t.Context(), "key"))
		}
	}},
}
