package sessionstores_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

const cookie = "__Host-shire"

// A browser calls handlers of a gorilla application and keeps its one cookie.
type browser struct {
	t     *testing.T
	store sessions.Store
	id    string
}

// visit gives the session of a new request to f, saves it, and returns what was set.
func (b *browser) visit(f func(s *sessions.Session)) *http.Cookie {
	b.t.Helper()
	set, err := b.try(f)
	require.NoError(b.t, err)
	return set
}

func (b *browser) try(f func(s *sessions.Session)) (*http.Cookie, error) {
	r, w := b.request(), httptest.NewRecorder()
	s, err := b.store.Get(r, cookie)
	if err != nil {
		return nil, err
	}
	f(s)
	err = s.Save(r, w)
	set := w.Result().Cookies()
	if len(set) == 0 {
		return nil, err
	}
	b.id = set[0].Value
	return set[0], err
}

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("GET", "https://shire.example/", nil)
	if b.id != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: b.id})
	}
	return r
}

func (b *browser) values() map[any]any {
	b.t.Helper()
	s, err := b.store.New(b.request(), cookie)
	require.NoError(b.t, err)
	return s.Values
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func open(t *testing.T, o sessionstores.GorillaOptions) (*browser, *storetest.Faulty, *clock) {
	c := &clock{start}
	o.Clock = c.time
	faulty := storetest.NewFaulty(sessionstores.NewMemory())
	return &browser{t: t, store: sessionstores.Gorilla(faulty, o)}, faulty, c
}

func set(key, value any) func(*sessions.Session) {
	return func(s *sessions.Session) { s.Values[key] = value }
}

func nothing(*sessions.Session) {}

func TestGorillaCookie(t *testing.T) {
	t.Run("is safe by default", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		c := b.visit(set("name", "frodo"))
		assert.True(t, c.Secure)
		assert.True(t, c.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
		assert.Equal(t, "/", c.Path)
		assert.Empty(t, c.Domain)
		assert.NotContains(t, c.Raw, "Max-Age")
		assert.NotContains(t, c.Raw, "Expires")
		assert.Len(t, c.Value, 43)
	})
	t.Run("follows the options", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{MaxAge: 60, Path: "/app", Domain: "shire.example", InsecureHTTP: true, SameSite: http.SameSiteStrictMode})
		c := b.visit(set("name", "frodo"))
		assert.Equal(t, 60, c.MaxAge)
		assert.Equal(t, "/app", c.Path)
		assert.Equal(t, "shire.example", c.Domain)
		assert.False(t, c.Secure)
		assert.Equal(t, http.SameSiteStrictMode, c.SameSite)
	})
	t.Run("follows the options of one session alone", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		c := b.visit(func(s *sessions.Session) { s.Values["a"], s.Options.MaxAge = "b", 3600 })
		assert.Equal(t, 3600, c.MaxAge)
		b.id = ""
		assert.Zero(t, b.visit(set("a", "b")).MaxAge)
	})
	t.Run("is no key of the store", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		r, err := faulty.Find(t.Context(), b.id)
		require.NoError(t, err)
		assert.Nil(t, r)
		s, err := b.store.New(b.request(), cookie)
		require.NoError(t, err)
		assert.NotEqual(t, b.id, s.ID)
		b.id = s.ID
		assert.Empty(t, b.values(), "nor is what the session shows as its ID a cookie")
	})
	t.Run("is not set for a visitor who stores nothing", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		assert.Nil(t, b.visit(nothing))
		assert.Empty(t, faulty.Calls())
	})
	t.Run("of another name opens nothing", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "admin", Value: b.id})
		s, err := b.store.Get(r, "admin")
		require.NoError(t, err)
		assert.True(t, s.IsNew)
		assert.Empty(t, s.Values)
	})
}

