package app_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

const cookieName = "__Host-session"

// A shire is a small application with one kind of user, whose parts can be broken.
type shire struct {
	store    *storetest.Faulty
	users    *hobbits
	clock    *apptest.Clock
	sessions *app.Sessions
	app      *app.App
	entered  int // how often the guarded handler ran
}

func newShire(t *testing.T, o app.SessionOptions) *shire {
	t.Helper()
	w := &shire{store: storetest.NewFaulty(sessionstores.NewMemory()), users: &hobbits{}, clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	o.Clock = w.clock.Now
	w.sessions = app.NewSessions(w.store, w.users, o)
	w.app = quiet().Use(w.sessions.Layer, last(w.route))
	return w
}

func (w *shire) client(t *testing.T) *apptest.Client { return apptest.NewClient(t, w.app) }

func (w *shire) route(ctx *app.Context) error {
	switch path := ctx.Request.URL.Path; path {
	case "/plain":
		return ok(ctx)
	case "/login":
		ctx.Status = 204
		return ctx.Login(&hobbit{"frodo"})
	case "/logout":
		ctx.Status = 204
		return ctx.Logout()
	case "/me":
		return app.RequireLogin(ctx, func(ctx *app.Context) error {
			w.entered++
			ctx.Body = ctx.User().(*hobbit).Name
			return nil
		})
	case "/greet":
		ctx.Body = fmt.Sprint("hello ", ctx.IsAuthenticated())
		return nil
	case "/recent":
		return app.RequireRecentLogin(5*time.Minute)(ctx, ok)
	default:
		return w.value(ctx, strings.TrimPrefix(path, "/value/"))
	}
}

// value reads and writes one name of the session.
func (w *shire) value(ctx *app.Context, name string) error {
	s, err := ctx.Session()
	if err != nil {
		return err
	}
	if ctx.Request.Method == http.MethodPost {
		body, _ := io.ReadAll(ctx.Request.Body)
		ctx.Status = 204
		return s.Set(name, string(body))
	}
	var v string
	if _, err := s.Get(name, &v); err != nil {
		return err
	}
	ctx.Body = v
	return nil
}

func TestSession(t *testing.T) {
	t.Run("a page that touches no session asks no store and sets no cookie", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		for range 100 {
			assert.Empty(t, c.Get("/plain").Header["Set-Cookie"])
		}
		assert.Empty(t, w.store.Calls())
		c.Get("/login")
		before := len(w.store.Calls())
		assert.Empty(t, c.Get("/plain").Header["Set-Cookie"])
		assert.Len(t, w.store.Calls(), before, "a cookie alone is no question")
	})
	t.Run("reading an empty session stores nothing", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		res := w.client(t).Get("/value/x")
		assert.Equal(t, 200, res.Status)
		assert.Empty(t, w.store.Calls())
		assert.Empty(t, res.Header["Set-Cookie"])
	})
	t.Run("a value is there in the next request", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/x", "text/plain", "y")
		assert.Equal(t, "y", c.Get("/value/x").Body)
		assert.Equal(t, []string{"Insert", "Find"}, w.store.Calls())
	})
	t.Run("setting what is there already writes nothing", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/x", "text/plain", "y")
		c.Post("/value/x", "text/plain", "y")
		assert.Equal(t, []string{"Insert", "Find"}, w.store.Calls())
	})
	t.Run("the cookie is Host-bound, Secure, HttpOnly, Lax, and gone with the browser", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		line := w.client(t).Get("/login").Header["Set-Cookie"]
		require.Len(t, line, 1)
		assert.Regexp(t, `^__Host-session=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`, line[0])
	})
	t.Run("the store never sees the id", func(t *testing.T) {
		var keys []string
		store := sessionstores.NewMemory()
		s := app.NewSessions(spy{store, &keys}, &hobbits{}, app.SessionOptions{})
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"sam"}) }))
		id := res.Result().Cookies()[0].Value
		require.NotEmpty(t, keys)
		r := get("/")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: keys[0]})
		assert.NotEqual(t, id, keys[0])
		assert.Equal(t, 401, serve(r, s.Layer, app.RequireLogin, last(ok)).Code, "what is stored is no cookie")
	})
	t.Run("malformed ids are not looked up", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		good := strings.Repeat("A", 43)
		for _, value := range []string{"", "x", good + "A", good[1:], good[:42] + "B", good[:42] + "=", strings.Repeat("a", 10000), "../../etc/passwd", good[:42] + "+", good[:42] + "%", "' OR 1=1 --"} {
			r := get("/me")
			r.Header.Set("Cookie", cookieName+"="+value)
			assert.Equal(t, 401, record(w.app, r).Code, value)
		}
		assert.Empty(t, w.store.Calls())
	})
	t.Run("of two different cookies of its name neither counts, and no store is asked", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		a, b := w.client(t), w.client(t)
		a.Get("/login")
		b.Get("/login")
		before := len(w.store.Calls())
		r := get("/me")
		r.Header["Cookie"] = []string{cookieName + "=" + a.Cookie(cookieName).Value, cookieName + "=" + b.Cookie(cookieName).Value}
		assert.Equal(t, 401, record(w.app, r).Code)
		assert.Len(t, w.store.Calls(), before)
		r.Header["Cookie"][1] = r.Header["Cookie"][0]
		assert.Equal(t, 200, record(w.app, r).Code, "the same one twice is one")
	})
	t.Run("an unknown id is never adopted", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		planted := strings.Repeat("A", 43)
		r := get("/login")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: planted})
		res := record(w.app, r)
		require.Len(t, res.Result().Cookies(), 1)
		assert.NotEqual(t, planted, res.Result().Cookies()[0].Value)
		r = get("/me")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: planted})
		assert.Equal(t, 401, record(w.app, r).Code)
	})
	t.Run("more than MaxBytes is refused and changes nothing", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{MaxBytes: 100})
		c := w.client(t)
		c.Post("/value/x", "text/plain", "y")
		assert.Equal(t, 413, c.Post("/value/x", "text/plain", strings.Repeat("z", 100)).Status)
		assert.Equal(t, "y", c.Get("/value/x").Body)
	})
	t.Run("an answer of 5xx saves no changes, a panic's neither", func(t *testing.T) {
		for name, fail := range map[string]func(*app.Context) error{
			"an error":          func(*app.Context) error { return errBoom },
			"a status":          func(ctx *app.Context) error { ctx.Status = 502; return nil },
			"a panic":           func(*app.Context) error { panic("boom") },
			"a written status":  func(ctx *app.Context) error { ctx.Writer().WriteHeader(500); return nil },
			"next called twice": app.Compose(func(ctx *app.Context, next app.Handler) error { next(ctx); next(ctx); return nil }).Then(ok),
		} {
			s, store := memorySessions()
			res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
				if err := setting(ctx); err != nil {
					return err
				}
				return fail(ctx)
			}))
			assert.GreaterOrEqual(t, res.Code, 500, name)
			assert.Empty(t, store.Calls(), name)
			assert.Empty(t, res.Result().Cookies(), name)
		}
	})
	// Trap: a cookie lost on the error path.
	t.Run("an answer of 4xx saves changes and keeps the cookie", func(t *testing.T) {
		s, _ := memorySessions()
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			if err := setting(ctx); err != nil {
				return err
			}
			return ctx.Throw(409, "no")
		}))
		assert.Equal(t, 409, res.Code)
		assert.Len(t, res.Result().Cookies(), 1)
	})
	t.Run("an error after Login keeps its cookie", func(t *testing.T) {
		s, _ := memorySessions()
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			if err := ctx.Login(&hobbit{"sam"}); err != nil {
				return err
			}
			return errBoom
		}))
		assert.Equal(t, 500, res.Code)
		assert.Len(t, res.Result().Cookies(), 1)
	})
	t.Run("flash messages are read once and survive login", func(t *testing.T) {
		s, _ := memorySessions()
		var got []app.Flash
		a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			if err != nil {
				return err
			}
			switch ctx.Request.URL.Path {
			case "/flash":
				return x.Flash("info", "welcome")
			case "/login":
				return ctx.Login(&hobbit{"sam"})
			}
			got, err = x.Flashes()
			return err
		}))
		c := apptest.NewClient(t, a)
		c.Get("/flash")
		c.Get("/login")
		c.Get("/")
		assert.Equal(t, []app.Flash{{Kind: "info", Text: "welcome"}}, got)
		c.Get("/")
		assert.Empty(t, got)
	})
	t.Run("what depends on who asks stays out of shared caches", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		assert.Empty(t, c.Get("/plain").Header.Get("Cache-Control"))
		for _, path := range []string{"/login", "/me", "/greet", "/logout", "/me"} {
			res := c.Get(path)
			assert.Equal(t, "no-store", res.Header.Get("Cache-Control"), path)
			assert.Contains(t, res.Header.Values("Vary"), "Cookie", path)
		}
	})
	t.Run("a Sessions layer twice is one", func(t *testing.T) {
		s, store := memorySessions()
		assert.Equal(t, 200, serve(get("/"), s.Layer, s.Layer, last(setting)).Code)
		assert.Equal(t, []string{"Insert"}, store.Calls())
	})
	t.Run("two kinds with one cookie are refused", func(t *testing.T) {
		a, _ := memorySessions()
		b, _ := memorySessions()
		assert.Equal(t, 500, serve(get("/"), a.Layer, b.Layer, last(ok)).Code)
	})
	t.Run("a random source that fails sets no cookie", func(t *testing.T) {
		good := rand.Reader
		rand.Reader = iotestErr{}
		defer func() { rand.Reader = good }()
		s, store := memorySessions()
		res := serve(get("/"), s.Layer, last(setting))
		assert.GreaterOrEqual(t, res.Code, 500)
		assert.Empty(t, res.Result().Cookies())
		assert.Empty(t, store.Calls())
	})
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errBoom }

