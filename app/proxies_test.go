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

// A sight is where a request came from and went to, as an App sees it.
type sight struct{ Address, Scheme, Host, Link string }

// see sends a request for http://shire.example from the peer 10.0.0.1 and returns what the App saw.
func see(t testing.TB, a *app.App, edit func(r *http.Request)) (s sight) {
	t.Helper()
	a.Use(last(func(ctx *app.Context) error {
		s = sight{Address: ctx.Address().String(), Scheme: ctx.Scheme(), Host: ctx.Host()}
		assert.Equal(t, s.Scheme == "https", ctx.Secure())
		if link, err := ctx.Link("/reset#token"); err == nil {
			s.Link = link
		}
		return nil
	}))
	r := get("/")
	r.RemoteAddr, r.Host = "10.0.0.1:999", "shire.example"
	edit(r)
	record(a, r)
	return s
}

// behind returns an App behind proxies that write X-Forwarded-For.
func behind(networks ...string) *app.App {
	a := quiet()
	a.Proxies = app.NewProxies(app.ProxyOptions{Networks: networks})
	return a
}

func TestNobodyIsBelievedWithoutProxies(t *testing.T) {
	for _, peer := range []string{"10.0.0.1:999", "192.0.2.7:1", "[::1]:1"} {
		s := see(t, quiet(), func(r *http.Request) {
			r.RemoteAddr = peer
			claimEverything(r)
		})
		assert.Equal(t, "shire.example", s.Host)
		assert.Equal(t, "http", s.Scheme)
		assert.Equal(t, strings.Trim(peer[:strings.LastIndexByte(peer, ':')], "[]"), s.Address)
	}
}

// claimEverything sets each header that some server somewhere takes for the truth.
func claimEverything(r *http.Request) {
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Forwarded"} {
		r.Header.Set(name, "198.51.100.66")
	}
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "X-Original-Host"} {
		r.Header.Set(name, "mordor.example")
	}
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme", "X-Url-Scheme"} {
		r.Header.Set(name, "https")
	}
	r.Header.Set("X-Forwarded-Ssl", "on")
	r.Header.Set("Front-End-Https", "on")
	r.Header.Set("Forwarded", "for=198.51.100.66;proto=https;host=mordor.example")
}

func TestOnlyProxiesAreBelieved(t *testing.T) {
	s := see(t, behind("10.0.0.0/8"), func(r *http.Request) {
		r.RemoteAddr = "192.0.2.7:1"
		claimEverything(r)
	})
	assert.Equal(t, sight{Address: "192.0.2.7", Scheme: "http", Host: "shire.example"}, s, "a client that comes past them")

	a := quiet()
	a.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.0/8"}, Forwarded: true})
	s = see(t, a, func(r *http.Request) {
		claimEverything(r)
		r.Header.Set("Forwarded", "for=203.0.113.9")
	})
	assert.Equal(t, sight{Address: "203.0.113.9", Scheme: "http", Host: "shire.example"}, s, "only one kind of header is read")

	s = see(t, behind("10.0.0.0/8"), func(r *http.Request) { r.Header.Set("Forwarded", "for=198.51.100.66;proto=https;host=mordor.example") })
	assert.Equal(t, sight{Address: "10.0.0.1", Scheme: "http", Host: "shire.example"}, s)

	for _, peer := range []string{"@", "", "/run/app.sock", "10.0.0.1", "10.0.0.1:x"} {
		s = see(t, behind("10.0.0.0/8"), func(r *http.Request) {
			r.RemoteAddr = peer
			claimEverything(r)
		})
		assert.Equal(t, sight{Address: "invalid IP", Scheme: "http", Host: "shire.example"}, s, "a peer without an address")
	}
}

