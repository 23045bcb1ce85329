package tokenstores_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

func TestATokenAsJSONShowsNeitherHashNorOwner(t *testing.T) {
	one := token("one")
	one.Hash, one.User, one.Joined = "precious", &user{ID: 7, Name: "Frodo", PasswordHash: "$2a$12$secret"}, true
	text, err := json.Marshal([]tokenstores.Token{*one})
	require.NoError(t, err)
	for _, hidden := range []string{"precious", "Hash", "Frodo", "secret", "phial", "State", "User", "Joined"} {
		assert.NotContains(t, string(text), hidden)
	}
	for _, shown := range []string{`"ID":"one"`, `"Name":"Sting"`, "rings:read", "palantir"} {
		assert.Contains(t, string(text), shown)
	}
}
