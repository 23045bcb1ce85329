package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var (
	goodPaths = []string{"/", "/login", "/login?next=%2F%2Fexample.org#top", "/a b", "/ä", "/a//b", "/@example.org", "/:80", "/.//example.org", "/" + strings.Repeat("x", 2047)}
	badPaths  = []string{
		"", "login", "?a", "#a", ".", "//example.org", "///example.org", `/\example.org`, `\\example.org`, `\/example.org`, `/a\b`,
		"/\t/example.org", "/\n/example.org", "/\r\nSet-Cookie: a=1", "\t//example.org", " //example.org", " /login", "/a\x00", "/a\x7f",
		"https://example.org", "http:example.org", "https:/example.org", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "mailto:a@example.org",
		"/" + strings.Repeat("x", 2048),
	}
)

func redirecting(path string) app.Middleware {
	return last(func(ctx *app.Context) error {
		ctx.Body = "given up"
		return ctx.Redirect(path)
	})
}

func TestRedirect(t *testing.T) {
	for _, path := range goodPaths {
		w, told := answered(get("/"), redirecting(path))
		assert.Equal(t, http.StatusSeeOther, w.Code, path)
		assert.Equal(t, strings.NewReplacer(" ", "%20", "ä", "%C3%A4").Replace(path), w.Header().Get("Location"))
		assert.Empty(t, w.Body.String())
		assert.Empty(t, told)
	}
	for _, path := range badPaths {
		w, told := answered(get("/"), redirecting(path))
		assert.Equal(t, http.StatusInternalServerError, w.Code, path)
		assert.Empty(t, w.Header()["Location"], path)
		assert.Len(t, told, 1, path)
	}
}

// A Redirect is 303 unless one was asked for before, and has nothing of the answer that is given up.
func TestRedirectStatus(t *testing.T) {
	for before, want := range map[int]int{0: 303, 200: 303, 201: 303, 300: 303, 301: 301, 302: 302, 303: 303, 304: 303, 305: 303, 306: 303, 307: 307, 308: 308, 404: 303} {
		for name, redirect := range map[string]func(ctx *app.Context) error{
			"local": func(ctx *app.Context) error { return ctx.Redirect("/") }, "external": func(ctx *app.Context) error { return ctx.RedirectExternal("https://example.org/") },
			"back": func(ctx *app.Context) error { return ctx.Back("/") },
		} {
			w := serve(get("/"), last(func(ctx *app.Context) error {
				ctx.Status = before
				return redirect(ctx)
			}))
			assert.Equal(t, want, w.Code, "%s after %d", name, before)
		}
	}
	got := respAsk(t, "GET", func(ctx *app.Context) error {
		ctx.Body = strings.NewReader("given up")
		ctx.Attachment("ring.pdf")
		ctx.SetLength(8)
		ctx.Header().Set("ETag", `"a"`)
		ctx.Header().Set("Set-Cookie", "a=1")
		return ctx.Redirect("/login")
	})
	assert.Empty(t, got.body)
	assert.Equal(t, "0", got.respLength())
	for _, name := range []string{"Content-Type", "Content-Disposition", "Etag"} {
		assert.NotContains(t, got.header, name)
	}
	assert.Equal(t, []string{"a=1"}, got.header["Set-Cookie"])
}

