package apptest_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app/apptest"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// echo answers with the Cookie header and sets what the query's "set" says.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	for _, line := range r.URL.Query()["set"] {
		w.Header().Add("Set-Cookie", line)
	}
	io.WriteString(w, r.Header.Get("Cookie"))
})

func set(c *apptest.Client, path, line string) *apptest.Response {
	r := c.NewRequest("GET", path, nil)
	r.URL.RawQuery = "set=" + line
	return c.Do(r)
}

func TestClientKeepsCookiesAsBrowsersDo(t *testing.T) {
	tests := []struct{ name, base, line, path, sent string }{
		{"a cookie comes back", "https://example.com", "a=1", "/", "a=1"},
		{"a path keeps it to itself", "https://example.com", "a=1%3BPath=/in", "/out", ""},
		{"a path covers what is below", "https://example.com", "a=1%3BPath=/in", "/in/deep", "a=1"},
		{"a path is no prefix of a name", "https://example.com", "a=1%3BPath=/in", "/inner", ""},
		{"Secure needs https", "http://example.com", "a=1%3BSecure", "/", ""},
		{"Secure over https", "https://example.com", "a=1%3BSecure", "/", "a=1"},
		{"__Host- with all it takes", "https://example.com", "__Host-a=1%3BSecure%3BPath=/", "/", "__Host-a=1"},
		{"__Host- without Secure", "https://example.com", "__Host-a=1%3BPath=/", "/", ""},
		{"__Host- with a Domain", "https://example.com", "__Host-a=1%3BSecure%3BPath=/%3BDomain=example.com", "/", ""},
		{"__Host- below a path", "https://example.com", "__Host-a=1%3BSecure%3BPath=/in", "/in", ""},
		{"__Secure- without Secure", "https://example.com", "__Secure-a=1", "/", ""},
		{"SameSite=None without Secure", "https://example.com", "a=1%3BSameSite=None", "/", ""},
		{"another site's Domain", "https://example.com", "a=1%3BDomain=example.org", "/", ""},
		{"a Domain above", "https://www.example.com", "a=1%3BDomain=example.com", "/", "a=1"},
		{"Max-Age=0 is gone at once", "https://example.com", "a=1%3BMax-Age=0", "/", ""},
		{"Expires in the past", "https://example.com", "a=1%3BExpires=Thu, 01 Jan 1970 00:00:01 GMT", "/", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := apptest.NewClient(t, echo)
			c.Base = test.base
			set(c, "/", test.line)
			assert.Equal(t, test.sent, c.Get(test.path).Body)
		})
	}
}

func TestClientForgetsCookies(t *testing.T) {
	clock := apptest.NewClock(start)
	c := apptest.NewClient(t, echo)
	c.Now = clock.Now
	set(c, "/", "a=1%3BMax-Age=60")

	clock.Advance(59 * time.Second)
	assert.Equal(t, "a=1", c.Get("/").Body)

	clock.Advance(time.Second)
	assert.Empty(t, c.Get("/").Body)
	assert.Nil(t, c.Cookie("a"))

	set(c, "/", "b=1")
	require.Equal(t, "1", c.Cookie("b").Value)
	res := set(c, "/", "b=%3BMax-Age=0")
	assert.Nil(t, c.Cookie("b"))
	assert.Negative(t, res.SetCookie("b").MaxAge)
}

func TestClientPlantsAndCopiesCookies(t *testing.T) {
	thief, owner := apptest.NewClient(t, echo), apptest.NewClient(t, echo)
	owner.SetCookie("__Host-session", "stolen")
	thief.CopyCookies(owner)
	owner.SetCookie("__Host-session", "")

	assert.Equal(t, "__Host-session=stolen", thief.Get("/deep/down").Body)
	assert.Empty(t, owner.Get("/").Body)

	r := thief.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "mine=1; mine=2")
	assert.Equal(t, "mine=1; mine=2", thief.Do(r).Body)
}

func TestClientSendsBodiesAndHeaders(t *testing.T) {
	c := apptest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, `{"got":"`+r.Method+" "+r.Host+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Accept")+`","size":`+string(body)+`}`)
	}))
	c.Header.Set("Accept", "text/html")
	var got struct {
		Got  string
		Size int
	}
	c.PostJSON("/", 7).JSON(&got)
	assert.Equal(t, "POST example.com application/json text/html", got.Got)
	assert.Equal(t, 7, got.Size)

	c.Do(func() *http.Request {
		r := c.NewRequest("PUT", "/", nil)
		r.Header.Set("Accept", "text/plain")
		return r
	}())
	assert.Contains(t, c.Delete("/").Body, "DELETE example.com")
	assert.Contains(t, c.Post("/", "text/plain", "8").Body, "text/plain")
}

func TestClientTellsOfACutConnection(t *testing.T) {
	c := apptest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "part")
		panic(http.ErrAbortHandler)
	}))
	res := c.Get("/")
	assert.True(t, res.Aborted)
	assert.Equal(t, "part", res.Body)
	assert.Panics(t, func() {
		apptest.NewClient(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })).Get("/")
	})
}

func TestClockStandsStill(t *testing.T) {
	clock := apptest.NewClock(start.In(time.FixedZone("elsewhere", 3600)))
	assert.Equal(t, start, clock.Now())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { clock.Advance(time.Second) })
	}
	all.Wait()
	assert.Equal(t, start.Add(20*time.Second), clock.Now())
	clock.Advance(-20 * time.Second)
	assert.Equal(t, start, clock.Now())
}
