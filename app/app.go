package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
)

// An App is a stack of layers and an http.Handler. Set its fields and call Use before
// the first request; afterwards it is safe for concurrent use.
type App struct {
	// Keys sign cookies; see [Cookie]. nil: signed cookies are [ErrNoKeys].
	Keys *Keys

	// Logger gets what OnError does not take; nil: slog.Default().
	Logger *slog.Logger

	// OnError is told each error that is answered 5xx, once, and errors that came after
	// the headers; nil: they are logged. ctx is the request's, for reading.
	OnError func(ctx *Context, err error)

	// OnEvent is told who logs in and out, what happens to sessions and credentials, and who is
	// kept out, while it happens; nil: nobody is. [LogEvents] makes one. ctx is the request's,
	// for reading, or nil for what happens outside of one. It is called by many requests at once
	// and is waited for.
	OnEvent func(ctx *Context, e Event)

	// InsecureExplain is for development: what [Context.Explain] says of a request that is
	// answered 401, 403 or 5xx is logged and shown on the error page, so that everybody reads
	// why they are kept out.
	InsecureExplain bool

	// ErrorPage returns the page on which a browser reads that its request was answered with an
	// error: the title is what the client may know, in its language, and text, not HTML. Images
	// and scripts need another Content-Security-Policy, which it may set. nil: a plain page, which
	// is there too if it panics or returns nothing.
	ErrorPage func(ctx *Context, status int, title string) []byte

	// Translate returns what a client reads of an error, such as "Login required", in the
	// language of the request; nil: as it is.
	Translate func(ctx *Context, title string) string

	// Proxies are the reverse proxies in front; nil: there are none, and no header says anything
	// about the client, the scheme or the host.
	Proxies *Proxies

	// Hosts are those that the App answers to: "shire.example" on every port, with none in a
	// [Context.Link]; "shire.example:8443" on this port, which links have too; "*.shire.example",
	// with or without a port, for all below. Others are answered 421. Clients leave out the
	// port that is their scheme's own, so leave it out here. nil: the App answers to all, and
	// Link is an error.
	Hosts []string

	// BodyLimit bounds what [Context.Bind] reads, in bytes; 0: 1 MiB.
	BodyLimit int64

	// SubdomainOffset is how many labels of the host are the site's own, which
	// [Context.Subdomains] leaves out; 0: 2, as for shire.example; negative: none.
	SubdomainOffset int

	layers []Middleware
	once   sync.Once
	run    Handler
}

// New returns an App with no layers.
func New() *App { return new(App) }

// Use adds layers at the end of the stack. It panics for a nil layer, and after the
// App has served its first request.
func (a *App) Use(layers ...Middleware) *App {
	if a.run != nil {
		panic("app: Use after the first request")
	}
	for _, m := range layers {
		if m == nil {
			panic("app: Use of a nil layer")
		}
	}
	a.layers = append(a.layers, layers...)
	return a
}

// ServeHTTP answers one request. What the stack leaves without a Status and a Body is
// 404. TRACE and CONNECT are refused.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { a.run = Compose(a.layers...).Then(nothing) })
	ctx := newContext(a, w, r)
	if len(a.Hosts) > 0 {
		if _, ok := a.site(ctx.Host()); !ok {
			ctx.answer(misdirected(ctx.Host()))
			return
		}
	}
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		ctx.answer(&Error{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}})
		return
	}
	ctx.serve(r, a.run)
}

func nothing(*Context) error { return nil }

// report tells the owner of the App what the client is not told.
func (c *Context) report(err error) {
	status := replyTo(err).status
	switch {
	case errors.Is(err, context.Canceled) && c.Context().Err() != nil:
		return // the client has gone, which is no fault of ours
	case status < 500 && !c.sent:
		return
	case c.app != nil && c.app.OnError != nil:
		c.app.OnError(c, err)
		return
	}
	attrs := []slog.Attr{slog.String("method", c.Request.Method), slog.String("route", c.Request.Pattern), slog.Int("status", status), slog.Any("error", err)}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	c.app.log().LogAttrs(c.Context(), slog.LevelError, "request failed", attrs...)
}

// log is where errors go; without an App, as under Adapt, to the default.
func (a *App) log() *slog.Logger {
	if a == nil || a.Logger == nil {
		return slog.Default()
	}
	return a.Logger
}
