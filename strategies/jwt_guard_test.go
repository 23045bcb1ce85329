package strategies_test

import (
	"context"
	"database/sql"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
)

// newDock is a harbour whose guard can log in by password and by id.
func newDock(t *testing.T) *harbour {
	t.Helper()
	h := newHarbour(t)
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4})
	hash, err := hasher.Hash(t.Context(), password)
	require.NoError(t, err)
	local := strategies.NewLocal(func(_ context.Context, name string) (*hobbit, string, error) {
		if name != "frodo" {
			return nil, "", sql.ErrNoRows
		}
		return &hobbit{Name: name}, hash, nil
	}, strategies.LocalOptions{Hasher: hasher})
	h.guard = strategies.NewGuard("jwt", h.jwt, strategies.GuardOptions{Local: local, ByID: func(_ context.Context, id string) (any, error) {
		if id != "1" {
			return nil, sql.ErrNoRows
		}
		return &hobbit{Name: "frodo"}, nil
	}})
	return h
}

// during runs steps in one request with a token, "" for none.
func (h *harbour) during(text string, steps ...func(ctx *app.Context) error) {
	r := withHeader("Authorization")
	if r.Method = http.MethodPost; text != "" {
		r.Header.Set("Authorization", "Bearer "+text)
	}
	h.under(r, func(ctx *app.Context, _ app.Handler) error {
		for _, s := range steps {
			_ = s(ctx) // what is left says it, whatever it returned
		}
		return nil
	})
}

// The flags of a guard of opaque tokens, row by row, with JWTs.
func TestJWTGuardState(t *testing.T) {
	const yes, no = true, false
	h := newDock(t)
	var none strategies.PairOptions
	attempt := func(ctx *app.Context) error { _, err := h.guard.Attempt(ctx, right, none); return err }
	fail := func(ctx *app.Context) error { _, err := h.guard.Attempt(ctx, wrong, none); return err }
	verify := func(ctx *app.Context) error { _, err := h.guard.VerifyCredentials(ctx, right); return err }
	login := func(ctx *app.Context) error { _, err := h.guard.Login(ctx, &hobbit{Name: "frodo"}, none); return err }
	generate := func(ctx *app.Context) error {
		_, err := h.guard.Generate(ctx, &hobbit{Name: "frodo"}, none)
		return err
	}
	byID := func(ctx *app.Context) error { _, err := h.guard.LoginViaID(ctx, "1", none); return err }
	byNoID := func(ctx *app.Context) error { _, err := h.guard.LoginViaID(ctx, "2", none); return err }
	authenticate := func(ctx *app.Context) error { _, err := ctx.Authenticate(h.guard); return err }
	check := func(ctx *app.Context) error { _, err := h.guard.Check(ctx); return err }
	logout := func(ctx *app.Context) error { _, err := h.guard.Logout(ctx); return err }
	revoke := func(ctx *app.Context) error { _, err := h.guard.Revoke(ctx); return err }
	type step = func(ctx *app.Context) error
	for _, test := range []struct {
		name  string
		token bool
		steps []step
		want  strategies.State
	}{
		{"a new guard", no, nil, state(no, yes, no, no, no)},
		{"a token that nobody asked about", yes, nil, state(no, yes, no, no, no)},
		{"attempt", no, []step{attempt}, state(yes, no, no, no, no)},
		{"attempt that fails", no, []step{fail}, state(no, yes, no, no, no)},
		{"verifying credentials", no, []step{verify}, state(no, yes, no, no, no)},
		{"login", no, []step{login}, state(yes, no, no, no, no)},
		{"generate", no, []step{generate}, state(yes, no, no, no, no)},
		{"login by id", no, []step{byID}, state(yes, no, no, no, no)},
		{"login by an id of nobody", no, []step{byNoID}, state(no, yes, no, no, no)},
		{"authenticate", yes, []step{authenticate}, state(yes, no, yes, yes, no)},
		{"check", yes, []step{check}, state(yes, no, yes, yes, no)},
		{"authenticate without a token", no, []step{authenticate}, state(no, yes, no, yes, no)},
		{"check without a token", no, []step{check}, state(no, yes, no, yes, no)},
		{"check, then authenticate without a token", no, []step{check, authenticate}, state(no, yes, no, yes, no)},
		{"login, then check without a token", no, []step{login, check}, state(yes, no, no, yes, no)},
		{"logout", yes, []step{logout}, state(no, yes, no, yes, yes)},
		{"revoke", yes, []step{authenticate, revoke}, state(no, yes, no, yes, yes)},
		{"logout without a token", no, []step{logout}, state(no, yes, no, yes, yes)},
		{"logout of the Context", yes, []step{authenticate, func(ctx *app.Context) error { return ctx.Logout() }}, state(no, yes, no, yes, yes)},
		{"login after logout", yes, []step{logout, login}, state(yes, no, no, yes, no)},
		{"authenticate after logout", yes, []step{logout, authenticate}, state(no, yes, no, yes, yes)},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := ""
			if test.token {
				text = h.issue(t, none).Access()
			}
			var got strategies.State
			h.during(text, append(test.steps, func(ctx *app.Context) error {
				got = h.guard.State(ctx)
				assert.Equal(t, got.LoggedIn, h.guard.User(ctx) != nil)
				assert.Equal(t, got.Authenticated, h.guard.Token(ctx) != nil)
				return nil
			})...)
			assert.Equal(t, test.want, got)
		})
	}
}

