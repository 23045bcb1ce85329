package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// SetETag sets the entity tag of the answer (RFC 9110 section 8.8.3), in quotes unless it has them: abc is sent as "abc",
// W/"abc" stays a weak one. "" removes it. It is an error for what no tag can hold: spaces, quotes in it, control
// characters. After the headers went out it changes nothing.
func (c *Context) SetETag(tag string) error {
	if tag != "" {
		bare := strings.TrimPrefix(tag, "W/")
		if len(bare) < 2 || bare[0] != '"' || bare[len(bare)-1] != '"' {
			bare, tag = `"`+tag+`"`, `"`+tag+`"`
		}
		if !validTag(bare[1 : len(bare)-1]) {
			return fmt.Errorf("app: SetETag: %q is no entity tag", tag)
		}
	}
	c.setHeader("ETag", tag)
	return nil
}

func validTag(text string) bool {
	for i := range len(text) {
		if ch := text[i]; ch <= ' ' || ch == '"' || ch == 0x7f {
			return false
		}
	}
	return true
}

// setHeader sets a header, or removes it if the value is "", unless the headers went out.
func (c *Context) setHeader(name, value string) {
	switch {
	case c.sent:
	case value == "":
		c.Header().Del(name)
	default:
		c.Header().Set(name, value)
	}
}

// SetLastModified says when what is answered with was changed last, in whole seconds; the zero time removes it. After the
// headers went out it changes nothing.
func (c *Context) SetLastModified(t time.Time) {
	if t.IsZero() {
		c.setHeader("Last-Modified", "")
		return
	}
	c.setHeader("Last-Modified", t.UTC().Format(http.TimeFormat))
}

// LastModified returns what the answer says of when it was changed last, in UTC; the zero time if it says nothing that is
// a time.
func (c *Context) LastModified() time.Time {
	t, err := http.ParseTime(c.Header().Get("Last-Modified"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Append adds values to a header that can have several, such as Link. After the headers went out it changes nothing.
func (c *Context) Append(name string, values ...string) {
	if c.sent {
		return
	}
	for _, v := range values {
		c.Header().Add(name, v)
	}
}

// ReplaceBody sets the Body in place of another, for layers above the handler: a stream that was there is closed, unless
// the new one is a stream, too, which may read from it and has to close it; a length that was said is forgotten.
func (c *Context) ReplaceBody(body any) {
	if c.Body != nil {
		c.setHeader("Content-Length", "")
	}
	if _, wraps := reader(body); !wraps {
		c.dropBody()
	}
	c.Body = body
}

// Writable reports whether an answer can still reach the client: it is not complete, and the request's context was not
// cancelled, which is how the server tells that the client has gone.
func (c *Context) Writable() bool {
	return !c.over && !errors.Is(c.Context().Err(), context.Canceled)
}

// contentHeaders are those that describe a body.
var contentHeaders = []string{
	"Content-Type", "Content-Length", "Content-Language", "Content-Location", "Content-Disposition", "Content-Range", "Etag", "Last-Modified",
}

// forgetBody makes room for an answer that has nothing of the Body.
func (c *Context) forgetBody() {
	c.dropBody()
	for _, name := range contentHeaders {
		c.Header().Del(name)
	}
}
