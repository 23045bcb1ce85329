package storetest

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// start is when the suite's sessions begin. It is not now, so that a store which
// asks a clock of its own shows.
var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

// record returns a session of frodo with every field set.
func record() *app.SessionRecord {
	return &app.SessionRecord{
		Kind: "session", Subject: "frodo",
		Data:    data("cart", `["ring"]`, "theme", `"dark"`),
		Created: start, LoggedIn: start.Add(time.Second), Seen: start.Add(2 * time.Second),
		IdleUntil: start.Add(30 * time.Minute), Until: start.Add(12 * time.Hour),
		Address: "2001:db8::7", Agent: "Palantir/1.0",
	}
}

// of returns a session of another kind or subject.
func of(kind, subject string) *app.SessionRecord {
	r := record()
	r.Kind, r.Subject = kind, subject
	return r
}

// data makes session data of keys and JSON texts in turn.
func data(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return m
}

func insert(t testing.TB, s app.SessionStore, key string, r *app.SessionRecord) *app.SessionRecord {
	t.Helper()
	require.NoError(t, s.Insert(t.Context(), key, "", r))
	return r
}

func find(t testing.TB, s app.SessionStore, key string) *app.SessionRecord {
	t.Helper()
	r, err := s.Find(t.Context(), key)
	require.NoError(t, err)
	require.NotNil(t, r, "the session is there")
	return r
}

func assertGone(t testing.TB, s app.SessionStore, key string) {
	t.Helper()
	r, err := s.Find(t.Context(), key)
	require.NoError(t, err)
	assert.Nil(t, r, "no session is under %q", key)
}

// assertRecord compares all that a store keeps.
func assertRecord(t testing.TB, want, got *app.SessionRecord) {
	t.Helper()
	assert.Equal(t, want.Kind, got.Kind, "Kind")
	assert.Equal(t, want.Subject, got.Subject, "Subject")
	assert.Equal(t, want.Version, got.Version, "Version")
	assert.Equal(t, want.Address, got.Address, "Address")
	assert.Equal(t, want.Agent, got.Agent, "Agent")
	assertTime(t, want.Created, got.Created, "Created")
	assertTime(t, want.LoggedIn, got.LoggedIn, "LoggedIn")
	assertTime(t, want.Seen, got.Seen, "Seen")
	assertTime(t, want.IdleUntil, got.IdleUntil, "IdleUntil")
	assertTime(t, want.Until, got.Until, "Until")
	assertData(t, want.Data, got.Data)
}

// assertTime wants the same instant to the microsecond, in UTC.
func assertTime(t testing.TB, want, got time.Time, field string) {
	t.Helper()
	assert.True(t, want.Truncate(time.Microsecond).Equal(got), "%s: got %s, want %s", field, got, want)
	assert.Equal(t, time.UTC, got.Location(), "%s is in UTC", field)
}

// assertData compares the values as JSON, numbers by their digits.
func assertData(t testing.TB, want, got map[string]json.RawMessage) {
	t.Helper()
	require.Len(t, got, len(want), "as many values as were stored")
	for key, text := range want {
		require.Contains(t, got, key)
		assert.Equal(t, decode(t, text), decode(t, got[key]), "the value of %q", key)
	}
}

func decode(t testing.TB, text json.RawMessage) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return v
}
