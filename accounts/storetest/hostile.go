package storetest

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

// odd are addresses that have broken stores by quotes, escapes, placeholders and patterns.
var odd = []string{
	"o'brien@shire.example", `"@shire.example`, `\@shire.example`, `\'--@shire.example`, "?@shire.example", "$1@shire.example",
	"%@shire.example", "_____@shire.example", "*@shire.example", "'||(select@shire.example", "бильбо@shire.example", "\U0001f48d@shire.example",
	strings.Repeat("a", 242) + "@shire.example",
}

// broken are texts that are nobody's, and that no database stores.
var broken = []string{
	"", "\x00", "a\x00b@shire.example", frodo + "\x00", "\xff\xfe@shire.example", "\xc0\xaf", frodo + "\xc3", "\ufffd", strings.Repeat("a", 1<<20),
	"' OR 1=1 --", "'; DROP TABLE users; --", "null", "0",
}

var hostileClauses = []clause{
	{"odd addresses are as good as any other", func(t *testing.T, s accounts.Store) {
		users := map[string]any{}
		for _, email := range odd {
			assertNobody(t, s, email)
			users[email] = create(t, s, email)
		}
		for _, email := range odd {
			assertAccount(t, s, users[email], email)
			done, err := s.Verify(t.Context(), users[email], email)
			require.NoError(t, err)
			assert.True(t, done, email)
			done, err = s.ReplaceHash(t.Context(), users[email], "hash of "+email, email)
			require.NoError(t, err)
			assert.True(t, done, email)
			done, err = s.ReplaceEmail(t.Context(), users[email], email, "now@shire.example")
			require.NoError(t, err)
			assert.True(t, done, email)
			require.NoError(t, s.Delete(t.Context(), users[email]))
		}
	}},
	{"broken texts are nobody's, and harm nobody", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		for _, text := range broken {
			assertNobody(t, s, text)
			found, err := s.Users().Deserialize(t.Context(), text)
			if err != nil {
				require.ErrorIs(t, err, sql.ErrNoRows, "%q", text)
			}
			assert.Nil(t, found)
			done, err := s.Verify(t.Context(), user, text)
			require.NoError(t, err, "%q", text)
			assert.False(t, done)
			done, err = s.ReplaceEmail(t.Context(), user, text, sam)
			require.NoError(t, err, "%q", text)
			assert.False(t, done)
		}
		assertAccount(t, s, user, frodo)
	}},
	{"a broken address is refused or found again", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		for _, text := range broken {
			made, err := s.Create(t.Context(), accounts.NewAccount{Email: text, Hash: "h"})
			require.NotErrorIs(t, err, accounts.ErrEmailTaken)
			if err == nil {
				assertAccount(t, s, made, text)
			}
		}
		assertAccount(t, s, user, frodo)
	}},
	{"a user of another type is an error, and may do nothing", func(t *testing.T, s accounts.Store) {
		type stranger struct{ ID int64 }
		for _, user := range []any{nil, 1, "1", stranger{1}, &stranger{1}} {
			assert.True(t, s.Status(user).Disabled)
			_, err := s.Hash(t.Context(), user)
			require.Error(t, err)
			require.Error(t, s.Delete(t.Context(), user))
		}
	}},
}

var contextClauses = []clause{
	{"with a context that is over, nothing is done and nobody is gone", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range map[string]func() error{
			"ByEmail":      func() error { _, _, err := s.ByEmail(over, frodo); return err },
			"Hash":         func() error { _, err := s.Hash(over, user); return err },
			"Create":       func() error { _, err := s.Create(over, accounts.NewAccount{Email: sam}); return err },
			"ReplaceHash":  func() error { _, err := s.ReplaceHash(over, user, "hash of "+frodo, "x"); return err },
			"ReplaceEmail": func() error { _, err := s.ReplaceEmail(over, user, frodo, sam); return err },
			"Verify":       func() error { _, err := s.Verify(over, user, frodo); return err },
			"Delete":       func() error { return s.Delete(over, user) },
		} {
			err := call()
			require.Error(t, err, name)
			assert.NotErrorIs(t, err, sql.ErrNoRows, name)
		}
		assertAccount(t, s, user, frodo)
		assertNobody(t, s, sam)
	}},
}

const many = 50

// together calls f so often at once and returns how often it was true.
func together(t *testing.T, f func(i int) bool) int {
	t.Helper()
	var wg sync.WaitGroup
	var n atomic.Int64
	for i := range many {
		wg.Go(func() {
			if f(i) {
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return int(n.Load())
}

var concurrencyClauses = []clause{
	{"of fifty sign-ups with one address at once, one makes an account", func(t *testing.T, s accounts.Store) {
		made := together(t, func(i int) bool {
			_, err := s.Create(t.Context(), accounts.NewAccount{Email: frodo, Hash: "hash " + strconv.Itoa(i)})
			if err != nil {
				assert.ErrorIs(t, err, accounts.ErrEmailTaken)
			}
			return err == nil
		})
		assert.Equal(t, 1, made)
		user, _, err := s.ByEmail(t.Context(), frodo)
		require.NoError(t, err)
		require.NoError(t, s.Delete(t.Context(), user))
		assertNobody(t, s, frodo)
	}},
	{"of fifty changes of one hash at once, one is done", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		assert.Equal(t, 1, together(t, func(i int) bool {
			done, err := s.ReplaceHash(t.Context(), user, "hash of "+frodo, "hash "+strconv.Itoa(i))
			assert.NoError(t, err)
			return done
		}))
	}},
	{"of fifty accounts that want one address at once, one gets it", func(t *testing.T, s accounts.Store) {
		users := make([]any, many)
		for i := range users {
			users[i] = create(t, s, strconv.Itoa(i)+"@shire.example")
		}
		assert.Equal(t, 1, together(t, func(i int) bool {
			done, err := s.ReplaceEmail(t.Context(), users[i], strconv.Itoa(i)+"@shire.example", frodo)
			if err != nil {
				assert.ErrorIs(t, err, accounts.ErrEmailTaken)
			}
			return done
		}))
	}},
	{"of fifty changes of one account's address at once, one is done", func(t *testing.T, s accounts.Store) {
		user := create(t, s, frodo)
		assert.Equal(t, 1, together(t, func(i int) bool {
			done, err := s.ReplaceEmail(t.Context(), user, frodo, strconv.Itoa(i)+"@shire.example")
			assert.NoError(t, err)
			return done
		}))
	}},
}
