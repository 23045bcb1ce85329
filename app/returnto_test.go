package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// navigation is what a browser sends for a page.
func navigation(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil)
	r.RequestURI = path
	for name, value := range map[string]string{
		"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// requestLine is a navigation to target, as it stands in a request line.
func requestLine(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = navigation("/").Header
	r.URL.Scheme, r.URL.Host = "https", "example.com" // for the client's cookies
	return r
}

// A door is an application with a login page.
type door struct {
	store    *storetest.Faulty
	users    *hobbits
	clock    *apptest.Clock
	sessions *app.Sessions
	app      *app.App
}

func newDoor(o app.SessionOptions, above ...app.Middleware) *door {
	d := &door{store: storetest.NewFaulty(sessionstores.NewMemory()), users: &hobbits{}, clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	o.Clock = d.clock.Now
	if o.LoginPage == "" {
		o.LoginPage = "/login"
	}
	d.sessions = app.NewSessions(d.store, d.users, o)
	d.app = quiet().Use(append(above, d.sessions.Layer, last(d.route))...)
	return d
}

func (d *door) route(ctx *app.Context) error {
	name, login := strings.CutPrefix(ctx.Request.URL.Path, "/in/")
	x, err := ctx.Session()
	switch {
	case err != nil:
		return err
	case login:
		if err := ctx.Login(&hobbit{name}); err != nil {
			return err
		}
		return ctx.ReturnToOrRedirect("/home")
	}
	switch ctx.Request.URL.Path {
	case "/out":
		return ctx.Logout()
	case "/keep":
		return x.KeepReturnTo()
	case "/return":
		ctx.Body, err = x.ReturnTo()
		return err
	case "/fill":
		return x.Set("cart", strings.Repeat("x", 80))
	case "/recent":
		return app.RequireRecentLogin(5*time.Minute)(ctx, ok)
	case "/confirm":
		if err := ctx.ConfirmLogin(&hobbit{"frodo"}); err != nil {
			return err
		}
		return ctx.ReturnToOrRedirect("/home")
	}
	return app.RequireLogin(ctx, ok)
}

func (d *door) client(t *testing.T) *apptest.Client { return apptest.NewClient(t, d.app) }

func location(res *apptest.Response) string { return res.Header.Get("Location") }

func TestReturnTo(t *testing.T) {
	const page = "/secret?x=1&y=%2F%20z"
	t.Run("a browser is sent to log in and comes back by a place that the server keeps", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		c := d.client(t)
		res := c.Do(navigation(page))
		assert.Equal(t, 303, res.Status)
		assert.Equal(t, "/login", location(res))
		assert.Empty(t, res.Body)
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		assert.Contains(t, res.Header.Values("Vary"), "Accept")
		require.Len(t, res.Header["Set-Cookie"], 1)
		assert.Len(t, res.SetCookie(cookieName).Value, 43, "an id and nothing else")
		res = c.Get("/in/frodo")
		assert.Equal(t, 303, res.Status)
		assert.Equal(t, page, location(res))
		assert.Equal(t, 200, c.Do(navigation(page)).Status)
		assert.Equal(t, "/home", location(c.Get("/in/frodo")), "it is taken once")
	})
	t.Run("the last place counts", func(t *testing.T) {
		c := newDoor(app.SessionOptions{}).client(t)
		c.Do(navigation("/a"))
		c.Do(navigation("/b"))
		assert.Equal(t, "/b", location(c.Get("/in/frodo")))
	})
	t.Run("another visitor is sent elsewhere", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		d.client(t).Do(navigation(page))
		assert.Equal(t, "/home", location(d.client(t).Get("/in/frodo")))
	})
	t.Run("the same user is sent there and another elsewhere", func(t *testing.T) {
		for name, want := range map[string]string{"sam": "/home", "frodo": "/keep"} {
			c := newDoor(app.SessionOptions{}).client(t)
			c.Get("/in/frodo")
			c.Do(navigation("/keep"))
			assert.Equal(t, want, location(c.Get("/in/"+name)), name)
		}
	})
	t.Run("logout forgets it", func(t *testing.T) {
		c := newDoor(app.SessionOptions{}).client(t)
		c.Get("/in/frodo")
		c.Do(navigation("/keep"))
		c.Get("/out")
		assert.Equal(t, "/home", location(c.Get("/in/frodo")))
	})
	t.Run("nothing is stored for who comes in", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		c := d.client(t)
		c.Get("/in/frodo")
		c.Do(navigation(page))
		assert.Equal(t, []string{"Insert", "Find"}, d.store.Calls())
	})
	t.Run("who has a full session is sent to log in too", func(t *testing.T) {
		d := newDoor(app.SessionOptions{MaxBytes: 100})
		c := d.client(t)
		c.Get("/fill")
		res := c.Do(navigation(page))
		assert.Equal(t, 303, res.Status)
		assert.Equal(t, "/login", location(res))
		assert.Equal(t, "/home", location(c.Get("/in/frodo")))
	})
	t.Run("a fault is 503 and no redirect", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		c := d.client(t)
		c.Get("/in/frodo")
		for _, fault := range []func(){func() { d.store.Fail("Find") }, func() { d.users.err = errBoom }} {
			fault()
			res := c.Do(navigation(page))
			assert.Equal(t, 503, res.Status)
			assert.Empty(t, location(res))
			assert.Empty(t, res.Header["Set-Cookie"])
			d.store.Heal()
			d.users.err = nil
		}
	})
	t.Run("a place that cannot be stored costs the place and not the login page", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		d.store.Fail("Insert")
		res := d.client(t).Do(navigation(page))
		assert.Equal(t, "/login", location(res))
		assert.Empty(t, res.Header["Set-Cookie"])
	})
	t.Run("what is no page is an error to keep and writes nothing", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		res := d.client(t).Get("/keep")
		assert.Equal(t, 500, res.Status)
		assert.Empty(t, d.store.Calls())
	})
	t.Run("without a login page everybody is answered 401", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		res := w.client(t).Do(navigation("/me"))
		assert.Equal(t, 401, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
	})
	t.Run("without Sessions it is an error that names them", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		for _, h := range []app.Handler{
			func(ctx *app.Context) error { return ctx.ReturnToOrRedirect("/") },
			func(ctx *app.Context) error { return d.sessions.ReturnToOrRedirect(ctx, "/") },
		} {
			_, told := answered(get("/"), last(h))
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "Sessions layer")
		}
	})
}

