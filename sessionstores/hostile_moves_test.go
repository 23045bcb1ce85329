package sessionstores_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
)

// A login beyond the limit ends one session, also of a user whose sessions are all being given other ids.
func TestRegenerateAgainstALoginBeyondTheLimit(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		const limit = 3
		sessions, h := tabs(store, app.SessionOptions{MaxPerUser: limit})
		var cookies []*http.Cookie
		for range limit {
			cookies = append(cookies, serve(h, "/login", nil).Result().Cookies()...)
		}
		for range 10 {
			var wg sync.WaitGroup
			given := make(chan *http.Cookie, limit+1)
			for _, cookie := range append(cookies, nil) {
				wg.Go(func() {
					path := "/grow"
					if cookie == nil {
						path = "/login"
					}
					w := serve(h, path, cookie)
					assert.Contains(t, []int{204, 401}, w.Code)
					for _, cookie := range w.Result().Cookies() {
						given <- cookie
					}
				})
			}
			wg.Wait()
			close(given)
			live, err := sessions.List(t.Context(), "frodo")
			require.NoError(t, err)
			require.Len(t, live, limit)
			cookies = nil
			for cookie := range given {
				if serve(h, "/me", cookie).Code == 204 {
					cookies = append(cookies, cookie)
				}
			}
			require.Len(t, cookies, limit, "each of which some client can use")
		}
	})
}

func TestAMovedSessionIsUnderOneKey(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		ctx := context.Background()
		for i := range 20 {
			old, key := "old"+strconv.Itoa(i), "new"+strconv.Itoa(i)
			r := record("frodo")
			require.NoError(t, store.Insert(ctx, old, "", r))
			moved, updated := *r, *r
			updated.Data = map[string]json.RawMessage{"cart": json.RawMessage(`1`)}
			var move, update error
			var wg sync.WaitGroup
			wg.Go(func() { move = store.(app.SessionMover).MoveSession(ctx, key, old, &moved) })
			wg.Go(func() { update = store.Update(ctx, old, &updated) })
			wg.Go(func() {
				assert.NoError(t, store.Touch(ctx, old, r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute)))
			})
			wg.Wait()
			before, err := store.Find(ctx, old)
			require.NoError(t, err)
			after, err := store.Find(ctx, key)
			require.NoError(t, err)
			if move == nil {
				require.ErrorIs(t, update, app.ErrSessionGone)
				require.Nil(t, before)
				require.NotNil(t, after)
				continue
			}
			require.ErrorIs(t, move, app.ErrSessionChanged)
			require.NoError(t, update)
			require.NotNil(t, before)
			require.Nil(t, after)
		}
	})
}

// A statement whose answer is lost is repeated, whether it was done or not.
func TestAMoveWhoseAnswerIsLost(t *testing.T) {
	for name, done := range map[string]bool{"and was made": true, "and was not made": false} {
		t.Run(name, func(t *testing.T) {
			onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
				store, r := sessionstores.NewBun(db), record("frodo")
				require.NoError(t, store.Insert(t.Context(), "old", "", r))
				first, lost := *r, false
				trace.Fail(func(c sqltrace.Call) error {
					if c.Kind != sqltrace.Exec || lost {
						return nil
					}
					lost = true
					if done {
						assert.NoError(t, store.MoveSession(context.Background(), "new", "old", &first))
					}
					return passing{}
				})
				require.NoError(t, store.MoveSession(t.Context(), "new", "old", r))
				trace.Reset()
				assert.True(t, lost)
				assert.EqualValues(t, 2, r.Version)
				assert.Equal(t, []string{"new"}, allKeys(t, store, "frodo"))
			})
		})
	}
}
