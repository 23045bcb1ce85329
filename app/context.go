package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// A Context is one request and the answer that is prepared for it. The answer is
// written once, after the whole stack has returned; until then every layer can
// change it.
//
// A Context belongs to the goroutine that serves the request and is never used for
// another one. It must not be copied. For work that outlives the request take
// [Context.Detach].
type Context struct {
	// Request is the request. Layers may replace it by a copy of itself
	// (http.Request.WithContext).
	Request *http.Request

	// Status is the status to answer with. 0 means 200 with a Body and 404 without.
	Status int

	// Body is what to answer with: a string (text/plain unless a Content-Type is set),
	// []byte, an io.Reader (closed after use if it is an io.Closer), the *http.Response of
	// another server, nil for no body, or any other value to be encoded as JSON, nil pointers
	// and json.RawMessage("null") as null. An answer of 400 or more without a Body gets one
	// that says the status.
	//
	// Of an *http.Response the status is taken if Status is 0, its body is closed after use, and
	// headers that are not set here are passed on, but for those of the connection, cookies and
	// what a site says for itself, such as Access-Control-Allow-Origin.
	//
	// A layer that puts another Body in place of a stream closes that: see [Context.ReplaceBody].
	Body any

	app    *App
	self   *Context
	header http.Header // of the request, which copies of it share
	w      *responder  // the innermost
	base   responder
	frames []frame
	buffer [6]frame
	misuse error // a broken rule that some layer may have swallowed

	settled     bool         // the sessions are saved, or will not be
	refusal     error        // why they are not, until that is answered
	sent        bool         // some writer sent headers
	sentErr     error        // what was answered below Wrap or Adapt
	begun       atomic.Bool  // sent, for code in other goroutines
	over        bool         // the answer is complete
	sized       any          // the Body that SetLength was called for
	flushed     *flushed     // headers that were sent before the Body
	eventStream *EventStream // what EventStream returned

	identity *Identity
	account  *Identity  // by Authorize
	proven   bool       // identity is the answer, nobody else is to be asked
	asked    []Strategy // by the last Authenticate or Identify
	fault    error      // kept by User and IsAuthenticated, which cannot return it
	steps    []step     // for Explain
	sbuf     [3]step
	events   []any // what Emit told of, where it is told once

	kinds []*Session // one for each Sessions layer, the first is the default
	first Session
	kbuf  [2]*Session

	values    map[any]any
	finishers []func()

	body     []byte // what Bind or RawBody read
	bodyRead bool
	uploaded *upload // what Bind read of multipart/form-data
	queried  *query  // what Query read
}

func newContext(a *App, w http.ResponseWriter, r *http.Request) *Context {
	c := &Context{Request: r, app: a, header: r.Header}
	c.self = c
	c.base = responder{ctx: c, w: w}
	c.w = &c.base
	c.frames = c.buffer[:0]
	c.kinds = c.kbuf[:0]
	c.steps = c.sbuf[:0]
	if r.Context().Value(carryKey{}) != nil {
		c.carry()
	}
	return c
}

// Format prints which request it is, and nothing that the client sent.
func (c *Context) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s %s", c.Request.Method, c.Request.Pattern)
}

// LogValue logs what Format prints.
func (c *Context) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", c.Request.Method), slog.String("route", c.Request.Pattern))
}

// Context returns the request's context: pass it to stores and clients.
func (c *Context) Context() context.Context { return c.Request.Context() }

// SetContext replaces the request's context, which should be derived from the
// present one.
func (c *Context) SetContext(ctx context.Context) { c.Request = c.Request.WithContext(ctx) }

// Header returns the headers of the answer. After they were sent changes have no effect.
func (c *Context) Header() http.Header { return c.w.Header() }

// Param returns the part of the path that a route's pattern names, decoded, or "". For
// what is no text, or has to be UTF-8, take the function [Param].
func (c *Context) Param(name string) string { return c.Request.PathValue(name) }

// Sent reports whether headers were sent: Status, Body and headers are then history.
func (c *Context) Sent() bool { return c.sent }

// Writer returns the http.ResponseWriter for answers that are written by hand:
// streams, server-sent events, foreign handlers. Whatever sends the first header
// through it (Write, WriteHeader, Flush, ReadFrom, Hijack) saves the session before.
// If that fails the client gets 503, and writing is an error.
// It supports http.ResponseController.
func (c *Context) Writer() http.ResponseWriter { return (*writer)(c) }

// Value returns what a layer of this request kept under key, or nil.
func (c *Context) Value(key any) any { return c.values[key] }

// SetValue keeps v under key for the rest of the request, for those who know the key:
// let it have a type that your package does not export.
func (c *Context) SetValue(key, v any) {
	if c.values == nil {
		c.values = map[any]any{}
	}
	c.values[key] = v
}

// Throw returns an error to return from a layer: it answers with status, which is
// from 400 to 599 (anything else is a 500), and message, which the client sees if
// status is below 500. An empty message is the status in words.
func (c *Context) Throw(status int, message string) error {
	return &Error{Status: status, Message: message}
}

// Assert is [Context.Throw] unless ok, and nil if so:
//
//	if err := ctx.Assert(ring != nil, 404, "No such ring"); err != nil {
//		return err
//	}
func (c *Context) Assert(ok bool, status int, message string) error {
	if ok {
		return nil
	}
	return c.Throw(status, message)
}