// spy notes the keys that a store is given.
type spy struct {
	*sessionstores.Memory
	keys *[]string
}

func (s spy) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	*s.keys = append(*s.keys, key)
	return s.Memory.Insert(ctx, key, old, r)
}

func record(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSessionIDsAreRandom(t *testing.T) {
	s, _ := memorySessions()
	seen := map[string]bool{}
	ones := make([]int, 256)
	const n = 2000
	for range n {
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"sam"}) }))
		id := res.Result().Cookies()[0].Value
		require.False(t, seen[id])
		seen[id] = true
		for i, b := range decodeID(t, id) {
			for bit := range 8 {
				ones[i*8+bit] += int(b >> bit & 1)
			}
		}
	}
	for bit, count := range ones {
		// Seven standard deviations: a fair bit fails this once in 10^11 runs.
		assert.InDelta(t, n/2, count, 160, "bit %d", bit)
	}
}

func TestNewSessionsRefusesWhatIsUnsafe(t *testing.T) {
	store, users := sessionstores.NewMemory(), &hobbits{}
	for name, o := range map[string]app.SessionOptions{
		"a negative idle limit":             {Idle: -1},
		"an idle limit of centuries":        {Idle: 1 << 62},
		"a negative absolute limit":         {Absolute: -1},
		"a negative timeout":                {Timeout: -1},
		"negative bytes":                    {MaxBytes: -1},
		"a kind with a separator":           {Kind: "a;b"},
		"a kind with NUL":                   {Kind: "a\x00b"},
		"a Host cookie with a domain":       {Cookie: app.SessionCookie{Domain: "example.com"}},
		"a Host cookie with a path":         {Cookie: app.SessionCookie{Path: "/app"}},
		"a Host cookie in other case":       {Cookie: app.SessionCookie{Name: "__host-x", Path: "/app"}},
		"a Secure cookie over http":         {Cookie: app.SessionCookie{Name: "__Secure-x", InsecureHTTP: true}},
		"a Host cookie over http":           {Cookie: app.SessionCookie{Name: "__Host-x", InsecureHTTP: true}},
		"SameSite None over http":           {Cookie: app.SessionCookie{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}},
		"a cookie kept for over 400 days":   {Cookie: app.SessionCookie{MaxAge: 401 * 24 * time.Hour}},
		"a cookie kept for a negative time": {Cookie: app.SessionCookie{MaxAge: -1}},
		"a cookie name with a space":        {Cookie: app.SessionCookie{Name: "a b"}},
		"a trusted origin without a scheme": {TrustedOrigins: []string{"example.com"}},
		"a trusted origin with a path":      {TrustedOrigins: []string{"https://example.com/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Panics(t, func() { app.NewSessions(store, users, o) })
		})
	}
	t.Run("no store", func(t *testing.T) { assert.Panics(t, func() { app.NewSessions(nil, users, app.SessionOptions{}) }) })
	t.Run("a nil store", func(t *testing.T) {
		assert.Panics(t, func() { app.NewSessions((*sessionstores.Memory)(nil), users, app.SessionOptions{}) })
	})
	t.Run("no serializer", func(t *testing.T) { assert.Panics(t, func() { app.NewSessions(store, nil, app.SessionOptions{}) }) })
}

