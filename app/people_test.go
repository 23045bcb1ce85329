package app_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// A buckland is an application whose users look after their own sessions.
type buckland struct {
	t        *testing.T
	clock    *apptest.Clock
	store    *brokenMemory
	mellon   *mellon
	users    *hobbits
	stamp    string // what sessions are bound to
	sessions *app.Sessions
	app      *app.App
	told     *chronicle
}

// A brokenMemory is the memory store, whose methods fail where they are told to.
type brokenMemory struct {
	*sessionstores.Memory
	fail map[string]error
}

func (b *brokenMemory) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	if err := b.fail["Insert"]; err != nil {
		return err
	}
	return b.Memory.Insert(ctx, key, old, r)
}

func (b *brokenMemory) Delete(ctx context.Context, key string) error {
	if err := b.fail["Delete"]; err != nil {
		return err
	}
	return b.Memory.Delete(ctx, key)
}

func (b *brokenMemory) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if err := b.fail["Find"]; err != nil {
		return nil, err
	}
	return b.Memory.Find(ctx, key)
}

func (b *brokenMemory) ListSessions(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	if err := b.fail["ListSessions"]; err != nil {
		return nil, err
	}
	return b.Memory.ListSessions(ctx, kind, subject)
}

func (b *brokenMemory) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	if err := b.fail["DeleteSessions"]; err != nil {
		return 0, err
	}
	return b.Memory.DeleteSessions(ctx, kind, subject, keep)
}

func newBuckland(t *testing.T, o app.SessionOptions) *buckland {
	w := &buckland{t: t, clock: apptest.NewClock(time.Date(3018, 9, 25, 12, 0, 0, 0, time.UTC)), store: &brokenMemory{sessionstores.NewMemory(), map[string]error{}}}
	w.mellon = newMellon(w.clock, "session")
	w.users, w.stamp = &hobbits{}, "old"
	o.Clock, o.Remember, o.Stamp = w.clock.Now, w.mellon, func(any) string { return w.stamp }
	w.sessions = app.NewSessions(w.store, w.users, o)
	w.app = quiet().Use(w.sessions.Layer, last(w.route))
	w.told = chronicled(t, w.app)
	return w
}

func (w *buckland) route(ctx *app.Context) error {
	query := ctx.Request.URL.Query()
	ctx.Status = 204
	switch ctx.Request.URL.Path {
	case "/login":
		return ctx.Login(&hobbit{query.Get("name")}, app.Remember(query.Has("remember")))
	case "/confirm":
		return ctx.ConfirmLogin(&hobbit{query.Get("name")})
	case "/logout":
		return ctx.Logout()
	case "/recent":
		ctx.Status = 200
		return app.RequireRecentLogin(5*time.Minute)(ctx, ok)
	case "/mine":
		list, err := w.sessions.Mine(ctx)
		ctx.Status, ctx.Body = 200, list
		return err
	case "/others":
		n, err := w.sessions.LogoutOthers(ctx)
		ctx.Status, ctx.Body = 200, n
		return err
	case "/end":
		id, err := w.sessions.Identity(ctx)
		if err != nil || id == nil {
			return errors.Join(err, app.ErrLoginRequired)
		}
		there, err := w.sessions.End(ctx.Context(), id.User, query.Get("handle"))
		ctx.Status, ctx.Body = 200, there
		return err
	case "/set":
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		return x.Set("cart", "lembas")
	case "/unset":
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		return x.Delete("cart")
	case "/cart":
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		var cart string
		_, err = x.Get("cart", &cart)
		ctx.Status, ctx.Body = 200, cart
		return err
	}
	ctx.Status = 200
	return app.RequireLogin(ctx, whoami)
}

func (w *buckland) client() *apptest.Client { return apptest.NewClient(w.t, w.app) }

// in returns a client that is logged in; how: "" or "&remember".
func (w *buckland) in(name, how string) *apptest.Client {
	c := w.client()
	require.Equal(w.t, 204, c.Get("/login?name="+name+how).Status)
	return c
}

func (w *buckland) mine(c *apptest.Client) (list []app.SessionInfo) {
	res := c.Get("/mine")
	require.Equal(w.t, 200, res.Status)
	res.JSON(&list)
	return list
}

// lapse lets the session of every client expire.
func (w *buckland) lapse() { w.clock.Advance(time.Hour) }

