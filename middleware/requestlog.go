package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
)

// RequestLogOptions are the options of [RequestLog].
type RequestLogOptions struct {
	// Logger gets one line for each request; nil: slog.Default().
	Logger *slog.Logger

	// Skip leaves requests out, such as those of a load balancer that went well; nil: none. It is
	// asked when the answer is written, so ctx.Status is what was sent.
	Skip func(ctx *app.Context) bool

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// RequestLog returns a layer that logs each request once, when its answer is written: the method, the
// pattern of its route, the status, how long it took, the address, the request's id, and who it was
// if that was asked. Of what the client sent nothing else is there: paths, queries and headers can
// hold secrets. It never asks who it is.
//
// An answer of 5xx is an error, unless the client did not wait for it ("gone") or has made up the
// method (501); the rest is information. The status is 0 if the connection was cut before there was one, and 101 if it was
// taken over. What the App refuses before its layers are asked, such as another host's requests, is
// not logged.
func RequestLog(o RequestLogOptions) app.Middleware {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return func(ctx *app.Context, next app.Handler) error {
		began, client := o.Clock(), ctx.Context()
		ctx.OnFinish(func() {
			if o.Skip == nil || !o.Skip(ctx) {
				o.log(ctx, o.Clock().Sub(began), errors.Is(client.Err(), context.Canceled))
			}
		})
		return next(ctx)
	}
}

func (o *RequestLogOptions) log(ctx *app.Context, took time.Duration, gone bool) {
	status := sentStatus(ctx)
	level := slog.LevelInfo
	if status >= 500 && status != http.StatusNotImplemented && !gone {
		level = slog.LevelError
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("method", knownMethod(ctx.Request.Method)), slog.String("route", ctx.Request.Pattern),
		slog.Int("status", status), slog.Duration("took", took),
	)
	if a := ctx.Address(); a.IsValid() {
		attrs = append(attrs, slog.String("address", a.String()))
	}
	if id := RequestIDOf(ctx.Context()); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	if who := ctx.Known(); who != nil {
		attrs = append(attrs, slog.String("via", who.Via))
		if who.Subject != "" {
			attrs = append(attrs, slog.String("user", who.Subject))
		}
	}
	if gone {
		attrs = append(attrs, slog.Bool("gone", true))
	}
	to := o.Logger
	if to == nil {
		to = slog.Default()
	}
	// The request is over, its time may be up: that must not keep a handler from writing.
	to.LogAttrs(context.WithoutCancel(ctx.Context()), level, "request", attrs...)
}

func sentStatus(ctx *app.Context) int {
	switch {
	case !ctx.Sent():
		return 0
	case ctx.Status == 0:
		return http.StatusSwitchingProtocols
	}
	return ctx.Status
}

// knownMethod keeps what clients make up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return method
	}
	return "other"
}
