package app

import (
	"mime"
	"net/http"
	"strings"
)

const (
	typeText  = "text/plain; charset=utf-8"
	typeBytes = "application/octet-stream"
	typeJSON  = "application/json; charset=utf-8"
	typePage  = "text/html; charset=utf-8"
)

// SetType says of what type the answer is: a media type, or an extension such as "png", ".json" or "html". Text and JSON
// get charset=utf-8 unless they say another. "", an extension that nobody knows and what is no media type remove the type,
// so that the Body decides. A type that is not JSON is replaced if the Body is to be encoded as JSON. After the headers
// went out it changes nothing.
func (c *Context) SetType(t string) { c.setHeader("Content-Type", sentType(t)) }

// sentType returns a type as it is to be sent, or "". What is sent is what was parsed.
func sentType(t string) string {
	kind, params, err := mime.ParseMediaType(mediaType(t))
	if err != nil || !strings.Contains(kind, "/") || strings.Contains(kind, "*") {
		return ""
	}
	if params["charset"] == "" && (strings.HasPrefix(kind, "text/") || kind == "application/json") {
		params["charset"] = "utf-8"
	}
	return mime.FormatMediaType(kind, params)
}

// Type returns the media type of the answer as it is prepared now, without parameters and in small letters: what was set,
// or what goes with the Body. "" if there is neither.
func (c *Context) Type() string {
	kind, _, _ := strings.Cut(typeOf(c.Header(), c.Body), ";")
	return asciiLower(strings.TrimSpace(kind))
}

// TypeIs returns the first of the types that the answer is of, as it is prepared now, or "". They are written as for
// [Context.Is]: "json", "image/png" and the like are returned as given, for "text/*" and "+json" the type that it is.
// Without types it is [Context.Type].
func (c *Context) TypeIs(types ...string) string { return firstOf(types, c.Type()) }

// typeOf returns the Content-Type that a body is sent with.
func typeOf(h http.Header, body any) string {
	said := h.Get("Content-Type")
	if res, ok := answerOfAnother(body); ok {
		if said == "" {
			said = res.Header.Get("Content-Type")
		}
		body = res.Body
	}
	usual := usualType(body)
	if said != "" && (usual != typeJSON || strings.Contains(said, "json")) {
		return said
	}
	return usual
}

// usualType is the type of a body that has no other.
func usualType(body any) string {
	if _, ok := reader(body); ok {
		return typeBytes
	}
	switch body.(type) {
	case nil:
		return ""
	case string:
		return typeText
	case []byte:
		return typeBytes
	}
	return typeJSON
}
