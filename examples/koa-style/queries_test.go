package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

// What each request asks of the database, besides the last use of a token, which is
// written once a minute.
func TestQueries(t *testing.T) {
	for name, address := range map[string]func(t *testing.T) string{
		"SQLite":   func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "app.db") },
		"Postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { testQueries(t, address(t)) })
	}
}

func testQueries(t *testing.T, address string) {
	v, trace := serve(t, address, func(*stores) {})
	token := v.issue("/token", "", `{`+frodoMail+`}`).Token
	require.Equal(t, 200, v.status("GET", "/api/dashboard", token), "its use is written, statements are prepared")
	pair := v.pair("/jwt/login", `{`+frodoMail+`,"name":"phone"}`)
	pair = v.pair("/jwt/refresh", `{"refresh_token":"`+pair.Refresh+`"}`)
	require.Equal(t, 200, v.status("GET", "/jwt/me", pair.Access))
	require.Equal(t, 201, v.login(good))
	require.Equal(t, 200, v.status("GET", "/dashboard", ""))
	require.Equal(t, 200, v.status("GET", "/account/sessions", ""))

	for _, test := range []struct {
		name, method, path, token string
		status, queries           int
	}{
		{"no token", "GET", "/api/dashboard", "", 401, 0},
		{"garbage", "GET", "/api/dashboard", "kahu_garbage", 401, 0},
		{"a typing error", "GET", "/api/dashboard", swapped(token), 401, 0},
		{"a valid token, its owner with it", "GET", "/api/dashboard", token, 200, 1},
		{"who it is", "GET", "/api/me", token, 200, 1},
		{"the list, and the token itself", "GET", "/api/tokens", token, 200, 2},
		{"the list, and the session", "GET", "/api/tokens", "", 200, 2},
		{"an id that cannot be one", "DELETE", "/api/tokens/1", token, 404, 1},
		{"a JWT, its user with it", "GET", "/jwt/me", pair.Access, 200, 1},
		{"a forged JWT", "GET", "/jwt/me", pair.Access[:len(pair.Access)-1], 401, 0},
		{"a token of another kind where a JWT is wanted", "GET", "/jwt/me", token, 401, 0},
		{"the devices, and the JWT itself", "GET", "/jwt/devices", pair.Access, 200, 2},
		{"the keys", "GET", "/.well-known/jwks.json", "", 200, 0},
		{"a guarded page, the session's user with it", "GET", "/account", "", 200, 1},
		{"the page that asks for the password", "GET", "/confirm", "", 200, 1},
		{"a page behind a recent login", "GET", "/account/close", "", 200, 1},
		{"the page of sessions: session, sessions, remembered devices", "GET", "/account/sessions", "", 200, 3},
		{"the dashboard: session, sessions, devices, tokens", "GET", "/dashboard", "", 200, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			v.t = t
			trace.Reset()
			require.Equal(t, test.status, v.status(test.method, test.path, test.token))
			assert.Equal(t, sqltrace.Counts{Queries: test.queries}, trace.Counts(), trace.Calls())
		})
	}

	t.Run("a refresh: the device with its user, what was ended, and the new token", func(t *testing.T) {
		v.t = t
		trace.Reset()
		v.pair("/jwt/refresh", `{"refresh_token":"`+pair.Refresh+`"}`)
		assert.Equal(t, sqltrace.Counts{Queries: 2, Execs: 1}, trace.Counts(), trace.Calls())
	})
}

// swapped returns the token with another letter in the middle.
func swapped(token string) string {
	letter := "a"
	if token[40] == 'a' {
		letter = "b"
	}
	return token[:40] + letter + token[41:]
}
