package strategies_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

type tokenGuard = strategies.Guard[*strategies.IssuedToken, strategies.TokenOptions]

// A keep has a guard of tokens with everything behind it.
type keep struct {
	store  *tokenstest.Faulty
	bearer *strategies.Bearer
	guard  *tokenGuard
	events []app.Event
}

func newKeep(t *testing.T) *keep {
	t.Helper()
	k := &keep{store: tokenstest.NewFaulty(tokenstores.NewMemory())}
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4})
	hash, err := hasher.Hash(t.Context(), password)
	require.NoError(t, err)
	local := strategies.NewLocal(func(_ context.Context, name string) (*hobbit, string, error) {
		if name != "frodo" {
			return nil, "", sql.ErrNoRows
		}
		return &hobbit{Name: name}, hash, nil
	}, strategies.LocalOptions{Hasher: hasher})
	k.bearer = strategies.NewBearer(k.store, &people{}, strategies.BearerOptions{})
	k.guard = strategies.NewGuard("api", k.bearer, strategies.GuardOptions{Local: local, ByID: func(_ context.Context, id string) (any, error) {
		switch id {
		case "1":
			return &hobbit{Name: "frodo"}, nil
		case "down":
			return nil, errDown
		}
		return nil, sql.ErrNoRows
	}})
	return k
}

func (k *keep) token(t *testing.T) *strategies.IssuedToken {
	t.Helper()
	token, err := k.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{Scopes: []string{"*"}})
	require.NoError(t, err)
	return token
}

// during runs steps in one request with an Authorization header, "" for none.
func (k *keep) during(authorization string, steps func(ctx *app.Context) error) *httptest.ResponseRecorder {
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) error { return steps(ctx) })
	a.OnEvent = func(_ *app.Context, e app.Event) { k.events = append(k.events, e) }
	a.OnError = func(*app.Context, error) {}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

var (
	right = strategies.Credentials{Name: "frodo", Password: password}
	wrong = strategies.Credentials{Name: "frodo", Password: "wrong"}
)

// The five flags, row by row, as they were measured on the original.
func TestGuardState(t *testing.T) {
	const yes, no = true, false
	type step = func(k *keep, ctx *app.Context) error
	attempt := func(c strategies.Credentials) step {
		return func(k *keep, ctx *app.Context) error {
			_, err := k.guard.Attempt(ctx, c, strategies.TokenOptions{})
			return err
		}
	}
	login := func(k *keep, ctx *app.Context) error {
		_, err := k.guard.Login(ctx, &hobbit{Name: "frodo"}, strategies.TokenOptions{})
		return err
	}
	verify := func(c strategies.Credentials) step {
		return func(k *keep, ctx *app.Context) error { _, err := k.guard.VerifyCredentials(ctx, c); return err }
	}
	authenticate := func(k *keep, ctx *app.Context) error { _, err := ctx.Authenticate(k.guard); return err }
	check := func(k *keep, ctx *app.Context) error { _, err := k.guard.Check(ctx); return err }
	logout := func(k *keep, ctx *app.Context) error { _, err := k.guard.Logout(ctx); return err }
	for _, test := range []struct {
		name  string
		token bool // a good one is sent
		steps []step
		want  strategies.State
	}{
		{"a new guard", no, nil, state(no, yes, no, no, no)},
		{"a failed attempt", no, []step{attempt(wrong)}, state(no, yes, no, no, no)},
		{"credentials that are right", no, []step{verify(right)}, state(no, yes, no, no, no)},
		{"credentials that are wrong", no, []step{verify(wrong)}, state(no, yes, no, no, no)},
		{"an attempt", no, []step{attempt(right)}, state(yes, no, no, no, no)},
		{"a login", no, []step{login}, state(yes, no, no, no, no)},
		{"a login by id", no, []step{func(k *keep, ctx *app.Context) error {
			_, err := k.guard.LoginViaID(ctx, "1", strategies.TokenOptions{})
			return err
		}}, state(yes, no, no, no, no)},
		{"generating", no, []step{func(k *keep, ctx *app.Context) error {
			_, err := k.guard.Generate(ctx, &hobbit{Name: "frodo"}, strategies.TokenOptions{})
			return err
		}}, state(yes, no, no, no, no)},
		{"authenticate", yes, []step{authenticate}, state(yes, no, yes, yes, no)},
		{"check", yes, []step{check}, state(yes, no, yes, yes, no)},
		{"authenticate that fails", no, []step{authenticate}, state(no, yes, no, yes, no)},
		{"check that fails", no, []step{check}, state(no, yes, no, yes, no)},
		{"login, then check without a header", no, []step{login, check}, state(yes, no, no, yes, no)},
		{"logout with a token", yes, []step{logout}, state(no, yes, no, yes, yes)},
		{"authenticate, then logout", yes, []step{authenticate, logout}, state(no, yes, no, yes, yes)},
		{"logout without a token", no, []step{logout}, state(no, yes, no, yes, yes)},
		{"logout of the Context", yes, []step{authenticate, func(_ *keep, ctx *app.Context) error { return ctx.Logout() }}, state(no, yes, no, yes, yes)},
		{"login after logout", yes, []step{logout, login}, state(yes, no, no, yes, no)},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := newKeep(t)
			header := ""
			if test.token {
				header = "Bearer " + k.token(t).Text()
			}
			var got strategies.State
			k.during(header, func(ctx *app.Context) error {
				for _, s := range test.steps {
					_ = s(k, ctx) // the row says what is left, whatever it returned
				}
				got = k.guard.State(ctx)
				assert.Equal(t, got.LoggedIn, k.guard.User(ctx) != nil)
				assert.Equal(t, got.Authenticated, k.guard.Token(ctx) != nil)
				return nil
			})
			assert.Equal(t, test.want, got)
		})
	}
}