// Only what a browser loads as a page for its user to see is a place to return to.
func TestReturnToIsForPages(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *http.Request)
		status int
		kept   bool
	}{
		{"a page", func(*http.Request) {}, 303, true},
		{"an old browser", func(r *http.Request) { r.Header.Del("Sec-Fetch-Mode"); r.Header.Del("Sec-Fetch-Dest") }, 303, true},
		{"HEAD", func(r *http.Request) { r.Method = http.MethodHead }, 303, false},
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 303, false},
		{"an iframe", func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") }, 303, false},
		{"a frame", func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "frame") }, 303, false},
		{"an object", func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "object") }, 303, false},
		{"a prefetch", func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }, 303, false},
		{"a prerendering", func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch;prerender") }, 303, false},
		{"a prefetch of Chrome in former days", func(r *http.Request) { r.Header.Set("Purpose", "prefetch") }, 303, false},
		{"a preview of Safari", func(r *http.Request) { r.Header.Set("X-Purpose", "preview") }, 303, false},
		{"a prefetch of Firefox in former days", func(r *http.Request) { r.Header.Set("X-Moz", "prefetch") }, 303, false},
		{"a script's fetch", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors"); r.Header.Set("Sec-Fetch-Dest", "empty") }, 401, false},
		{"a script's fetch on its own site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "same-origin") }, 401, false},
		{"an image", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Accept", "image/avif,*/*;q=0.8")
		}, 401, false},
		{"XMLHttpRequest", func(r *http.Request) { r.Header.Set("X-Requested-With", "XMLHttpRequest") }, 401, false},
		{"JSON", func(r *http.Request) { r.Header.Set("Accept", "application/json") }, 401, false},
		{"anything", func(r *http.Request) { r.Header.Set("Accept", "*/*") }, 401, false},
		{"rather JSON", func(r *http.Request) { r.Header.Set("Accept", "text/html;q=0.5, application/json") }, 401, false},
		{"no HTML at all", func(r *http.Request) { r.Header.Set("Accept", "text/html;q=0, */*;q=0.1") }, 401, false},
		{"who says nothing", func(r *http.Request) { r.Header.Del("Accept") }, 401, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(app.SessionOptions{})
			c := d.client(t)
			r := navigation("/secret")
			test.change(r)
			res := c.Do(r)
			assert.Equal(t, test.status, res.Status)
			if test.status == 401 {
				assert.Empty(t, location(res))
				assert.Equal(t, []string{`Cookie realm="session"`}, res.Header["Www-Authenticate"])
			}
			want := map[bool]string{true: "/secret", false: "/home"}[test.kept]
			assert.Equal(t, test.kept, len(res.Header["Set-Cookie"]) == 1, "a session is made for a place only")
			assert.Equal(t, want, location(c.Get("/in/frodo")))
		})
	}
}

// places are request targets as a client may send them, with what is kept of them; "": nothing.
var places = map[string]string{
	"":                         "/here", // no server has read it
	"/":                        "/",
	"/a?b=c&d=%2F":             "/a?b=c&d=%2F",
	"/a?next=https://evil.org": "/a?next=https://evil.org",
	"/%2f%2fevil.org":          "/%2f%2fevil.org",
	"/%5cevil.org":             "/%5cevil.org",
	"/%09/evil.org":            "/%09/evil.org",
	"/a//b":                    "/a//b",
	"/@evil.org":               "/@evil.org",
	"/:80":                     "/:80",
	"/ä/\u2028／evil.org":       "/%C3%A4/%E2%80%A8%EF%BC%8Fevil.org", // as it is sent
	"//evil.org":               "",
	"///evil.org":              "",
	"//evil.org/..;/a":         "",
	`/\evil.org`:               "",
	`/\\evil.org`:              "",
	`\\evil.org`:               "",
	`\/evil.org`:               "",
	`/a\b`:                     "",
	"/\t/evil.org":             "",
	"/\n/evil.org":             "",
	"/\r\nSet-Cookie: a=1":     "",
	"/a\x00":                   "",
	"/a\x7f":                   "",
	"/\x1b/a":                  "",
	"javascript:alert(1)":      "",
	"data:text/html,x":         "",
	"evil.org:443":             "",
	"*":                        "",
	// The absolute form, of which only the path is ours.
	"https://evil.org":             "/",
	"https://evil.org/a?b":         "/a?b",
	"http://frodo:ring@evil.org/a": "/a",
	"http://evil.org//evil.org":    "",
	`http://evil.org/\evil.org`:    "/%5Cevil.org",
	"http:evil.org":                "",
	"http:///evil.org":             "/evil.org",
	"http:////evil.org":            "",
}

// arrived is a navigation to target, as servers hand it on: some check less than Go's.
func arrived(target string) *http.Request {
	r := navigation("/")
	r.RequestURI = target
	r.URL = &url.URL{Path: "/here"}
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	}
	return r
}