func TestSessionCookieOverHTTPIsChosenOpenly(t *testing.T) {
	w := newShire(t, app.SessionOptions{Cookie: app.SessionCookie{InsecureHTTP: true}})
	r := get("/login")
	r.Header.Set("X-Forwarded-Proto", "https")
	line := record(w.app, r).Header()["Set-Cookie"]
	require.Len(t, line, 1)
	assert.Regexp(t, `^session=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax$`, line[0])
	w = newShire(t, app.SessionOptions{})
	r = get("/login")
	r.Header.Set("X-Forwarded-Proto", "http")
	assert.Contains(t, record(w.app, r).Header().Get("Set-Cookie"), "; Secure;")
}

// The limits are the server's: one second before, at, and after each.
func TestSessionExpiry(t *testing.T) {
	o := app.SessionOptions{Idle: 10 * time.Minute, Absolute: time.Hour}
	login := func(t *testing.T) (*shire, *apptest.Client) {
		w := newShire(t, o)
		c := w.client(t)
		require.Equal(t, 204, c.Get("/login").Status)
		return w, c
	}
	t.Run("idle", func(t *testing.T) {
		for after, want := range map[time.Duration]int{10*time.Minute - time.Second: 200, 10 * time.Minute: 401, 10*time.Minute + time.Second: 401} {
			w, c := login(t)
			w.clock.Advance(after)
			assert.Equal(t, want, c.Get("/me").Status, after)
		}
	})
	t.Run("use extends the idle limit", func(t *testing.T) {
		w, c := login(t)
		for range 5 {
			w.clock.Advance(9 * time.Minute)
			require.Equal(t, 200, c.Get("/me").Status)
		}
	})
	t.Run("absolute, however often it is used", func(t *testing.T) {
		for after, want := range map[time.Duration]int{-time.Second: 200, 0: 401, time.Second: 401} {
			w, c := login(t)
			for range 11 {
				w.clock.Advance(5 * time.Minute)
				require.Equal(t, 200, c.Get("/me").Status)
			}
			w.clock.Advance(5*time.Minute + after)
			assert.Equal(t, want, c.Get("/me").Status, after)
		}
	})
	t.Run("writing does not extend the absolute limit", func(t *testing.T) {
		w, c := login(t)
		for i := range 12 {
			w.clock.Advance(5 * time.Minute)
			c.Post("/value/x", "text/plain", fmt.Sprint(i))
		}
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	// Trap: an expiry the upsert forgets. Use is written, and at most once a minute.
	t.Run("a thousand reads in ten minutes write ten times", func(t *testing.T) {
		w, c := login(t)
		for range 1000 {
			w.clock.Advance(600 * time.Millisecond)
			require.Equal(t, 200, c.Get("/me").Status)
		}
		touches := 0
		for _, call := range w.store.Calls() {
			if call == "Touch" {
				touches++
			}
		}
		assert.Equal(t, 10, touches)
	})
	t.Run("prune removes what has expired and nothing else", func(t *testing.T) {
		w, c := login(t)
		w.clock.Advance(9 * time.Minute)
		other := w.client(t)
		other.Get("/login")
		w.clock.Advance(2 * time.Minute)
		n, err := w.sessions.Prune(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, 401, c.Get("/me").Status)
		assert.Equal(t, 200, other.Get("/me").Status)
	})
}

func TestRequireRecentLogin(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	c := w.client(t)
	assert.Equal(t, 401, c.Get("/recent").Status, "nobody")
	c.Get("/login")
	w.clock.Advance(5 * time.Minute)
	assert.Equal(t, 200, c.Get("/recent").Status, "at the limit")
	w.clock.Advance(time.Microsecond)
	res := c.Get("/recent")
	assert.Equal(t, 401, res.Status, "after it")
	assert.JSONEq(t, `{"errors":[{"title":"Recent login required","status":401}]}`, res.Body)
	assert.Equal(t, 200, c.Get("/me").Status, "the session goes on")
	c.Get("/login")
	assert.Equal(t, 200, c.Get("/recent").Status, "logged in again")
	assert.Panics(t, func() { app.RequireRecentLogin(0) })
}

func TestDeserialize(t *testing.T) {
	login := func(t *testing.T) (*shire, *apptest.Client) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		require.Equal(t, 204, c.Get("/login").Status)
		return w, c
	}
	t.Run("a fault is 503, never anonymous, and the cookie stays", func(t *testing.T) {
		w, c := login(t)
		w.users.err = errBoom
		for _, path := range []string{"/me", "/greet"} {
			res := c.Get(path)
			assert.Equal(t, 503, res.Status, path)
			assert.Empty(t, res.Header["Set-Cookie"], path)
			assert.NotContains(t, res.Body, "hello", path)
		}
		assert.Zero(t, w.entered)
		w.users.err = nil
		assert.Equal(t, 200, c.Get("/me").Status)
	})
	t.Run("a fault that a handler answers as 401 is still 503", func(t *testing.T) {
		w, c := login(t)
		w.users.err = errBoom
		a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			if !ctx.IsAuthenticated() {
				return ctx.Throw(401, "who are you?")
			}
			return nil
		}))
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 503, record(a, r).Code)
	})
	t.Run("a fault does not stop logout", func(t *testing.T) {
		w, c := login(t)
		w.users.err = errBoom
		old := c.Cookie(cookieName)
		assert.Equal(t, 204, c.Get("/logout").Status)
		w.users.err = nil
		c.SetCookie(cookieName, old.Value)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("logout clears a fault that was kept", func(t *testing.T) {
		w, c := login(t)
		w.users.err = errBoom
		a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			assert.Nil(t, ctx.User())
			ctx.Status = 204
			return ctx.Logout()
		}))
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 204, record(a, r).Code)
	})
	t.Run("a user that is gone is anonymous, and the session is ended", func(t *testing.T) {
		w, c := login(t)
		w.users.gone = true // a typed nil
		assert.Equal(t, 401, c.Get("/me").Status)
		w.users.gone = false
		assert.Equal(t, 401, c.Get("/me").Status, "it does not come back with the user")
		assert.Contains(t, w.store.Calls(), "Delete")
	})
}

