package throttle

import (
	"math"
	"net/netip"
	"strconv"
	"time"
)

// Client is the text by which the requests of one client are counted: an IPv4 address, also one that is written as IPv6, or the /64 of
// an IPv6 address, which is what one subscriber has: single addresses would be no limit at all. It is "" for an address that is not valid.
func Client(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		prefix, _ := address.Prefix(64)
		address = prefix.Addr()
	}
	return address.String()
}

// RetryAfter is the value of that header (RFC 9110 section 10.2.3) for a client that is refused at now: whole seconds until the window is over,
// at least one.
func (c Count) RetryAfter(now time.Time) string {
	return strconv.Itoa(max(1, int(math.Ceil(c.Until.Sub(now).Seconds()))))
}
