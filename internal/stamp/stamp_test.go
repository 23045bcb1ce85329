package stamp_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/stamp"
)

func of(user any) string { return user.(string) }

func never(context.Context, string) (any, error) { panic("asked for the user once more") }

func TestWhatIsBoundHoldsWhileTheTextIsTheSame(t *testing.T) {
	s := stamp.Stamp{Of: of, Domain: "session"}
	kept, err := s.Digest(t.Context(), "old", "frodo", never)
	require.NoError(t, err)
	assert.NotContains(t, kept, "old")
	assert.True(t, s.Holds(kept, "old", "frodo"))
	assert.False(t, s.Holds(kept, "new", "frodo"), "another text")
	assert.False(t, s.Holds(kept, "old", "sam"), "another user")
	assert.False(t, s.Holds(kept, "", "frodo"), "no text")
	assert.False(t, s.Holds("", "old", "frodo"), "nothing was kept")
	assert.False(t, stamp.Stamp{Of: of, Domain: "admin"}.Holds(kept, "old", "frodo"), "another use")
}

func TestNothingIsBoundWithoutAText(t *testing.T) {
	var none stamp.Stamp
	kept, err := none.Digest(t.Context(), "old", "frodo", never)
	require.NoError(t, err)
	assert.Empty(t, kept)
	assert.True(t, none.Holds("", "new", "frodo"))
}

func TestWhoCameWithoutTheTextIsLoaded(t *testing.T) {
	s, fault := stamp.Stamp{Of: of, Domain: "session"}, errors.New("down")
	for name, test := range map[string]struct {
		loaded any
		err    error
		want   error
	}{
		"and has it":    {"old", nil, nil},
		"and has none":  {"", nil, stamp.ErrNone},
		"and is gone":   {nil, nil, sql.ErrNoRows},
		"and is no row": {nil, sql.ErrNoRows, sql.ErrNoRows},
		"and cannot be": {nil, fault, fault},
	} {
		t.Run(name, func(t *testing.T) {
			kept, err := s.Digest(t.Context(), "", "frodo", func(context.Context, string) (any, error) { return test.loaded, test.err })
			require.ErrorIs(t, err, test.want)
			assert.Equal(t, test.want == nil, s.Holds(kept, "old", "frodo"))
		})
	}
}