// returned sends a browser to log in and back, and says whether a place was kept and where it ends.
func returned(t testing.TB, target string) (sentTo string, kept bool, back string) {
	d := newDoor(app.SessionOptions{})
	w := record(d.app, arrived(target))
	r := get("/in/frodo")
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	res := record(d.app, r)
	assert.Equal(t, 303, res.Code)
	return w.Header().Get("Location"), len(w.Header()["Set-Cookie"]) > 0, res.Header().Get("Location")
}

func TestReturnToStaysOnThisSite(t *testing.T) {
	base, err := url.Parse("https://example.com/in/frodo")
	require.NoError(t, err)
	for target, want := range places {
		keep := want != ""
		if !keep {
			want = "/home"
		}
		sentTo, kept, back := returned(t, target)
		assert.Equal(t, "/login", sentTo, "%q", target)
		assert.Equal(t, keep, kept, "%q", target)
		assert.Equal(t, want, back, "%q", target)
		u, err := base.Parse(back)
		require.NoError(t, err)
		assert.Equal(t, "example.com", u.Host, "%q", target)
	}
	t.Run("at most 2048 bytes", func(t *testing.T) {
		for n, want := range map[int]bool{2048: true, 2049: false, 100_000: false} {
			target := "/" + strings.Repeat("x", n-1)
			_, kept, back := returned(t, target)
			assert.Equal(t, want, kept, n)
			assert.Equal(t, want, back == target, n)
		}
	})
	t.Run("what a server reads from the wire", func(t *testing.T) {
		for target, want := range map[string]string{"//evil.org/a": "/home", "http://evil.org/a?b": "/a?b", "/%2f%2fevil.org": "/%2f%2fevil.org", "///evil.org": "/home", "/a?b#c": "/a?b#c"} {
			d := newDoor(app.SessionOptions{})
			c := d.client(t)
			c.Do(requestLine(target))
			assert.Equal(t, want, location(c.Get("/in/frodo")), target)
		}
	})
	t.Run("what stands in the store is not believed", func(t *testing.T) {
		for _, place := range append([]string{"/" + strings.Repeat("x", 2048)}, badPaths...) {
			s, _ := memorySessions()
			a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
				x, err := ctx.Session()
				if err != nil {
					return err
				}
				switch ctx.Request.URL.Path {
				case "/plant":
					return x.Set("return-to", place)
				case "/left":
					ctx.Body, err = x.Get("return-to", new(json.RawMessage))
					return err
				}
				return ctx.ReturnToOrRedirect("/home")
			}))
			c := apptest.NewClient(t, a)
			c.Get("/plant")
			assert.Equal(t, "/home", location(c.Get("/back")), "%q", place)
			assert.Equal(t, "false", c.Get("/left").Body, "it is forgotten")
		}
	})
	t.Run("nor is the place to go otherwise", func(t *testing.T) {
		s, _ := memorySessions()
		for _, path := range badPaths {
			res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error { return s.ReturnToOrRedirect(ctx, path) }))
			assert.Equal(t, 500, res.Code, "%q", path)
		}
	})
	t.Run("nor is a header", func(t *testing.T) {
		c := newDoor(app.SessionOptions{}).client(t)
		r := c.NewRequest(http.MethodGet, "/in/frodo?return-to=/evil&returnTo=/evil", nil)
		r.Header.Set("Referer", "https://example.com/evil")
		assert.Equal(t, "/home", location(c.Do(r)))
	})
}

