package app

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// proxied is the body of another server's answer. It may be closed while it is read, and is closed once.
type proxied struct {
	io.Reader
	close func() error
}

func newProxied(res *http.Response) *proxied {
	body := bodyOf(res)
	return &proxied{body, sync.OnceValue(func() error { return body.Close() })}
}

func (p *proxied) Close() error { return p.close() }

func bodyOf(res *http.Response) io.ReadCloser {
	if res.Body == nil {
		return http.NoBody
	}
	return res.Body
}

// answerOfAnother returns a Body that is another server's answer. A nil pointer is none.
func answerOfAnother(body any) (*http.Response, bool) {
	res, ok := body.(*http.Response)
	return res, ok && res != nil
}

// adopt takes the status, the headers and the stream of a Body that is another server's answer. What was set here stays.
func (c *Context) adopt() {
	res, ok := answerOfAnother(c.Body)
	if !ok {
		return
	}
	if c.Status == 0 {
		c.Status = res.StatusCode
	}
	h, own := c.Header(), connectionHeaders(res.Header)
	for name, values := range res.Header {
		name = http.CanonicalHeaderKey(name)
		switch {
		case own[name] || withheld(name):
		case name == "Vary":
			c.Vary(values...)
		case len(h[name]) > 0:
		case name == "Location":
			c.relocate(values)
		default:
			h[name] = slices.Clone(values)
		}
	}
	if n := lengthOf(res); n >= 0 {
		h.Set("Content-Length", strconv.FormatInt(n, 10))
	}
	c.sized = nil
	c.Body = newProxied(res)
}

// lengthOf returns how many bytes the body has, or -1. One that was made by hand says 0 if it says nothing.
func lengthOf(res *http.Response) int64 {
	if res.ContentLength == 0 && bodyOf(res) != http.NoBody {
		return -1
	}
	return res.ContentLength
}

// connectionHeaders are those that an answer has for its own connection, by their own word (RFC 9110 section 7.6.1).
func connectionHeaders(h http.Header) map[string]bool {
	own := map[string]bool{}
	for name := range listed(h["Connection"]) {
		own[http.CanonicalHeaderKey(name)] = true
	}
	return own
}

// notPassed are headers that concern one connection, the lengths and dates that we say ourselves, and what a site says to
// browsers or proxies for itself: from another one it would speak for us.
var notPassed = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Content-Length", "Date", "Server",
	"Set-Cookie", "Set-Cookie2", "Www-Authenticate", "Authentication-Info", "Clear-Site-Data", "Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-Ct",
	"Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Service-Worker-Allowed", "Origin-Agent-Cluster", "Refresh",
	"Accept-Ch", "Critical-Ch", "Set-Login", "Secure-Session-Registration", "Secure-Session-Challenge", "Timing-Allow-Origin",
	"X-Sendfile", "X-Lighttpd-Send-File", "X-Litespeed-Location", "X-Reproxy-Url", "X-Reproxy-File",
}

// withheld reports whether a header of another server is not passed on.
func withheld(name string) bool {
	return slices.Contains(notPassed, name) || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Accel-") || strings.HasPrefix(name, http.TrailerPrefix)
}

// relocate passes a Location on, if a client may be sent there.
func (c *Context) relocate(values []string) {
	if len(values) != 1 {
		return
	}
	if location, ok := locationOf(values[0]); ok {
		c.Header().Set("Location", location)
	}
}
