package main

import (
	"encoding/json"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testOneIssuer: processes that share stores and the key's file are one issuer.
func testOneIssuer(t *testing.T, binary, url, redis string) {
	withAccounts(t, url)
	env := []string{"DATABASE_URL=" + url, "REDIS_URL=" + redis, "BASE_URL=http://127.0.0.1", "JWT_KEY_FILE=" + keyFile(t, "ES256")}
	one, two := node(t, binary, env), node(t, binary, env)
	_, _, keys := one.get("/.well-known/jwks.json")
	_, _, same := two.get("/.well-known/jwks.json")
	assert.Equal(t, keys, same)

	pair := one.pair("/jwt/login", `{`+frodoMail+`}`)
	assert.Equal(t, 200, two.status("GET", "/jwt/me", pair.Access))
	pair = oneBranch(t, pair, one, two)
	devices := two.devices(pair.Access)
	require.Len(t, devices, 1)
	assert.Equal(t, 204, one.status("DELETE", "/jwt/devices/"+devices[0].ID, pair.Access))
	assert.Equal(t, 401, two.status("GET", "/jwt/me", pair.Access), "at once")
	status, _, _ := two.refresh(pair.Refresh)
	assert.Equal(t, 401, status)

	pair = one.pair("/jwt/login", `{`+frodoMail+`}`)
	later := node(t, binary, env)
	assert.Equal(t, 200, later.status("GET", "/jwt/me", pair.Access), "a program that started since")
}

// node launches a process, which ends with the test.
func node(t *testing.T, binary string, env []string) *visitor {
	t.Helper()
	cmd, address := launch(t, binary, env...)
	dial(t, address)
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, cmd.Wait())
	})
	return newVisitor(t, "http://"+address)
}

// oneBranch sends one refresh token to all nodes at once, many times: all are answered
// with one successor, and it lives.
func oneBranch(t *testing.T, pair jwtPair, nodes ...*visitor) jwtPair {
	t.Helper()
	answers := make([]string, 10*len(nodes))
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { _, _, answers[i] = nodes[i%len(nodes)].refresh(pair.Refresh) })
	}
	wg.Wait()
	successors := map[string]bool{}
	var next jwtPair
	for _, answer := range answers {
		require.NoError(t, json.Unmarshal([]byte(answer), &next), answer)
		successors[next.Refresh] = true
	}
	assert.Len(t, successors, 1)
	assert.NotContains(t, successors, "")
	return nodes[0].pair("/jwt/refresh", `{"refresh_token":"`+next.Refresh+`"}`)
}

func TestKeysAreReplacedOneNodeAtATime(t *testing.T) {
	former, next := keyFile(t, "ES256"), keyFile(t, "EdDSA")
	url := "file:" + filepath.Join(t.TempDir(), "app.db")
	node := func(files string) *visitor {
		base, _ := start(t, map[string]string{"DATABASE_URL": url, "BASE_URL": "http://127.0.0.1", "JWT_KEY_FILE": files})
		return newVisitor(t, base)
	}
	before, prepared, after := node(former), node(former+","+next), node(next+" , "+former)
	old := before.pair("/jwt/login", `{`+frodoMail+`}`).Access
	status, _, answer := after.send("POST", "/jwt/login", "application/json", `{`+frodoMail+`}`)
	require.Equal(t, 200, status)
	var pair jwtPair
	require.NoError(t, json.Unmarshal([]byte(answer), &pair))
	for name, test := range map[string]struct {
		node  *visitor
		token string
		want  int
	}{
		"the new key where it signs":            {after, pair.Access, 200},
		"the old key where the new one signs":   {after, old, 200},
		"the new key where it is known":         {prepared, pair.Access, 200},
		"the new key where it is not known yet": {before, pair.Access, 401},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, test.node.status("GET", "/jwt/me", test.token)) })
	}
}