func FuzzReturnTo(f *testing.F) {
	for target := range places {
		f.Add(target)
	}
	base := &url.URL{Scheme: "https", Host: "example.com", Path: "/in/frodo"}
	f.Fuzz(func(t *testing.T, target string) {
		_, _, back := returned(t, target)
		// What browsers make of it: they drop tabs and line ends and read \ as /.
		read := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimFunc(back, func(r rune) bool { return r <= ' ' }))
		assert.True(t, strings.HasPrefix(read, "/") && !strings.HasPrefix(read, "//") && len(back) <= 2048, "%q", back)
		if u, err := base.Parse(read); err == nil {
			assert.Equal(t, "example.com", u.Host, "%q", back)
		}
	})
}

func TestReturnToBelowAPrefix(t *testing.T) {
	strip := app.Wrap(func(h http.Handler) http.Handler { return http.StripPrefix("/shire", h) })
	for target, want := range map[string]string{"/shire/secret?x=1": "/shire/secret?x=1", "http://example.com/shire/secret": "/shire/secret"} {
		d := newDoor(app.SessionOptions{LoginPage: "/shire/login"}, strip)
		c := d.client(t)
		assert.Equal(t, "/shire/login", location(c.Do(requestLine(target))))
		assert.Equal(t, want, location(c.Get("/shire/in/frodo")))
	}
}

