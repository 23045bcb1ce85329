package app

import (
	"net/http"
	"strconv"
	"strings"
)

// Accepts returns which of the offers, media types such as "text/html", the client
// likes best. The first one wins if it did not say, if none fits, and among equals. It
// panics without an offer.
func (c *Context) Accepts(offers ...string) string {
	if len(offers) == 0 {
		panic("app: Accepts needs an offer")
	}
	addVary(c.Header(), "Accept")
	return accepted(c.Request.Header["Accept"], offers...)
}

// accepted returns the offer that the Accept lines like best (RFC 9110 section
// 12.5.1). The first offer wins if nothing was said, if nothing fits, and among equals.
func accepted(lines []string, offers ...string) string {
	best, bestQ := offers[0], 0.0
	for _, offer := range offers {
		if q := quality(lines, offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	return best
}

// quality returns what the most specific range that fits an offer says of it.
func quality(lines []string, offer string) (q float64) {
	specific := 0
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			n := fits(strings.ToLower(strings.TrimSpace(name)), offer)
			if n > specific {
				specific, q = n, weight(params)
			}
		}
	}
	return q
}

// fits returns how closely a media range fits an offer, 0 for not at all.
func fits(mediaRange, offer string) int {
	major, _, _ := strings.Cut(offer, "/")
	switch mediaRange {
	case offer:
		return 3
	case major + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// weight returns the q parameter, 1 if there is none and 0 if it is malformed.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// varies reports whether the Vary header names a field.
func varies(h http.Header, field string) bool {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, field) {
				return true
			}
		}
	}
	return false
}
