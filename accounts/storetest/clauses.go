package storetest

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

var createClauses = []clause{
	{"an account that was made is found by its address", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		assertAccount(t, s, user, frodo)
		assert.Equal(t, "hash of "+frodo, hashOf(t, s, user))
		assertNobody(t, s, sam)
	}},
	{"who makes an account gets the user as it is loaded later", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		assert.IsType(t, user, reload(t, s, user))
		assert.Equal(t, s.Status(reload(t, s, user)), s.Status(user))
		assert.Equal(t, frodo, s.Status(user).Email)
		assert.False(t, s.Status(user).Disabled)
	}},
	{"Users is one value", func(t *testing.T, s accounts.Store) {
		assert.Same(t, s.Users(), s.Users())
	}},
	{"a second account with an address is refused and changes nothing", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		other, err := s.Create(t.Context(), accounts.NewAccount{Email: frodo, Hash: "another", Verified: true})
		require.ErrorIs(t, err, accounts.ErrEmailTaken)
		assert.Nil(t, other)
		assertAccount(t, s, user, frodo)
		assert.Equal(t, "hash of "+frodo, hashOf(t, s, user))
		create(t, s, sam)
	}},
	{"the same address and hash are refused as well", func(t *testing.T, s accounts.Store) {
		create(t, s, frodo)
		_, err := s.Create(t.Context(), accounts.NewAccount{Email: frodo, Hash: "hash of " + frodo})
		require.ErrorIs(t, err, accounts.ErrEmailTaken)
	}},
	{"an account need not have a password", func(t *testing.T, s accounts.Store) {
		user, err := s.Create(t.Context(), accounts.NewAccount{Email: frodo})
		require.NoError(t, err)
		assertAccount(t, s, user, frodo)
		assert.Empty(t, hashOf(t, s, user))
		done, err := s.ReplaceHash(t.Context(), user, "", "first")
		require.NoError(t, err)
		assert.True(t, done)
		assert.Equal(t, "first", hashOf(t, s, user))
	}},
	{"an account can be made with a confirmed address", func(t *testing.T, s accounts.Store) {
		user, err := s.Create(t.Context(), accounts.NewAccount{Email: frodo, Verified: true})
		require.NoError(t, err)
		assert.True(t, s.Status(user).Verified)
		assert.True(t, status(t, s, user).Verified)
	}},
}

var hashClauses = []clause{
	{"a hash is replaced if it still is the old one", func(t *testing.T, s accounts.Store) {
		user, other := create(t, s, frodo), create(t, s, sam)
		for _, step := range []struct {
			old, hash string
			want      bool
		}{{"hash of " + frodo, "second", true}, {"hash of " + frodo, "third", false}, {"", "third", false}, {"second", "third", true}, {"Third", "fourth", false}, {"wrong", "third", false}} {
			done, err := s.ReplaceHash(t.Context(), user, step.old, step.hash)
			require.NoError(t, err)
			assert.Equal(t, step.want, done, step)
		}
		assert.Equal(t, "third", hashOf(t, s, user))
		assert.Equal(t, "hash of "+sam, hashOf(t, s, other), "which is another's")
	}},
}

var emailClauses = []clause{
	{"an address is replaced if it still is the old one", func(t *testing.T, s accounts.Store) {
		user, other := create(t, s, frodo), create(t, s, sam)
		done, err := s.ReplaceEmail(t.Context(), user, sam, "mr.underhill@bree.example")
		require.NoError(t, err)
		assert.False(t, done)
		assertAccount(t, s, user, frodo)
		done, err = s.ReplaceEmail(t.Context(), user, frodo, "mr.underhill@bree.example")
		require.NoError(t, err)
		assert.True(t, done)
		assertAccount(t, s, user, "mr.underhill@bree.example")
		assertNobody(t, s, frodo)
		assertAccount(t, s, other, sam)
		assert.True(t, status(t, s, user).Verified, "it was confirmed")
		assert.Equal(t, "hash of "+frodo, hashOf(t, s, user))
	}},
	{"an address of another account is refused", func(t *testing.T, s accounts.Store) {
		user, other := create(t, s, frodo), create(t, s, sam)
		done, err := s.ReplaceEmail(t.Context(), user, frodo, sam)
		require.ErrorIs(t, err, accounts.ErrEmailTaken)
		assert.False(t, done)
		assertAccount(t, s, user, frodo)
		assertAccount(t, s, other, sam)
	}},
	{"an address may be replaced by itself", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		done, err := s.ReplaceEmail(t.Context(), user, frodo, frodo)
		require.NoError(t, err)
		assert.True(t, done)
		assertAccount(t, s, user, frodo)
	}},
	{"an address is confirmed if it still is the user's", func(t *testing.T, s accounts.Store) {
		keeps := keepsVerified(t, s)
		user, other := create(t, s, frodo), create(t, s, sam)
		done, err := s.Verify(t.Context(), user, sam)
		require.NoError(t, err)
		assert.False(t, done)
		assert.NotEqual(t, keeps, status(t, s, user).Verified)
		for range 2 { // a mail's link is followed twice
			done, err = s.Verify(t.Context(), user, frodo)
			require.NoError(t, err)
			assert.True(t, done)
			assert.True(t, status(t, s, user).Verified)
		}
		assert.NotEqual(t, keeps, status(t, s, other).Verified)
		assertAccount(t, s, user, frodo)
	}},
}

var deleteClauses = []clause{
	{"an account that was deleted is gone", func(t *testing.T, s accounts.Store) {
		user, other := create(t, s, frodo), create(t, s, sam)
		for range 2 {
			require.NoError(t, s.Delete(t.Context(), user))
			assertNobody(t, s, frodo)
			assert.Nil(t, reload(t, s, user))
		}
		assertAccount(t, s, other, sam)
	}},
	{"nothing can be done to an account that is gone", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		require.NoError(t, s.Delete(t.Context(), user))
		_, err := s.Hash(t.Context(), user)
		require.ErrorIs(t, err, sql.ErrNoRows)
		for name, call := range map[string]func() (bool, error){
			"ReplaceHash":  func() (bool, error) { return s.ReplaceHash(t.Context(), user, "hash of "+frodo, "new") },
			"ReplaceEmail": func() (bool, error) { return s.ReplaceEmail(t.Context(), user, frodo, sam) },
			"Verify":       func() (bool, error) { return s.Verify(t.Context(), user, frodo) },
		} {
			done, err := call()
			require.NoError(t, err, name)
			assert.False(t, done, name)
		}
		assertNobody(t, s, frodo)
		assertNobody(t, s, sam)
	}},
	{"an address that became free can be taken, but the key is another", func(t *testing.T, s accounts.Store) {
		old := create(t, s, frodo)
		require.NoError(t, s.Delete(t.Context(), old))
		user := create(t, s, frodo)
		assert.NotEqual(t, key(t, s, old), key(t, s, user), "the old account's sessions would be the new one's")
		assert.Nil(t, reload(t, s, old))
	}},
}