// What one request logs in, the next is let in with, and a third ends.
func TestJWTGuardFromLoginToLogout(t *testing.T) {
	h := newDock(t)
	var pair *strategies.TokenPair
	h.during("", func(ctx *app.Context) (err error) {
		pair, err = h.guard.Attempt(ctx, right, strategies.PairOptions{Name: "phone"})
		require.NoError(t, err)
		return nil
	})
	h.during(pair.Access(), func(ctx *app.Context) error {
		in, err := h.guard.Check(ctx)
		assert.NoError(t, err)
		assert.True(t, in)
		assert.Equal(t, "frodo", ctx.User().(*hobbit).Name)
		assert.Equal(t, pair.Claims, h.guard.Token(ctx))
		id, err := ctx.Identity()
		assert.NoError(t, err)
		assert.Equal(t, "jwt", id.Via)
		return nil
	})
	h.during(pair.Access(), func(ctx *app.Context) error {
		revoked, err := h.guard.Logout(ctx)
		assert.NoError(t, err)
		assert.True(t, revoked)
		revoked, err = h.guard.Logout(ctx)
		assert.NoError(t, err)
		assert.False(t, revoked, "there is nothing any more")
		return nil
	})
	h.refuses(t, pair.Access(), strategies.ErrTokenRevoked.Error())
	h.during(pair.Access(), func(ctx *app.Context) error {
		in, err := h.guard.Check(ctx)
		assert.NoError(t, err, "1.E-12: what is wrong is no fault at a sign-out")
		assert.False(t, in)
		return nil
	})
	var names []app.EventName
	for _, e := range h.events {
		names = append(names, e.Name)
		assert.Equal(t, "jwt", e.Via)
		if e.Name != app.EventRefused {
			assert.Equal(t, "frodo", e.User.(*hobbit).Name)
			assert.Equal(t, pair.Claims.ID, e.Info.(*strategies.JWTClaims).ID)
		}
	}
	assert.Equal(t, []app.EventName{app.EventIssued, app.EventUsed, app.EventUsed, app.EventRevoked, app.EventRefused, app.EventRefused}, names, "refused by the strategy alone and by the guard")
}

// What a request made and takes back is gone, the devices too.
func TestJWTGuardEndsWhatItIssued(t *testing.T) {
	h := newDock(t)
	var made []*strategies.TokenPair
	h.during("", func(ctx *app.Context) error {
		for range 2 {
			pair, err := h.guard.Login(ctx, &hobbit{Name: "frodo"}, strategies.PairOptions{})
			require.NoError(t, err)
			made = append(made, pair)
		}
		revoked, err := h.guard.Logout(ctx)
		assert.NoError(t, err)
		assert.True(t, revoked)
		return nil
	})
	for _, pair := range made {
		h.refuses(t, pair.Access(), strategies.ErrTokenRevoked.Error())
	}
	left, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	assert.Empty(t, left)
}

// 1.E-12: a sign-out with what is no token, or of nobody, is no fault and ends nothing.
func TestJWTGuardLogoutOfNobody(t *testing.T) {
	h := newDock(t)
	live := h.issue(t, strategies.PairOptions{}).Access()
	for _, text := range []string{"", "garbage", "a b", live + "x", draftWith(key(signer("ES256", attacker())))} {
		h.during(text, func(ctx *app.Context) error {
			revoked, err := h.guard.Logout(ctx)
			assert.NoError(t, err, text)
			assert.False(t, revoked, text)
			return nil
		})
	}
	h.users.gone = true
	h.during(live, func(ctx *app.Context) error {
		revoked, err := h.guard.Logout(ctx)
		assert.NoError(t, err)
		assert.False(t, revoked)
		return nil
	})
	h.users.gone = false
	h.letsIn(t, live)
}
