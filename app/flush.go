package app

import (
	"fmt"
	"io"
	"net/http"
)

// Flush sends the status, 200 if there is none, and the headers now. The Body, whether it is there already or is set
// later, is sent when the stack has returned; a stream piece by piece, as it comes. A Body that is set later needs its type
// before Flush, and one of another length than was said by then cuts the connection. After the headers went out, by Flush
// or otherwise, it sends what was written to [Context.Writer] so far.
//
// The session is saved first; if that fails, 503 is answered and Flush returns an error. It also does for a Status that is
// none, and http.ErrNotSupported if a net/http middleware holds answers back, which are then sent later.
//
// If the answer depends on who asks, call [Context.Identity] before Flush: the headers that tell caches so go out now.
func (c *Context) Flush() error {
	switch {
	case c.self != c:
		return ErrCopied
	case c.sent:
		return c.w.FlushError()
	}
	c.adopt()
	status := c.Status
	if status == 0 {
		status = http.StatusOK
	}
	if err := checkFinal(status); err != nil {
		return err
	}
	f := &flushed{by: c.w, length: c.flushHeaders(status), none: bodiless(status) || c.Request.Method == http.MethodHead}
	err := c.w.FlushError()
	if c.sent && !c.w.refused {
		c.flushed = f
	}
	return err
}

// flushHeaders sends the headers to the innermost writer and returns the length that they say, or -1.
func (c *Context) flushHeaders(status int) (length int64) {
	h := c.Header()
	if bodiless(status) {
		c.withoutBody()
	} else if t := typeOf(h, c.Body); t != "" {
		h.Set("Content-Type", t)
	}
	length = c.streamLength()
	c.w.WriteHeader(status)
	return length
}

// flushed is what to remember of headers that were sent before the Body.
type flushed struct {
	by     *responder
	length int64 // that they say, or -1
	none   bool  // no body may follow
}

// answer sends the Body, if it is the turn of the layer whose headers were sent.
func (f *flushed) answer(c *Context) {
	if f.by != c.w {
		return // net/http middleware below it would change the Body, and could not say so
	}
	c.flushed, c.over = nil, true
	if f.none || c.Body == nil {
		c.dropBody()
		return
	}
	if res, ok := answerOfAnother(c.Body); ok {
		c.Body = newProxied(res)
	}
	if stream, ok := reader(c.Body); ok {
		c.copyBody(flushing{f.by}, stream, f.length)
		return
	}
	f.send(c)
}

// send sends a Body that is no stream. Its headers are history.
func (f *flushed) send(c *Context) {
	body, err := c.encode(http.Header{})
	if err == nil && f.length >= 0 && f.length != int64(len(body)) {
		err = fmt.Errorf("app: Flush said %d bytes, the Body has %d", f.length, len(body))
	}
	if err != nil {
		c.cut(err)
	}
	_, _ = f.by.w.Write(body) // an error is the client's connection
}

// flushing sends each piece at once.
type flushing struct{ r *responder }

var _ io.Writer = flushing{}

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.r.w.Write(b)
	if err == nil {
		_ = http.NewResponseController(f.r.w).Flush() // whoever cannot sends it later
	}
	return n, err
}
