package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

// requestLimit is how many requests a minute one address may make; logins have their own limits.
const requestLimit = 6000

// app is the stack of layers, the last one the routes.
func (s *site) app() *app.App {
	a := app.New()
	a.Keys, a.OnEvent, a.Logger = s.keys, s.events, s.log
	a.Proxies, a.Hosts = s.proxies, s.hosts
	return a.Use(middleware.Standard(middleware.StandardOptions{
		RequestLog: middleware.RequestLogOptions{Logger: s.log, Skip: isHealthCheck},
		Throttle:   &middleware.ThrottleOptions{Limit: requestLimit, Skip: isHealthCheck},
	}), s.sessions.Layer, s.routes().Layer)
}

func isHealthCheck(ctx *app.Context) bool { return ctx.Request.URL.Path == "/healthz" }

// readProxies takes the addresses of the reverse proxies in front.
func (c *config) readProxies(text string) error {
	if text == "" {
		return nil
	}
	var networks []string
	for network := range strings.SplitSeq(text, ",") {
		network = strings.TrimSpace(network)
		prefix, err := netip.ParsePrefix(network)
		if _, aerr := netip.ParseAddr(network); aerr != nil && (err != nil || prefix.Bits() == 0) {
			return fmt.Errorf("TRUSTED_PROXIES: %q is no address and no network", network)
		}
		networks = append(networks, network)
	}
	c.proxies = app.NewProxies(app.ProxyOptions{Networks: networks})
	return nil
}

// hosts are those that the program answers to: its own, and those by which this machine checks its
// health. In development it answers to all.
func (c *config) hosts() []string {
	if !c.https() {
		return nil
	}
	return []string{c.baseURL.Host, "localhost", "127.0.0.1"}
}
