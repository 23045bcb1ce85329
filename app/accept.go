package app

import (
	"mime"
	"strings"

	"github.com/elnormous/contenttype"
)

// Accepts returns which of the offers the client likes best, "" if none fits (RFC 9110
// section 12.5.1). Offers are media types or extensions, "text/html" or "html", and are
// returned as given. The first one wins if the client did not say, and what is malformed
// counts as not said. Among those that it likes alike, the one wins that it named most
// closely, then the one that it named first. Accepts panics without an offer.
//
// The answer varies with Accept then, and says so.
func (c *Context) Accepts(offers ...string) string {
	mustOffer("Accepts", offers)
	addVary(c.Header(), "Accept")
	return accepted(c.Request.Header["Accept"], offers...)
}

// AcceptedTypes returns the media ranges that the client takes, such as "text/*", without
// their parameters, the ones that it likes best first; "*/*" if it did not say.
func (c *Context) AcceptedTypes() []string {
	addVary(c.Header(), "Accept")
	return named(mediaRanges(c.Request.Header["Accept"]), "*/*")
}

// accepted returns the offer that the Accept lines like best, or "".
func accepted(lines []string, offers ...string) string {
	ranges := mediaRanges(lines)
	if len(ranges) == 0 {
		return offers[0]
	}
	types := make([]contenttype.MediaType, len(offers))
	for i, offer := range offers {
		types[i] = contenttype.NewMediaType(mediaType(offer)) // of what is none: nothing fits it
	}
	return best(ranges, offers, func(w *wish, i int) int { return w.fitsType(&types[i]) })
}

// mediaRanges reads what is well-formed of Accept.
func mediaRanges(lines []string) []wish {
	var ranges []wish
	for element := range elements(lines) {
		t, err := contenttype.ParseMediaType(element)
		if err != nil {
			continue
		}
		w := wish{name: t.MIME(), params: t.Parameters, q: 1}
		if text, ok := t.Parameters["q"]; ok {
			if w.q, ok = quality(text); !ok {
				continue
			}
			delete(w.params, "q")
		}
		ranges = append(ranges, w)
	}
	return ranges
}

// fitsType returns how closely a media range fits an offer, 0 for not at all. A range with
// parameters is for offers that have them, but in UTF-8 is whatever we offer.
func (w *wish) fitsType(offer *contenttype.MediaType) int {
	for name, value := range w.params {
		if offered, ok := offer.Parameters[name]; !ok && value != "utf-8" || ok && offered != value {
			return 0
		}
	}
	major, minor, _ := strings.Cut(w.name, "/")
	switch {
	case offer.Type == "":
		return 0
	case major == offer.Type && minor == offer.Subtype:
		return 3 + len(w.params)
	case major == offer.Type && minor == "*":
		return 2
	case major == "*":
		return 1
	}
	return 0
}

// shorthands are the names of types that are no extensions, or not on every machine.
var shorthands = map[string]string{
	"html": "text/html", "text": "text/plain", "txt": "text/plain", "json": "application/json", "xml": "application/xml",
	"urlencoded": "application/x-www-form-urlencoded", "multipart": "multipart/*",
}

// mediaType returns the type that an extension or a shorthand stands for, and a type as it
// is; "" for what is unknown.
func mediaType(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	bare := strings.TrimPrefix(name, ".")
	if t, ok := shorthands[asciiLower(bare)]; ok {
		return t
	}
	t, _, _ := strings.Cut(mime.TypeByExtension("."+bare), ";")
	return t
}