func TestLoginPageDoesNotSendToItself(t *testing.T) {
	strip := app.Wrap(func(h http.Handler) http.Handler { return http.StripPrefix("/shire", h) })
	for _, test := range []struct {
		name, page, target, want string
		above                    []app.Middleware
	}{
		{"the page", "/login", "/login", "", nil},
		{"with a query", "/login", "/login?x=1", "", nil},
		{"with an empty query", "/login", "/login?", "", nil},
		{"in other spelling", "/login", "/%6Cogin", "", nil},
		{"a page with a query", "/login?from=guard", "/login?from=guard", "", nil},
		{"a page with a query by another", "/login?from=guard", "/login", "", nil},
		{"a page with a place in it", "/login#form", "/login", "", nil},
		{"a page with a space", "/log%20in", "/log%20in", "", nil},
		{"in the absolute form", "/login", "http://example.com/login?x=1", "", nil},
		{"below a prefix", "/shire/login", "/shire/login?x=1", "", []app.Middleware{strip}},
		{"a page of another prefix is another", "/login", "/shire/login", "/login", []app.Middleware{strip}},
		{"a page that begins like it is another", "/login", "/login/x", "/login", nil},
		{"a page in other letters is another", "/login", "/Login", "/login", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(app.SessionOptions{LoginPage: test.page}, test.above...)
			res := d.client(t).Do(requestLine(test.target))
			assert.Equal(t, test.want, location(res))
			assert.Equal(t, map[bool]int{true: 401, false: 303}[test.want == ""], res.Status)
		})
	}
}

func TestReturnToOfSeveralKinds(t *testing.T) {
	store := sessionstores.NewMemory()
	users := app.NewSessions(store, &hobbits{}, app.SessionOptions{LoginPage: "/login"})
	admins := app.NewSessions(store, &hobbits{}, app.SessionOptions{Kind: "admin", LoginPage: "/admin/login"})
	a := quiet().Use(users.Layer, admins.Layer, last(func(ctx *app.Context) error {
		switch ctx.Request.URL.Path {
		case "/in":
			if err := ctx.Login(&hobbit{"frodo"}); err != nil {
				return err
			}
			return ctx.ReturnToOrRedirect("/home")
		case "/admin/in":
			if err := admins.Login(ctx, &hobbit{"gandalf"}); err != nil {
				return err
			}
			return admins.ReturnToOrRedirect(ctx, "/admin")
		case "/admin/rings":
			return admins.RequireLogin(ctx, ok)
		}
		return app.RequireLogin(ctx, ok)
	}))
	c := apptest.NewClient(t, a)
	res := c.Do(navigation("/admin/rings"))
	assert.Equal(t, "/admin/login", location(res))
	assert.NotNil(t, res.SetCookie("__Host-admin"))
	assert.Nil(t, res.SetCookie(cookieName))
	assert.Equal(t, "/home", location(c.Get("/in")), "a user is not sent where an admin wanted to go")
	res = c.Do(navigation("/admin/rings"))
	assert.Equal(t, "/admin/login", location(res), "a user is no admin")
	assert.Equal(t, "/admin/rings", location(c.Get("/admin/in")))
	assert.Equal(t, 200, c.Do(navigation("/admin/rings")).Status)
	other := apptest.NewClient(t, a)
	assert.Equal(t, "/login", location(other.Do(navigation("/secret"))))
	assert.Equal(t, "/admin", location(other.Get("/admin/in")))
	assert.Equal(t, "/secret", location(other.Get("/in")))
}

