package app

import (
	"mime"
	"net/http"
	"strings"
)

// HasBody reports whether the request has a body. One whose length the client did not say
// counts as a body, one of length 0 as none.
func (c *Context) HasBody() bool {
	switch {
	case c.bodyRead:
		return len(c.body) > 0
	case c.uploaded != nil:
		return true // which is read, and not there any more
	}
	r := c.Request
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

// Is returns the first of the types that the body of the request is of. It returns "" if it
// is of none of them, without a Content-Type that can be read, and without a body, which
// [Context.HasBody] tells apart. A type is a media type such as "text/html", an extension,
// "urlencoded" or "multipart", which are returned as given; or a pattern, "text/*" or "+json",
// for which Is returns the type of the body. Without types it is [Context.RequestType] of a body.
func (c *Context) Is(types ...string) string {
	if !c.HasBody() {
		return ""
	}
	return firstOf(types, c.RequestType())
}

// firstOf returns the first of the types that a media type is of, as [Context.Is] says; "" if there is none.
func firstOf(types []string, own string) string {
	if own == "" || len(types) == 0 {
		return own
	}
	for _, t := range types {
		switch {
		case !ofType(own, t):
		case strings.Contains(t, "*") || strings.HasPrefix(t, "+"):
			return own
		default:
			return t
		}
	}
	return ""
}

// ofType reports whether a media type is what a shorthand, an extension or a pattern says.
func ofType(sent, want string) bool {
	if suffix, ok := strings.CutPrefix(want, "+"); ok {
		want = "*/*+" + suffix
	}
	wantMajor, wantMinor, ok := strings.Cut(asciiLower(mediaType(want)), "/")
	major, minor, _ := strings.Cut(sent, "/")
	if !ok || wantMajor != "*" && wantMajor != major {
		return false
	}
	if suffix, wild := strings.CutPrefix(wantMinor, "*+"); wild {
		return strings.HasSuffix(minor, "+"+suffix) && len(minor) > len(suffix)+1
	}
	return wantMinor == "*" || wantMinor == minor
}

// RequestType returns the media type of the request's body in small letters and without
// parameters, "" if the client did not say it, or in a way that cannot be read.
func (c *Context) RequestType() string {
	t, _ := c.contentType()
	return t
}

// RequestCharset returns the charset of the request's body in small letters, "" if the
// client did not say it, or in a way that cannot be read.
func (c *Context) RequestCharset() string {
	_, params := c.contentType()
	return asciiLower(params["charset"])
}

// contentType reads the Content-Type of the request, which must be one.
func (c *Context) contentType() (mediaType string, params map[string]string) {
	mediaType, params, err := mime.ParseMediaType(strings.Join(c.Request.Header["Content-Type"], ", "))
	if err != nil || !strings.Contains(mediaType, "/") {
		return "", nil
	}
	return mediaType, params
}