func TestRedirectExternal(t *testing.T) {
	for to, want := range map[string]string{
		"https://example.org":                       "https://example.org",
		"https://example.org/":                      "https://example.org/",
		"HTTPS://EXAMPLE.org/Ring":                  "https://example.org/Ring",
		"http://example.org:8080/a?b=c#d":           "http://example.org:8080/a?b=c#d",
		"https://[2001:DB8::1]:8443/":               "https://[2001:db8::1]:8443/",
		"https://example.org/a b/ä?q=ü x&r=\"<>'#ö": "https://example.org/a%20b/%C3%A4?q=%C3%BC%20x&r=%22%3C%3E'#%C3%B6",
		"https://example.org/%2e%2F?%zz":            "https://example.org/%2e%2F?%zz",
		"https://example.org//evil.org":             "https://example.org//evil.org",
		`https://example.org/\evil.org?\`:           "https://example.org/%5Cevil.org?%5C",
	} {
		got := respAsk(t, "GET", func(ctx *app.Context) error { return ctx.RedirectExternal(to) })
		assert.Equal(t, 303, got.status, to)
		assert.Equal(t, []string{want}, got.header["Location"])
	}
}

var notExternal = []string{
	"", "/", "//example.org", `/\example.org`, "example.org", "https:", "https:/", "https://", "https:///example.org", "https:example.org", "http:/example.org", "javascript:alert(1)", "JavaScript://example.org/%0aalert(1)",
	"data:text/html,x", "ftp://example.org", "mailto:sam@example.org", "file:///etc/passwd", "https://sam@example.org/", "https://example.org@evil.org/", "https://sam:secret@example.org/", "https://@example.org/",
	`https://example.org\@evil.org/`, `https://evil.org\.example.org/`, `https:\\example.org`, "https://example.org\r\nSet-Cookie: a=1", "https://example.org/\n", "\thttps://example.org", " https://example.org", "https://exa mple.org/", "https://example.org/\x00", "https://example.org\x7f",
	"https://exämple.org/", "https://ex%61mple.org/", "https://example.org:/", "https://example.org:0/", "https://example.org:99999/", "https://example.org:80:80/", "https://[::1/", "https://[::1%25eth0]/", "https://::1/", "https://example..org/", "https://?x", "https://#x", "https://example.org/%zz",
}

func TestRedirectExternalRefuses(t *testing.T) {
	for _, to := range notExternal {
		w, told := answered(get("/"), last(func(ctx *app.Context) error { return ctx.RedirectExternal(to) }))
		assert.Equal(t, 500, w.Code, "%q", to)
		assert.NotContains(t, w.Header(), "Location", "%q", to)
		if assert.Len(t, told, 1, "%q", to) {
			assert.ErrorContains(t, told[0], "app: RedirectExternal takes")
		}
	}
}

func TestRedirectExternalKeepsThePasswordOutOfTheLog(t *testing.T) {
	_, told := answered(get("/"), last(func(ctx *app.Context) error { return ctx.RedirectExternal("https://sam:mellon@example.org/") }))
	assert.NotContains(t, fmt.Sprint(told), "mellon")
}

func TestBack(t *testing.T) {
	for name, c := range map[string]struct {
		referer, alternative string
		want                 string
	}{
		"a page of this site":                  {"http://shire.example/bag-end?door=green", "/x", "/bag-end?door=green"},
		"the host alone":                       {"http://shire.example", "/x", "/"},
		"in capitals":                          {"HTTP://Shire.Example/a", "/x", "/a"},
		"with the port of the scheme":          {"http://shire.example:80/a", "/x", "/a"},
		"with a fragment":                      {"http://shire.example/a#b", "/x", "/a"},
		"what has to be encoded":               {"http://shire.example/a%20b/ä", "/x", "/a%20b/%C3%A4"},
		"no Referer":                           {"", "/x", "/x"},
		"no Referer and no alternative":        {"", "", "/"},
		"another host":                         {"http://mordor.example/a", "/x", "/x"},
		"another host and no alternative":      {"http://mordor.example/a", "", "/"},
		"a host that begins like ours":         {"http://shire.example.mordor.example/", "/x", "/x"},
		"a host that ends like ours":           {"http://evilshire.example/", "/x", "/x"},
		"another scheme":                       {"https://shire.example/a", "/x", "/x"},
		"another port":                         {"http://shire.example:81/a", "/x", "/x"},
		"a user":                               {"http://shire.example@mordor.example/", "/x", "/x"},
		"a user of ours":                       {"http://sam@shire.example/", "/x", "/x"},
		"a path that is another site":          {"http://shire.example//mordor.example/", "/x", "/x"},
		"a backslash":                          {`http://shire.example/\\mordor.example/`, "/x", "/%5C%5Cmordor.example/"},
		"a path that only looks like one":      {"http://shire.example/%2F/mordor.example/", "/x", "/%2F/mordor.example/"},
		"a path alone":                         {"/a", "/x", "/x"},
		"what is no URL":                       {"http://", "/x", "/x"},
		"an opaque one":                        {"http:shire.example/a", "/x", "/x"},
		"garbage":                              {"garbage", "/x", "/x"},
		"a scheme that runs":                   {"javascript:alert(1)", "/x", "/x"},
		"a path that is too long":              {"http://shire.example/" + strings.Repeat("x", 2048), "/x", "/x"},
		"a host of another kind of characters": {"http://shirе.example/", "/x", "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error { return ctx.Back(c.alternative) }))
			headers := []string{"Referer", c.referer}
			if c.referer == "" {
				headers = nil
			}
			got := w.ask("GET", "/", headers...)
			assert.Equal(t, 303, got.status)
			assert.Equal(t, []string{c.want}, got.header["Location"])
			assert.Equal(t, []string{"Referer"}, got.header["Vary"])
			assert.Empty(t, w.reports())
		})
	}
	t.Run("two Referers are none", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error { return ctx.Back("/x") }))
		assert.Equal(t, "/x", w.ask("GET", "/", "Referer", "http://shire.example/a", "Referer", "http://shire.example/b").header.Get("Location"))
	})
	t.Run("an alternative that is another site is an error", func(t *testing.T) {
		w, told := answered(get("/"), last(func(ctx *app.Context) error { return ctx.Back("//mordor.example") }))
		assert.Equal(t, 500, w.Code)
		assert.Len(t, told, 1)
	})
	t.Run("over TLS the scheme is compared", func(t *testing.T) {
		r := httptest.NewRequest("GET", "https://shire.example/", nil)
		r.Header.Set("Referer", "http://shire.example/a")
		assert.Equal(t, "/x", serve(r, last(func(ctx *app.Context) error { return ctx.Back("/x") })).Header().Get("Location"))
		r.Header.Set("Referer", "https://shire.example:443/a")
		assert.Equal(t, "/a", serve(r, last(func(ctx *app.Context) error { return ctx.Back("/x") })).Header().Get("Location"))
	})
}