func TestGorillaValues(t *testing.T) {
	t.Run("come back as they were saved", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		want := map[any]any{"nil": nil, "bool": true, "text": "<'\"\\\x00\u2028\U0001f48d>", "": 1.5, "list": []any{"a", 1.0, []any{}},
			"object": map[string]any{"k": map[string]any{}}}
		b.visit(func(s *sessions.Session) {
			for k, v := range want {
				s.Values[k] = v
			}
		})
		assert.Equal(t, want, b.values())
	})
	t.Run("may be flashes", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(func(s *sessions.Session) { s.AddFlash("welcome") })
		b.visit(func(s *sessions.Session) { assert.Equal(t, []any{"welcome"}, s.Flashes()) })
		assert.Empty(t, b.values())
	})
	cycle := []any{nil}
	cycle[0] = cycle
	for name, bad := range map[string]func(*sessions.Session){
		"an int":                     set("k", 1),
		"a struct":                   set("k", struct{ A string }{"b"}),
		"a []string":                 set("k", []string{"a"}),
		"a time":                     set("k", time.Now()),
		"bytes":                      set("k", []byte("a")),
		"an int in a list":           set("k", []any{"a", 1}),
		"an int in an object":        set("k", map[string]any{"a": map[string]any{"b": 1}}),
		"a nil list":                 set("k", []any(nil)),
		"a nil map":                  set("k", map[string]any(nil)),
		"not a number":               set("k", math.NaN()),
		"infinity":                   set("k", math.Inf(1)),
		"invalid UTF-8":              set("k", "a\xff"),
		"invalid UTF-8 in an object": set("k", map[string]any{"a\xff": "b"}),
		"a list in itself":           set("k", cycle),
		"an int as key":              set(1, "a"),
		"a key of invalid UTF-8":     set("a\xff", "a"),
		"a key of an own type":       set(struct{}{}, "a"),
	} {
		t.Run("may not be "+name, func(t *testing.T) {
			b, faulty, _ := open(t, sessionstores.GorillaOptions{})
			c, err := b.try(bad)
			require.Error(t, err)
			assert.Nil(t, c)
			assert.Empty(t, faulty.Calls(), "nothing was stored")
		})
	}
}

func TestGorillaIDs(t *testing.T) {
	t.Run("that are unknown or malformed are never adopted", func(t *testing.T) {
		for _, id := range []string{"x", strings.Repeat("A", 43), strings.Repeat("A", 42) + "B", strings.Repeat("A", 44), strings.Repeat("!", 43), strings.Repeat("a", 5000), "..", "null"} {
			b, _, _ := open(t, sessionstores.GorillaOptions{})
			b.id = id
			s, err := b.store.New(b.request(), cookie)
			require.NoError(t, err)
			assert.True(t, s.IsNew)
			b.visit(set("name", "frodo"))
			assert.NotEqual(t, id, b.id)
			assert.Equal(t, map[any]any{"name": "frodo"}, b.values())
		}
	})
	t.Run("that are malformed cost no query", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		for _, id := range []string{"x", strings.Repeat("A", 42) + "B", strings.Repeat("!", 43), strings.Repeat("a", 5000)} {
			b.id = id
			assert.Empty(t, b.values())
		}
		assert.Empty(t, faulty.Calls())
	})
	t.Run("are new after Renew, and the old one is dead", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("cart", "ring"))
		old := b.id
		c := b.visit(func(s *sessions.Session) {
			require.NoError(t, sessionstores.Renew(s))
			s.Values["name"] = "frodo"
		})
		require.NotNil(t, c)
		assert.NotEqual(t, old, b.id)
		assert.Equal(t, map[any]any{"cart": "ring", "name": "frodo"}, b.values())
		assert.Equal(t, []string{"Insert", "Find", "Insert", "Find"}, faulty.Calls(), "the new row and the end of the old one are one call")
		b.id = old
		assert.Empty(t, b.values())
	})
	t.Run("are not renewed for a session of another store", func(t *testing.T) {
		s := sessions.NewSession(sessions.NewCookieStore([]byte("key")), "a")
		require.Error(t, sessionstores.Renew(s))
	})
	t.Run("are never those of a session that expired", func(t *testing.T) {
		b, faulty, c := open(t, sessionstores.GorillaOptions{Idle: time.Minute})
		b.visit(set("name", "frodo"))
		old := b.id
		c.now = c.now.Add(time.Minute)
		b.visit(set("name", "sam"))
		assert.NotEqual(t, old, b.id)
		assert.Equal(t, []string{"Insert", "Find", "Insert"}, faulty.Calls())
		b.id = old
		c.now = start
		assert.Empty(t, b.values(), "its row is gone")
	})
}
