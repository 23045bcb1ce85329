package app_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestHost(t *testing.T) {
	for _, test := range []struct{ name, host, want string }{
		{"a name", "shire.example", "shire.example"},
		{"capitals", "Shire.EXAMPLE", "shire.example"},
		{"a port", "shire.example:8443", "shire.example:8443"},
		{"the last port", "shire.example:65535", "shire.example:65535"},
		{"one label", "localhost:3000", "localhost:3000"},
		{"an underscore", "bag_end.shire.example", "bag_end.shire.example"},
		{"a hyphen", "bag-end.xn--shre-9va.example", "bag-end.xn--shre-9va.example"},
		{"IPv4", "192.0.2.1:80", "192.0.2.1:80"},
		{"IPv6", "[2001:db8::1]", "[2001:db8::1]"},
		{"IPv6 with a port", "[2001:db8::1]:80", "[2001:db8::1]:80"},
		{"IPv6 in another spelling", "[2001:DB8:0::0001]:80", "[2001:db8::1]:80"},

		{"nothing", "", ""},
		{"a name before an at sign", "shire.example@mordor.example", ""},
		{"a port before an at sign", "shire.example:80@mordor.example", ""},
		{"a path", "shire.example/mordor", ""},
		{"a backslash", `shire.example\.mordor.example`, ""},
		{"a question mark", "shire.example?", ""},
		{"a fragment", "shire.example#", ""},
		{"a space", "shire .example", ""},
		{"a line break", "shire.example\r\nX: y", ""},
		{"a null byte", "shire.example\x00", ""},
		{"two hosts", "shire.example,mordor.example", ""},
		{"a letter of another script", "sh\u0456re.example", ""},
		{"a letter whose small one is ASCII", "bu\u212Aland.example", ""},
		{"an escape", "shire%2eexample", ""},
		{"no port", "shire.example:", ""},
		{"only a port", ":80", ""},
		{"a port of letters", "shire.example:http", ""},
		{"a port that is too high", "shire.example:65536", ""},
		{"a port that is far too high", "shire.example:99999", ""},
		{"port 0", "shire.example:0", ""},
		{"a port with a zero before", "shire.example:0443", ""},
		{"a port with a sign", "shire.example:+443", ""},
		{"two ports", "shire.example:80:80", ""},
		{"an empty label", "bag..example", ""},
		{"an empty label before", ".shire.example", ""},
		{"an empty label behind", "shire.example.", ""},
		{"a label that begins with a hyphen", "-bag.shire.example", ""},
		{"a label that ends with a hyphen", "bag-.shire.example:80", ""},
		{"a name in brackets", "[shire.example]", ""},
		{"IPv4 in brackets", "[192.0.2.1]", ""},
		{"IPv6 without brackets", "2001:db8::1", ""},
		{"half a bracket", "[2001:db8::1:80", ""},
		{"the other half", "2001:db8::1]", ""},
		{"two brackets", "[[2001:db8::1]]", ""},
		{"a zone", "[fe80::1%25eth0]", ""},
		{"something behind brackets", "[2001:db8::1]x", ""},
		{"a wildcard", "*.shire.example", ""},
		{"far too long", strings.Repeat("a.", 5_000_000) + "a", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := see(t, quiet(), func(r *http.Request) { r.Host = test.host })
			assert.Equal(t, test.want, s.Host)
		})
	}
}

func TestHostsAndLinks(t *testing.T) {
	hosts := []string{"Shire.example", "bree.example:8443", "*.mordor.example", "*.gondor.example:8443", "[2001:db8::1]"}
	for _, test := range []struct{ host, link string }{
		{"shire.example", "http://shire.example"},
		{"SHIRE.example", "http://shire.example"},
		{"shire.example:1337", "http://shire.example"},
		{"shire.example:443", "http://shire.example"},
		{"bree.example:8443", "http://bree.example:8443"},
		{"minas.mordor.example", "http://minas.mordor.example"},
		{"minas.morgul.mordor.example:1337", "http://minas.morgul.mordor.example"},
		{"minas.gondor.example:8443", "http://minas.gondor.example:8443"},
		{"[2001:db8:0::1]:1337", "http://[2001:db8::1]"},

		{host: "isengard.example"},
		{host: "bag-end.shire.example"},
		{host: "notshire.example"},
		{host: "shire.example.isengard.example"},
		{host: "shire.example@isengard.example"},
		{host: "shire.example:99999"},
		{host: "shire.example."},
		{host: "bree.example"},
		{host: "bree.example:80"},
		{host: "mordor.example"},
		{host: ".mordor.example"},
		{host: "..mordor.example"},
		{host: "minas..mordor.example"},
		{host: "-.mordor.example"},
		{host: "notmordor.example"},
		{host: "minas.gondor.example"},
		{host: "minas.gondor.example:80"},
		{host: ""},
	} {
		t.Run(strings.ReplaceAll(test.host, ":", " port "), func(t *testing.T) {
			a, reached := quiet(), false
			a.Hosts = hosts
			a.Use(last(func(ctx *app.Context) error {
				reached = true
				link, err := ctx.Link("/reset?a=b#token")
				ctx.Body = link
				return err
			}))
			r := get("/")
			r.Host = test.host
			res := record(a, r)
			assert.Equal(t, test.link != "", reached)
			if !reached {
				assert.Equal(t, 421, res.Code)
				return
			}
			assert.Equal(t, test.link+"/reset?a=b#token", res.Body.String())
		})
	}
}

