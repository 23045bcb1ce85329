package app_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

// A movingStore moves the session that is about to be deleted, once or twice, as Regenerate of another request does.
type movingStore struct {
	*sessionstores.Memory
	before func(key string)
}

func (m *movingStore) Delete(ctx context.Context, key string) error {
	if before := m.before; before != nil {
		m.before = nil
		before(key)
	}
	return m.Memory.Delete(ctx, key)
}

func TestEndOfASessionThatIsRegeneratedMeanwhile(t *testing.T) {
	for name, moves := range map[string]int{"once": 1, "twice": 2} {
		t.Run(name, func(t *testing.T) {
			frodo, store := &hobbit{"frodo"}, &movingStore{Memory: sessionstores.NewMemory()}
			s := app.NewSessions(store, &hobbits{}, app.SessionOptions{})
			w := serve(post("/", formType, ""), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(frodo) }))
			cookie := w.Result().Cookies()[0].Value
			list, err := s.List(t.Context(), frodo)
			require.NoError(t, err)
			require.Len(t, list, 1)
			store.before = func(string) {
				for range moves {
					r := post("/", formType, "")
					r.Header.Set("Cookie", "__Host-session="+cookie)
					w := serve(r, s.Layer, last(func(ctx *app.Context) error {
						x, err := ctx.Session()
						require.NoError(t, err)
						return x.Regenerate()
					}))
					cookie = w.Result().Cookies()[0].Value
				}
			}
			ended, err := s.End(t.Context(), frodo, list[0].Handle)
			require.NoError(t, err)
			assert.True(t, ended)
			list, err = s.List(t.Context(), frodo)
			require.NoError(t, err)
			assert.Empty(t, list, "wherever it is")
		})
	}
}
