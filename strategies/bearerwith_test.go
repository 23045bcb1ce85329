package strategies_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestBearerWithOtherOptions(t *testing.T) {
	users := serializer.New(func(name string) string { return name }, func(_ context.Context, name string) (string, error) { return name, nil })
	b := strategies.NewBearer(tokenstores.NewMemory(), users, strategies.BearerOptions{})
	other := b.With(func(o *strategies.BearerOptions) {
		assert.Equal(t, "api", o.Type, "as they are, defaults filled in")
		o.Type = "invitation"
	})
	assert.Equal(t, "api", b.Type(), "b is as before")
	issued, err := other.Issue(t.Context(), "frodo", strategies.TokenOptions{})
	require.NoError(t, err)
	assert.Equal(t, "invitation", issued.Type)
	for strategy, want := range map[*strategies.Bearer]int{b: 0, other: 1, b.With(func(o *strategies.BearerOptions) { o.Type = "invitation" }): 1} {
		list, err := strategy.List(t.Context(), "frodo")
		require.NoError(t, err)
		assert.Len(t, list, want, "the store is the same")
	}
	assert.Panics(t, func() { b.With(func(o *strategies.BearerOptions) { o.IdleLimit = time.Second }) })
}
