package app

import "net/http"

// Get returns the first line of a header of the request, "" without it. Case does not
// matter, Referrer is Referer, and Host is what the request says, unchecked: see
// [Context.Host]. Further lines are in Request.Header. The length of the body is
// Request.ContentLength, -1 if the client did not say it.
func (c *Context) Get(name string) string {
	switch name = http.CanonicalHeaderKey(name); name {
	case "Referrer":
		name = "Referer"
	case "Host":
		return c.Request.Host // net/http takes it out of the headers
	}
	return c.Request.Header.Get(name)
}

// Idempotent reports whether to send the request twice has the effect of sending it once,
// by its method (RFC 9110 section 9.2.2).
func (c *Context) Idempotent() bool {
	switch c.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
