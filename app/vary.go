package app

import (
	"net/http"
	"strings"
)

// Vary says that the answer depends on these headers of the request (RFC 9110 section 12.5.5), each once whatever its case.
// "*", or what is no name of a header, stands for things that no cache can know, and for all the others. After the headers
// went out it changes nothing.
func (c *Context) Vary(fields ...string) {
	if c.sent {
		return
	}
	for field := range listed(fields) {
		if field == "*" || !isFieldToken(field) {
			c.Header().Set("Vary", "*")
			return
		}
		addVary(c.Header(), field)
	}
}

func addVary(h http.Header, field string) {
	if !varies(h, field) {
		h.Add("Vary", field)
	}
}

// varies reports whether the Vary header names a field.
func varies(h http.Header, field string) bool {
	for name := range listed(h["Vary"]) {
		if name == "*" || strings.EqualFold(name, field) {
			return true
		}
	}
	return false
}
