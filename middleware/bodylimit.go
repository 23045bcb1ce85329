package middleware

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// BodyLimitOptions are the options of [BodyLimit].
type BodyLimitOptions struct {
	// Bytes bounds the body as it is read; 0: 1 MiB. [app.Context.Bind] has its own limit, too.
	Bytes int64

	// Gunzip takes bodies with Content-Encoding: gzip, too, and gives handlers what is in
	// them, which Bytes bounds as well. Otherwise these are left to handlers, and Bind refuses them.
	Gunzip bool
}

// BodyLimit returns a layer that bounds the body of a request. Whoever reads more than that gets an
// error that is answered 413, and nothing if the request says already that it is longer. What
// does not arrive, or is no gzip, is answered 400 in the same way. A body that nobody reads is
// not waited for.
//
// Of two BodyLimits the inner one decides, so a route that takes uploads has its own below that of
// the application. BodyLimit panics for a limit that is negative.
func BodyLimit(o BodyLimitOptions) app.Middleware {
	switch {
	case o.Bytes < 0:
		panic("middleware: BodyLimitOptions.Bytes is negative")
	case o.Bytes == 0:
		o.Bytes = 1 << 20
	}
	return func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.Body != nil && ctx.Request.Body != http.NoBody {
			o.bound(ctx)
		}
		return next(ctx)
	}
}

func (o *BodyLimitOptions) bound(ctx *app.Context) {
	b, ok := ctx.Request.Body.(*body)
	if !ok {
		ctx.SetContext(ctx.Context()) // a copy: the server looks at the body of its own request when it is over
		b = &body{raw: ctx.Request.Body, server: serverOf(ctx.Writer()), length: ctx.Request.ContentLength}
		ctx.Request.Body = b
	}
	b.limit = o.Bytes
	if h := ctx.Request.Header; o.Gunzip && strings.EqualFold(strings.Join(h["Content-Encoding"], ","), "gzip") {
		b.gzip = true
		h.Del("Content-Encoding")
		h.Del("Content-Length")
		ctx.Request.ContentLength = -1
	}
}

// serverOf returns the writer of the server: net/http ends the connection of a client that sends
// too much if it is told by that one.
func serverOf(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = inner.Unwrap()
	}
}

// A body is opened when somebody begins to read it.
type body struct {
	raw    io.ReadCloser
	server http.ResponseWriter
	length int64 // as the request says it, or -1
	limit  int64
	gzip   bool
	from   io.Reader
	err    error // of opening
}

func (b *body) Read(p []byte) (int, error) {
	if b.from == nil && b.err == nil {
		b.err = refused(b.open())
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	return n, refused(err)
}

func (b *body) open() error {
	if b.length > b.limit {
		return &http.MaxBytesError{Limit: b.limit}
	}
	limited := http.MaxBytesReader(b.server, b.raw, b.limit)
	b.from = limited
	if !b.gzip {
		return nil
	}
	z, err := gzip.NewReader(limited)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // nothing is no gzip
	}
	if err == nil {
		b.from = http.MaxBytesReader(b.server, z, b.limit)
	}
	return err
}

func (b *body) Close() error { return b.raw.Close() }

// refused says how an error of reading is answered, wherever it is returned.
func refused(err error) error {
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil, err == io.EOF, errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	case large:
		return &app.Error{Status: http.StatusRequestEntityTooLarge, Cause: err}
	}
	return &app.Error{Status: http.StatusBadRequest, Message: "The body did not arrive", Cause: err}
}
