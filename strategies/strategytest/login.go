// Package strategytest helps to test applications and strategies.
package strategytest

import (
	"context"
	"testing"

	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
)

// Login issues a real token for user, lets the client send it from now on, and revokes
// it when the test ends. The test fails if the token cannot be issued.
func Login(t testing.TB, c *apptest.Client, b *strategies.Bearer, user any, o strategies.TokenOptions) *strategies.IssuedToken {
	t.Helper()
	token, err := b.Issue(t.Context(), user, o)
	if err != nil {
		t.Fatalf("strategytest: %v", err)
	}
	c.Header.Set("Authorization", "Bearer "+token.Text())
	t.Cleanup(func() {
		// The test's own context is over by now.
		if _, err := b.Revoke(context.Background(), user, token.ID); err != nil {
			t.Errorf("strategytest: %v", err)
		}
	})
	return token
}

// Logout revokes a token of user and lets the client send none.
func Logout(t testing.TB, c *apptest.Client, b *strategies.Bearer, user any, token *strategies.IssuedToken) {
	t.Helper()
	c.Header.Del("Authorization")
	if _, err := b.Revoke(t.Context(), user, token.ID); err != nil {
		t.Errorf("strategytest: %v", err)
	}
}
