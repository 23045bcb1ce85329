package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/throttle"
)

const friend = "https://rohan.example"

var friends = middleware.CORSOptions{
	Origins: []string{friend, "http://localhost:3000"}, Methods: []string{"DELETE"}, Headers: []string{"Authorization"}, Expose: []string{"X-Request-Id"}, Credentials: true,
}

func TestCORSRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		o    middleware.CORSOptions
		want string
	}{
		{"nobody", middleware.CORSOptions{}, "needs Origins"},
		{"everybody with credentials", middleware.CORSOptions{Origins: []string{"*"}, Credentials: true}, "act as its visitor"},
		{"everybody with credentials among others", middleware.CORSOptions{Origins: []string{friend, "*"}, Credentials: true}, "act as its visitor"},
		{"everybody and others", middleware.CORSOptions{Origins: []string{friend, "*"}}, "* and other Origins"},
		{"null", middleware.CORSOptions{Origins: []string{"null"}}, "is no origin"},
		{"nothing", middleware.CORSOptions{Origins: []string{""}}, "is no origin"},
		{"a pattern", middleware.CORSOptions{Origins: []string{"https://*.rohan.example"}}, "is no origin"},
		{"a pattern of ports", middleware.CORSOptions{Origins: []string{"https://rohan.example:*"}}, "is no origin"},
		{"a path", middleware.CORSOptions{Origins: []string{friend + "/"}}, "is no origin"},
		{"a query", middleware.CORSOptions{Origins: []string{friend + "?"}}, "is no origin"},
		{"a fragment", middleware.CORSOptions{Origins: []string{friend + "#"}}, "is no origin"},
		{"a user", middleware.CORSOptions{Origins: []string{"https://eowyn@rohan.example"}}, "is no origin"},
		{"no scheme", middleware.CORSOptions{Origins: []string{"rohan.example"}}, "is no origin"},
		{"another scheme", middleware.CORSOptions{Origins: []string{"ftp://rohan.example"}}, "is no origin"},
		{"another scheme with a port", middleware.CORSOptions{Origins: []string{"ftp://rohan.example:21"}}, "is no origin"},
		{"no host", middleware.CORSOptions{Origins: []string{"https://"}}, "is no origin"},
		{"only a port", middleware.CORSOptions{Origins: []string{"https://:8443"}}, "is no origin"},
		{"a port that is missing", middleware.CORSOptions{Origins: []string{friend + ":"}}, "is no origin"},
		{"the scheme's own port", middleware.CORSOptions{Origins: []string{friend + ":443"}}, "is no origin"},
		{"the scheme's own port of http", middleware.CORSOptions{Origins: []string{"http://rohan.example:80"}}, "is no origin"},
		{"letters that browsers write otherwise", middleware.CORSOptions{Origins: []string{"https://éomer.example"}}, "is no origin"},
		{"two", middleware.CORSOptions{Origins: []string{friend + ", https://gondor.example"}}, "is no origin"},
		{"a space", middleware.CORSOptions{Origins: []string{" " + friend}}, "is no origin"},
		{"all methods", middleware.CORSOptions{Origins: []string{friend}, Methods: []string{"*"}}, "* is none"},
		{"all headers", middleware.CORSOptions{Origins: []string{friend}, Headers: []string{"*"}}, "* is none"},
		{"all headers to read", middleware.CORSOptions{Origins: []string{friend}, Expose: []string{"*"}}, "* is none"},
		{"a method in lower case", middleware.CORSOptions{Origins: []string{friend}, Methods: []string{"delete"}}, "in upper case"},
		{"a method that is none", middleware.CORSOptions{Origins: []string{friend}, Methods: []string{"GET, PUT"}}, "no name"},
		{"a header that is none", middleware.CORSOptions{Origins: []string{friend}, Headers: []string{"X-A\r\nX-B"}}, "no name"},
		{"a header without name", middleware.CORSOptions{Origins: []string{friend}, Expose: []string{""}}, "no name"},
		{"a negative age", middleware.CORSOptions{Origins: []string{friend}, MaxAge: -1}, "from a second to a day"},
		{"an age below a second", middleware.CORSOptions{Origins: []string{friend}, MaxAge: time.Millisecond}, "from a second to a day"},
		{"over a day", middleware.CORSOptions{Origins: []string{friend}, MaxAge: 25 * time.Hour}, "from a second to a day"},
	} {
		t.Run(c.name, func(t *testing.T) { panics(t, c.want, func() { middleware.CORS(c.o) }) })
	}
	for _, origin := range []string{friend, "https://rohan.example:8443", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8080", "https://Rohan.Example"} {
		assert.NotPanics(t, func() { middleware.CORS(middleware.CORSOptions{Origins: []string{origin}, Credentials: true}) }, origin)
	}
}

