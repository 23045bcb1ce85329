package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

// errRefused ends the writing of an answer that was replaced by an error.
var errRefused = errors.New("app: an error was answered instead")

// A responder is the http.ResponseWriter below some layer. Before it sends the
// first header of the request, the request is settled: its sessions are saved, or
// the fault that keeps them from it is answered instead.
type responder struct {
	ctx      *Context
	w        http.ResponseWriter
	wrote    atomic.Bool // headers went through here; http.TimeoutHandler writes from another goroutine
	refused  bool        // an error was answered instead; what is written goes nowhere
	encoding []string    // Content-Encoding when this writer came: what it does to the bytes
	outer    *responder  // the one that the layers above write to
	call     *call       // the foreign code that was given this writer
}

var (
	_ http.Flusher  = (*responder)(nil)
	_ http.Hijacker = (*responder)(nil)
	_ io.ReaderFrom = (*responder)(nil)
)

func (r *responder) Header() http.Header         { return r.w.Header() }
func (r *responder) Unwrap() http.ResponseWriter { return r.w }

func (r *responder) WriteHeader(status int) {
	if r.wrote.Load() {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("app: %d is no status", status))
	}
	if informational(status) {
		r.w.WriteHeader(status)
		return
	}
	if r.call != nil {
		r.call.mu.Lock() // what is below may begin now, in another goroutine: it waits
		defer r.call.mu.Unlock()
		if r.call.running > 0 {
			r.passOn(status)
			return
		}
	}
	if err := r.begin(status); err != nil {
		r.refuse(err)
		return
	}
	r.w.WriteHeader(status)
}

// passOn sends headers while what is below runs: either it has settled and this is its
// answer passing through, or the foreign code was faster, in another goroutine, and the
// Context is not to be touched.
func (r *responder) passOn(status int) {
	if !r.ctx.begun.Load() {
		r.call.early = status
	}
	r.wrote.Store(true)
	mustChallenge(r.w.Header(), status, defaultKind)
	r.w.WriteHeader(status)
}

// begin settles the request and marks the headers as sent.
func (r *responder) begin(status int) error {
	c := r.ctx
	if !c.sent {
		if err := c.settle(status); err != nil {
			return err
		}
	}
	c.finishHeaders(r.w.Header()) // foreign code may have headers of its own
	mustChallenge(r.w.Header(), status, c.realm())
	c.Status = status
	r.mark()
	return nil
}

// mark notes that headers go out now, for this goroutine and for others.
func (r *responder) mark() {
	r.ctx.sent = true
	r.ctx.begun.Store(true)
	r.wrote.Store(true)
}

// refuse answers with err in place of what somebody began to write.
func (r *responder) refuse(err error) {
	c := r.ctx
	r.refused = true
	c.report(err)
	c.prepareError(err)
	c.sentErr = err
	body, _ := c.encode(r.w.Header())
	c.finishHeaders(r.w.Header())
	mustChallenge(r.w.Header(), c.Status, c.realm())
	r.setLength(len(body))
	r.mark()
	r.w.WriteHeader(c.Status)
	_, _ = r.w.Write(body)
}

// setLength says how long the body is, unless foreign code may still change it. What was said
// before may be of another body.
func (r *responder) setLength(n int) {
	if r.outer != nil {
		r.w.Header().Del("Content-Length")
		return
	}
	r.w.Header().Set("Content-Length", strconv.Itoa(n))
}

// open sends the headers, unless they were sent, and returns whether what follows can reach the client.
func (r *responder) open() error {
	r.WriteHeader(http.StatusOK)
	if r.refused {
		return errRefused
	}
	return nil
}

func (r *responder) Write(b []byte) (int, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	return r.w.Write(b)
}

func (r *responder) WriteString(s string) (int, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	return io.WriteString(r.w, s)
}

func (r *responder) ReadFrom(src io.Reader) (int64, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	return io.Copy(r.w, src)
}

func (r *responder) Flush() { _ = r.FlushError() }

// FlushError is what http.ResponseController calls.
func (r *responder) FlushError() error {
	if err := r.open(); err != nil {
		return err
	}
	return http.NewResponseController(r.w).Flush()
}

// Hijack settles the request, since nothing can be sent for it afterwards.
func (r *responder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := r.ctx
	if !c.sent {
		if err := c.settle(http.StatusSwitchingProtocols); err != nil {
			return nil, nil, err
		}
	}
	conn, buf, err := http.NewResponseController(r.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	r.mark()
	c.over = true
	return conn, buf, nil
}

// overtaken reports whether foreign code above answered while this was at work.
func (r *responder) overtaken() bool {
	for o := r.outer; o != nil; o = o.outer {
		if o.wrote.Load() {
			return true
		}
	}
	return false
}

// answeredFor reports whether foreign code above answered before this writer was used.
func (r *responder) answeredFor() bool {
	for o := r.outer; o != nil; o = o.outer {
		if o.call != nil && o.call.answered() {
			return true
		}
	}
	return false
}

func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// mustChallenge gives a 401 the challenge that RFC 9110 section 15.5.2 wants in each.
func mustChallenge(h http.Header, status int, realm string) {
	if status == http.StatusUnauthorized && len(h["Www-Authenticate"]) == 0 {
		h.Set("WWW-Authenticate", `Cookie realm="`+realm+`"`)
	}
}
