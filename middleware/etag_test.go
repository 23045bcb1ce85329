package middleware_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

// tagged answers with an ETag of its own, and when it changed.
func tagged(tag, changed string) app.Middleware {
	return last(func(ctx *app.Context) error {
		setIf(ctx.Header(), "ETag", tag)
		setIf(ctx.Header(), "Last-Modified", changed)
		ctx.Body = "one ring"
		return nil
	})
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

func TestETagConditions(t *testing.T) {
	const monday, tuesday, later = "Mon, 03 Mar 2031 05:06:07 GMT", "Tue, 04 Mar 2031 05:06:07 GMT", "Wed, 05 Mar 2031 05:06:07 GMT"
	for _, c := range []struct {
		name, tag, changed string
		asked              []string
		want               int
	}{
		{"nothing asked", `"a"`, "", nil, 200},
		{"the tag", `"a"`, "", []string{"If-None-Match", `"a"`}, 304},
		{"another tag", `"a"`, "", []string{"If-None-Match", `"b"`}, 200},
		{"a weak one for a strong one", `"a"`, "", []string{"If-None-Match", `W/"a"`}, 304},
		{"a strong one for a weak one", `W/"a"`, "", []string{"If-None-Match", `"a"`}, 304},
		{"one of a list", `"a"`, "", []string{"If-None-Match", `"x", W/"y" ,"a"`}, 304},
		{"one of two lines", `"a"`, "", []string{"If-None-Match", `"x"`, "If-None-Match", `"a"`}, 304},
		{"none of a list", `"a"`, "", []string{"If-None-Match", `"x","y"`}, 200},
		{"a tag with a comma in it", `"a,b"`, "", []string{"If-None-Match", `"x","a,b"`}, 304},
		{"half of a tag with a comma in it", `"b"`, "", []string{"If-None-Match", `"a,b"`}, 200},
		{"any", `"a"`, "", []string{"If-None-Match", ` * `}, 304},
		{"a star in a list is no star", `"a"`, "", []string{"If-None-Match", `"x", *`}, 200},
		{"a star in quotes", `"a"`, "", []string{"If-None-Match", `"*"`}, 200},
		{"without quotes", `"a"`, "", []string{"If-None-Match", `a`}, 200},
		{"a quote that does not end", `"a"`, "", []string{"If-None-Match", `"a`}, 200},
		{"empty", `"a"`, "", []string{"If-None-Match", ``}, 200},
		{"only commas", `"a"`, "", []string{"If-None-Match", `,,, ,`}, 200},
		{"the empty tag", `""`, "", []string{"If-None-Match", `""`}, 304},
		{"weakness in lower case is no weakness", `"a"`, "", []string{"If-None-Match", `w/"a"`}, 200},
		{"the tag of a prefix", `"ab"`, "", []string{"If-None-Match", `"a"`}, 200},
		{"not changed since", "", tuesday, []string{"If-Modified-Since", tuesday}, 304},
		{"not changed since long", "", monday, []string{"If-Modified-Since", later}, 304},
		{"changed since", "", tuesday, []string{"If-Modified-Since", monday}, 200},
		{"a time that is none", "", tuesday, []string{"If-Modified-Since", "yesterday"}, 200},
		{"a change that is none", "", "yesterday", []string{"If-Modified-Since", tuesday}, 200},
		{"another tag though not changed", `"a"`, monday, []string{"If-None-Match", `"b"`, "If-Modified-Since", tuesday}, 200},
		{"the tag though changed", `"a"`, later, []string{"If-None-Match", `"a"`, "If-Modified-Since", monday}, 304},
		{"an end-to-end reload", `"a"`, monday, []string{"If-None-Match", `"a"`, "Cache-Control", "max-age=0, No-Cache"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				w := ask(request(method, "/", c.asked...), middleware.ETag, tagged(c.tag, c.changed))
				assert.Equal(t, c.want, w.Code, method)
				if c.want == 304 || method == "HEAD" {
					assert.Empty(t, w.Body.String())
				} else {
					assert.Equal(t, "one ring", w.Body.String())
				}
			}
			w := ask(request("POST", "/", c.asked...), middleware.ETag, tagged(c.tag, c.changed))
			assert.Equal(t, 200, w.Code, "only what is safe is conditional here")
		})
	}
}