// Trap: store outage read as "logged out". Each call of the store fails in turn.
func TestStoreThatFails(t *testing.T) {
	for _, method := range []string{"Find", "Insert", "Update", "Touch", "Delete"} {
		t.Run(method, func(t *testing.T) {
			w := newShire(t, app.SessionOptions{})
			c := w.client(t)
			require.Equal(t, 204, c.Get("/login").Status)
			w.clock.Advance(2 * time.Minute) // a touch is due
			cookie := c.Cookie(cookieName).Value
			w.store.Fail(method)
			failed := 0
			paths := []string{"/me", "/greet", "/value/x", "/login"}
			if method != "Find" { // logout does not need it
				paths = append(paths, "/logout")
			}
			for _, path := range paths {
				request := get(path)
				if path == "/value/x" {
					request = post(path, "text/plain", fmt.Sprint(method))
				}
				request.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
				before := w.entered
				res := record(w.app, request)
				if res.Code == 503 {
					failed++
					assert.Empty(t, res.Header()["Set-Cookie"], path)
					if method == "Find" {
						assert.Equal(t, before, w.entered, path)
					}
				}
				if path == "/login" && res.Code == 204 {
					cookie = res.Result().Cookies()[0].Value
				}
			}
			assert.NotZero(t, failed)
			w.store.Heal()
			if method != "Find" && method != "Delete" {
				return // the session was ended by what did not fail
			}
			c.SetCookie(cookieName, cookie)
			assert.Equal(t, 200, c.Get("/me").Status, "logged in as before")
		})
	}
	t.Run("a read that needs no write is served while writes fail", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		w.store.Fail("Insert", "Update", "Touch", "Delete")
		assert.Equal(t, 200, c.Get("/me").Status)
	})
	t.Run("what the application said stands when its changes cannot be saved", func(t *testing.T) {
		s, store := memorySessions()
		store.Fail("Insert")
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			if err := setting(ctx); err != nil {
				return err
			}
			return ctx.Throw(409, "no")
		}))
		assert.Equal(t, 409, res.Code)
		assert.Empty(t, res.Result().Cookies())
	})
	t.Run("a damaged row is no session, is reported, and login works", func(t *testing.T) {
		damaged := damagedStore{sessionstores.NewMemory()}
		s := app.NewSessions(damaged, &hobbits{}, app.SessionOptions{})
		reports := 0
		a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			if ctx.Request.URL.Path == "/login" {
				return ctx.Login(&hobbit{"sam"})
			}
			return app.RequireLogin(ctx, ok)
		}))
		a.OnError = func(*app.Context, error) { reports++ }
		r := get("/")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: strings.Repeat("A", 43)})
		assert.Equal(t, 401, record(a, r).Code)
		assert.Equal(t, 1, reports)
		r.URL.Path = "/login"
		assert.Len(t, record(a, r).Result().Cookies(), 1)
	})
}

