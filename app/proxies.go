package app

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
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
	way          *[]netip.Addr // each address on the way, the peer first; nil: nobody asks
}

// passed notes that the request came from the hop before.
func (c *claim) passed(hop netip.Addr) {
	c.address = hop
	if c.way != nil {
		*c.way = append(*c.way, hop)
	}
}

// claims adds what the proxies that are trusted say to a claim whose address is the peer's, who
// connected to us.
func (p *Proxies) claims(h http.Header, c *claim) {
	switch {
	case !c.address.IsValid() || !p.trusts(c.address):
	case p.forwarded:
		p.follow(h["Forwarded"], c)
	default:
		p.followX(h, c)
	}
}

// followX walks X-Forwarded-For from the right, as long as who wrote an entry is trusted. The
// scheme and the host are those that the proxy next to us says.
func (p *Proxies) followX(h http.Header, c *claim) {
	for entry := range lastFirst(h["X-Forwarded-For"], lastPlainComma) {
		hop, ok := hopAddress(entry)
		if !ok || !p.trusts(c.address) {
			break
		}
		c.passed(hop)
	}
	c.scheme = validScheme(lastOf(h["X-Forwarded-Proto"]))
	c.host, _ = canonicalHost(lastOf(h["X-Forwarded-Host"]))
}

// maxWalked bounds what is read of lists that clients can make long, in bytes.
const maxWalked = 8 << 10

// lastFirst are the elements of a list that is written on some lines, from its end.
func lastFirst(lines []string, lastComma func(list string) int) iter.Seq[string] {
	return func(yield func(string) bool) {
		left := maxWalked
		for _, line := range slices.Backward(lines) {
			for comma := 0; comma >= 0; line = line[:max(comma, 0)] {
				begin := max(0, len(line)-left)
				if comma = lastComma(line[begin:]); comma < 0 && begin > 0 {
					return
				}
				comma += begin
				left -= len(line) - comma
				if left < 0 || !yield(strings.Trim(line[comma+1:], " \t")) {
					return
				}
			}
		}
	}
}

func lastPlainComma(list string) int { return strings.LastIndexByte(list, ',') }

func lastOf(lines []string) string {
	for element := range lastFirst(lines, lastPlainComma) {
		return element
	}
	return ""
}

// hopAddress reads an address, which may have a port.
func hopAddress(text string) (netip.Addr, bool) {
	bare := text
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		bare = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(bare)
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