func TestETagOfABody(t *testing.T) {
	for name, body := range map[string]any{
		"text": "one ring", "bytes": []byte("one ring"), "JSON": map[string]string{"ring": "one"}, "empty text": "",
	} {
		t.Run(name, func(t *testing.T) {
			first := ask(get("/"), middleware.ETag, answer(body))
			tag := first.Header().Get("ETag")
			require.Regexp(t, `^W/"[A-Za-z0-9_-]{24}"$`, tag)
			assert.Equal(t, 200, first.Code)
			plain := ask(get("/"), answer(body))
			assert.Equal(t, plain.Body.String(), first.Body.String())
			assert.Equal(t, plain.Header().Get("Content-Type"), first.Header().Get("Content-Type"))

			again := ask(get("/", "If-None-Match", tag), middleware.ETag, answer(body))
			assert.Equal(t, 304, again.Code)
			assert.Empty(t, again.Body.String())
			assert.Equal(t, tag, again.Header().Get("ETag"))

			head := ask(request("HEAD", "/"), middleware.ETag, answer(body))
			assert.Equal(t, tag, head.Header().Get("ETag"), "HEAD has the tag of GET")
			assert.Empty(t, head.Body.String())
			assert.NotEqual(t, tag, ask(get("/"), middleware.ETag, answer("another")).Header().Get("ETag"))
		})
	}
	t.Run("a type of JSON that the handler set stays", func(t *testing.T) {
		w := ask(get("/"), middleware.ETag, last(func(ctx *app.Context) error {
			ctx.Header().Set("Content-Type", "application/problem+json")
			ctx.Body = struct{}{}
			return nil
		}))
		assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	})
	t.Run("what becomes JSON is encoded once", func(t *testing.T) {
		n := 0
		w := ask(get("/"), middleware.ETag, answer(counting{&n}))
		assert.Equal(t, `{"ring":1}`, w.Body.String())
		assert.Equal(t, 1, n)
	})
}

type counting struct{ n *int }

func (c counting) MarshalJSON() ([]byte, error) {
	*c.n++
	return fmt.Appendf(nil, `{"ring":%d}`, *c.n), nil
}

// An answer is left alone unless it is one of 200 with a body that is known.
func TestETagLeavesAlone(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			with, without := ask(get("/"), middleware.ETag, end.layer), ask(get("/"), end.layer)
			assert.Equal(t, end.status, with.Code)
			assert.Equal(t, without.Body.String(), with.Body.String())
			if name != "an answer" {
				assert.Equal(t, without.Header(), with.Header())
			}
			star := ask(get("/", "If-None-Match", "*"), middleware.ETag, end.layer)
			if name != "an answer" {
				assert.Equal(t, end.status, star.Code)
			}
		})
	}
	for name, code := range map[string]int{"created": 201, "an error with a body": 404, "a part": 206} {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/", "If-None-Match", "*"), middleware.ETag, last(func(ctx *app.Context) error { ctx.Status, ctx.Body = code, "x"; return nil }))
			assert.Equal(t, code, w.Code)
			assert.Empty(t, w.Header().Get("ETag"))
		})
	}
	t.Run("what a net/http middleware has sent", func(t *testing.T) {
		var l lines
		log := middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger()})
		w := ask(get("/", "If-None-Match", `"a"`), log, middleware.ETag, squeeze, tagged(`"a"`, ""))
		assert.Equal(t, "one ring", w.Body.String())
		assert.EqualValues(t, 200, l.all(t)[0]["status"], "that is history")
	})
	t.Run("a panic while encoding is one 500", func(t *testing.T) {
		assert.Equal(t, 500, ask(get("/"), middleware.ETag, answer(exploding{})).Code)
	})
}

type exploding struct{}

func (exploding) MarshalJSON() ([]byte, error) { panic(errors.New("Balrog")) }

func TestETagOfAStream(t *testing.T) {
	for _, c := range []struct {
		name, tag, changed, asked, value string
		want                             int
	}{
		{"its own tag", `"a"`, "", "If-None-Match", `"a"`, 304},
		{"its own time", "", "Tue, 04 Mar 2031 05:06:07 GMT", "If-Modified-Since", "Tue, 04 Mar 2031 05:06:07 GMT", 304},
		{"no tag and a star", "", "", "If-None-Match", "*", 200},
		{"another tag", `"a"`, "", "If-None-Match", `"b"`, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &closing{Reader: strings.NewReader("stream")}
			w := ask(get("/", c.asked, c.value), middleware.ETag, last(func(ctx *app.Context) error {
				setIf(ctx.Header(), "ETag", c.tag)
				setIf(ctx.Header(), "Last-Modified", c.changed)
				ctx.Body = s
				return nil
			}))
			assert.Equal(t, c.want, w.Code)
			assert.Equal(t, 1, s.closed, "closed once")
			assert.Equal(t, c.want == 304, w.Body.Len() == 0)
		})
	}
}

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

