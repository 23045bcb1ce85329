package router

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// Host returns a layer that runs these layers for one host and nothing else: what they
// leave is 404, and does not go on to the routes of another host. "*.shire.example" is for
// all hosts below shire.example, and not for that itself; of several Host layers the first that
// covers the host answers. Requests for other hosts go on to the next layer.
//
//	a.Use(router.Host("api.shire.example", api.Layer), site.Layer)
//
// The host is that of [app.Context.Host], compared without port and case; addresses are
// compared as such, [::1] too. Clients can ask for any host: which ones there are at all
// is for app.App.Hosts. Host panics for what is no host, for one with a port, and
// without layers.
func Host(host string, layers ...app.Middleware) app.Middleware {
	checkLayers("Host", layers)
	own, wild := parseHost(host)
	run := app.Compose(layers...)
	return func(ctx *app.Context, next app.Handler) error {
		asked := strings.Trim(ctx.Hostname(), "[]")
		if asked == own || wild && strings.HasSuffix(asked, own) {
			return run(ctx, nil)
		}
		return next(ctx)
	}
}

// parseHost returns a host in lower case, an address without brackets, or for a wildcard
// the end of those that it covers, with the dot, which is no host.
func parseHost(text string) (host string, wild bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil && addr.Zone() == "" {
		return addr.String(), false
	}
	const chars = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	host, wild = strings.CutPrefix(strings.ToLower(text), "*")
	labels := host
	if wild {
		labels = strings.TrimPrefix(host, ".")
		if labels == host {
			labels = ""
		}
	}
	for label := range strings.SplitSeq(labels, ".") {
		if label == "" || strings.Trim(label, chars) != "" {
			panic(fmt.Sprintf("router: Host %q: it is a name such as api.shire.example or *.shire.example, or an address, without a port", text))
		}
	}
	return host, wild
}
