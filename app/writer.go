package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A writer is what Context.Writer returns: the innermost responder at the time of each
// call, so that a layer may keep it while layers below wrap the answer.
type writer Context

var (
	_ http.Flusher  = (*writer)(nil)
	_ http.Hijacker = (*writer)(nil)
	_ io.ReaderFrom = (*writer)(nil)
)

func (w *writer) Header() http.Header                          { return w.w.Header() }
func (w *writer) WriteHeader(status int)                       { w.w.WriteHeader(status) }
func (w *writer) Write(b []byte) (int, error)                  { return w.w.Write(b) }
func (w *writer) WriteString(s string) (int, error)            { return w.w.WriteString(s) }
func (w *writer) ReadFrom(src io.Reader) (int64, error)        { return w.w.ReadFrom(src) }
func (w *writer) Flush()                                       { w.w.Flush() }
func (w *writer) FlushError() error                            { return w.w.FlushError() }
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.w.Hijack() }
func (w *writer) Unwrap() http.ResponseWriter                  { return w.w.Unwrap() }
