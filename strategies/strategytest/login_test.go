package strategytest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/strategies/strategytest"
	"github.com/kahu-go/kahu/tokenstores"
)

var names = serializer.New(func(name string) string { return name }, func(_ context.Context, name string) (string, error) { return name, nil })

func TestLogin(t *testing.T) {
	b := strategies.NewBearer(tokenstores.NewMemory(), names, strategies.BearerOptions{})
	a := app.New().Use(app.Authenticate(b), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = ctx.User()
		return nil
	})
	c := apptest.NewClient(t, a)
	t.Run("the client is somebody", func(t *testing.T) {
		assert.Equal(t, 401, c.Get("/").Status)
		strategytest.Login(t, c, b, "frodo", strategies.TokenOptions{})
		assert.Equal(t, "frodo", c.Get("/").Body)
	})
	assert.Equal(t, 401, c.Get("/").Status, "the token ends with the test")
	left, err := b.List(t.Context(), "frodo")
	require.NoError(t, err)
	assert.Empty(t, left)
	token := strategytest.Login(t, c, b, "sam", strategies.TokenOptions{})
	strategytest.Logout(t, c, b, token)
	assert.Equal(t, 401, c.Get("/").Status)
	c.Header.Set("Authorization", "Bearer "+token.Text())
	assert.Equal(t, 401, c.Get("/").Status, "the token has ended, too")
}

func TestLoginByJWT(t *testing.T) {
	key, err := strategies.GenerateJWTKey("a", "ES256")
	require.NoError(t, err)
	keys, err := strategies.NewJWTKeys(key)
	require.NoError(t, err)
	o := strategies.JWTOptions{Issuer: "https://shire.example", Audience: "https://api.shire.example", Keys: keys,
		Denylist: tokenstores.NewMemoryDenylist(), Refresh: strategies.RefreshOptions{Store: tokenstores.NewMemory()}}
	j := strategies.NewJWT(names, o)
	a := app.New().Use(app.Authenticate(j), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = ctx.User()
		return nil
	})
	c := apptest.NewClient(t, a)
	t.Run("the client is somebody", func(t *testing.T) {
		strategytest.Login(t, c, j, "frodo", strategies.PairOptions{})
		assert.Equal(t, "frodo", c.Get("/").Body)
	})
	assert.Equal(t, 401, c.Get("/").Status, "the token ends with the test")
	left, err := j.Devices(t.Context(), "frodo")
	require.NoError(t, err)
	assert.Empty(t, left)
	pair := strategytest.Login(t, c, j, "sam", strategies.PairOptions{})
	strategytest.Logout(t, c, j, pair)
	c.Header.Set("Authorization", "Bearer "+pair.Access())
	assert.Equal(t, 401, c.Get("/").Status)
	t.Run("what cannot end is nobody's fault", func(t *testing.T) {
		strategytest.Login(t, c, j.With(func(o *strategies.JWTOptions) {
			o.Denylist, o.Refresh.Store, o.InsecureIrrevocable = nil, nil, true
		}), "frodo", strategies.PairOptions{})
	})
}
