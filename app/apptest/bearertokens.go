package apptest

import (
	"testing"
	"time"

	"github.com/kahu-go/kahu/strategies"
)

// Token returns the text of a token of user that b accepts, for which nobody was asked a
// password. The test fails if b issues none. For an API key pass the Bearer in it.
//
//	client.Header.Set("Authorization", "Bearer "+apptest.Token(t, bearer, frodo, strategies.TokenOptions{}))
func Token(t testing.TB, b *strategies.Bearer, user any, o strategies.TokenOptions) string {
	t.Helper()
	return issue(t, b, user, o).Text()
}

// ExpiredToken returns the text of a token that has just expired, by the clock of b. What would
// never expire has lived an hour.
func ExpiredToken(t testing.TB, b *strategies.Bearer, user any, o strategies.TokenOptions) string {
	t.Helper()
	return Token(t, b.With(func(bo *strategies.BearerOptions) {
		if o.Expiry == 0 {
			o.Expiry = bo.Expiry
		}
		if o.Expiry == strategies.Never {
			o.Expiry = time.Hour
		}
		ago, now := o.Expiry, bo.Clock
		bo.Clock = func() time.Time { return now().Add(-ago) }
	}), user, o)
}

// RevokedToken returns the text of a token that was revoked: an id that nobody has any more.
func RevokedToken(t testing.TB, b *strategies.Bearer, user any, o strategies.TokenOptions) string {
	t.Helper()
	issued := issue(t, b, user, o)
	if err := b.EndIssued(t.Context(), issued); err != nil {
		t.Fatalf("apptest: RevokedToken: %v", err)
	}
	return issued.Text()
}

// ForeignToken returns the text of a token of another Type: it looks like one of b's and is
// live, in the same store and of the same user. When the test ends it is revoked.
func ForeignToken(t testing.TB, b *strategies.Bearer, user any, o strategies.TokenOptions) string {
	t.Helper()
	other := b.With(func(bo *strategies.BearerOptions) { bo.Type = foreign(bo.Type) })
	issued := issue(t, other, user, o)
	t.Cleanup(func() { _ = other.EndIssued(t.Context(), issued) })
	return issued.Text()
}

func issue(t testing.TB, b *strategies.Bearer, user any, o strategies.TokenOptions) *strategies.IssuedToken {
	t.Helper()
	issued, err := b.Issue(t.Context(), user, o)
	if err != nil {
		t.Fatalf("apptest: %v", err)
	}
	return issued
}
