package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// reader returns a body that is sent as it is read. A nil pointer is none.
func reader(body any) (io.Reader, bool) {
	r, ok := body.(io.Reader)
	return r, ok && !isNil(body)
}

// stream copies a body that is read as it is sent.
func (c *Context) stream(body io.Reader) {
	defer c.dropBody()
	setType(c.Header(), typeBytes)
	n := c.streamLength()
	c.w.WriteHeader(c.Status)
	if c.Request.Method != http.MethodHead {
		c.copyBody(c.w.w, body, n)
	}
}

// copyBody sends a stream of n bytes, of an unknown number if n is negative.
func (c *Context) copyBody(w io.Writer, body io.Reader, n int64) {
	defer c.dropBody()
	defer c.closeWhenGone(body)()
	err := c.protect(func(*Context) error { return copyStream(w, body, n) })
	if err == nil && c.sentErr == nil {
		err = c.fault
	}
	if err != nil {
		c.dropBody()
		c.afterStream(err)
	}
}

// closeWhenGone closes a stream that may wait for more when the request's context ends. Others must not be closed while
// they are read.
func (c *Context) closeWhenGone(body io.Reader) (stop func()) {
	ctx, end := c.Context(), func() {}
	switch b := body.(type) {
	case *io.PipeReader:
		end = func() { _ = b.CloseWithError(context.Cause(ctx)) }
	case net.Conn:
		end = func() { _ = b.Close() }
	case *proxied:
		end = func() { _ = b.Close() }
	default:
		return end
	}
	cancel := context.AfterFunc(ctx, func() {
		defer func() { _ = recover() }() // nobody else would here; who has read it closes it, too, and tells
		end()
	})
	return func() { cancel() }
}

// afterStream cuts the connection of an answer whose source failed, or took longer than the request's context lasts.
func (c *Context) afterStream(err error) {
	ended := c.Context().Err()
	if ended != nil {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	if !errors.Is(ended, context.Canceled) && !cannotWrite(err) {
		c.report(fmt.Errorf("app: the body's stream: %w", err))
	}
	panic(http.ErrAbortHandler)
}

// cannotWrite reports whether the client's connection is gone.
func cannotWrite(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "write" && !op.Timeout()
}

// dropBody forgets the Body and closes it if it can be closed.
func (c *Context) dropBody() {
	body := c.Body
	c.Body = nil
	if res, ok := answerOfAnother(body); ok {
		body = res.Body
	}
	if closer, ok := body.(io.Closer); ok && !isNil(body) {
		c.closeBody(closer)
	}
}

// closeBody closes what may be foreign code: its errors are nobody's, its panics are reported.
func (c *Context) closeBody(closer io.Closer) {
	err := c.protect(func(*Context) error {
		_ = closer.Close()
		return nil
	})
	if err != nil {
		c.report(err)
	}
}
