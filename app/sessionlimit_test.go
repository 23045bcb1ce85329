package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestMaxPerUser(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{MaxPerUser: 2})
	all := make([]*apptest.Client, 3)
	for i := range all {
		all[i] = w.in("frodo", "&remember")
		w.clock.Advance(time.Second)
	}
	sam := w.in("sam", "")
	lines := strings.Join(w.told.take(), "\n")
	assert.Equal(t, 1, strings.Count(lines, "session revoked via session of frodo in #1 from 192.0.2.1: the user has newer sessions than may be kept"), lines)
	assert.Equal(t, 401, all[0].Get("/me").Status, "the oldest is out, and not remembered")
	assert.Equal(t, []int{200, 200, 200}, []int{all[1].Get("/me").Status, all[2].Get("/me").Status, sam.Get("/me").Status})
	assert.Len(t, w.mellon.handles(), 2)
	t.Run("a second login at the same client ends no other", func(t *testing.T) {
		require.Equal(t, 204, all[2].Get("/login?name=frodo&remember").Status)
		assert.Equal(t, 200, all[1].Get("/me").Status)
	})
	t.Run("what the oldest is remembered by cannot be ended: nobody is logged in", func(t *testing.T) {
		w.mellon.failing("Revoke", errBoom)
		c := w.client()
		res := c.Get("/login?name=frodo")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		assert.Equal(t, 401, c.Get("/me").Status)
		list, err := w.sessions.List(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		assert.Len(t, list, 1, "of the two that were there, and of the new one nothing is left")
		w.mellon.during = nil
	})
	t.Run("who is remembered counts", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{MaxPerUser: 2})
		c := w.in("frodo", "&remember")
		w.lapse()
		w.in("frodo", "")
		require.Equal(t, "frodo", c.Get("/me").Body)
		d := w.in("frodo", "")
		assert.Equal(t, 200, d.Get("/me").Status)
		assert.Len(t, w.mine(d), 2)
	})
	t.Run("wrong limits and stores", func(t *testing.T) {
		for _, n := range []int{-1, 10_001} {
			assert.Panics(t, func() {
				app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{MaxPerUser: n})
			})
		}
		limiter := struct{ app.SessionLimiter }{sessionstores.NewMemory()}
		assert.PanicsWithValue(t, "app: SessionOptions.MaxPerUser with Remember needs a store that is a SessionLister, struct { app.SessionStore; app.SessionLimiter } is none", func() {
			app.NewSessions(struct {
				app.SessionStore
				app.SessionLimiter
			}{sessionstores.NewMemory(), limiter}, &hobbits{}, app.SessionOptions{MaxPerUser: 1, Remember: w.mellon})
		})
		assert.PanicsWithValue(t, "app: SessionOptions.MaxPerUser needs a store that is a SessionLimiter, struct { app.SessionStore } is none", func() {
			app.NewSessions(struct{ app.SessionStore }{sessionstores.NewMemory()}, &hobbits{}, app.SessionOptions{MaxPerUser: 1})
		})
	})
}
