package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// outcomeOf serves one request whose handler asks.
func outcomeOf(t *testing.T, then func(ctx *app.Context, o app.Outcome, err error), strategies ...app.Strategy) {
	t.Helper()
	asked := false
	serve(get("/"), last(func(ctx *app.Context) error {
		asked = true
		o, err := ctx.Ask(strategies...)
		then(ctx, o, err)
		return nil
	}))
	require.True(t, asked)
}

func TestAsk(t *testing.T) {
	t.Run("says who it is and does nothing about it", func(t *testing.T) {
		s, store := memorySessions()
		res := serve(get("/"), s.Layer, app.Authenticate(proves("frodo")), last(func(ctx *app.Context) error {
			o, err := ctx.Ask(proves("sam", "read"))
			require.NoError(t, err)
			assert.Equal(t, &hobbit{"sam"}, o.Identity.User)
			assert.Equal(t, []string{"read"}, o.Identity.Scopes)
			assert.Equal(t, "the credential", o.Identity.Info)
			assert.NoError(t, o.Err())
			assert.Empty(t, o.Refusals)
			return whoami(ctx)
		}))
		assert.Equal(t, "frodo", res.Body.String())
		assert.Empty(t, res.Header()["Set-Cookie"])
		assert.Empty(t, store.Calls())
	})
	t.Run("says in order why each strategy did not prove the user", func(t *testing.T) {
		no := &app.Rejection{Message: "No such token"}
		later := &app.Rejection{Message: "Nor I", Status: 403}
		outcomeOf(t, func(_ *app.Context, o app.Outcome, err error) {
			require.NoError(t, err)
			assert.Nil(t, o.Identity)
			require.Len(t, o.Refusals, 3)
			assert.ErrorIs(t, o.Refusals[0].Reason, app.ErrNoCredentials)
			assert.Same(t, no, o.Refusals[1].Reason)
			assert.Same(t, later, o.Refusals[2].Reason)
			assert.Equal(t, "B", o.Refusals[1].Strategy.(challenging).scheme)
			assert.ErrorIs(t, o.Err(), app.ErrInvalidCredentials)
			assert.Equal(t, []string{"A", `B error=""`, "C"}, app.Challenges(o.Err()), "what Authenticate would answer")
		}, asks("A", passes()), asks("B", fails(no)), asks("C", fails(later)))
	})
	t.Run("who fails and then succeeds is proved and nothing of the failure is left", func(t *testing.T) {
		res := serve(get("/"), last(func(ctx *app.Context) error {
			o, err := ctx.Ask(asks("A", rejects("No")), proves("sam"))
			require.NoError(t, err)
			require.NotNil(t, o.Identity)
			require.NoError(t, o.Err())
			assert.Len(t, o.Refusals, 1)
			o.Accept()
			return whoami(ctx)
		}))
		assert.Equal(t, 200, res.Code)
		assert.Equal(t, "sam", res.Body.String())
		assert.Empty(t, res.Header()["Www-Authenticate"])
	})
	t.Run("asks nobody after the one that proves", func(t *testing.T) {
		outcomeOf(t, func(_ *app.Context, o app.Outcome, err error) {
			require.NoError(t, err)
			assert.NotNil(t, o.Identity)
		}, proves("sam"), panics("asked"))
	})
	t.Run("accepting nobody changes nothing", func(t *testing.T) {
		res := serve(get("/"), app.Authenticate(proves("frodo")), last(func(ctx *app.Context) error {
			o, err := ctx.Ask(rejects("No"))
			require.NoError(t, err)
			o.Accept()
			app.Outcome{}.Accept()
			return whoami(ctx)
		}))
		assert.Equal(t, "frodo", res.Body.String())
	})
	t.Run("an outcome of nothing is no error", func(t *testing.T) { assert.NoError(t, app.Outcome{}.Err()) })
	t.Run("its error is answered as Authenticate's", func(t *testing.T) {
		res := serve(get("/"), last(func(ctx *app.Context) error {
			o, err := ctx.Ask(asks("A", passes()), asks("B", rejects("No")))
			return errors.Join(err, o.Err())
		}))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{"A", `B error="invalid_token"`}, res.Header()["Www-Authenticate"])
	})
	t.Run("without a strategy or with a nil one it is a bug", func(t *testing.T) {
		for _, strategies := range [][]app.Strategy{nil, {nil}, {passes(), nil}} {
			_, told := answered(get("/"), last(func(ctx *app.Context) error {
				_, err := ctx.Ask(strategies...)
				return err
			}))
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "app: Ask")
		}
	})
	t.Run("a copy of the context asks nobody", func(t *testing.T) {
		serve(get("/"), last(func(ctx *app.Context) error {
			_, err := copyOf(ctx).Ask(panics("asked"))
			assert.ErrorIs(t, err, app.ErrCopied)
			return nil
		}))
	})
}

