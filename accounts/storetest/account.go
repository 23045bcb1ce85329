package storetest

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

const (
	frodo = "frodo@shire.example"
	sam   = "sam@shire.example"
)

// create makes an account whose hash is made of its address.
func create(t *testing.T, s accounts.Store, email string) any {
	t.Helper()
	user, err := s.Create(t.Context(), accounts.NewAccount{Email: email, Hash: "hash of " + email})
	require.NoError(t, err)
	require.NotNil(t, user)
	return user
}

// reload returns the user as it is stored now, or nil.
func reload(t *testing.T, s accounts.Store, user any) any {
	t.Helper()
	found, err := s.Users().Deserialize(t.Context(), key(t, s, user))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	require.NoError(t, err)
	return found
}

func key(t *testing.T, s accounts.Store, user any) string {
	t.Helper()
	subject, err := s.Users().Serialize(t.Context(), user)
	require.NoError(t, err)
	require.NotEmpty(t, subject)
	return subject
}

func status(t *testing.T, s accounts.Store, user any) accounts.Status {
	t.Helper()
	return s.Status(reload(t, s, user))
}

func hashOf(t *testing.T, s accounts.Store, user any) string {
	t.Helper()
	hash, err := s.Hash(t.Context(), user)
	require.NoError(t, err)
	return hash
}

// assertNobody requires that an address is nobody's.
func assertNobody(t *testing.T, s accounts.Store, email string) {
	t.Helper()
	user, hash, err := s.ByEmail(t.Context(), email)
	require.ErrorIs(t, err, sql.ErrNoRows, "%q", email)
	assert.Nil(t, user)
	assert.Empty(t, hash)
}

// assertAccount requires that an address is this user's.
func assertAccount(t *testing.T, s accounts.Store, user any, email string) {
	t.Helper()
	found, hash, err := s.ByEmail(t.Context(), email)
	require.NoError(t, err, "%q", email)
	assert.Equal(t, key(t, s, user), key(t, s, found))
	assert.Equal(t, hashOf(t, s, user), hash)
	assert.Equal(t, email, s.Status(found).Email)
}

// keepsVerified reports whether the store remembers which addresses are confirmed.
func keepsVerified(t *testing.T, s accounts.Store) bool {
	t.Helper()
	return !s.Status(create(t, s, "probe@shire.example")).Verified
}
