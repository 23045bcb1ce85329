package rollback_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/internal/rollback"
)

func TestWhatWasDoneIsTakenBackTheLastFirst(t *testing.T) {
	var taken []string
	take := func(name string) func() { return func() { taken = append(taken, name) } }
	rollback.On(t.Context(), take("outside"))
	outer, whole := rollback.With(t.Context())
	rollback.On(outer, take("one"))
	inner, part := rollback.With(outer)
	rollback.On(inner, take("two"))
	rollback.On(inner, take("three"))
	rollback.On(outer, part.Undo)
	rollback.On(outer, take("four"))
	whole.Undo()
	assert.Equal(t, []string{"four", "three", "two", "one"}, taken)
	whole.Undo()
	part.Undo()
	assert.Len(t, taken, 4, "once")
}
