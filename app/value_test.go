package app_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

var (
	shireKey  = app.NewKey[*place]("place")
	mordorKey = app.NewKey[*place]("place")
	countKey  = app.NewKey[int]("count")
	errorKey  = app.NewKey[error]("error")
)

func TestKey(t *testing.T) {
	home := &place{Name: "Bag End"}
	above := func(ctx *app.Context, next app.Handler) error {
		_, found := shireKey.Get(ctx)
		assert.False(t, found, "not of the request before")
		shireKey.Set(ctx, home)
		countKey.Set(ctx, 0)
		errorKey.Set(ctx, nil)
		return next(ctx)
	}
	for range 2 {
		w := serve(get("/"), above, last(func(ctx *app.Context) error {
			at, found := shireKey.Get(ctx)
			assert.True(t, found)
			assert.Same(t, home, at)
			_, found = mordorKey.Get(ctx)
			assert.False(t, found, "another key of the same name and type")
			n, found := countKey.Get(ctx)
			assert.True(t, found, "a zero value was set")
			assert.Zero(t, n)
			err, found := errorKey.Get(ctx)
			assert.True(t, found, "a nil was set")
			assert.NoError(t, err)
			countKey.Set(ctx, 9)
			n, _ = countKey.Get(ctx)
			ctx.Body = fmt.Sprintf("%d %v %s", n, countKey, at.Name)
			return nil
		}))
		assert.Equal(t, "9 count Bag End", w.Body.String())
	}
	assert.PanicsWithValue(t, "app: NewKey needs a name", func() { app.NewKey[int]("") })
}