func TestAddressBehindProxies(t *testing.T) {
	for _, test := range []struct{ name, header, want string }{
		{"no header", "", "10.0.0.1"},
		{"what the proxy wrote", "203.0.113.9", "203.0.113.9"},
		{"what the client wrote before", "198.51.100.66, 203.0.113.9", "203.0.113.9"},
		{"a client that claims to be a proxy", "198.51.100.66, 10.9.9.9, 203.0.113.9", "203.0.113.9"},
		{"two proxies", "198.51.100.66, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"only proxies", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"garbage before", "not-an-ip, 203.0.113.9", "203.0.113.9"},
		{"garbage next to us", "203.0.113.9, not-an-ip", "10.0.0.1"},
		{"garbage between", "198.51.100.66, not-an-ip, 10.0.0.2", "10.0.0.2"},
		{"a hop that does not say", "198.51.100.66, unknown, 10.0.0.2", "10.0.0.2"},
		{"an entry that the proxy left empty", "198.51.100.66, , 10.0.0.2", "10.0.0.2"},
		{"a comma at the end", "198.51.100.66,", "10.0.0.1"},
		{"no spaces", "198.51.100.66,203.0.113.9,10.0.0.2", "203.0.113.9"},
		{"tabs", "198.51.100.66,\t203.0.113.9\t", "203.0.113.9"},
		{"a port", "203.0.113.9:4711", "203.0.113.9"},
		{"IPv6", "2001:db8::7", "2001:db8::7"},
		{"IPv6 in another spelling", "2001:0DB8:0:0::0007", "2001:db8::7"},
		{"IPv6 in brackets", "[2001:db8::7]", "2001:db8::7"},
		{"IPv6 with a port", "[2001:db8::7]:4711", "2001:db8::7"},
		{"IPv6 with a zone", "fe80::1%eth0", "fe80::1"},
		{"half a bracket", "203.0.113.9, [10.0.0.2", "10.0.0.1"},
		{"IPv4 as IPv6", "::ffff:203.0.113.9", "203.0.113.9"},
		{"a proxy as IPv6", "203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"},
		{"leading zeros", "203.0.113.009", "10.0.0.1"},
		{"a number", "3405803785", "10.0.0.1"},
		{"a name", "shire.example", "10.0.0.1"},
		{"a list that has no end", strings.Repeat("10.0.0.2, ", 100_000) + "10.0.0.3", "10.0.0.2"},
		{"a word that has no end", strings.Repeat("1", 1_000_000), "10.0.0.1"},
		{"what is before a long list", "198.51.100.66, " + strings.Repeat("10.0.0.2, ", 100_000) + "10.0.0.3", "10.0.0.2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := see(t, behind("10.0.0.0/8"), func(r *http.Request) {
				if test.header != "" {
					r.Header.Set("X-Forwarded-For", test.header)
				}
			})
			assert.Equal(t, test.want, s.Address)
		})
	}
	t.Run("lines are one list", func(t *testing.T) {
		s := see(t, behind("10.0.0.0/8"), func(r *http.Request) {
			r.Header["X-Forwarded-For"] = []string{"198.51.100.66", "203.0.113.9", "10.0.0.2"}
		})
		assert.Equal(t, "203.0.113.9", s.Address)
	})
	t.Run("proxies by IPv6", func(t *testing.T) {
		for _, peer := range []string{"[fd00::1]:1", "[fd00::1%eth0]:1"} {
			s := see(t, behind("fd00::/8", "10.0.0.7"), func(r *http.Request) {
				r.RemoteAddr = peer
				r.Header.Set("X-Forwarded-For", "203.0.113.9, 10.0.0.7, fd00:0::2")
			})
			assert.Equal(t, "203.0.113.9", s.Address)
		}
	})
	t.Run("one address is no network", func(t *testing.T) {
		s := see(t, behind("10.0.0.1"), func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9, 10.0.0.2") })
		assert.Equal(t, "10.0.0.2", s.Address)
	})
	t.Run("a peer of IPv4 on a socket of IPv6", func(t *testing.T) {
		s := see(t, behind("10.0.0.1"), func(r *http.Request) {
			r.RemoteAddr = "[::ffff:10.0.0.1]:1"
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
		})
		assert.Equal(t, "203.0.113.9", s.Address)
	})
}

