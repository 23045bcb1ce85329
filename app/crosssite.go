package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var errCrossSite = errors.New("app: an unsafe request from another site")

// checkOrigin refuses an unsafe request from another site, unless a credential proved
// it that no page of another site can make a browser send.
func (x *Session) checkOrigin() error {
	if c := x.ctx; c.proven && c.identity != nil && c.identity.Deliberate {
		return nil
	}
	return x.refuseCrossSite()
}

// CheckOrigin is p.Check of the request as its client sent it, for strategies whose credential a
// browser sends by itself. It compares with the host that the client asked for, though a proxy may
// have written another one into the request; and to open a WebSocket, which no CORS keeps other
// sites from, is unsafe though it is a GET (RFC 6455 section 10.2).
func (c *Context) CheckOrigin(p *http.CrossOriginProtection) error {
	proxied, socket := c.app != nil && c.app.Proxies != nil, opensSocket(c.Request)
	if !proxied && !socket {
		return p.Check(c.Request)
	}
	r := *c.Request
	if proxied {
		r.Host = c.Host()
	}
	if socket {
		r.Method = http.MethodPost
	}
	return p.Check(&r)
}

// opensSocket reports whether a request asks for a WebSocket, perhaps among others.
func opensSocket(r *http.Request) bool {
	for protocol := range listed(r.Header["Upgrade"]) {
		name, _, _ := strings.Cut(protocol, "/")
		if strings.EqualFold(name, "websocket") {
			return true
		}
	}
	return false
}

func (x *Session) refuseCrossSite() error {
	if x.s.origin == nil {
		return nil
	}
	if err := x.ctx.CheckOrigin(x.s.origin); err != nil {
		if x.refused == nil {
			x.refused = x.ctx.denied(nil, &Error{Status: 403, Message: "Cross-site request refused", Cause: fmt.Errorf("%w: %w", errCrossSite, err)})
			x.ctx.note(x.s, nil, x.refused)
		}
		return x.refused
	}
	return nil
}