type damagedStore struct{ *sessionstores.Memory }

func (damagedStore) Find(context.Context, string) (*app.SessionRecord, error) {
	return nil, fmt.Errorf("row: %w", app.ErrSessionDamaged)
}

func TestNoSecretIsPrinted(t *testing.T) {
	s, _ := memorySessions()
	var printed string
	res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
		if err := ctx.Login(&hobbit{"sam"}); err != nil {
			return err
		}
		x, err := ctx.Session()
		printed = fmt.Sprintf("%+v %#v %v %v", ctx, x, x, s)
		return err
	}))
	assert.NotContains(t, printed, res.Result().Cookies()[0].Value)
}

func FuzzSessionCookie(f *testing.F) {
	for _, seed := range []string{"", "session=x", cookieName + "=", cookieName + "=" + strings.Repeat("A", 43), cookieName + "=a; " + cookieName + "=b", cookieName + `="quoted"`, ";;;=", "\xff=\xfe"} {
		f.Add(seed)
	}
	s := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{})
	a := quiet().Use(s.Layer, app.RequireLogin, last(ok))
	f.Fuzz(func(t *testing.T, header string) {
		r := get("/")
		r.Header["Cookie"] = []string{header}
		if w := record(a, r); w.Code != 401 || len(w.Header()["Set-Cookie"]) > 0 {
			t.Errorf("%q was answered %d %v", header, w.Code, w.Header())
		}
	})
}
