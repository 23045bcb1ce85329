package app

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the reverse proxies in front of an [App], whose word on the client's address, the
// scheme and the host is taken, and nobody else's. Make them with [NewProxies].
type Proxies struct {
	networks  []netip.Prefix
	forwarded bool
}

// ProxyOptions say which proxies there are.
type ProxyOptions struct {
	// Networks are the addresses of the proxies: "10.0.0.7", "10.0.0.0/8", "fd00::/8". At
	// least one; all addresses, such as 0.0.0.0/0, are refused.
	Networks []string

	// Forwarded reads the header Forwarded (RFC 7239) in place of X-Forwarded-For, -Proto and
	// -Host. Only one of the two kinds is ever read: a proxy that writes the one passes on what
	// clients write into the other.
	Forwarded bool
}

// NewProxies returns the proxies of the options, for [App].Proxies. It panics for what is no
// network.
func NewProxies(o ProxyOptions) *Proxies {
	if len(o.Networks) == 0 {
		panic("app: NewProxies needs the addresses of the proxies")
	}
	p := &Proxies{forwarded: o.Forwarded}
	for _, text := range o.Networks {
		p.networks = append(p.networks, network(text))
	}
	return p
}

func network(text string) netip.Prefix {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	n, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		panic("app: ProxyOptions.Networks: " + text + " is no address and no network")
	case n.Bits() == 0:
		panic("app: ProxyOptions.Networks: " + text + " is everybody: then anybody could claim any address")
	case n.Addr().Is4In6():
		panic("app: ProxyOptions.Networks: write " + text + " as IPv4")
	}
	return n.Masked()
}

func (p *Proxies) trusts(a netip.Addr) bool {
	for _, n := range p.networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// A claim is what proxies say of a request; what they do not say is empty.
type claim struct {
	address      netip.Addr
	scheme, host string
}

// claims returns what the proxies that are trusted say, beginning with peer, who connected to us.
func (p *Proxies) claims(h http.Header, peer netip.Addr) claim {
	c := claim{address: peer}
	switch {
	case p == nil || !peer.IsValid() || !p.trusts(peer):
		return c
	case p.forwarded:
		p.follow(h["Forwarded"], &c)
	default:
		p.followX(h, &c)
	}
	return c
}

// followX walks X-Forwarded-For from the right, as long as who wrote an entry is trusted. The
// scheme and the host are those that the proxy next to us says.
func (p *Proxies) followX(h http.Header, c *claim) {
	rest, more := strings.Join(h["X-Forwarded-For"], ","), true
	for more && p.trusts(c.address) {
		var entry string
		if rest, entry, more = cutLast(rest); entry == "" {
			break
		}
		hop, ok := hopAddress(entry)
		if !ok {
			break
		}
		c.address = hop
	}
	_, scheme, _ := cutLast(strings.Join(h["X-Forwarded-Proto"], ","))
	c.scheme = validScheme(scheme)
	_, host, _ := cutLast(strings.Join(h["X-Forwarded-Host"], ","))
	c.host, _ = canonicalHost(host)
}

// cutLast cuts the last element off a list.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", strings.TrimSpace(list), false
	}
	return list[:i], strings.TrimSpace(list[i+1:]), true
}

// hopAddress reads an address, which may have a port.
func hopAddress(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		peer, perr := netip.ParseAddrPort(text)
		if perr != nil {
			return netip.Addr{}, false
		}
		addr = peer.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func validScheme(text string) string {
	switch strings.ToLower(text) {
	case "http":
		return "http"
	case "https":
		return "https"
	}
	return ""
}