func TestMine(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	first := w.in("frodo", "")
	w.clock.Advance(30 * time.Second)
	second := w.client()
	second.Header.Set("User-Agent", "palantir/2")
	require.Equal(t, 204, second.Get("/login?name=frodo").Status)
	w.in("sam", "")
	t.Run("lists one's own sessions by their last use and says which is this one", func(t *testing.T) {
		list := w.mine(first)
		require.Len(t, list, 2)
		assert.Equal(t, []bool{false, true}, []bool{list[0].Current, list[1].Current})
		list = w.mine(second)
		assert.Equal(t, []bool{true, false}, []bool{list[0].Current, list[1].Current})
		assert.Equal(t, "palantir/2", list[0].Agent)
		assert.Equal(t, "192.0.2.1", list[0].Address)
		now := w.clock.Now()
		assert.Equal(t, []time.Time{now, now, now, now.Add(30 * time.Minute)}, []time.Time{list[0].Created, list[0].LoggedIn, list[0].Seen, list[0].Ends})
	})
	t.Run("names none by what can be used as a cookie", func(t *testing.T) {
		body := first.Get("/mine").Body
		for _, c := range []*apptest.Client{first, second} {
			assert.NotContains(t, body, c.Cookie(cookieName).Value)
		}
		thief := w.client()
		thief.SetCookie(cookieName, w.mine(first)[1].Handle)
		assert.Equal(t, 401, thief.Get("/me").Status)
	})
	t.Run("leaves out what has expired", func(t *testing.T) {
		for range 3 {
			w.clock.Advance(20 * time.Minute)
			require.Equal(t, 200, first.Get("/me").Status)
		}
		assert.Len(t, w.mine(first), 1)
	})
	t.Run("of nobody is ErrLoginRequired", func(t *testing.T) {
		assert.Equal(t, 401, w.client().Get("/mine").Status)
	})
	t.Run("that the store cannot tell is 503", func(t *testing.T) {
		w.store.fail["ListSessions"] = errBoom
		assert.Equal(t, 503, first.Get("/mine").Status)
	})
}

func TestEnd(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	here, there, sam := w.in("frodo", ""), w.in("frodo", "&remember"), w.in("sam", "")
	handle := w.mine(there)
	mine := handle[0].Handle
	if !handle[0].Current {
		mine = handle[1].Handle
	}
	for name, of := range map[string]string{
		"another user's": w.mine(sam)[0].Handle, "none": "", "garbage": "../..", "an unknown one": strings.Repeat("A", 43),
		"a cookie's value": there.Cookie(cookieName).Value, "with a NUL": "\x00" + mine[1:],
	} {
		r := here.NewRequest("GET", "/end", nil)
		r.URL.RawQuery = "handle=" + strings.ReplaceAll(of, "\x00", "%00")
		assert.Equal(t, "false", here.Do(r).Body, name)
	}
	assert.Equal(t, 200, sam.Get("/me").Status)
	t.Run("that fails ends nothing", func(t *testing.T) {
		w.mellon.failing("Revoke", errBoom)
		assert.Equal(t, 503, here.Get("/end?handle="+mine).Status)
		w.mellon.during = nil
		for _, method := range []string{"Find", "Delete"} {
			w.store.fail[method] = errBoom
			_, err := w.sessions.End(t.Context(), &hobbit{"frodo"}, mine)
			assert.ErrorIs(t, err, errBoom)
			delete(w.store.fail, method)
		}
		assert.Equal(t, 200, there.Get("/me").Status)
	})
	t.Run("ends one session from its next request on and what would bring it back", func(t *testing.T) {
		assert.Equal(t, "true", here.Get("/end?handle="+mine).Body)
		assert.Equal(t, 401, there.Get("/me").Status)
		assert.Equal(t, 200, here.Get("/me").Status)
		assert.Empty(t, w.mellon.handles())
		assert.Equal(t, "false", here.Get("/end?handle="+mine).Body)
	})
}

func TestLogoutOthersAndAll(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	here, there, sam := w.in("frodo", "&remember"), w.in("frodo", "&remember"), w.in("sam", "&remember")
	before := w.mellon.handles()
	require.Len(t, before, 3)
	t.Run("another site cannot ask for it", func(t *testing.T) {
		r := here.NewRequest("POST", "/others", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 403, here.Do(r).Status)
		assert.Equal(t, 200, there.Get("/me").Status)
	})
	t.Run("what cannot be forgotten ends nothing", func(t *testing.T) {
		w.mellon.failing("RevokeAll", errBoom)
		assert.Equal(t, 503, here.Get("/others").Status)
		w.mellon.during = nil
		assert.Equal(t, 200, there.Get("/me").Status)
	})
	t.Run("others are out from their next request on and stay so", func(t *testing.T) {
		assert.Equal(t, "1", here.Get("/others").Body)
		assert.Equal(t, 401, there.Get("/me").Status)
		assert.Equal(t, 401, there.Get("/me").Status, "its cookie does not bring it back")
		assert.Equal(t, 200, here.Get("/me").Status)
		assert.Equal(t, 200, sam.Get("/me").Status)
		assert.Len(t, w.mellon.handles(), 2)
		w.lapse()
		assert.Equal(t, "frodo", here.Get("/me").Body, "this client is remembered still")
	})
	t.Run("all are out and no client is remembered", func(t *testing.T) {
		n, err := w.sessions.LogoutAll(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, 401, here.Get("/me").Status)
		assert.Equal(t, "sam", sam.Get("/me").Body)
		assert.Len(t, w.mellon.handles(), 1)
	})
	t.Run("of nobody is ErrLoginRequired", func(t *testing.T) {
		assert.Equal(t, 401, w.client().Get("/others").Status)
	})
	t.Run("that the store refuses is 503", func(t *testing.T) {
		w.store.fail["DeleteSessions"] = errBoom
		assert.Equal(t, 503, sam.Get("/others").Status)
		_, err := w.sessions.LogoutAll(t.Context(), &hobbit{"frodo"})
		assert.ErrorIs(t, err, errBoom)
	})
}

func cookiesOf(res *apptest.Response) []*http.Cookie {
	return (&http.Response{Header: res.Header}).Cookies()
}