// Whoever is not named reads nothing, whatever they call themselves.
func TestCORSOrigins(t *testing.T) {
	for _, c := range []struct {
		name, origin string
		may          bool
	}{
		{"a friend", friend, true}, {"another friend", "http://localhost:3000", true}, {"in capitals", "HTTPS://ROHAN.EXAMPLE", true},
		{"nobody", "", false}, {"null", "null", false}, {"an enemy", "https://mordor.example", false},
		{"a host below", "https://evil.rohan.example", false}, {"a host that ends so", "https://evilrohan.example", false},
		{"a host that begins so", "https://rohan.example.mordor.example", false}, {"another scheme", "http://rohan.example", false},
		{"another port", friend + ":8443", false}, {"a port that is missing", "http://localhost", false}, {"a path", friend + "/", false},
		{"a user", "https://rohan.example@mordor.example", false}, {"two", friend + ", https://mordor.example", false}, {"a space", friend + " ", false},
		{"a star", "*", false}, {"a trailing dot", "https://rohan.example.", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(get("/", "Origin", c.origin), middleware.CORS(friends), answer("gold"))
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, []string{"Origin"}, w.Header()["Vary"], "caches keep answers apart, those without Origin too")
			assert.Empty(t, w.Header().Get("Access-Control-Allow-Methods"))
			if !c.may {
				assertReadsNothing(t, w)
				return
			}
			assert.Equal(t, []string{c.origin}, w.Header()["Access-Control-Allow-Origin"])
			assert.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
			assert.Equal(t, "X-Request-Id", w.Header().Get("Access-Control-Expose-Headers"))
		})
		t.Run(c.name+" before a request", func(t *testing.T) {
			w := ask(preflight("DELETE", "Origin", c.origin), middleware.CORS(friends), answer("gold"))
			assert.Equal(t, 204, w.Code)
			assert.Empty(t, w.Body.String())
			if !c.may {
				assertReadsNothing(t, w)
				return
			}
			assert.Equal(t, []string{c.origin}, w.Header()["Access-Control-Allow-Origin"])
		})
	}
	t.Run("everybody without credentials", func(t *testing.T) {
		all := middleware.CORS(middleware.CORSOptions{Origins: []string{"*"}})
		for _, origin := range []string{friend, "https://mordor.example", "null"} {
			w := ask(get("/", "Origin", origin), all, answer("news"))
			assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
			assert.NotContains(t, w.Header(), "Access-Control-Allow-Credentials")
		}
	})
	t.Run("two lines are nobody that a browser would believe", func(t *testing.T) {
		w := ask(get("/", "Origin", friend, "Origin", "https://mordor.example"), middleware.CORS(friends), answer("gold"))
		assert.NotEqual(t, []string{"https://mordor.example"}, w.Header()["Access-Control-Allow-Origin"])
	})
}

func assertReadsNothing(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name := range w.Header() {
		assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}

func TestCORSPreflight(t *testing.T) {
	for _, c := range []struct {
		name, method, headers string
		may                   bool
	}{
		{"a method that is allowed", "DELETE", "", true}, {"GET", "GET", "", true}, {"HEAD", "HEAD", "", true}, {"POST", "POST", "", true},
		{"a method that is not", "PUT", "", false}, {"in lower case", "delete", "", false},
		{"a header that is allowed", "DELETE", "authorization", true}, {"JSON", "POST", "content-type", true},
		{"both", "POST", "authorization,content-type", true}, {"one that is not", "POST", "authorization,x-ring", false}, {"a star", "POST", "*", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := preflight(c.method, "Origin", friend)
			setIf(r.Header, "Access-Control-Request-Headers", c.headers)
			w := ask(r, middleware.CORS(friends), fails(assert.AnError))
			require.Equal(t, 204, w.Code, "nothing below runs")
			assert.Equal(t, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers", w.Header().Get("Vary"))
			if !c.may {
				assertReadsNothing(t, w)
				return
			}
			assert.Equal(t, c.method, w.Header().Get("Access-Control-Allow-Methods"))
			assert.Equal(t, c.headers, w.Header().Get("Access-Control-Allow-Headers"))
			assert.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
			assert.Equal(t, "600", w.Header().Get("Access-Control-Max-Age"))
		})
	}
	t.Run("an OPTIONS that is none goes on", func(t *testing.T) {
		assert.Equal(t, "gold", ask(request("OPTIONS", "/", "Origin", friend), middleware.CORS(friends), answer("gold")).Body.String())
	})
	t.Run("of another method goes on", func(t *testing.T) {
		assert.Equal(t, "gold", ask(get("/", "Origin", friend, "Access-Control-Request-Method", "GET"), middleware.CORS(friends), answer("gold")).Body.String())
	})
	t.Run("of a guarded route needs no login and tells nothing of routes", func(t *testing.T) {
		s, store := shire(app.SessionOptions{})
		r := router.New()
		r.Guard(app.RequireLogin).Delete("/rings/{id}", ok)
		for _, path := range []string{"/rings/1", "/nothing"} {
			q := preflight("DELETE", "Origin", friend)
			q.URL.Path = path
			w := ask(q, middleware.CORS(friends), s.Layer, r.Layer)
			assert.Equal(t, 204, w.Code)
			assert.Equal(t, friend, w.Header().Get("Access-Control-Allow-Origin"))
			assert.Empty(t, w.Header().Get("Allow"))
		}
		assert.Empty(t, store.Calls())
		assert.Equal(t, 401, ask(request("DELETE", "/rings/1"), middleware.CORS(friends), s.Layer, r.Layer).Code)
	})
	t.Run("is logged and has its id", func(t *testing.T) {
		var l lines
		w := ask(preflight("DELETE", "Origin", friend), middleware.RequestID(middleware.RequestIDOptions{}), middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger()}), middleware.CORS(friends))
		require.Len(t, l.all(t), 1)
		assert.EqualValues(t, 204, l.all(t)[0]["status"])
		assert.NotEmpty(t, w.Header().Get("X-Request-Id"))
	})
}

