package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// RawBody returns the bytes of the request's body as they came, for what signs them, such
// as a webhook; they are not to be changed. It may be called before or after
// [Context.Bind], but before Bind reads multipart/form-data, which is not kept. The errors
// are to be returned: 413 for more than [App].BodyLimit, 400 for what does not arrive.
//
// Content-Encoding is not undone, unless a layer has done that.
func (c *Context) RawBody() ([]byte, error) { return c.RawBodyUpTo(c.bodyLimit()) }

// RawBodyUpTo is [Context.RawBody] with a limit of its own, in bytes, in place of
// [App].BodyLimit.
func (c *Context) RawBodyUpTo(limit int64) ([]byte, error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	if err := c.keepBody(limit); err != nil {
		return nil, err
	}
	if int64(len(c.body)) > limit { // somebody above allowed more
		return nil, tooLarge(nil)
	}
	return c.body, nil
}

func checkLimit(limit int64) error {
	if limit <= 0 {
		return errors.New("app: the limit of a body must be positive")
	}
	return nil
}

func tooLarge(cause error) error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Cause: cause}
}

// keepBody reads the body once and leaves it readable for handlers further down.
func (c *Context) keepBody(limit int64) error {
	switch {
	case c.bodyRead || c.Request.Body == nil:
		return nil
	case c.uploaded != nil:
		return errors.New("app: Bind has read the body, which was multipart/form-data: RawBody comes before it")
	}
	// It stays there: who asks again gets the same error, not the rest of the body.
	c.Request.Body = http.MaxBytesReader(c.w.w, c.Request.Body, limit)
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return tooLarge(err)
		}
		return &Error{Status: http.StatusBadRequest, Message: "The body did not arrive", Cause: err}
	}
	c.body, c.bodyRead = body, true
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