func TestSchemeAndHostBehindProxies(t *testing.T) {
	for _, test := range []struct {
		name, proto, host string
		tls               bool
		wantScheme, want  string
	}{
		{"nothing said", "", "", false, "http", "shire.example"},
		{"TLS to us", "", "", true, "https", "shire.example"},
		{"https", "https", "", false, "https", "shire.example"},
		{"capitals", "HTTPS", "Bree.Example", false, "https", "bree.example"},
		{"http before TLS to us", "http", "", true, "http", "shire.example"},
		{"the client's word first", "https, http", "mordor.example, bree.example", false, "http", "bree.example"},
		{"another scheme", "gopher", "", false, "http", "shire.example"},
		{"a scheme with more", "https://", "", false, "http", "shire.example"},
		{"what is no host", "https", "bree.example@mordor.example", false, "https", "shire.example"},
		{"nothing said last", "https,", "bree.example,", false, "http", "shire.example"},
		{"a port", "https", "bree.example:8443", false, "https", "bree.example:8443"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := see(t, behind("10.0.0.0/8"), func(r *http.Request) {
				r.Header.Set("X-Forwarded-Proto", test.proto)
				r.Header.Set("X-Forwarded-Host", test.host)
				if test.tls {
					r.TLS = &tls.ConnectionState{}
				}
			})
			assert.Equal(t, sight{Address: "10.0.0.1", Scheme: test.wantScheme, Host: test.want}, s)
		})
	}
	t.Run("the last line counts", func(t *testing.T) {
		s := see(t, behind("10.0.0.0/8"), func(r *http.Request) {
			r.Header["X-Forwarded-Proto"], r.Header["X-Forwarded-Host"] = []string{"https", "http"}, []string{"mordor.example", "bree.example"}
		})
		assert.Equal(t, sight{Address: "10.0.0.1", Scheme: "http", Host: "bree.example"}, s)
	})
}

func TestNewProxiesRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		networks []string
		want     string
	}{
		"nobody":              {nil, "needs the addresses of the proxies"},
		"everybody":           {[]string{"0.0.0.0/0"}, "is everybody"},
		"everybody by IPv6":   {[]string{"10.0.0.1", "::/0"}, "is everybody"},
		"IPv4 as IPv6":        {[]string{"::ffff:10.0.0.0/104"}, "write ::ffff:10.0.0.0/104 as IPv4"},
		"a name":              {[]string{"proxy.example"}, "is no address and no network"},
		"a zone":              {[]string{"fe80::1%eth0"}, "is no address and no network"},
		"an empty text":       {[]string{""}, "is no address and no network"},
		"too many bits":       {[]string{"10.0.0.0/33"}, "is no address and no network"},
		"an address and more": {[]string{"10.0.0.1, 10.0.0.2"}, "is no address and no network"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				said, _ := recover().(string)
				require.Contains(t, said, test.want)
			}()
			app.NewProxies(app.ProxyOptions{Networks: test.networks})
		})
	}
}

func FuzzXForwarded(f *testing.F) {
	for _, seed := range []string{"", ",", "198.51.100.66", "10.0.0.2, 10.0.0.3", "[::1]:1", "a, b", "\x00", "%eth0", "::ffff:10.0.0.1"} {
		f.Add(seed)
	}
	a := behind("10.0.0.0/8")
	var s sight
	a.Use(last(func(ctx *app.Context) error {
		s = sight{Address: ctx.Address().String(), Scheme: ctx.Scheme(), Host: ctx.Host()}
		return nil
	}))
	f.Fuzz(func(t *testing.T, client string) {
		r := get("/")
		r.RemoteAddr, r.Host = "10.0.0.1:999", "shire.example"
		r.Header = http.Header{"X-Forwarded-For": {client + ", 203.0.113.9"}, "X-Forwarded-Proto": {client + ", https"}, "X-Forwarded-Host": {client + ",bree.example"}}
		record(a, r)
		assert.Equal(t, sight{Address: "203.0.113.9", Scheme: "https", Host: "bree.example"}, s, "whatever the client wrote")
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
			r.Header.Set(name, client)
		}
		record(a, r)
		assert.Contains(t, []string{"http", "https"}, s.Scheme)
		assert.False(t, strings.ContainsAny(s.Host, " /\\@?#\"'<>\x00\r\n,") || s.Host == "", "%q", s.Host)
	})
}
