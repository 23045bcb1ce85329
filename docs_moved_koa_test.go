package kahu_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/sessionstores"
)

// A movedKoa is the new application over the old one's tables.
type movedKoa struct {
	*app.App
	db  *bun.DB
	old *KoaSessions
}

func moveKoa(t *testing.T) *movedKoa {
	t.Helper()
	db, err := database.Open(pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sessionstores.Migrate(t.Context(), db))
	execute(t, db, koaTables)
	a, old := koaSnippet(db, koaKey)
	m := &movedKoa{a, db, old}
	m.reset(t)
	return m
}

// reset brings back what the old application left, and nothing else.
func (m *movedKoa) reset(t *testing.T) {
	t.Helper()
	execute(t, m.db, "DELETE FROM sessions; DELETE FROM session; DELETE FROM users")
	execute(t, m.db, koaUser)
	execute(t, m.db, koaPreparation)
	execute(t, m.db, koaRow, time.Now().Add(24*time.Hour).Unix())
}

// ask sends a request with these cookies and no others.
func (m *movedKoa) ask(t *testing.T, method, path, cookies string, headers ...string) *apptest.Response {
	t.Helper()
	c := apptest.NewClient(t, m.App)
	r := c.NewRequest(method, path, nil)
	r.Header.Set("Cookie", cookies)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.Do(r)
}

func TestFromKoa(t *testing.T) {
	m := moveKoa(t)
	t.Run("an old password logs in, on the old wire, and its hash is renewed", func(t *testing.T) {
		c := apptest.NewClient(t, m.App)
		res := c.PostJSON("/", map[string]string{"username": "frodo", "password": "precious-ring-1955"})
		assert.Equal(t, 401, res.Status)
		assert.JSONEq(t, `{"errors":[{"title":"Wrong username or password","status":401}]}`, res.Body)
		res = c.PostJSON("/", map[string]string{"username": "frodo", "password": "precious-ring-1954"})
		assert.Equal(t, 201, res.Status)
		assert.JSONEq(t, `{"data":{"username":"frodo"}}`, res.Body)
		assert.True(t, strings.HasPrefix(single[string](t, m.db, "SELECT password FROM users"), "$2a$12$"))
		assert.Equal(t, "frodo", c.Get("/me").Body)
		assert.Equal(t, 204, c.Delete("/").Status)
		res = c.Delete("/ringsofpower/1")
		assert.Equal(t, 401, res.Status)
		assert.JSONEq(t, `{"errors":[{"title":"Login required","status":401}]}`, res.Body)
		assert.Equal(t, 201, c.PostJSON("/", map[string]string{"username": "frodo", "password": "precious-ring-1954"}).Status)
	})
	t.Run("an old session goes on as a new one, once", func(t *testing.T) {
		m.reset(t)
		c := apptest.NewClient(t, m.App)
		c.SetCookie("koa.sid", koaID)
		c.SetCookie("koa.sid.sig", koaSigned)
		for range 2 {
			res := c.Get("/me")
			assert.Equal(t, 200, res.Status)
			assert.Equal(t, "frodo", res.Body)
		}
		assert.Equal(t, 401, m.ask(t, "GET", "/me", koaCookies).Status, "somebody else with the old cookie")
		assert.Equal(t, 204, c.Delete("/").Status)
		assert.Equal(t, 401, c.Get("/me").Status, "the old cookie does not undo a logout")
	})
	t.Run("a logout may be the first that it is used for", func(t *testing.T) {
		m.reset(t)
		assert.Equal(t, 204, m.ask(t, "DELETE", "/", koaCookies).Status)
		assert.Equal(t, 401, m.ask(t, "GET", "/me", koaCookies).Status)
	})
	t.Run("a session of koa-session 7.0.2 with a store does too", func(t *testing.T) {
		m.reset(t)
		*m.old = KoaSessions{DB: m.db, Users: m.old.Users, Cookie: "koa.sess", Keys: []string{"a newer key", koaKey}}
		execute(t, m.db, `UPDATE session SET id = '11219ddd-35d7-4eff-b798-f497e6e61f19', session = '{"passport":{"user":7},"_expire":1795423698319,"_maxAge":86400000}'`)
		const cookies = "koa.sess=11219ddd-35d7-4eff-b798-f497e6e61f19; koa.sess.sig=CuNI3v6lrQx2tYLQ02gDACRNed4"
		assert.Equal(t, "frodo", m.ask(t, "GET", "/me", cookies).Body)
		assert.Equal(t, 401, m.ask(t, "GET", "/me", cookies).Status)
		*m.old = KoaSessions{DB: m.db, Users: m.old.Users, Cookie: "koa.sid", Prefix: "koa:sess:", Keys: []string{koaKey}}
	})
	t.Run("of many requests at once one is brought over", func(t *testing.T) {
		m.reset(t)
		var in atomic.Int32
		atOnce(20, func() {
			if m.ask(t, "GET", "/me", koaCookies).Status == 200 {
				in.Add(1)
			}
		})
		assert.EqualValues(t, 1, in.Load())
		assert.Equal(t, 1, single[int](t, m.db, "SELECT count(*) FROM sessions"))
	})
}