func TestLink(t *testing.T) {
	link := func(a *app.App, path string, edit func(r *http.Request)) (link string, err error) {
		a.Use(last(func(ctx *app.Context) error {
			link, err = ctx.Link(path)
			return nil
		}))
		r := get("http://shire.example/")
		edit(r)
		record(a, r)
		return link, err
	}
	asIs := func(*http.Request) {}
	listed := func(proxies *app.Proxies) *app.App {
		a := quiet()
		a.Hosts, a.Proxies = []string{"shire.example"}, proxies
		return a
	}
	t.Run("over TLS it is https", func(t *testing.T) {
		got, err := link(listed(nil), "/", func(r *http.Request) { r.TLS = &tls.ConnectionState{} })
		require.NoError(t, err)
		assert.Equal(t, "https://shire.example/", got)
	})
	t.Run("behind a proxy it is what the client asked", func(t *testing.T) {
		proxies := app.NewProxies(app.ProxyOptions{Networks: []string{"192.0.2.1"}})
		got, err := link(listed(proxies), "/", func(r *http.Request) {
			r.Host = "127.0.0.1:3000"
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("X-Forwarded-Host", "shire.example:1337")
		})
		require.NoError(t, err)
		assert.Equal(t, "https://shire.example/", got)
	})
	t.Run("behind a proxy that nobody named it is http", func(t *testing.T) {
		got, err := link(listed(nil), "/", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
		require.NoError(t, err)
		assert.Equal(t, "http://shire.example/", got)
	})
	t.Run("without Hosts it is an error", func(t *testing.T) {
		_, err := link(quiet(), "/", asIs)
		assert.EqualError(t, err, "app: Link needs App.Hosts")
	})
	t.Run("what is no path is an error", func(t *testing.T) {
		for _, path := range []string{"", "reset", "//mordor.example", `/\mordor.example`, "https://mordor.example/", "/a\r\nb", ".mordor.example/", "@mordor.example/", "/\t/mordor.example"} {
			got, err := link(listed(nil), path, asIs)
			assert.ErrorContains(t, err, "app: Link takes a path on this site", "%q", path)
			assert.Empty(t, got)
		}
	})
	t.Run("under Adapt another host is 421", func(t *testing.T) {
		a := quiet()
		a.Hosts = []string{"shire.example"}
		h := a.Adapt(last(func(ctx *app.Context) error {
			_, err := ctx.Link("/")
			return err
		}))(http.NotFoundHandler())
		assert.Equal(t, 421, record(h, get("http://mordor.example/")).Code)
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"shire.example", "a.shire.example:80", "[::1]:80", "..shire.example", "@.shire.example", "\x00.shire.example", "x/.shire.example"} {
		f.Add(seed)
	}
	a := quiet()
	a.Hosts = []string{"*.shire.example"}
	var link string
	a.Use(last(func(ctx *app.Context) (err error) {
		link, err = ctx.Link("/")
		return err
	}))
	f.Fuzz(func(t *testing.T, asked string) {
		r := get("/")
		r.Host, link = asked, ""
		record(a, r)
		if link == "" {
			return
		}
		name := strings.TrimSuffix(strings.TrimPrefix(link, "http://"), "/")
		assert.True(t, strings.HasSuffix(name, ".shire.example"), "%q", link)
		assert.False(t, strings.ContainsFunc(name, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r)
		}), "%q", link)
		assert.True(t, strings.HasPrefix(strings.ToLower(asked), name), "%q", link)
	})
}
