package app_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// tagged makes text the Info.
func tagged(text string) func(context.Context, *app.Identity) (any, error) {
	return func(context.Context, *app.Identity) (any, error) { return text, nil }
}

// lending is a strategy that notes which Info it is to end.
type lending struct {
	info  any
	ended *[]any
}

func (l lending) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: &hobbit{"sam"}, Info: l.info, Via: "lending"}, nil
}

func (l lending) End(_ *app.Context, id *app.Identity) error {
	*l.ended = append(*l.ended, id.Info)
	return nil
}

func (l lending) Describe() (name, looksAt string) { return "lending", "nowhere" }

func TestWithInfo(t *testing.T) {
	t.Run("each function is given what the one before made", func(t *testing.T) {
		add := func(suffix string) func(context.Context, *app.Identity) (any, error) {
			return func(_ context.Context, id *app.Identity) (any, error) { return id.Info.(string) + suffix, nil }
		}
		keep := func(context.Context, *app.Identity) (any, error) { return nil, nil }
		res := serve(get("/"), app.Authenticate(app.WithInfo(proves("sam"), add(" a"), keep, add(" b"))), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, "the credential a b", id.Info)
			assert.Equal(t, "test", id.Via)
			return ok(ctx)
		}))
		assert.Equal(t, 200, res.Code)
	})
	t.Run("knows the user and the request's context", func(t *testing.T) {
		type key struct{}
		res := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			ctx.SetContext(context.WithValue(ctx.Context(), key{}, "the shire"))
			return next(ctx)
		}, app.Authenticate(app.WithInfo(proves("sam"), func(ctx context.Context, id *app.Identity) (any, error) {
			return id.User.(*hobbit).Name + " of " + ctx.Value(key{}).(string), nil
		})), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			assert.Equal(t, "sam of the shire", id.Info)
			return errors.Join(err, ok(ctx))
		}))
		assert.Equal(t, 200, res.Code)
	})
	for name, fault := range map[string]error{
		"an error": errBoom, "no credentials": app.ErrNoCredentials, "a rejection": &app.Rejection{Message: "No"}, "anonymous": app.ErrAnonymous,
	} {
		t.Run(name+" of a function is a fault", func(t *testing.T) {
			bad := func(context.Context, *app.Identity) (any, error) { return nil, fault }
			w, told := answered(get("/"), app.Identify(app.WithInfo(proves("sam"), bad), proves("frodo")), last(whoami))
			assert.Equal(t, 500, w.Code, "and the next strategy is not asked")
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "app: WithInfo")
		})
	}
	t.Run("asks nothing if nobody is proved and challenges as before", func(t *testing.T) {
		never := func(context.Context, *app.Identity) (any, error) { panic("asked") }
		res := serve(get("/"), app.Authenticate(app.WithInfo(asks("A", rejects("No")), never)), last(whoami))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{`A error="invalid_token"`}, res.Header()["Www-Authenticate"])
		assert.Equal(t, 401, serve(get("/"), app.Authenticate(app.WithInfo(passes(), never)), last(whoami)).Code)
		res = serve(get("/"), app.Authenticate(app.WithInfo(always{(*hobbit)(nil)}, never)), last(whoami))
		assert.Equal(t, 500, res.Code, "a typed nil is nobody")
	})
	t.Run("what the strategy proved is ended as it was", func(t *testing.T) {
		for _, info := range []any{"the token", nil} {
			for name, wrap := range map[string]func(app.Strategy) app.Strategy{
				"once":  func(s app.Strategy) app.Strategy { return app.WithInfo(s, tagged("a")) },
				"twice": func(s app.Strategy) app.Strategy { return app.WithInfo(app.WithInfo(s, tagged("a")), tagged("b")) },
				"around a choice": func(s app.Strategy) app.Strategy {
					return app.WithInfo(app.Choose(func(*app.Context) (app.Strategy, error) { return app.WithInfo(s, tagged("a")), nil }), tagged("b"))
				},
			} {
				var ended []any
				res := serve(get("/"), app.Authenticate(wrap(lending{info, &ended})), last(func(ctx *app.Context) error {
					return errors.Join(ctx.Logout(), ok(ctx))
				}))
				assert.Equal(t, 200, res.Code)
				assert.Equal(t, []any{info}, ended, name)
			}
		}
	})
	t.Run("a strategy that cannot end cannot", func(t *testing.T) {
		var err error
		serve(get("/"), app.Authenticate(app.WithInfo(proves("sam"), tagged("a"))), last(func(ctx *app.Context) error {
			err = ctx.Logout()
			return err
		}))
		assert.ErrorIs(t, err, app.ErrCannotEnd)
	})
	t.Run("a strategy that ended its own credential makes nobody of the user", func(t *testing.T) {
		res := serve(get("/"), app.Authenticate(app.WithInfo(lending{"the token", new([]any)}, tagged("a"))), last(func(ctx *app.Context) error {
			ctx.Forget("another")
			assert.True(t, ctx.IsAuthenticated())
			ctx.Forget("the token")
			assert.False(t, ctx.IsAuthenticated())
			return ok(ctx)
		}))
		assert.Equal(t, 200, res.Code)
	})
	t.Run("sessions with it are sessions", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{LoginPage: "/login"})
		c := w.client(t)
		c.Get("/login")
		a := quiet().Use(w.sessions.Layer, app.Authenticate(app.WithInfo(w.sessions, tagged("a"))), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, "a", id.Info)
			return ctx.Logout()
		}))
		res := record(a, navigation("/secret"))
		assert.Equal(t, "/login", res.Header().Get("Location"), "nobody is sent to log in")
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		record(a, r)
		assert.Equal(t, 401, c.Get("/me").Status, "logout ends the session")
	})
	t.Run("the functions are copied", func(t *testing.T) {
		change := []func(context.Context, *app.Identity) (any, error){tagged("a")}
		s := app.WithInfo(proves("sam"), change...)
		change[0] = tagged("b")
		outcomeOf(t, func(_ *app.Context, o app.Outcome, err error) {
			require.NoError(t, err)
			assert.Equal(t, "a", o.Identity.Info)
		}, s)
	})
	t.Run("is refused while building without a strategy or a function", func(t *testing.T) {
		assert.PanicsWithValue(t, "app: WithInfo: strategy 0 is nil", func() { app.WithInfo(nil, tagged("a")) })
		assert.PanicsWithValue(t, "app: WithInfo needs a function", func() { app.WithInfo(passes()) })
		assert.PanicsWithValue(t, "app: WithInfo: function 1 is nil", func() { app.WithInfo(passes(), tagged("a"), nil) })
	})
}
