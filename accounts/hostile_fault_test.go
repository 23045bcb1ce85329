package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// A brittle is a shire without transactions, whose stores fail when they are told to.
type brittle struct {
	*shire
	devices, mails *tokenstest.Faulty
	denials        *tokenstest.FaultyDenylist
}

func newBrittle(t *testing.T) *brittle {
	t.Helper()
	b := &brittle{
		devices: tokenstest.NewFaulty(tokenstores.NewMemory()), mails: tokenstest.NewFaulty(tokenstores.NewMemory()),
		denials: tokenstest.NewFaultyDenylist(tokenstores.NewMemoryDenylist()),
	}
	b.shire = newShire(t, func(s *shire, o *accounts.Options) {
		s.jwt = s.jwt.With(func(o *strategies.JWTOptions) {
			o.Refresh.Store, o.Refresh.NeedsAccess, o.Denylist = b.devices, false, b.denials
		})
		o.Tokens, o.Transact, o.Mail.Tokens = s.jwt, nil, b.mails
	})
	return b
}

// in reports whether anything of a caller's works.
func in(c *caller) bool {
	return c.Get("/posts").Status == http.StatusOK || c.send("POST", "/users/tokens", nil).Status == http.StatusOK
}

// Whatever store fails at whichever step, nobody stays in whom a change that was made was to
// put out, and doing it once more makes everything good.
func TestAFaultWithoutATransactionLeavesNobodyInWhomTheChangeWasToPutOut(t *testing.T) {
	events := map[string]func(t *testing.T, b *brittle, owner *caller, mailed string) int{
		"a change": func(_ *testing.T, _ *brittle, owner *caller, _ string) int {
			return owner.send("PATCH", "/users/passwords", change).Status
		},
		"a reset": func(_ *testing.T, _ *brittle, owner *caller, mailed string) int {
			return owner.send("PATCH", "/users/resets", fields{"token": mailed, "password": another}).Status
		},
	}
	type broken interface {
		FailCall(n int)
		LoseAnswers()
		Heal()
	}
	stores := map[string]func(b *brittle) broken{
		"devices": func(b *brittle) broken { return b.devices }, "mails": func(b *brittle) broken { return b.mails }, "denials": func(b *brittle) broken { return b.denials },
	}
	// attempt is one event with a fault at one call, and says whether there was one.
	attempt := func(t *testing.T, event func(*testing.T, *brittle, *caller, string) int, of func(b *brittle) broken, call int, late bool) bool {
		b := newBrittle(t)
		owner, thief := b.caller(t), b.caller(t)
		owner.signUp()
		thief.keep(thief.signIn(password))
		owner.send("POST", "/users/resets", fields{"email": email})
		mailed := b.post.token(t, email, accounts.PurposeReset)
		if of(b).FailCall(call); late {
			of(b).LoseAnswers()
		}
		status := event(t, b, owner, mailed)
		of(b).Heal()
		changed := b.caller(t).signIn(another).Status == http.StatusOK
		assert.NotEqual(t, changed, b.caller(t).signIn(password).Status == http.StatusOK, "one password is right")
		switch {
		case status == http.StatusOK:
			assert.True(t, changed)
			assert.False(t, in(thief))
			return false
		case changed:
			assert.False(t, in(thief), "call %d", call)
		}
		again := b.caller(t)
		require.Equal(t, http.StatusOK, again.send("POST", "/users/resets", fields{"email": email}).Status)
		require.Equal(t, http.StatusOK, again.send("PATCH", "/users/resets", fields{"token": b.post.token(t, email, accounts.PurposeReset), "password": "a-third-one-of-1956"}).Status)
		assert.False(t, in(thief), "after another try")
		assert.Equal(t, http.StatusUnauthorized, again.signIn(password).Status)
		assert.Equal(t, http.StatusUnauthorized, again.signIn(another).Status)
		return true
	}
	for event, deed := range events {
		for store, of := range stores {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, late: %v", event, store, late), func(t *testing.T) {
					call := 1
					for attempt(t, deed, of, call, late) {
						call++
					}
					require.Greater(t, call, 1, "nothing failed")
				})
			}
		}
	}
}

// A lostRevoker cannot be reached until it is told that it can.
type lostRevoker struct{ found *bool }

func (l lostRevoker) RevokeAll(context.Context, any, string) (int, error) {
	if *l.found {
		return 0, nil
	}
	return 0, errors.New("the beacons are not lit")
}

func TestARevokerThatFailsKeepsNothingElseFromEnding(t *testing.T) {
	found := false
	s := newShire(t, func(s *shire, o *accounts.Options) {
		o.Transact, o.Others = nil, []accounts.Revoker{lostRevoker{&found}, s.opaque}
	})
	l := s.login(t)
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	require.ErrorContains(t, s.people.EndAll(t.Context(), user), "the beacons are not lit")
	assert.Empty(t, l.alive(s, t))

	t.Run("and a change is not made, until it works again", func(t *testing.T) {
		owner, thief := s.caller(t), s.caller(t)
		owner.keep(owner.signIn(password))
		thief.keep(thief.signIn(password))
		assert.GreaterOrEqual(t, owner.send("PATCH", "/users/passwords", change).Status, 500)
		s.putOut(t, thief)
		assert.Equal(t, http.StatusUnauthorized, owner.signIn(another).Status)
		found = true
		owner.keep(owner.signIn(password))
		owner.keep(owner.send("PATCH", "/users/passwords", change))
		assert.Equal(t, http.StatusUnauthorized, thief.signIn(password).Status)
	})
}

func TestTokensThatNothingCanEndMakeNoAccounts(t *testing.T) {
	s := newShire(t, nil)
	endless := strategies.NewJWT(s.store.Users(), strategies.JWTOptions{Issuer: "https://shire.example", Audience: "https://shire.example", Keys: s.keys, InsecureIrrevocable: true})
	assert.PanicsWithValue(t, "accounts: Options.Tokens: JWTs that nothing can end: give them a Denylist or a Refresh.Store", func() {
		accounts.New(s.store, accounts.Options{Tokens: endless})
	})
}
