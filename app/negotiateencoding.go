package app

import "strings"

// AcceptsEncodings returns which of the offers, content codings such as "gzip", the client
// likes best, as given; "" if none fits (RFC 9110 section 12.5.3). "identity", the content
// as it is, fits unless the client refuses it, but less than whatever it names: offer it, too,
// or clients that take nothing else get "". A client that says nothing takes identity only.
// What is malformed counts as not said. AcceptsEncodings panics without an offer.
//
// The answer varies with Accept-Encoding then, and says so.
func (c *Context) AcceptsEncodings(offers ...string) string {
	mustOffer("AcceptsEncodings", offers)
	wishes := c.encodings()
	return best(wishes, offers, func(w *wish, i int) int { return w.fitsToken(coding(offers[i])) })
}

// AcceptedEncodings returns the content codings that the client takes, the ones that it
// likes best first: "identity" is among them unless it is refused.
func (c *Context) AcceptedEncodings() []string { return named(c.encodings(), identityCoding) }

const identityCoding = "identity"

// encodings returns what Accept-Encoding says, and what it leaves out of identity.
func (c *Context) encodings() []wish {
	addVary(c.Header(), "Accept-Encoding")
	wishes := tokens(c.Request.Header["Accept-Encoding"])
	said := false
	for i := range wishes {
		wishes[i].name = coding(wishes[i].name)
		said = said || wishes[i].fitsToken(identityCoding) > 0
	}
	if said {
		return wishes
	}
	const last = 1e-9 // less than any weight that clients can write with three digits
	return append(wishes, wish{name: identityCoding, q: last})
}

// coding returns a content coding under its present name (RFC 9110 section 8.4.1).
func coding(name string) string {
	switch bare := strings.ToLower(name); bare {
	case "x-gzip", "x-compress":
		return strings.TrimPrefix(bare, "x-")
	default:
		return bare
	}
}
