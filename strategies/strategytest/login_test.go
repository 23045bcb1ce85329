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
	strategytest.Logout(t, c, b, "sam", token)
	assert.Equal(t, 401, c.Get("/").Status)
}