func TestKoaSessionsThatAreNotBroughtOver(t *testing.T) {
	m := moveKoa(t)
	for name, cookies := range map[string]string{
		"no signature":      "koa.sid=" + koaID,
		"a wrong signature": "koa.sid=" + koaID + "; koa.sid.sig=x0fd_QPaUc7SDGoDQ47UI8SYpeJ",
		"another id":        "koa.sid=QtUTThFdFGJC--rcG83PAmnFzZCtMb1c; koa.sid.sig=" + koaSigned,
		"another cookie":    "koa.sess=" + koaID + "; koa.sess.sig=" + koaSigned,
	} {
		t.Run(name, func(t *testing.T) {
			res := m.ask(t, "GET", "/me", cookies)
			assert.Equal(t, 401, res.Status)
			assert.Empty(t, res.Header["Set-Cookie"])
			assert.Equal(t, 1, single[int](t, m.db, "SELECT count(*) FROM session"))
		})
	}
	for name, before := range map[string]string{
		"one that has expired":        "UPDATE session SET expiry = expiry - interval '25 hours'",
		"one of somebody who is gone": "DELETE FROM users",
		"one of a visitor":            `UPDATE session SET session = '{"cookie":{}}'`,
		"one of no user's key":        `UPDATE session SET session = '{"passport":{"user":{"username":"frodo"}}}'`,
	} {
		t.Run(name, func(t *testing.T) {
			m.reset(t)
			execute(t, m.db, before)
			res := m.ask(t, "GET", "/me", koaCookies)
			assert.Equal(t, 401, res.Status)
			assert.Empty(t, res.Header["Set-Cookie"])
		})
	}
	t.Run("one whose user has a new password", func(t *testing.T) {
		m.reset(t)
		user, err := m.old.Users.Deserialize(t.Context(), "7")
		require.NoError(t, err)
		n, err := m.old.RevokeAll(t.Context(), user, "")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, 401, m.ask(t, "GET", "/me", koaCookies).Status)
	})
	t.Run("on behalf of another site", func(t *testing.T) {
		m.reset(t)
		assert.Equal(t, 403, m.ask(t, "DELETE", "/ringsofpower/1", koaCookies, "Sec-Fetch-Site", "cross-site").Status)
		assert.Equal(t, "frodo", m.ask(t, "GET", "/me", koaCookies).Body, "it is still there")
	})
	t.Run("when the old one cannot be removed", func(t *testing.T) {
		m.reset(t)
		execute(t, m.db, "CREATE TABLE kept (id text REFERENCES session (id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO kept SELECT id FROM session")
		assert.GreaterOrEqual(t, m.ask(t, "GET", "/me", koaCookies).Status, 500)
		assert.Equal(t, 0, single[int](t, m.db, "SELECT count(*) FROM sessions"))
		execute(t, m.db, "DROP TABLE kept")
		assert.Equal(t, "frodo", m.ask(t, "GET", "/me", koaCookies).Body)
	})
	t.Run("when the new one cannot be stored", func(t *testing.T) {
		m.reset(t)
		execute(t, m.db, "ALTER TABLE sessions RENAME TO away")
		assert.Equal(t, 503, m.ask(t, "GET", "/me", koaCookies).Status)
		execute(t, m.db, "ALTER TABLE away RENAME TO sessions")
		assert.Equal(t, "frodo", m.ask(t, "GET", "/me", koaCookies).Body, "it is still there")
	})
}