func preflight(method string, headers ...string) *http.Request {
	return request("OPTIONS", "/", append(headers, "Access-Control-Request-Method", method)...)
}

// Pages read errors as they read answers: otherwise all errors look like a network that is down.
func TestCORSOnErrors(t *testing.T) {
	limit := middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1})
	tooFast := func(ctx *app.Context, next app.Handler) error {
		_ = limit(ctx, next)
		return limit(ctx, next)
	}
	cases := map[string]app.Middleware{"429": tooFast}
	for name, end := range ends {
		cases[name] = end.layer
	}
	for name, layer := range cases {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/", "Origin", friend), middleware.CORS(friends), layer)
			assert.Equal(t, friend, w.Header().Get("Access-Control-Allow-Origin"))
			assert.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
			assert.Contains(t, w.Header()["Vary"], "Origin")
			assertReadsNothing(t, ask(get("/", "Origin", "https://mordor.example"), middleware.CORS(friends), layer))
		})
	}
	t.Run("a session that cannot be saved", func(t *testing.T) {
		s, store := shire(app.SessionOptions{})
		store.Fail("Insert")
		w := ask(get("/", "Origin", friend), middleware.CORS(friends), s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			return x.Set("ring", 1)
		}))
		assert.Equal(t, 503, w.Code)
		assert.Equal(t, friend, w.Header().Get("Access-Control-Allow-Origin"))
		assert.Contains(t, w.Header()["Vary"], "Origin")
	})
}

// To read is one thing, to act as the user another.
func TestCORSLetsNobodyIntoASession(t *testing.T) {
	deed := last(func(ctx *app.Context) error {
		if err := app.RequireLogin(ctx, func(*app.Context) error { return nil }); err != nil {
			return err
		}
		return ok(ctx)
	})
	usual, _ := shire(app.SessionOptions{})
	trusting, _ := shire(app.SessionOptions{TrustedOrigins: []string{friend}})
	for _, c := range []struct {
		name, method string
		s            *app.Sessions
		want         int
	}{
		{"an unsafe request", "POST", usual, 403}, {"a safe one", "GET", usual, 200}, {"an unsafe one of whom sessions trust", "POST", trusting, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(request(c.method, "/", "Origin", friend, "Sec-Fetch-Site", "cross-site", "Cookie", cookieOf(t, c.s, "frodo")), middleware.CORS(friends), c.s.Layer, deed)
			assert.Equal(t, c.want, w.Code)
			assert.Equal(t, friend, w.Header().Get("Access-Control-Allow-Origin"), "the page may read why")
		})
	}
}

// Without the layer no answer says anything of the kind.
func TestCORSIsOffByDefault(t *testing.T) {
	for name, layers := range map[string][]app.Middleware{"an App": nil, "Standard": {middleware.Standard(middleware.StandardOptions{RequestLog: discarded})}} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*http.Request{get("/", "Origin", friend), preflight("DELETE", "Origin", friend)} {
				assertReadsNothing(t, ask(r, append(layers, last(ok))...))
			}
		})
	}
}

func ExampleCORS() {
	a := app.New().Use(middleware.CORS(middleware.CORSOptions{
		Origins: []string{"https://rohan.example"}, Methods: []string{"DELETE"}, Headers: []string{"Authorization"},
	}), last(ok))
	for _, origin := range []string{"https://rohan.example", "https://mordor.example"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Printf("%q\n", w.Header().Get("Access-Control-Allow-Origin"))
	}
	// Output:
	// "https://rohan.example"
	// ""
}
