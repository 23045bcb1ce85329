package kahu_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/tokenstores"
)

func moveAdonis(t *testing.T) (*apptest.Client, *bun.DB) {
	t.Helper()
	db, err := database.Open("file:" + t.TempDir() + "/adonis.db")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	for _, statement := range []string{adonisUsers, fiveTable, sixTable, fiveRow, sixRow} {
		execute(t, db, statement)
	}
	for id, driver := range []string{7: "argon2", 8: "scrypt", 9: "bcrypt"} {
		if driver != "" {
			execute(t, db, "INSERT INTO users VALUES (?, ?, ?, NULL, '2026-11-22 03:17:24', '2026-11-22 03:17:24')", id, driver+"@Shire.example", adonisHashes[driver])
		}
	}
	execute(t, db, adonisPreparation)
	return apptest.NewClient(t, adonisSnippet(db)), db
}

func TestFromAdonisPasswords(t *testing.T) {
	c, db := moveAdonis(t)
	for driver, old := range adonisHashes {
		t.Run(driver, func(t *testing.T) {
			email := driver + "@shire.example"
			stored := func() string { return single[string](t, db, "SELECT password FROM users WHERE email = '"+email+"'") }
			res := c.PostJSON("/login", map[string]string{"email": email, "password": "precious-ring-1955"})
			assert.Equal(t, 400, res.Status)
			assert.JSONEq(t, `{"errors":[{"message":"E_INVALID_AUTH_UID: User not found"}]}`, res.Body)
			assert.Equal(t, old, stored())
			for range 2 {
				res = c.PostJSON("/login", map[string]string{"email": email, "password": "precious-ring-1954"})
				require.Equal(t, 200, res.Status)
				var token struct{ Type, Token string }
				res.JSON(&token)
				assert.Equal(t, "bearer", token.Type)
				assert.Contains(t, meWith(t, c, token.Token).Body, email)
				assert.True(t, strings.HasPrefix(stored(), "$argon2id$v=19$m=19456,t=2,p=1$"), stored())
			}
		})
	}
}

func meWith(t *testing.T, c *apptest.Client, token string) *apptest.Response {
	t.Helper()
	return withToken(t, c, "GET", "/me", token)
}

func withToken(t *testing.T, c *apptest.Client, method, path, token string) *apptest.Response {
	t.Helper()
	r := c.NewRequest(method, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return c.Do(r)
}

func TestFromAdonisTokens(t *testing.T) {
	for name, old := range map[string]struct {
		text, email, table string
		write              int
	}{
		"AdonisJS 5": {fiveToken, "argon2@shire.example", "api_tokens", 200},
		"AdonisJS 6": {sixToken, "scrypt@shire.example", "auth_access_tokens", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("is exchanged once", func(t *testing.T) {
				c, db := moveAdonis(t)
				res := c.PostJSON("/tokens/exchange", map[string]string{"token": old.text})
				require.Equal(t, 200, res.Status)
				var token struct {
					Type, Token string
					ExpiresAt   json.RawMessage `json:"expires_at"`
				}
				res.JSON(&token)
				assert.True(t, strings.HasPrefix(token.Token, "kahu_"))
				assert.Nil(t, token.ExpiresAt, "as the old one")
				assert.Contains(t, meWith(t, c, token.Token).Body, old.email)
				assert.Equal(t, 200, withToken(t, c, "GET", "/rings", token.Token).Status, "with its abilities")
				assert.Equal(t, old.write, withToken(t, c, "POST", "/rings", token.Token).Status, "and no others")
				res = c.PostJSON("/tokens/exchange", map[string]string{"token": old.text})
				assert.Equal(t, 401, res.Status)
				assert.Equal(t, `Bearer realm="api", error="invalid_token"`, res.Header.Get("WWW-Authenticate"))
				assert.Equal(t, 401, meWith(t, c, old.text).Status)
				assert.Equal(t, 0, single[int](t, db, "SELECT count(*) FROM "+old.table))
			})
			t.Run("is taken as it is until it logs out", func(t *testing.T) {
				c, db := moveAdonis(t)
				for range 2 {
					assert.Contains(t, meWith(t, c, old.text).Body, old.email)
				}
				forged := old.text[:len(old.text)-4] + "AAAA"
				for _, text := range []string{forged, "", "x", "kahu_x"} {
					res := withToken(t, c, "POST", "/logout", text)
					assert.Equal(t, 401, res.Status)
					assert.JSONEq(t, `{"errors":[{"message":"E_INVALID_API_TOKEN: Invalid API token"}]}`, res.Body)
				}
				assert.Equal(t, 1, single[int](t, db, "SELECT count(*) FROM "+old.table))
				res := withToken(t, c, "POST", "/logout", old.text)
				assert.Equal(t, 200, res.Status)
				assert.JSONEq(t, `{"revoked":true}`, res.Body)
				assert.Equal(t, 401, meWith(t, c, old.text).Status)
			})
			t.Run("ends with all others", func(t *testing.T) {
				c, _ := moveAdonis(t)
				assert.Equal(t, 404, withToken(t, c, "DELETE", "/tokens", old.text).Status, "done, and nothing to say")
				assert.Equal(t, 401, meWith(t, c, old.text).Status)
				assert.Equal(t, 401, c.PostJSON("/tokens/exchange", map[string]string{"token": old.text}).Status)
			})
			t.Run("of somebody who is gone is worth nothing", func(t *testing.T) {
				c, db := moveAdonis(t)
				execute(t, db, "DELETE FROM users")
				assert.Equal(t, 401, meWith(t, c, old.text).Status)
				assert.Equal(t, 401, c.PostJSON("/tokens/exchange", map[string]string{"token": old.text}).Status)
			})
			t.Run("is a fault if the database is away", func(t *testing.T) {
				c, db := moveAdonis(t)
				execute(t, db, "DROP TABLE "+old.table)
				assert.Equal(t, 503, meWith(t, c, old.text).Status)
				assert.Equal(t, 503, c.PostJSON("/tokens/exchange", map[string]string{"token": old.text}).Status)
			})
		})
	}
}
