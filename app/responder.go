package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// A responder is the http.ResponseWriter below some layer. Before it sends the
// first header of the request, the request is settled: its sessions are saved, or
// the fault that keeps them from it is answered instead.
type responder struct {
	ctx      *Context
	w        http.ResponseWriter
	wrote    atomic.Bool // headers went through here; http.TimeoutHandler writes from another goroutine
	refused  bool        // a fault was answered instead; what is written goes nowhere
	encoding []string    // Content-Encoding when this writer came: what it does to the bytes
	outer    *responder  // the one that the layers above write to
	call     *wrapCall   // the Wrap whose middleware was given this writer
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
	if informational(status) {
		r.w.WriteHeader(status)
		return
	}
	if r.call != nil && r.call.overtakes(status) {
		// Either what is below has settled and this is its answer passing through, or
		// the middleware was faster.
		r.wrote.Store(true)
		r.w.WriteHeader(status)
		return
	}
	if err := r.begin(status); err != nil {
		r.refuse(err)
		return
	}
	r.w.WriteHeader(status)
}

// begin settles the request and marks the headers as sent.
func (r *responder) begin(status int) error {
	c := r.ctx
	if !c.sent {
		if err := c.settle(status); err != nil {
			return err
		}
		c.finishHeaders(r.w.Header(), status)
	}
	c.Status = status
	c.sent = true
	r.wrote.Store(true)
	return nil
}

// refuse answers with err in place of what somebody began to write.
func (r *responder) refuse(err error) {
	c := r.ctx
	r.refused = true
	c.report(err)
	c.prepareError(err)
	c.sentErr = err
	body, _ := c.encode(r.w.Header())
	c.finishHeaders(r.w.Header(), c.Status)
	c.sent = true
	r.wrote.Store(true)
	r.w.WriteHeader(c.Status)
	r.w.Write(body)
}

func (r *responder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.refused {
		return len(b), nil
	}
	return r.w.Write(b)
}

func (r *responder) WriteString(s string) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.refused {
		return len(s), nil
	}
	return io.WriteString(r.w, s)
}

func (r *responder) ReadFrom(src io.Reader) (int64, error) {
	r.WriteHeader(http.StatusOK)
	if r.refused {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(r.w, src)
}

func (r *responder) Flush() { _ = r.FlushError() }

// FlushError is what http.ResponseController calls.
func (r *responder) FlushError() error {
	r.WriteHeader(http.StatusOK)
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
	c.sent = true
	r.wrote.Store(true)
	return conn, buf, nil
}

// overtaken reports whether a middleware above answered while this one was at work.
func (r *responder) overtaken() bool {
	for o := r.outer; o != nil; o = o.outer {
		if o.wrote.Load() {
			return true
		}
	}
	return false
}

func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}