// What ends the question is the error, and no outcome.
func TestAskIsEndedByFaults(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"a fault", errBoom, 503},
		{"a deadline", context.DeadlineExceeded, 503},
		{"too many attempts", &app.Error{Status: 429}, 429},
		{"too many attempts with a wrong password", &app.Error{Status: 429, Cause: &app.Rejection{Message: "Wrong password"}}, 429},
		{"a fault with a wrong password", &app.Error{Status: 503, Cause: fmt.Errorf("x: %w", &app.Rejection{})}, 503},
		{"a place to go first", &app.Redirection{URL: "https://login.example.com/"}, 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := serve(get("/"), last(func(ctx *app.Context) error {
				o, err := ctx.Ask(rejects("No"), asks("A", fails(test.err)), panics("asked"))
				require.ErrorIs(t, err, test.err)
				assert.NotErrorIs(t, err, app.ErrNoCredentials)
				assert.Nil(t, o.Identity)
				return err
			}))
			assert.Equal(t, test.want, res.Code)
			assert.Empty(t, res.Header()["Www-Authenticate"])
		})
	}
	t.Run("nobody and no error", func(t *testing.T) {
		outcomeOf(t, func(_ *app.Context, o app.Outcome, err error) {
			require.Error(t, err)
			assert.Nil(t, o.Identity)
			assert.NotErrorIs(t, err, app.ErrNoCredentials)
		}, says(func(*app.Context) (*app.Identity, error) { return nil, nil }))
	})
}

// An Error that caused a rejection is for the log: it decides no answer.
func TestRejectionHidesItsCause(t *testing.T) {
	no := &app.Rejection{Message: "No such token", Cause: &app.Error{Status: 500, Message: "the row's secret"}}
	w, told := answered(get("/"), app.Authenticate(fails(no)), last(whoami))
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, "No such token", title(t, w))
	assert.Empty(t, told)
}

func TestChallenges(t *testing.T) {
	outcomeOf(t, func(_ *app.Context, o app.Outcome, err error) {
		require.NoError(t, err)
		no := fmt.Errorf("wrapped: %w", o.Err())
		got := app.Challenges(no)
		require.Equal(t, []string{"A", "B"}, got)
		got[0] = "changed"
		assert.Equal(t, []string{"A", "B"}, app.Challenges(no), "they are a copy")
	}, asks("A", passes()), asks("B", passes()))
	assert.Empty(t, app.Challenges(nil))
	assert.Empty(t, app.Challenges(errBoom))
}

func TestAnonymous(t *testing.T) {
	anonymous := fails(app.ErrAnonymous)
	for _, test := range []struct {
		name       string
		strategies []app.Strategy
		status     int
		body       string
	}{
		{"nobody goes on without a user", []app.Strategy{asks("A", passes()), anonymous}, 200, "nobody"},
		{"who is proved is not asked to be anonymous", []app.Strategy{proves("frodo"), anonymous}, 200, "frodo"},
		{"wrong credentials do not go on", []app.Strategy{asks("A", rejects("No")), anonymous}, 401, ""},
		{"a fault does not go on", []app.Strategy{fails(errBoom), anonymous}, 503, ""},
		{"a rejection whose cause it is does not go on", []app.Strategy{fails(&app.Rejection{Cause: app.ErrAnonymous})}, 401, ""},
		{"an error whose cause it is does not go on", []app.Strategy{fails(&app.Error{Status: 500, Cause: app.ErrAnonymous})}, 500, ""},
		{"nobody after it is asked", []app.Strategy{anonymous, panics("asked")}, 200, "nobody"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, layer := range map[string]app.Middleware{
				"Authenticate": app.Authenticate(test.strategies...), "Identify": app.Identify(test.strategies...),
				"AuthenticateWith": app.AuthenticateWith(app.AuthenticateOptions{}, test.strategies...),
			} {
				res := serve(get("/"), layer, last(whoami))
				assert.Equal(t, test.status, res.Code, name)
				if test.status == 200 {
					assert.Equal(t, test.body, res.Body.String(), name)
				}
			}
		})
	}
	t.Run("by hand it counts as no credentials", func(t *testing.T) {
		res := serve(get("/"), last(func(ctx *app.Context) error {
			id, err := ctx.Authenticate(asks("A", passes()), anonymous)
			assert.Nil(t, id)
			assert.ErrorIs(t, err, app.ErrNoCredentials)
			return err
		}))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{"A"}, res.Header()["Www-Authenticate"])
	})
	t.Run("a guard below still keeps nobody out", func(t *testing.T) {
		assert.Equal(t, 401, serve(get("/"), app.Authenticate(anonymous), app.RequireLogin, last(ok)).Code)
	})
}

// The list of strategies is the layer's own.
func TestStrategiesAreCopied(t *testing.T) {
	for name, layer := range map[string]func(...app.Strategy) app.Middleware{
		"Authenticate": app.Authenticate, "Identify": app.Identify, "Authorize": app.Authorize,
		"AuthenticateWith": func(s ...app.Strategy) app.Middleware {
			return app.AuthenticateWith(app.AuthenticateOptions{}, s...)
		},
	} {
		strategies := []app.Strategy{rejects("No")}
		guard := layer(strategies...)
		strategies[0] = proves("sam")
		assert.Equal(t, 401, serve(get("/"), guard, last(whoami)).Code, name)
	}
}