func state(loggedIn, guest, authenticated, attempted, loggedOut bool) strategies.State {
	return strategies.State{LoggedIn: loggedIn, Guest: guest, Authenticated: authenticated, Attempted: attempted, LoggedOut: loggedOut}
}

func TestGuardStateIsOneRequests(t *testing.T) {
	k := newKeep(t)
	k.during("Bearer "+k.token(t).Text(), func(ctx *app.Context) error { _, err := k.guard.Check(ctx); return err })
	k.during("", func(ctx *app.Context) error {
		assert.Equal(t, state(false, true, false, false, false), k.guard.State(ctx))
		return nil
	})
	b, err := json.Marshal(state(true, false, true, true, false))
	require.NoError(t, err)
	assert.JSONEq(t, `{"isLoggedIn":true,"isGuest":false,"isAuthenticated":true,"authenticationAttempted":true,"isLoggedOut":false}`, string(b))
}

func TestGuardLogsIn(t *testing.T) {
	t.Run("whom the password proves, with a token that works", func(t *testing.T) {
		k := newKeep(t)
		var text string
		k.during("", func(ctx *app.Context) error {
			token, err := k.guard.Attempt(ctx, right, strategies.TokenOptions{Name: "phone"})
			require.NoError(t, err)
			text = token.Text()
			return nil
		})
		k.during("Bearer "+text, func(ctx *app.Context) error {
			in, err := k.guard.Check(ctx)
			assert.NoError(t, err)
			assert.True(t, in)
			assert.Equal(t, "frodo", ctx.User().(*hobbit).Name)
			assert.Equal(t, "phone", k.guard.Token(ctx).(*tokenstores.Token).Name)
			return nil
		})
	})
	t.Run("nobody by a wrong, unknown or missing pair, alike", func(t *testing.T) {
		k := newKeep(t)
		bodies := map[string]bool{}
		for _, c := range []strategies.Credentials{wrong, {Name: "sauron", Password: "x"}} {
			w := k.during("", func(ctx *app.Context) error {
				_, err := k.guard.Attempt(ctx, c, strategies.TokenOptions{})
				assert.ErrorIs(t, err, app.ErrInvalidCredentials)
				return err
			})
			assert.Equal(t, 401, w.Code)
			bodies[w.Body.String()] = true
		}
		assert.Len(t, bodies, 1)
		for _, c := range []strategies.Credentials{{}, {Name: "frodo"}, {Password: "x"}} {
			w := k.during("", func(ctx *app.Context) error { _, err := k.guard.Attempt(ctx, c, strategies.TokenOptions{}); return err })
			assert.Equal(t, 400, w.Code)
		}
		assert.NotContains(t, k.store.Calls(), "Insert")
	})
	t.Run("nobody by an id of nobody", func(t *testing.T) {
		k := newKeep(t)
		for id, want := range map[string]int{"2": 401, "down": 500} {
			w := k.during("", func(ctx *app.Context) error {
				_, err := k.guard.LoginViaID(ctx, id, strategies.TokenOptions{})
				return err
			})
			assert.Equal(t, want, w.Code, id)
		}
	})
	t.Run("nobody if the store is down", func(t *testing.T) {
		k := newKeep(t)
		k.store.Fail("Insert")
		k.during("", func(ctx *app.Context) error {
			_, err := k.guard.Attempt(ctx, right, strategies.TokenOptions{})
			assert.ErrorIs(t, err, tokenstest.ErrFault)
			assert.Equal(t, state(false, true, false, false, false), k.guard.State(ctx))
			return err
		})
	})
}