// Sessions beside other strategies.
func TestLoginPageBesideOtherStrategies(t *testing.T) {
	d := newDoor(app.SessionOptions{})
	for _, test := range []struct {
		name       string
		strategies []app.Strategy
		status     int
		challenges []string
	}{
		{"nobody is sent to log in", []app.Strategy{asks("Bearer", passes()), d.sessions}, 303, nil},
		{"chosen for the request", []app.Strategy{app.Choose(func(*app.Context) (app.Strategy, error) { return d.sessions, nil })}, 303, nil},
		{"wrong credentials are answered", []app.Strategy{asks("Bearer", rejects("No")), d.sessions}, 401, []string{`Bearer error="invalid_token"`, `Cookie realm="session"`}},
		{"a strategy without pages answers", []app.Strategy{asks("Bearer", passes())}, 401, []string{"Bearer"}},
		{"a fault stays one", []app.Strategy{fails(errBoom), d.sessions}, 503, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := serve(navigation("/secret"), d.sessions.Layer, app.Authenticate(test.strategies...), last(ok))
			assert.Equal(t, test.status, res.Code)
			assert.Equal(t, test.status == 303, res.Header().Get("Location") == "/login")
			assert.Equal(t, test.challenges, res.Header()["Www-Authenticate"])
		})
	}
	t.Run("an API client is answered with every challenge", func(t *testing.T) {
		res := serve(get("/secret"), d.sessions.Layer, app.Authenticate(asks("Bearer", passes()), d.sessions), last(ok))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{"Bearer", `Cookie realm="session"`}, res.Header()["Www-Authenticate"])
		assert.Empty(t, res.Header()["Set-Cookie"])
	})
}

func TestConfirmPage(t *testing.T) {
	tired := func(t *testing.T, o app.SessionOptions) (*door, *apptest.Client) {
		o.ConfirmPage = "/confirm?why=money"
		d := newDoor(o)
		c := d.client(t)
		c.Get("/in/frodo")
		d.clock.Advance(6 * time.Minute)
		return d, c
	}
	t.Run("asks once more and sends back", func(t *testing.T) {
		_, c := tired(t, app.SessionOptions{})
		res := c.Do(navigation("/recent"))
		assert.Equal(t, 303, res.Status)
		assert.Equal(t, "/confirm?why=money", location(res))
		before := c.Cookie(cookieName).Value
		assert.Equal(t, "/recent", location(c.Get("/confirm")))
		assert.NotEqual(t, before, c.Cookie(cookieName).Value)
		assert.Equal(t, 200, c.Do(navigation("/recent")).Status)
	})
	t.Run("an API client is answered 401", func(t *testing.T) {
		_, c := tired(t, app.SessionOptions{})
		res := c.Get("/recent")
		assert.Equal(t, 401, res.Status)
		assert.NotEmpty(t, res.Header["Www-Authenticate"])
	})
	t.Run("nobody is sent to log in", func(t *testing.T) {
		d, _ := tired(t, app.SessionOptions{})
		assert.Equal(t, "/login", location(d.client(t).Do(navigation("/recent"))))
	})
	t.Run("a session that is over is sent to log in", func(t *testing.T) {
		d, c := tired(t, app.SessionOptions{})
		d.clock.Advance(time.Hour)
		assert.Equal(t, "/login", location(c.Do(navigation("/recent"))))
	})
	t.Run("does not send to itself", func(t *testing.T) {
		d, c := tired(t, app.SessionOptions{})
		r := navigation("/confirm?x=1")
		r.AddCookie(c.Cookie(cookieName))
		res := record(quiet().Use(d.sessions.Layer, app.RequireRecentLogin(5*time.Minute), last(ok)), r)
		assert.Equal(t, 401, res.Code)
	})
	t.Run("another credential has none", func(t *testing.T) {
		d, _ := tired(t, app.SessionOptions{})
		res := serve(navigation("/recent"), d.sessions.Layer, app.Authenticate(proves("sam", "*")), app.RequireRecentLogin(5*time.Minute), last(ok))
		assert.Equal(t, 401, res.Code)
	})
}