func FuzzRedirect(f *testing.F) {
	for _, path := range append(goodPaths, badPaths...) {
		f.Add(path)
	}
	base := &url.URL{Scheme: "https", Host: "example.com", Path: "/here"}
	f.Fuzz(func(t *testing.T, path string) {
		w := serve(get("/"), redirecting(path))
		if w.Code != http.StatusSeeOther {
			assert.Empty(t, w.Header()["Location"])
			return
		}
		// What browsers make of it: they drop tabs and line ends and read \ as /.
		location := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimFunc(w.Header().Get("Location"), func(r rune) bool { return r <= ' ' }))
		assert.True(t, strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"), "%q", path)
		if u, err := base.Parse(location); err == nil {
			assert.Equal(t, "example.com", u.Host, "%q", path)
		}
	})
}

// What is sent is https or http, has a host that every parser finds, and nobody's password.
func FuzzRedirectExternal(f *testing.F) {
	for _, to := range append([]string{"https://example.org/a?b#c", "http://example.org:8080", "https://[::1]/"}, notExternal...) {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		w := serve(get("/"), last(func(ctx *app.Context) error { return ctx.RedirectExternal(to) }))
		location := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther {
			assert.Empty(t, location)
			return
		}
		assert.Regexp(t, `^https?://([0-9a-z._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]*)?([/?#][!#-;=?-\[\]_a-z~%]*)?$`, location)
		u, err := url.Parse(location)
		if assert.NoError(t, err) {
			assert.Nil(t, u.User)
			assert.NotEmpty(t, u.Host)
		}
	})
}

func FuzzBack(f *testing.F) {
	for _, referer := range []string{"http://example.com/a?b", "http://example.com//evil.org", "http://example.com/\\evil.org", "http://example.com@evil.org/", "//example.com/a", "http://example.com:80/"} {
		f.Add(referer)
	}
	base := &url.URL{Scheme: "http", Host: "example.com", Path: "/here"}
	f.Fuzz(func(t *testing.T, referer string) {
		r := get("/")
		r.Header.Set("Referer", referer)
		w := serve(r, last(func(ctx *app.Context) error { return ctx.Back("") }))
		require.Equal(t, http.StatusSeeOther, w.Code)
		location := w.Header().Get("Location")
		assert.Regexp(t, `^/([!#-;=?-\[\]_a-z~%]*)$`, location)
		assert.False(t, strings.HasPrefix(location, "//"))
		if u, err := base.Parse(location); err == nil {
			assert.Equal(t, "example.com", u.Host)
		}
	})
}
