package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Address returns the network address of the client, IPv4 as such. It is that of the peer, or
// what [App].Proxies say if the peer is one of them, and invalid if the server did not say.
func (c *Context) Address() netip.Addr { return c.claim().address }

// Scheme returns "https" if the client came over TLS, otherwise "http". Proxies that are trusted
// say so by X-Forwarded-Proto; behind one that ends TLS and is none of [App].Proxies it is "http".
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

// Hostname returns [Context.Host] without its port; IPv6 in brackets, in its shortest form.
func (c *Context) Hostname() string {
	name, _, _ := cutPort(c.Host())
	return name
}

// Subdomains returns the labels of the host before the site's own, the nearest first:
// ["bree", "frodo"] of frodo.bree.shire.example. [App].SubdomainOffset says how many labels are the
// site's own. An address has none.
func (c *Context) Subdomains() []string {
	name := c.Hostname()
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	if name == "" || name[0] == '[' || strings.Trim(last, "0123456789") == "" { // as browsers tell IPv4
		return nil
	}
	slices.Reverse(labels)
	own := 2
	if c.app != nil && c.app.SubdomainOffset != 0 {
		own = max(0, c.app.SubdomainOffset)
	}
	return labels[min(own, len(labels)):]
}

// Addresses returns the way that the request came: the client's [Context.Address], then each proxy
// that it passed, the peer last; the peer alone without [App].Proxies, nothing if the server did not
// say who that is. Only what trusted proxies say is on it.
func (c *Context) Addresses() []netip.Addr {
	var way []netip.Addr
	c.claimBy(&way)
	slices.Reverse(way)
	return way
}

// Link returns the address of a path on this site, for mails and the like. [App].Hosts has to say
// which hosts there are: a link to one that a client made up would carry its secrets there. It has
// the port that the entry of Hosts has, none if that has none, whatever the client said. It is an
// error without Hosts, and for a path that is none.
//
// It begins with [Context.Scheme]: behind a proxy that ends TLS set [App].Proxies, or the links are
// http.
func (c *Context) Link(path string) (string, error) {
	switch {
	case c.app == nil || len(c.app.Hosts) == 0:
		return "", errors.New("app: Link needs App.Hosts")
	case !localPath(path):
		return "", fmt.Errorf("app: Link takes a path on this site, not %q", path)
	}
	site, ok := c.app.site(c.Host())
	if !ok {
		return "", misdirected(c.Host())
	}
	return c.Scheme() + "://" + site + path, nil
}

func (c *Context) claim() claim { return c.claimBy(nil) }

// claimBy notes in way, if there is one, by which addresses the request came, the peer first.
func (c *Context) claimBy(way *[]netip.Addr) claim {
	peer, err := netip.ParseAddrPort(c.Request.RemoteAddr)
	if err != nil {
		return claim{}
	}
	address := peer.Addr().Unmap().WithZone("")
	said := claim{address: address, way: way}
	if way != nil {
		*way = append(*way, address)
	}
	if c.app == nil || c.app.Proxies == nil {
		return said
	}
	c.app.Proxies.claims(c.Request.Header, &said)
	return said
}

// site returns a host that clients asked for as [App].Hosts has it, with the port of the entry or
// none, or false if it is none of them.
func (a *App) site(host string) (site string, ok bool) {
	name, _, _ := cutPort(host)
	for _, h := range a.Hosts {
		switch h = strings.ToLower(h); {
		case covers(h, host):
			return host, true
		case covers(h, name):
			ok = true
		}
	}
	return name, ok
}

// covers reports whether an entry of [App].Hosts is a host, or a wildcard for it.
func covers(entry, host string) bool {
	below, wild := strings.CutPrefix(entry, "*.")
	return entry == host || wild && len(host) > len(below)+1 && strings.HasSuffix(host, "."+below)
}

func misdirected(host string) error {
	return &Error{Status: http.StatusMisdirectedRequest, Cause: fmt.Errorf("app: the host %q is none of App.Hosts", host)}
}

// canonicalHost returns a host as everybody spells it, in small letters, or false for what is none.
func canonicalHost(text string) (string, bool) {
	if len(text) > maxHost {
		return "", false
	}
	name, port, hasPort := cutPort(asciiLower(text))
	if hasPort && !validPort(port) {
		return "", false
	}
	inner, bracket := strings.CutPrefix(name, "[")
	if bracket {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !strings.HasSuffix(inner, "]") || !addr.Is6() || addr.Zone() != "" {
			return "", false
		}
		name = "[" + addr.String() + "]"
	} else if !validName(name) {
		return "", false
	}
	if hasPort {
		name += ":" + port
	}
	return name, true
}

const maxHost = 255 + len(":65535")

// cutPort cuts the port off a host.
func cutPort(host string) (name, port string, has bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0 && text[0] != '0'
}

// validName reports whether a name has labels of letters, digits, - and _ with dots between.
func validName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.Trim(label, labelChars) != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

const labelChars = "0123456789abcdefghijklmnopqrstuvwxyz-_"