func TestGuardAuthenticates(t *testing.T) {
	// Trap: check() failing once and authenticate() then passing (1.E-2).
	t.Run("check that fails lets nobody pass authenticate", func(t *testing.T) {
		for _, header := range []string{"", "Bearer garbage"} {
			k := newKeep(t)
			w := k.during(header, func(ctx *app.Context) error {
				in, err := k.guard.Check(ctx)
				assert.NoError(t, err)
				assert.False(t, in)
				for range 2 {
					id, err := k.guard.Authenticate(ctx)
					assert.Error(t, err)
					assert.Nil(t, id)
				}
				return app.Authenticate(k.guard)(ctx, fine)
			})
			assert.Equal(t, 401, w.Code)
			assert.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
		}
	})
	t.Run("once for each request", func(t *testing.T) {
		k := newKeep(t)
		header := "Bearer " + k.token(t).Text()
		before := len(k.store.Calls())
		k.during(header, func(ctx *app.Context) error {
			for range 5 {
				_, err := k.guard.Check(ctx)
				assert.NoError(t, err)
			}
			return nil
		})
		assert.Equal(t, []string{"Find", "Touch"}, k.store.Calls()[before:])
	})
	t.Run("a fault is an error of check and of logout, never a guest", func(t *testing.T) {
		k := newKeep(t)
		header := "Bearer " + k.token(t).Text()
		k.store.Fail("Find")
		k.during(header, func(ctx *app.Context) error {
			_, err := k.guard.Check(ctx)
			assert.ErrorIs(t, err, tokenstest.ErrFault)
			_, err = k.guard.Logout(ctx)
			assert.ErrorIs(t, err, tokenstest.ErrFault)
			return nil
		})
	})
}

func TestGuardLogsOut(t *testing.T) {
	t.Run("the token of the request", func(t *testing.T) {
		k := newKeep(t)
		header := "Bearer " + k.token(t).Text()
		k.during(header, func(ctx *app.Context) error {
			revoked, err := k.guard.Logout(ctx)
			assert.NoError(t, err)
			assert.True(t, revoked)
			assert.Nil(t, ctx.User())
			return nil
		})
		assert.Equal(t, 401, k.during(header, func(ctx *app.Context) error { return app.Authenticate(k.guard)(ctx, fine) }).Code)
	})
	t.Run("nobody, without an error", func(t *testing.T) {
		k := newKeep(t)
		for _, header := range []string{"", "Bearer garbage", "Bearer a b"} {
			k.during(header, func(ctx *app.Context) error {
				revoked, err := k.guard.Logout(ctx)
				assert.NoError(t, err)
				assert.False(t, revoked)
				return nil
			})
		}
	})
	// 1.E-6: a login and a logout on one guard leave no token.
	t.Run("a token that was made in this request", func(t *testing.T) {
		k := newKeep(t)
		k.during("", func(ctx *app.Context) error {
			for range 2 {
				_, err := k.guard.Login(ctx, &hobbit{Name: "frodo"}, strategies.TokenOptions{})
				require.NoError(t, err)
			}
			revoked, err := k.guard.Logout(ctx)
			assert.NoError(t, err)
			assert.True(t, revoked)
			return nil
		})
		left, err := k.bearer.List(t.Context(), &hobbit{Name: "frodo"})
		require.NoError(t, err)
		assert.Empty(t, left)
	})
	t.Run("not if the store refuses", func(t *testing.T) {
		k := newKeep(t)
		header := "Bearer " + k.token(t).Text()
		k.store.Fail("Delete")
		w := k.during(header, func(ctx *app.Context) error {
			revoked, err := k.guard.Logout(ctx)
			assert.False(t, revoked)
			assert.True(t, k.guard.State(ctx).LoggedIn, "nothing was ended")
			return err
		})
		assert.Equal(t, 503, w.Code)
	})
}

func TestGuardTellsOfEvents(t *testing.T) {
	k := newKeep(t)
	header := "Bearer " + k.token(t).Text()
	k.during("", func(ctx *app.Context) error {
		_, err := k.guard.Attempt(ctx, right, strategies.TokenOptions{})
		return err
	})
	k.during(header, func(ctx *app.Context) error { _, err := k.guard.Logout(ctx); return err })
	k.during(header, func(ctx *app.Context) error { _, err := k.guard.Check(ctx); return err })
	k.during("", func(ctx *app.Context) error { _, err := k.guard.Check(ctx); return err })
	var names []app.EventName
	for _, e := range k.events {
		names = append(names, e.Name)
		assert.Equal(t, "api", e.Via)
		assert.False(t, e.Time.IsZero())
	}
	assert.Equal(t, []app.EventName{app.EventIssued, app.EventUsed, app.EventRevoked, app.EventRefused}, names)
	assert.Equal(t, "frodo", k.events[0].User.(*hobbit).Name)
	assert.ErrorIs(t, k.events[3].Reason, app.ErrInvalidCredentials)
}

