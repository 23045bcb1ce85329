package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Address returns the network address of the client, IPv4 as such. It is that of the peer, or
// what [App].Proxies say if the peer is one of them, and invalid if the server did not say.
func (c *Context) Address() netip.Addr { return c.claim().address }

// Scheme returns "https" if the client came over TLS, otherwise "http". Proxies that are trusted
// say so by X-Forwarded-Proto.
func (c *Context) Scheme() string {
	switch claim := c.claim(); {
	case claim.scheme != "":
		return claim.scheme
	case c.Request.TLS != nil:
		return "https"
	}
	return "http"
}

// Secure reports whether the client came over TLS.
func (c *Context) Secure() bool { return c.Scheme() == "https" }

// Host returns the host that the client asked for, in lower case, with its port if it has one, as
// the request or a trusted proxy says; "" if that is no host. Clients can say anything: for
// links use [Context.Link].
func (c *Context) Host() string {
	if claim := c.claim(); claim.host != "" {
		return claim.host
	}
	host, _ := canonicalHost(c.Request.Host)
	return host
}

// Link returns the address of a path on this site, for mails and the like. [App].Hosts has to say
// which hosts there are: a link to one that a client made up would carry its secrets there. It is an
// error without Hosts, and for a path that is none.
func (c *Context) Link(path string) (string, error) {
	switch {
	case c.app == nil || len(c.app.Hosts) == 0:
		return "", errors.New("app: Link needs App.Hosts")
	case !localPath(path):
		return "", fmt.Errorf("app: Link takes a path on this site, not %q", path)
	}
	host := c.Host()
	if !c.app.answersTo(host) {
		return "", misdirected(host)
	}
	return c.Scheme() + "://" + host + path, nil
}

func (c *Context) claim() claim {
	peer, err := netip.ParseAddrPort(c.Request.RemoteAddr)
	if err != nil {
		return claim{}
	}
	address := peer.Addr().Unmap().WithZone("")
	if c.app == nil || c.app.Proxies == nil {
		return claim{address: address}
	}
	return c.app.Proxies.claims(c.Request.Header, address)
}

// answersTo reports whether a host is one of the App's.
func (a *App) answersTo(host string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:i]
	}
	for _, h := range a.Hosts {
		h = strings.ToLower(h)
		below, wild := strings.CutPrefix(h, "*")
		switch {
		case h == host, h == name:
			return true
		case wild && strings.HasPrefix(below, ".") && len(name) > len(below) && strings.HasSuffix(name, below):
			return true
		}
	}
	return false
}

func misdirected(host string) error {
	return &Error{Status: http.StatusMisdirectedRequest, Cause: fmt.Errorf("app: the host %q is none of App.Hosts", host)}
}

// canonicalHost returns a host in lower case, or false for what is none.
func canonicalHost(text string) (string, bool) {
	if text == "" || len(text) > 255+len(":65535") {
		return "", false
	}
	name, port, hasPort := text, "", false
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port, hasPort = text[:i], text[i+1:], true
	}
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return "", false
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", false
		}
	} else if name == "" || strings.Trim(name, hostChars) != "" {
		return "", false
	}
	return strings.ToLower(text), true
}

const hostChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._"
