package app_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// byTenant chooses by the Host header, and counts how often.
func byTenant(tenants map[string]app.Strategy, asked *int) app.Strategy {
	return app.Choose(func(ctx *app.Context) (app.Strategy, error) {
		*asked++
		switch host := ctx.Request.Host; host {
		case "broken.example":
			return nil, errBoom
		case "none.example":
			return nil, nil
		case "typed-nil.example":
			return (*app.Sessions)(nil), nil
		case "other.example":
			return nil, app.ErrNoCredentials
		case "closed.example":
			return nil, &app.Rejection{Message: "That tenant is closed"}
		default:
			if s, ok := tenants[host]; ok {
				return s, nil
			}
			return nil, ctx.Throw(http.StatusNotFound, "")
		}
	})
}

func at(host string) *http.Request {
	r := get("/")
	r.Host = host
	return r
}

func TestChoose(t *testing.T) {
	ended := new(int)
	shire, gondor := asks("Shire", proves("frodo")), asks("Gondor", rejects("No"))
	tenants := map[string]app.Strategy{"shire.example": shire, "gondor.example": gondor, "ended.example": ender{ended, nil}}
	var count int
	choose := byTenant(tenants, &count)
	for _, test := range []struct {
		host      string
		status    int
		body      string
		challenge []string
	}{
		{"shire.example", 200, "frodo", nil},
		{"gondor.example", 401, "", []string{`Gondor error="invalid_token"`, "Last"}},
		{"other.example", 401, "", []string{"Last"}},
		{"closed.example", 401, "", []string{"Last"}},
		{"mordor.example", 404, "", nil},
		{"broken.example", 503, "", nil},
		{"none.example", 503, "", nil},
		{"typed-nil.example", 503, "", nil},
	} {
		t.Run(test.host, func(t *testing.T) {
			count = 0
			res := serve(at(test.host), app.Authenticate(choose, asks("Last", passes())), last(whoami))
			assert.Equal(t, test.status, res.Code)
			assert.Equal(t, test.challenge, res.Header()["Www-Authenticate"])
			if test.body != "" {
				assert.Equal(t, test.body, res.Body.String())
			}
			assert.Equal(t, 1, count, "it is chosen once")
		})
	}
	t.Run("one layer serves every tenant", func(t *testing.T) {
		a := quiet().Use(app.Authenticate(choose), last(whoami))
		for range 2 {
			assert.Equal(t, 200, record(a, at("shire.example")).Code)
			assert.Equal(t, 401, record(a, at("gondor.example")).Code)
		}
	})
	t.Run("it is not chosen before its turn", func(t *testing.T) {
		count = 0
		res := serve(at("broken.example"), app.Authenticate(proves("sam"), choose), last(whoami))
		assert.Equal(t, "sam", res.Body.String(), "a tenant that cannot be found out concerns nobody who is proved")
		assert.Zero(t, count)
	})
	t.Run("the strategy that was chosen ends what it proved", func(t *testing.T) {
		r := at("ended.example")
		r.Header.Set("Authorization", "x")
		res := serve(r, app.Authenticate(choose), last(func(ctx *app.Context) error { return errors.Join(ctx.Logout(), ok(ctx)) }))
		assert.Equal(t, 200, res.Code)
		assert.Equal(t, 1, *ended)
	})
	t.Run("choices in choices and with other info", func(t *testing.T) {
		*ended = 0
		inner := app.Choose(func(*app.Context) (app.Strategy, error) { return choose, nil })
		r := at("ended.example")
		r.Header.Set("Authorization", "x")
		res := serve(r, app.Authenticate(app.WithInfo(inner, tagged("a"))), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, "a", id.Info)
			return errors.Join(ctx.Logout(), ok(ctx))
		}))
		assert.Equal(t, 200, res.Code)
		assert.Equal(t, 1, *ended)
		res = serve(at("gondor.example"), app.Authenticate(app.WithInfo(inner, tagged("a"))), last(ok))
		assert.Equal(t, []string{`Gondor error="invalid_token"`}, res.Header()["Www-Authenticate"])
		assert.Equal(t, 404, serve(at("mordor.example"), app.Authenticate(app.WithInfo(inner, tagged("a"))), last(ok)).Code)
	})
	t.Run("it is a strategy when it is called by hand", func(t *testing.T) {
		res := serve(at("shire.example"), last(func(ctx *app.Context) error {
			id, err := choose.Authenticate(ctx)
			require.NoError(t, err)
			assert.Equal(t, &hobbit{"frodo"}, id.User)
			return ok(ctx)
		}))
		assert.Equal(t, 200, res.Code)
		res = serve(at("broken.example"), last(func(ctx *app.Context) error {
			_, err := choose.Authenticate(ctx)
			assert.ErrorIs(t, err, errBoom)
			return ok(ctx)
		}))
		assert.Equal(t, 200, res.Code)
	})
	t.Run("a guard below asks for what was chosen", func(t *testing.T) {
		res := serve(at("gondor.example"), app.Identify(byTenant(map[string]app.Strategy{"gondor.example": asks("Gondor", passes())}, new(int))), app.RequireLogin, last(ok))
		assert.Equal(t, []string{"Gondor"}, res.Header()["Www-Authenticate"])
	})
	t.Run("without a function it panics", func(t *testing.T) {
		assert.PanicsWithValue(t, "app: Choose needs a function", func() { app.Choose(nil) })
	})
}
