package sessionstores_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// tabs are the browser's tabs of one user: they write, and are given another id.
func tabs(store app.SessionStore, o app.SessionOptions) (*app.Sessions, http.Handler) {
	sessions := app.NewSessions(store, names, o)
	return sessions, app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
		ctx.Status = 204
		query := ctx.Request.URL.Query()
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		switch ctx.Request.URL.Path {
		case "/login":
			return ctx.Login("frodo")
		case "/stay":
			return ctx.Login("frodo", app.MaxAge(30*24*time.Hour))
		case "/grow":
			return x.Regenerate("own", "shared")
		case "/me":
			return app.RequireLogin(ctx, func(*app.Context) error { return nil })
		}
		for name := range query {
			if err := x.Set(name, query.Get(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestTabsThatWriteAtOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		_, h := tabs(store, app.SessionOptions{})
		cookie := serve(h, "/login", nil).Result().Cookies()[0]
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				n := strconv.Itoa(i)
				assert.Equal(t, 204, serve(h, "/set?of"+n+"="+n+"&shared="+n, cookie).Code)
			})
		}
		wg.Wait()
		list, err := store.(app.SessionLister).ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Len(t, list[0].Data, 13, "of each tab its own value and of all tabs one")
		last := list[0].Data["shared"]
		written := false
		for i := range 12 {
			n := strconv.Itoa(i)
			assert.Equal(t, `"`+n+`"`, string(list[0].Data["of"+n]))
			written = written || string(last) == `"`+n+`"`
		}
		assert.True(t, written, "the last one saved, whole: %s", last)
		assert.EqualValues(t, 13, list[0].Version, "and each was saved once")
	})
}

func TestRegenerateWhileTabsWrite(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		_, h := tabs(store, app.SessionOptions{})
		cookie := serve(h, "/login", nil).Result().Cookies()[0]
		require.Equal(t, 204, serve(h, "/set?own=1", cookie).Code)
		for range 10 {
			old, grown := cookie, make(chan *http.Cookie, 1)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() { assert.Equal(t, 204, serve(h, "/set?shared="+strconv.Itoa(i), old).Code) })
			}
			wg.Go(func() {
				w := serve(h, "/grow", old)
				if assert.Equal(t, 204, w.Code) && assert.Len(t, w.Result().Cookies(), 1) {
					grown <- w.Result().Cookies()[0]
				}
			})
			wg.Wait()
			require.Len(t, grown, 1)
			cookie = <-grown
			require.Equal(t, 401, serve(h, "/me", old).Code)
			require.Equal(t, 204, serve(h, "/me", cookie).Code)
		}
		list, err := store.(app.SessionLister).ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, `"1"`, string(list[0].Data["own"]))
	})
}

// Trap: a logged-out session written back, under another id.
func TestRegenerateAgainstLogoutAll(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		sessions, h := tabs(store, app.SessionOptions{})
		for range 50 {
			cookie := serve(h, "/login", nil).Result().Cookies()[0]
			var wg sync.WaitGroup
			wg.Go(func() {
				if w := serve(h, "/grow", cookie); w.Code == 401 {
					assert.Empty(t, w.Result().Cookies())
				}
			})
			wg.Go(func() {
				_, err := sessions.LogoutAll(context.Background(), "frodo")
				assert.NoError(t, err)
			})
			wg.Wait()
			live, err := sessions.List(t.Context(), "frodo")
			require.NoError(t, err)
			require.Empty(t, live)
		}
	})
}

func TestMaxAgeInEveryStore(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store app.SessionStore) {
		now := start
		sessions, h := tabs(store, app.SessionOptions{Clock: func() time.Time { return now }})
		cookie := serve(h, "/stay", nil).Result().Cookies()[0]
		for _, path := range []string{"/me", "/set?own=1", "/grow", "/me", "/set?own=2"} {
			now = now.Add(24 * time.Hour)
			w := serve(h, path, cookie)
			require.Equal(t, 204, w.Code, path)
			if set := w.Result().Cookies(); len(set) > 0 {
				cookie = set[0]
			}
			list, err := sessions.List(t.Context(), "frodo")
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, now, list[0].Seen, path)
			require.Equal(t, start.Add(30*24*time.Hour), list[0].Ends, path)
		}
		now = start.Add(30*24*time.Hour - time.Microsecond)
		assert.Equal(t, 204, serve(h, "/me", cookie).Code)
		now = now.Add(time.Microsecond)
		assert.Equal(t, 401, serve(h, "/me", cookie).Code)
	})
}
