package storetest

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

// start is when the suite's tokens begin. It is not now, so that a store which asks a
// clock of its own shows.
var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

// token returns a token of frodo with every field set.
func token(id string) *tokenstores.Token {
	return &tokenstores.Token{
		ID: id, Type: "api", Subject: "frodo", Hash: "hash of " + id, Name: "Sting", Scopes: []string{"rings:read", "*"},
		Meta:    map[string]json.RawMessage{"device": json.RawMessage(`"palantír"`), "family": json.RawMessage(`[1,2]`)},
		Created: start, LastUsed: start.Add(time.Minute), Expires: start.Add(30 * 24 * time.Hour), IdleLimit: 12 * time.Hour,
		Address: "2001:db8::7", State: `{"next":"phial"}`,
	}
}

// of returns a token of another type or subject.
func of(typ, subject, id string) *tokenstores.Token {
	t := token(id)
	t.Type, t.Subject = typ, subject
	return t
}

// bare returns a token without anything that may be left out.
func bare(id string) *tokenstores.Token {
	return &tokenstores.Token{ID: id, Type: "api", Subject: "frodo", Hash: "hash of " + id, Created: start}
}

func insert(t testing.TB, s tokenstores.Store, token *tokenstores.Token) *tokenstores.Token {
	t.Helper()
	require.NoError(t, s.Insert(t.Context(), token))
	return token
}

func find(t testing.TB, s tokenstores.Store, typ, id string) *tokenstores.Token {
	t.Helper()
	found, err := s.Find(t.Context(), typ, id)
	require.NoError(t, err)
	require.NotNil(t, found, "the token %q is there", id)
	return found
}

func assertGone(t testing.TB, s tokenstores.Store, typ, id string) {
	t.Helper()
	found, err := s.Find(t.Context(), typ, id)
	require.NoError(t, err)
	assert.Nil(t, found, "no token is %.40q", id)
}

func list(t testing.TB, s tokenstores.Store, typ, subject string) []string {
	t.Helper()
	tokens, err := s.List(t.Context(), typ, subject)
	require.NoError(t, err)
	ids := make([]string, len(tokens))
	for i, one := range tokens {
		ids[i] = one.ID
	}
	return ids
}

// assertToken compares all that a store keeps.
func assertToken(t testing.TB, want, got *tokenstores.Token) {
	t.Helper()
	for field, pair := range map[string][2]string{
		"ID": {want.ID, got.ID}, "Type": {want.Type, got.Type}, "Subject": {want.Subject, got.Subject}, "Hash": {want.Hash, got.Hash},
		"Name": {want.Name, got.Name}, "Address": {want.Address, got.Address}, "Successor": {want.Successor, got.Successor},
		"State": {want.State, got.State},
	} {
		assert.Equal(t, pair[0], pair[1], field)
	}
	assertTime(t, want.Created, got.Created, "Created")
	assertTime(t, want.LastUsed, got.LastUsed, "LastUsed")
	assertTime(t, want.Expires, got.Expires, "Expires")
	assert.Equal(t, want.IdleLimit.Truncate(time.Microsecond), got.IdleLimit, "IdleLimit")
	assert.ElementsMatch(t, want.Scopes, got.Scopes, "Scopes")
	assertMeta(t, want.Meta, got.Meta)
	assert.Nil(t, got.User, "User")
	assert.False(t, got.Joined, "a store that was given no users joins none")
}

// assertTime wants the same instant to the microsecond, in UTC, and never for never.
func assertTime(t testing.TB, want, got time.Time, field string) {
	t.Helper()
	assert.Equal(t, want.IsZero(), got.IsZero(), "%s is set", field)
	assert.True(t, want.Truncate(time.Microsecond).Equal(got), "%s: got %s, want %s", field, got, want)
	assert.Equal(t, time.UTC, got.Location(), "%s is in UTC", field)
}

// assertMeta compares the values as JSON, numbers by their digits.
func assertMeta(t testing.TB, want, got map[string]json.RawMessage) {
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