func TestGuards(t *testing.T) {
	store := tokenstores.NewMemory()
	guard := func(name string) (*tokenGuard, *strategies.IssuedToken) {
		b := strategies.NewBearer(store, &people{}, strategies.BearerOptions{Type: name, Realm: name})
		token, err := b.Issue(t.Context(), &hobbit{Name: name}, strategies.TokenOptions{})
		require.NoError(t, err)
		return strategies.NewGuard(name, b, strategies.GuardOptions{}), token
	}
	api, apiToken := guard("api")
	hooks, hooksToken := guard("hooks")
	guards := strategies.NewGuards(api, hooks)
	send := func(token string, layers ...app.Middleware) (*httptest.ResponseRecorder, string) {
		var current string
		a := app.New().Use(layers...).Use(func(ctx *app.Context, _ app.Handler) error {
			g, err := guards.Use(ctx, "")
			require.NoError(t, err)
			current = g.Name()
			if !ctx.IsAuthenticated() {
				ctx.Body = "nobody"
				return nil
			}
			return fine(ctx)
		})
		a.OnError = func(*app.Context, error) {}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w, current
	}
	t.Run("any of them lets in, and is the one from then on", func(t *testing.T) {
		for token, want := range map[string]string{apiToken.Text(): "api", hooksToken.Text(): "hooks"} {
			w, current := send(token, guards.AnyOf("api", "hooks"))
			assert.Equal(t, want, w.Body.String())
			assert.Equal(t, want, current)
		}
		w, _ := send("", guards.AnyOf("api", "hooks"))
		assert.Equal(t, 401, w.Code)
		assert.Equal(t, []string{`Bearer realm="api"`, `Bearer realm="hooks"`}, w.Header()["Www-Authenticate"])
	})
	t.Run("no name is the default", func(t *testing.T) {
		w, _ := send(hooksToken.Text(), guards.AnyOf())
		assert.Equal(t, 401, w.Code)
	})
	t.Run("silent lets in everybody and knows who is there", func(t *testing.T) {
		for token, want := range map[string]string{"": "nobody", "garbage": "nobody", apiToken.Text(): "api", hooksToken.Text(): "hooks"} {
			w, _ := send(token, guards.Silent("api", "hooks"))
			assert.Equal(t, want, w.Body.String())
		}
	})
	t.Run("silent is loud about faults", func(t *testing.T) {
		faulty := tokenstest.NewFaulty(store)
		faulty.Fail("Find")
		down := strategies.NewGuard("down", strategies.NewBearer(faulty, &people{}, strategies.BearerOptions{}), strategies.GuardOptions{})
		w, _ := send(apiToken.Text(), strategies.NewGuards(down).Silent())
		assert.Equal(t, 503, w.Code)
	})
	t.Run("a name of none is an error, or panics while building", func(t *testing.T) {
		_, err := guards.Use(nil, "admin")
		assert.ErrorContains(t, err, `"admin"`)
		assert.Panics(t, func() { guards.AnyOf("admin") })
		assert.Panics(t, func() { guards.Silent("admin") })
		assert.Panics(t, func() { strategies.NewGuards(api, api) })
		assert.Panics(t, func() { strategies.NewGuards(nil) })
		assert.Panics(t, func() {
			strategies.NewGuard[*strategies.IssuedToken, strategies.TokenOptions]("", nil, strategies.GuardOptions{})
		})
	})
}

func TestGuardWithoutItsPartsSaysWhichIsMissing(t *testing.T) {
	g := strategies.NewGuard("api", strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{}), strategies.GuardOptions{})
	k := &keep{}
	k.during("", func(ctx *app.Context) error {
		_, err := g.Attempt(ctx, right, strategies.TokenOptions{})
		assert.ErrorContains(t, err, "no Local")
		_, err = g.LoginViaID(ctx, "1", strategies.TokenOptions{})
		assert.ErrorContains(t, err, "no ByID")
		assert.False(t, errors.Is(err, app.ErrInvalidCredentials))
		return nil
	})
	assert.True(t, strings.HasPrefix(g.Name(), "api"))
}
