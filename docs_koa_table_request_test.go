package kahu_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var koaRequest = []koaClaim{
	{"the first line only; further ones are in `ctx.Request.Header`", func(t *testing.T) {
		koaHand(t, func(ctx *app.Context) error {
			ctx.Request.Header.Add("X-Ring", "second")
			assert.Equal(t, "first", ctx.Get("x-ring"))
			assert.Len(t, ctx.Request.Header["X-Ring"], 2)
			return nil
		}, "GET", "/", "X-Ring", "first")
	}},
	{"an error for what does not begin with exactly one slash", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			assert.NoError(t, ctx.SetPath("/rings"))
			assert.Equal(t, "/rings", ctx.Request.URL.Path)
			assert.Equal(t, "/", ctx.OriginalURL())
			assert.Error(t, ctx.SetPath("//mordor.example"))
			assert.Error(t, ctx.SetPath("rings"))
		})
	}},
	{"always path and query, also if the client sent a whole URL", func(t *testing.T) {
		c := koaServe(t, answering(func(ctx *app.Context) error { ctx.Body = ctx.OriginalURL(); return nil }))
		assert.Equal(t, "/rings?one=1", c.Get("/rings?one=1").Body)
		r := c.NewRequest("GET", "/rings?one=1", nil)
		r.RequestURI = "https://shire.example/rings?one=1"
		assert.Equal(t, "/rings?one=1", c.Do(r).Body)
	}},
	{"the first value, or all, and never a list by surprise", func(t *testing.T) {
		koaHand(t, func(ctx *app.Context) error {
			assert.Equal(t, "1", ctx.Query("a"))
			assert.Equal(t, []string{"1", "2"}, ctx.QueryAll("a"))
			return nil
		}, "GET", "/?a=1&a=2")
	}},
	{`"" for a host that is none; clients say any host, so links in mails are`, func(t *testing.T) {
		c := koaServe(t, answering(func(ctx *app.Context) error {
			ctx.Body = ctx.Href()
			_, err := ctx.Link("/reset")
			assert.Error(t, err, "without App.Hosts")
			return nil
		}))
		assert.Equal(t, "https://shire.example/rings?one=1", c.Get("/rings?one=1").Body)
		r := c.NewRequest("GET", "/", nil)
		r.Host = "shire.example/mordor"
		assert.Empty(t, c.Do(r).Body)
	}},
	{`"" in place of null, and if it was sent twice`, func(t *testing.T) {
		koaHand(t, func(ctx *app.Context) error {
			assert.Equal(t, "https://shire.example", ctx.Origin())
			ctx.Request.Header.Add("Origin", "https://mordor.example")
			assert.Empty(t, ctx.Origin())
			ctx.Request.Header.Del("Origin")
			assert.Empty(t, ctx.Origin())
			return nil
		}, "GET", "/", "Origin", "https://shire.example")
	}},
	{`in small letters; "" if it is none`, func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			ctx.Request.Host = "Bree.SHIRE.example:8443"
			assert.Equal(t, "bree.shire.example:8443", ctx.Host())
			assert.Equal(t, "bree.shire.example", ctx.Hostname())
			assert.Equal(t, []string{"bree"}, ctx.Subdomains())
			ctx.Request.Host = "shire example"
			assert.Empty(t, ctx.Host())
		})
	}},
	{"0 means 2, negative means 0; an address has none, however it is written", func(t *testing.T) {
		for offset, want := range map[int]string{0: "[bree frodo]", 3: "[frodo]", -1: "[example shire bree frodo]"} {
			a := app.New()
			a.SubdomainOffset = offset
			c := koaClient(t, a.Use(answering(func(ctx *app.Context) error { ctx.Body = fmt.Sprint(ctx.Subdomains()); return nil })))
			for host, want := range map[string]string{"frodo.bree.shire.example": want, "127.0.0.1:80": "[]", "[::1]": "[]", "0x7f.1": "[]"} {
				r := c.NewRequest("GET", "/", nil)
				r.Host = host
				assert.Equal(t, want, c.Do(r).Body, host)
			}
		}
	}},
	{"what proxies in `App.Proxies` say, the peer at the end", func(t *testing.T) {
		a := app.New()
		a.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"192.0.2.0/24"}})
		c := koaClient(t, a.Use(answering(func(ctx *app.Context) error {
			ctx.Body = fmt.Sprint(ctx.Address(), " ", ctx.Addresses(), " ", ctx.Scheme(), " ", ctx.Host())
			return nil
		})))
		c.Base = "http://shire.example"
		const says = "203.0.113.9, 198.51.100.7, 192.0.2.8"
		res := koaAsk(c, "GET", "/", "X-Forwarded-For", says, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "Bree.example")
		assert.Equal(t, "198.51.100.7 [198.51.100.7 192.0.2.8 192.0.2.1] https bree.example", res.Body)
		a = app.New()
		c = koaClient(t, a.Use(answering(func(ctx *app.Context) error { ctx.Body = fmt.Sprint(ctx.Address(), ctx.Secure()); return nil })))
		c.Base = "http://shire.example"
		assert.Equal(t, "192.0.2.1 false", koaAsk(c, "GET", "/", "X-Forwarded-For", says, "X-Forwarded-Proto", "https").Body)
	}},
	{"the same, and x-gzip is gzip", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) { assert.Equal(t, "gzip", ctx.AcceptsEncodings("gzip", "identity")) }, "Accept-Encoding", "x-gzip")
	}},
	{"the same, matched as people read: zh-TW finds zh-Hant, en-US finds en-GB", func(t *testing.T) {
		for asked, offer := range map[string]string{"zh-TW": "zh-Hant", "en-US": "en-GB"} {
			res := koaIn(t, func(ctx *app.Context) { assert.Equal(t, offer, ctx.AcceptsLanguages("de", offer)) }, "Accept-Language", asked)
			assert.Equal(t, "Accept-Language", res.Header.Get("Vary"))
		}
	}},
	{"have names of their own; the others panic without an offer", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			assert.Equal(t, []string{"text/html", "*/*"}, ctx.AcceptedTypes())
			assert.Panics(t, func() { ctx.Accepts() })
			assert.Panics(t, func() { ctx.AcceptsLanguages() })
			assert.Panics(t, func() { ctx.AcceptsEncodings() })
			assert.Panics(t, func() { ctx.AcceptsCharsets() })
		}, "Accept", "*/*;q=0.1, text/html")
	}},
	{`"" in place of null and false; a body of length 0 is none`, func(t *testing.T) {
		for body, want := range map[string]string{"": "false |", "{}": "true json|"} {
			c := koaServe(t, answering(func(ctx *app.Context) error {
				ctx.Body = fmt.Sprint(ctx.HasBody(), " ", ctx.Is("json"), "|", ctx.Is("html"))
				return nil
			}))
			assert.Equal(t, want, c.Post("/", "application/json; charset=utf-8", body).Body)
		}
	}},
	{`"" also if sent twice`, func(t *testing.T) {
		koaHand(t, func(ctx *app.Context) error {
			assert.Equal(t, "text/html", ctx.RequestType())
			assert.Equal(t, "utf-8", ctx.RequestCharset())
			ctx.Request.Header.Add("Content-Type", "text/plain")
			assert.Empty(t, ctx.RequestType())
			return nil
		}, "POST", "/", "Content-Type", "Text/HTML; charset=UTF-8")
	}},
	{"-1 in place of undefined", func(t *testing.T) {
		c := koaServe(t, answering(func(ctx *app.Context) error { ctx.Body = ctx.Request.ContentLength; return nil }))
		assert.Equal(t, "-1", c.Do(c.NewRequest("POST", "/", io.MultiReader(strings.NewReader("ring")))).Body)
	}},
	{"false before there is a Status of 2xx or a Body", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			require.NoError(t, ctx.SetETag("7"))
			assert.False(t, ctx.Fresh())
			ctx.Status = 404
			assert.False(t, ctx.Fresh())
			ctx.Status = 200
			assert.True(t, ctx.Fresh())
			ctx.Status, ctx.Body = 0, "ring"
			assert.True(t, ctx.Fresh())
		}, "If-None-Match", `"7"`)
	}},
}
