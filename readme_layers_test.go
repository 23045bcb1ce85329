package kahu_test

import (
	"fmt"
	"net/http"
	"os"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
)

func standardSnippet(a *app.App, sessions *app.Sessions, r *router.Router) {
	a.Use(middleware.Standard(middleware.StandardOptions{
		Throttle: &middleware.ThrottleOptions{Limit: 600}, // a minute and an address
		CORS:     &middleware.CORSOptions{Origins: []string{"https://map.shire.example"}},
		Replace:  map[middleware.Place]app.Middleware{middleware.PlaceCompress: nil}, // the proxy compresses
	}), sessions.Layer, r.Layer)
}

func proxiesSnippet(a *app.App, ctx *app.Context) error {
	a.Proxies = app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.0/8"}})
	a.Hosts = []string{"shire.example", "*.shire.example"}

	link, err := ctx.Link("/reset") // https://shire.example/reset, whatever the client says
	if err != nil {
		return err
	}
	fmt.Println(link)
	return nil
}

func auditSnippet(r *router.Router) error {
	return r.Audit(os.Stdout)
}

func eventsStreamSnippet(r *router.Router, news <-chan app.StreamEvent) {
	r.Guard(app.RequireLogin).With(middleware.NoTimeout).Get("/events", func(ctx *app.Context) error {
		live, cancel, err := ctx.WhileLoggedIn(0) // ends with the session or the token
		if err != nil {
			return err
		}
		defer cancel()
		events, err := ctx.EventStream()
		if err != nil {
			return err
		}
		return events.Follow(live, news) // what comes of a channel, and something now and then for proxies
	})
}

func adaptSnippet(mux *http.ServeMux, a *app.App, sessions *app.Sessions, page http.Handler, gzip func(http.Handler) http.Handler) {
	guarded := a.Adapt(sessions.Layer, app.RequireLogin)
	mux.Handle("GET /page", guarded(page)) // app.FromContext(r.Context()) has the user
	a.Use(app.Wrap(gzip))                  // any net/http middleware is a layer
}

var _ = []any{standardSnippet, proxiesSnippet, auditSnippet, eventsStreamSnippet, adaptSnippet}
