package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// A gaffer is a user with a password, whose serializer may leave that out.
type gaffer struct{ Name, Hash string }

type gaffers struct {
	hashes map[string]string
	err    error
	asked  int
}

func (g *gaffers) Serialize(_ context.Context, user any) (string, error) {
	if u, ok := user.(*gaffer); ok {
		return u.Name, nil
	}
	return "", errors.New("no gaffer")
}

func (g *gaffers) Deserialize(_ context.Context, subject string) (any, error) {
	g.asked++
	hash, ok := g.hashes[subject]
	switch {
	case g.err != nil:
		return nil, g.err
	case !ok:
		return nil, sql.ErrNoRows
	}
	return &gaffer{subject, hash}, nil
}

func hashOf(user any) string { return user.(*gaffer).Hash }

func TestStamp(t *testing.T) {
	type bagshot struct {
		users    *gaffers
		store    *sessionstores.Memory
		sessions *app.Sessions
		bearing  *gaffer // who logs in
		app      *app.App
		told     *chronicle
	}
	row := func(t *testing.T, o app.SessionOptions) *bagshot {
		w := &bagshot{users: &gaffers{hashes: map[string]string{"ham": "one", "sam": "one"}}, store: sessionstores.NewMemory(), bearing: &gaffer{"ham", "one"}}
		o.Stamp = hashOf
		w.sessions = app.NewSessions(w.store, w.users, o)
		w.app = quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			switch ctx.Status = 204; ctx.Request.URL.Path {
			case "/login":
				return ctx.Login(w.bearing)
			case "/confirm":
				return ctx.ConfirmLogin(w.bearing)
			}
			return app.RequireLogin(ctx, func(*app.Context) error { return nil })
		}))
		w.told = chronicled(t, w.app)
		return w
	}
	t.Run("the same lets the session go on", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		c := apptest.NewClient(t, w.app)
		require.Equal(t, 204, c.Get("/login").Status)
		for range 2 {
			assert.Equal(t, 204, c.Get("/").Status)
		}
	})
	for name, change := range map[string]func(w *bagshot){
		"changed": func(w *bagshot) { w.users.hashes["ham"] = "two" },
		"empty":   func(w *bagshot) { w.users.hashes["ham"] = "" },
	} {
		t.Run(name+" ends every session of the user and tells of it", func(t *testing.T) {
			w := row(t, app.SessionOptions{})
			c, d, other := apptest.NewClient(t, w.app), apptest.NewClient(t, w.app), apptest.NewClient(t, w.app)
			for _, client := range []*apptest.Client{c, d} {
				require.Equal(t, 204, client.Get("/login").Status)
			}
			w.bearing = &gaffer{"sam", "one"}
			require.Equal(t, 204, other.Get("/login").Status)
			change(w)
			w.told.take()
			assert.Equal(t, 401, c.Get("/").Status)
			require.NotEmpty(t, w.told.events)
			revoked := w.told.events[len(w.told.events)-2]
			assert.Equal(t, app.EventSessionRevoked, revoked.Name)
			assert.EqualError(t, revoked.Reason, "what the session was bound to has changed")
			assert.Equal(t, "ham", revoked.Subject)
			assert.Equal(t, 401, d.Get("/").Status)
			assert.Equal(t, 204, other.Get("/").Status)
			w.users.hashes["ham"] = "one"
			assert.Equal(t, 401, c.Get("/").Status, "the row is gone, and the old password brings nothing back")
		})
	}
	t.Run("set later ends the sessions that it does not bind", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		unbound := app.NewSessions(w.store, w.users, app.SessionOptions{})
		c := apptest.NewClient(t, quiet().Use(unbound.Layer, last(func(ctx *app.Context) error { return ctx.Login(&gaffer{"ham", "one"}) })))
		c.Get("/")
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 401, record(w.app, r).Code)
	})
	t.Run("that the client or the application set into the session is not believed", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		for _, value := range []any{"", "one", nil, map[string]int{}, 7} {
			c := apptest.NewClient(t, w.app)
			require.Equal(t, 204, c.Get("/login").Status)
			r := get("/")
			r.AddCookie(c.Cookie(cookieName))
			var handle string
			record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
				x, err := ctx.Session()
				require.NoError(t, err)
				assert.Error(t, x.Set("_stamp", value))
				handle = x.Handle()
				return nil
			})), r)
			forged, err := w.store.Find(t.Context(), handle)
			require.NoError(t, err)
			forged.Data["_stamp"], err = json.Marshal(value)
			require.NoError(t, err)
			require.NoError(t, w.store.Update(t.Context(), handle, forged))
			assert.Equal(t, 401, c.Get("/").Status, "%v", value)
		}
	})
	t.Run("of a user who came without it is loaded once more", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		w.bearing = &gaffer{Name: "ham"}
		c := apptest.NewClient(t, w.app)
		require.Equal(t, 204, c.Get("/login").Status)
		assert.Equal(t, 1, w.users.asked)
		assert.Equal(t, 204, c.Get("/").Status)
	})
	t.Run("that is nowhere or cannot be loaded lets nobody log in", func(t *testing.T) {
		for name, test := range map[string]struct {
			hash   string
			err    error
			status int
		}{"nowhere": {"", nil, 500}, "a fault": {"one", errBoom, 503}} {
			w := row(t, app.SessionOptions{})
			w.users.hashes["ham"], w.users.err, w.bearing = test.hash, test.err, &gaffer{Name: "ham"}
			res := apptest.NewClient(t, w.app).Get("/login")
			assert.Equal(t, test.status, res.Status, name)
			assert.Empty(t, res.Header["Set-Cookie"], name)
		}
	})
	t.Run("changed by the user themselves goes on by a confirmed login", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		c, d := apptest.NewClient(t, w.app), apptest.NewClient(t, w.app)
		require.Equal(t, 204, c.Get("/login").Status)
		require.Equal(t, 204, d.Get("/login").Status)
		a := quiet().Use(w.sessions.Layer, app.RequireLogin, last(func(ctx *app.Context) error {
			w.users.hashes["ham"] = "two"
			return ctx.ConfirmLogin(&gaffer{"ham", "two"})
		}))
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		res := record(a, r)
		require.Len(t, res.Result().Cookies(), 1)
		c.SetCookie(cookieName, res.Result().Cookies()[0].Value)
		assert.Equal(t, 204, c.Get("/").Status)
		assert.Equal(t, 401, d.Get("/").Status)
	})
	t.Run("is not in the session as it is", func(t *testing.T) {
		w := row(t, app.SessionOptions{})
		w.users.hashes["ham"], w.bearing = "$2a$12$secret", &gaffer{"ham", "$2a$12$secret"}
		require.Equal(t, 204, apptest.NewClient(t, w.app).Get("/login").Status)
		list, err := w.store.ListSessions(t.Context(), "session", "ham")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.NotEmpty(t, list[0].Data["_stamp"])
		assert.NotContains(t, string(list[0].Data["_stamp"]), "secret")
	})
}

// What a new password ends does not come back by the cookie that remembers.
func TestStampChangedForgetsTheClient(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "&remember")
	w.stamp = "new"
	w.mellon.failing("Revoke", errBoom)
	assert.Equal(t, 503, c.Get("/me").Status)
	w.mellon.during = nil
	for range 3 {
		assert.Equal(t, 401, c.Get("/me").Status)
	}
	assert.Empty(t, w.mellon.handles())
}
