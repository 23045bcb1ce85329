package strategies_test

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/strategies"
)

// Whatever a client sends, what reaches the database is an id, a hash or a token of api_guard.
func FuzzLegacyTexts(f *testing.F) {
	for _, system := range legacySystems {
		for _, tokens := range system.tokens {
			for _, w := range tokens {
				f.Add(w.text)
			}
		}
		for _, w := range system.others {
			f.Add(w.text)
		}
	}
	for _, text := range []string{"", "|", ".", "oat_.", "1|", "MQ.", "\x00", "\xff", "' OR 1=1 --", "9223372036854775808|x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, legacy := range []func(strategies.LegacyDatabase) strategies.LegacyTokens{
			func(db strategies.LegacyDatabase) strategies.LegacyTokens {
				return strategies.NewAdonisTokens(db, strategies.AdonisOptions{})
			},
			func(db strategies.LegacyDatabase) strategies.LegacyTokens {
				return strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{})
			},
			func(db strategies.LegacyDatabase) strategies.LegacyTokens {
				return strategies.NewSanctumTokens(db, strategies.SanctumOptions{Prefix: "shire_"})
			},
			func(db strategies.LegacyDatabase) strategies.LegacyTokens {
				return strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{})
			},
		} {
			db := &strictDatabase{t: t}
			_, err := legacy(db).Find(t.Context(), text)
			assert.Equal(t, db.asked == 1, err != nil)
			assert.LessOrEqual(t, db.asked, 1)
		}
	})
}

// A strictDatabase looks at its arguments and has no rows.
type strictDatabase struct {
	t     *testing.T
	asked int
}

var plainArgument = regexp.MustCompile(`^[0-9A-Za-z_-]{22,64}$`)

func (s *strictDatabase) QueryContext(_ context.Context, _ string, args ...any) (*sql.Rows, error) {
	s.asked++
	switch v := args[0].(type) {
	case int64:
		assert.Positive(s.t, v)
	case string:
		assert.Regexp(s.t, plainArgument, v)
	default:
		assert.Fail(s.t, "another type", "%T", v)
	}
	return nil, errors.New("no rows here")
}
