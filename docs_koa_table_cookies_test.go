package kahu_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var koaCookiesClaims = []koaClaim{
	{"`http.ErrNoCookie` for none, a forged one, one that is too old, or two that differ", func(t *testing.T) {
		ring := app.Cookie{Name: "ring"}
		c := koaClient(t, koaKeysOf(t, app.New()).Use(answering(func(ctx *app.Context) error {
			if ctx.Request.Method == "POST" {
				ctx.Status = 204
				return ring.Set(ctx, "one")
			}
			value, err := ring.Get(ctx)
			if err != nil {
				assert.ErrorIs(t, err, http.ErrNoCookie)
			}
			ctx.Body = value
			return nil
		})))
		assert.Empty(t, c.Get("/").Body)
		signed := c.Post("/", "text/plain", "").SetCookie("ring").Value
		assert.Equal(t, "one", c.Get("/").Body)
		assert.Equal(t, "one", koaAsk(c, "GET", "/", "Cookie", "ring="+signed+"; ring="+signed).Body)
		assert.Empty(t, koaAsk(c, "GET", "/", "Cookie", "ring="+signed+"; ring=two").Body)
		assert.Empty(t, koaAsk(c, "GET", "/", "Cookie", "ring=one").Body)
	}},
	{"in the one cookie, by HMAC-SHA256 over name, value and time, so MaxAge holds here too; `Cookie.Unsigned` is asked for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ring, other := app.Cookie{Name: "ring", MaxAge: time.Hour}, app.Cookie{Name: "other", MaxAge: time.Hour}
			c := koaClient(t, koaKeysOf(t, app.New()).Use(answering(func(ctx *app.Context) error {
				if ctx.Request.Method == "POST" {
					ctx.Status = 204
					return ring.Set(ctx, "one")
				}
				value, _ := ring.Get(ctx)
				elsewhere, _ := other.Get(ctx)
				ctx.Body = value + "|" + elsewhere
				return nil
			})))
			res := c.Post("/", "text/plain", "")
			assert.Len(t, res.Header["Set-Cookie"], 1)
			signed := res.SetCookie("ring").Value
			both := "ring=" + signed + "; other=" + signed
			assert.Equal(t, "one|", koaAsk(c, "GET", "/", "Cookie", both).Body)
			<-time.After(time.Hour + time.Second)
			assert.Equal(t, "|", koaAsk(c, "GET", "/", "Cookie", both).Body)
		})
	}},
	{"what browsers drop without a word is an error: None without Secure, `__Host-` with a Domain", func(t *testing.T) {
		assert.Error(t, app.Cookie{Name: "a", SameSite: http.SameSiteNoneMode, InsecureHTTP: true}.Valid())
		assert.Error(t, app.Cookie{Name: "__Host-a", Domain: "shire.example"}.Valid())
		assert.NoError(t, app.Cookie{Name: "a", Domain: "shire.example"}.Valid())
		assert.Error(t, app.Cookie{Name: "a", MaxAge: 401 * 24 * time.Hour}.Valid())
	}},
	{"always: an answer has one cookie of a name", func(t *testing.T) {
		a := app.Cookie{Name: "a", Unsigned: true}
		res := koaIn(t, func(ctx *app.Context) {
			require.NoError(t, a.Set(ctx, "1"))
			require.NoError(t, a.Set(ctx, "2"))
		})
		assert.Equal(t, "2", res.SetCookie("a").Value)
	}},
	{"net/http's cookie has Partitioned; a priority is Chrome's alone", func(t *testing.T) {
		res := koaIn(t, func(ctx *app.Context) {
			http.SetCookie(ctx.Writer(), &http.Cookie{Name: "a", Value: "b", Secure: true, Partitioned: true})
		})
		assert.Equal(t, "a=b; Secure; Partitioned", res.Header.Get("Set-Cookie"))
	}},
	{"over 4,096 bytes is an error", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			assert.NoError(t, app.Cookie{Name: "a", Unsigned: true}.Set(ctx, strings.Repeat("a", 4095)))
			assert.Error(t, app.Cookie{Name: "a", Unsigned: true}.Set(ctx, strings.Repeat("a", 4096)))
		})
	}},
}

// koaKeysOf gives an App keys.
func koaKeysOf(t *testing.T, a *app.App) *app.App {
	t.Helper()
	require.NoError(t, koaKeys(a, []byte("the doors of Durin, lord of Moria"), []byte("speak, friend, and enter through")))
	return a
}
