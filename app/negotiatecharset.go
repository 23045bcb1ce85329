package app

// AcceptsCharsets returns which of the offers, such as "utf-8", the client likes best, as
// given; "" if none fits. The first one wins if it did not say, and what is malformed
// counts as not said. AcceptsCharsets panics without an offer. Browsers have ceased to
// send Accept-Charset (RFC 9110 section 12.5.2): everybody reads UTF-8.
//
// The answer varies with Accept-Charset then, and says so.
func (c *Context) AcceptsCharsets(offers ...string) string {
	mustOffer("AcceptsCharsets", offers)
	wishes := c.charsets()
	if len(wishes) == 0 {
		return offers[0]
	}
	return best(wishes, offers, func(w *wish, i int) int { return w.fitsToken(offers[i]) })
}

// AcceptedCharsets returns the charsets that the client takes, in small letters, the ones
// that it likes best first; "*" if it did not say.
func (c *Context) AcceptedCharsets() []string { return named(c.charsets(), "*") }

func (c *Context) charsets() []wish {
	addVary(c.Header(), "Accept-Charset")
	return tokens(c.Request.Header["Accept-Charset"])
}
