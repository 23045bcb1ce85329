package app

import (
	"fmt"
	"net/http"
	"strings"
)

// OriginalURL returns the path and query that the client sent, as it wrote them, whatever
// SetPath or a mount have made of Request.URL.
func (c *Context) OriginalURL() string { return requested(c.Request) }

// Href returns the whole address that the client asked for: [Context.Scheme],
// [Context.Host] and [Context.OriginalURL], unless that is no path; "" if the host is none.
// Clients can say any host: for links use [Context.Link].
func (c *Context) Href() string {
	host := c.Host()
	if host == "" {
		return ""
	}
	place := c.OriginalURL()
	if !strings.HasPrefix(place, "/") { // such as *, or what is left of http:path: the host would be longer by it
		place = ""
	}
	return c.Scheme() + "://" + host + place
}

// Origin returns the header Origin: the site whose page sent the request, as its browser
// says, maybe "null", and "" without it or if there are two. It proves nothing by itself;
// [Context.CheckOrigin] refuses what other sites send.
func (c *Context) Origin() string { return onlyLine(c.Request.Header, "Origin") }

// SetPath gives the layers below another path, decoded as in Request.URL.Path; the query stays, and
// so does [Context.OriginalURL]. It is an error for what does not begin with one slash.
//
// Guards that stand above have seen the path that came, and only it: rewrite before the router, never
// between a guard and what it guards. The path stays when next returns.
func (c *Context) SetPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return fmt.Errorf("app: SetPath takes a path that begins with one slash, not %q", path)
	}
	r := new(http.Request)
	*r = *c.Request // whoever holds the old one keeps its path
	u := *r.URL
	u.Path, u.RawPath, u.Opaque = path, "", ""
	r.URL, r.RequestURI = &u, requested(c.Request)
	c.Request = r
	return nil
}
