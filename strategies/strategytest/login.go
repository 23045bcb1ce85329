// Package strategytest has the suite that every [app.Strategy] must pass, in [Run], and real
// logins for tests of applications. docs/write-a-strategy.md shows a strategy and its test.
package strategytest

import (
	"context"
	"errors"
	"testing"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
)

// Login issues a real credential for user, such as an opaque token or a pair with a JWT,
// lets the client send it from now on, and revokes it when the test ends. The test fails if
// it cannot be issued.
func Login[T, O any](t testing.TB, c *apptest.Client, by strategies.Issuer[T, O], user any, o O) T {
	t.Helper()
	issued, err := by.Issue(t.Context(), user, o)
	if err != nil {
		t.Fatalf("strategytest: %v", err)
	}
	c.Header.Set("Authorization", "Bearer "+textOf(t, issued))
	t.Cleanup(func() {
		// The test's own context is over by now. What cannot end lives in this test only.
		if err := by.EndIssued(context.Background(), issued); err != nil && !errors.Is(err, app.ErrCannotEnd) {
			t.Errorf("strategytest: %v", err)
		}
	})
	return issued
}

// textOf is what a client sends to prove its user.
func textOf(t testing.TB, issued any) string {
	t.Helper()
	switch issued := issued.(type) {
	case interface{ Text() string }:
		return issued.Text()
	case interface{ Access() string }:
		return issued.Access()
	}
	t.Fatalf("strategytest: a %T has neither Text nor Access", issued)
	return ""
}

// Logout revokes what Login issued and lets the client send nothing.
func Logout[T, O any](t testing.TB, c *apptest.Client, by strategies.Issuer[T, O], issued T) {
	t.Helper()
	c.Header.Del("Authorization")
	if err := by.EndIssued(t.Context(), issued); err != nil {
		t.Errorf("strategytest: %v", err)
	}
}
