package app_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

func TestHostnameAndSubdomains(t *testing.T) {
	for _, test := range []struct {
		name, host     string
		offset         int
		hostname, subs string
	}{
		{"two labels below", "Frodo.Bree.shire.example", 0, "frodo.bree.shire.example", "[bree frodo]"},
		{"a port", "frodo.shire.example:3000", 0, "frodo.shire.example", "[frodo]"},
		{"the site itself", "shire.example", 0, "shire.example", "[]"},
		{"one label", "localhost:3000", 0, "localhost", "[]"},
		{"three labels are the site's", "frodo.bree.shire.example", 3, "frodo.bree.shire.example", "[frodo]"},
		{"more labels are the site's than there are", "shire.example", 9, "shire.example", "[]"},
		{"no label is the site's", "bree.shire.example", -1, "bree.shire.example", "[example shire bree]"},
		{"IPv4", "192.0.2.1", 0, "192.0.2.1", "[]"},
		{"IPv4 with a port", "192.0.2.1:80", 0, "192.0.2.1", "[]"},
		{"IPv4 as only browsers read it", "frodo.192.0.513", 0, "frodo.192.0.513", "[]"},
		{"IPv6", "[2001:DB8:0::0001]", 0, "[2001:db8::1]", "[]"},
		{"IPv6 with a port", "[::ffff:192.0.2.1]:80", 0, "[::ffff:192.0.2.1]", "[]"},
		{"no host", "frodo.shire.example@mordor.example", 0, "", "[]"},
		{"nothing", "", 0, "", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := saying(func(ctx *app.Context) string { return fmt.Sprint(ctx.Hostname(), ctx.Subdomains()) })
			a.SubdomainOffset = test.offset
			r := get("/")
			r.Host = test.host
			assert.Equal(t, fmt.Sprint(test.hostname, test.subs), record(a, r).Body.String())
		})
	}
}

func TestAddresses(t *testing.T) {
	way := func(a *app.App, edit func(r *http.Request)) string {
		var found []netip.Addr
		a.Use(last(func(ctx *app.Context) error {
			found = ctx.Addresses()
			if len(found) > 0 {
				assert.Equal(t, ctx.Address(), found[0])
			}
			return nil
		}))
		r := get("/")
		r.RemoteAddr = "10.0.0.1:999"
		edit(r)
		record(a, r)
		return fmt.Sprint(found)
	}
	from := func(list ...string) func(r *http.Request) {
		return func(r *http.Request) { r.Header["X-Forwarded-For"] = list }
	}
	forwarded := quiet()
	forwarded.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.0/8"}, Forwarded: true})
	for _, test := range []struct {
		name string
		a    *app.App
		edit func(r *http.Request)
		want string
	}{
		{"nobody is believed without proxies", quiet(), from("198.51.100.66"), "[10.0.0.1]"},
		{"the client and its proxies", behind("10.0.0.0/8"), from("198.51.100.66, 192.0.2.7, 10.0.0.3", "10.0.0.2"), "[192.0.2.7 10.0.0.3 10.0.0.2 10.0.0.1]"},
		{"nothing is said", behind("10.0.0.0/8"), from(), "[10.0.0.1]"},
		{"what is no address ends the way", behind("10.0.0.0/8"), from("192.0.2.7, mordor, 10.0.0.2"), "[10.0.0.2 10.0.0.1]"},
		{"a peer that is no proxy", behind("10.0.0.2"), from("192.0.2.7"), "[10.0.0.1]"},
		{"RFC 7239", forwarded, func(r *http.Request) {
			r.Header.Set("Forwarded", `for=198.51.100.66, for="[2001:db8::7]:80", for=10.0.0.2`)
		}, "[2001:db8::7 10.0.0.2 10.0.0.1]"},
		{"no server said", quiet(), func(r *http.Request) { r.RemoteAddr = "@" }, "[]"},
		{"a list without end", behind("10.0.0.0/8"), from(strings.Repeat("10.0.0.2,", 100_000) + "10.0.0.3"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := way(test.a, test.edit)
			if test.want == "" {
				assert.Less(t, len(got), 16<<10)
				return
			}
			assert.Equal(t, test.want, got)
		})
	}
}
