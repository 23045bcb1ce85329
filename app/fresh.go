package app

import (
	"net/http"
	"strings"
	"time"
)

// Fresh reports whether the client has what is about to be answered, by its If-None-Match or else its If-Modified-Since and
// the ETag and the Last-Modified that were set (RFC 9110 section 13): for GET and HEAD, if the answer would be one of 2xx
// or 304, and unless the client wants it anew (Cache-Control: no-cache). Nothing is answered: set Status to 304 and return,
// before what costs much.
//
//	ctx.Status = 200
//	if err := ctx.SetETag(ring.Version); err != nil {
//		return err
//	}
//	if ctx.Fresh() {
//		ctx.Status = 304
//		return nil
//	}
func (c *Context) Fresh() bool {
	method := c.Request.Method
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	switch {
	case c.Status == 0 && c.Body == nil:
		return false
	case c.Status != 0 && c.Status/100 != 2 && c.Status != http.StatusNotModified:
		return false
	}
	return fresh(c.Request.Header, c.Header())
}

// fresh reports whether the client has what is about to be sent. If-None-Match decides if it is
// there (RFC 9110 section 13.2.2).
func fresh(asked, h http.Header) bool {
	if reloads(asked["Cache-Control"]) {
		return false
	}
	if lines := asked["If-None-Match"]; len(lines) > 0 {
		return matchesTag(strings.Join(lines, ","), h.Get("ETag"))
	}
	since, err := http.ParseTime(onlyLine(asked, "If-Modified-Since"))
	if err != nil {
		return false
	}
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	return err == nil && !changed.Truncate(time.Second).After(since)
}

// reloads reports whether the client asks for a new answer, end to end.
func reloads(lines []string) bool {
	for directive := range listed(lines) {
		word, _, _ := strings.Cut(directive, "=")
		if strings.EqualFold(strings.TrimSpace(word), "no-cache") {
			return true
		}
	}
	return false
}

// matchesTag compares weakly: what counts is between the quotes.
func matchesTag(list, tag string) bool {
	want := strings.TrimPrefix(tag, "W/")
	if want == "" {
		return false
	}
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		rest := strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(rest, `"`) {
			return false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return false
		}
		if rest[:end+2] == want {
			return true
		}
		list = rest[end+2:]
	}
	return false
}