// RFC 9110 section 15.4.5.
func TestETagNotModifiedKeepsWhatItMust(t *testing.T) {
	s, _ := shire(app.SessionOptions{})
	w := ask(get("/", "If-None-Match", `"a"`, "Cookie", cookieOf(t, s, "frodo")), middleware.Headers(middleware.HeadersOptions{}), middleware.ETag, s.Layer, last(func(ctx *app.Context) error {
		h := ctx.Header()
		h.Set("ETag", `"a"`)
		h.Set("Cache-Control", "private, max-age=60")
		h.Set("Expires", "Tue, 04 Mar 2031 05:06:07 GMT")
		h.Set("Content-Location", "/rings/1")
		h.Set("Vary", "Accept")
		h.Set("Content-Type", "text/plain")
		h.Add("Set-Cookie", "seen=1")
		assert.Equal(t, &hobbit{"frodo"}, ctx.User())
		ctx.Body = "one ring"
		return nil
	}))
	assert.Equal(t, 304, w.Code)
	for name, want := range map[string]string{
		"Etag": `"a"`, "Cache-Control": "private, max-age=60", "Expires": "Tue, 04 Mar 2031 05:06:07 GMT", "Content-Location": "/rings/1",
		"Set-Cookie": "seen=1", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
	} {
		assert.Equal(t, want, w.Header().Get(name), name)
	}
	assert.Equal(t, []string{"Accept", "Cookie"}, w.Header()["Vary"])
	assert.NotContains(t, w.Header(), "Content-Type")
	assert.NotContains(t, w.Header(), "Content-Length")
}

func TestETagOfWhatNobodyMayKeep(t *testing.T) {
	s, _ := shire(app.SessionOptions{})
	cookie := cookieOf(t, s, "frodo")
	whoami := last(func(ctx *app.Context) error { ctx.Body = ctx.User(); return nil })
	t.Run("a session's answer has none", func(t *testing.T) {
		w := ask(get("/", "Cookie", cookie, "If-None-Match", "*"), middleware.ETag, s.Layer, whoami)
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.NotContains(t, w.Header(), "Etag")
	})
	t.Run("unless its handler says that it may be kept", func(t *testing.T) {
		private := last(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", "private")
			ctx.Body = ctx.User()
			return nil
		})
		w := ask(get("/", "Cookie", cookie), middleware.ETag, s.Layer, private)
		tag := w.Header().Get("ETag")
		require.NotEmpty(t, tag)
		assert.Equal(t, 304, ask(get("/", "Cookie", cookie, "If-None-Match", tag), middleware.ETag, s.Layer, private).Code)
		assert.Equal(t, 200, ask(get("/", "Cookie", cookieOf(t, s, "sam"), "If-None-Match", tag), middleware.ETag, s.Layer, private).Code, "another user's is another answer")
	})
	t.Run("nor one that sets a cookie", func(t *testing.T) {
		w := ask(get("/"), middleware.ETag, last(func(ctx *app.Context) error {
			ctx.Header().Add("Set-Cookie", "seen=1")
			ctx.Body = "x"
			return nil
		}))
		assert.NotContains(t, w.Header(), "Etag")
	})
	t.Run("nor one that is marked", func(t *testing.T) {
		assert.NotContains(t, ask(get("/"), middleware.ETag, middleware.NoStore, answer("x")).Header(), "Etag")
	})
}

// A list of tags comes from the client: nothing in it panics, and only a tag that is there is found.
func FuzzIfNoneMatch(f *testing.F) {
	for _, seed := range []string{`"a"`, `W/"a"`, `*`, `"a`, `W/`, `,,"b","a"`, "\x00", `W/W/"a"`, `"a""a"`, `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		w := ask(get("/", "If-None-Match", list), middleware.ETag, tagged(`"a"`, ""))
		if w.Code == 304 {
			assert.True(t, strings.Contains(list, `"a"`) || strings.TrimSpace(list) == "*", "%q", list)
			return
		}
		assert.Equal(t, 200, w.Code)
	})
}

func ExampleETag() {
	a := app.New().Use(middleware.ETag, answer("one ring"))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	a.ServeHTTP(again, r)
	fmt.Println(w.Code, w.Body.Len(), again.Code, again.Body.Len())
	// Output: 200 8 304 0
}
