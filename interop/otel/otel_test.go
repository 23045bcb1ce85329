// Package otel_test has our routes behind otelhttp.
package otel_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	apitrace "go.opentelemetry.io/otel/trace"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
)

func TestMiddleware(t *testing.T) {
	peer.RunMiddleware(t, peer.Middleware{Wrap: otelhttp.NewMiddleware("shire"), Panic: 500})
}

// recorder returns otelhttp, and where its spans are when they have ended.
func recorder() (func(http.Handler) http.Handler, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	return otelhttp.NewMiddleware("shire", otelhttp.WithTracerProvider(provider)), spans
}

func routes() *router.Router {
	r := router.New()
	r.Guard(app.RequireLogin).Get("/rings/{id}", func(ctx *app.Context) error {
		apitrace.SpanFromContext(ctx.Context()).SetAttributes(attribute.String("ring", ctx.Param("id")))
		ctx.Body = "precious"
		return nil
	})
	r.Open().Post("/login", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Login(&shire.Hobbit{Name: "frodo"})
	})
	r.Open().Get("/error", func(*app.Context) error { return errors.New("it is melted") })
	r.Open().Get("/panic", func(*app.Context) error { panic("the balrog") })
	return r
}

func attributes(span trace.ReadOnlySpan) map[attribute.Key]attribute.Value {
	all := map[attribute.Key]attribute.Value{}
	for _, a := range span.Attributes() {
		all[a.Key] = a.Value
	}
	return all
}

const around = "around the App"

// spanned is what is known of a request afterwards.
type spanned struct {
	name   string
	status int64
	code   codes.Code
}

// The span has the name of our route, though layers between have replaced the request, and the status
// that was sent, also for what a layer answers.
func TestSpans(t *testing.T) {
	for name, layers := range map[string]func(s *shire.Shire, otel func(http.Handler) http.Handler) http.Handler{
		"as a layer": func(s *shire.Shire, otel func(http.Handler) http.Handler) http.Handler {
			return s.App.Use(app.Wrap(otel), s.Sessions.Layer, routes().Layer)
		},
		"as a layer above some that replace the request": func(s *shire.Shire, otel func(http.Handler) http.Handler) http.Handler {
			return s.App.Use(app.Wrap(otel), middleware.Standard(middleware.StandardOptions{}), s.Sessions.Layer, routes().Layer)
		},
		around: func(s *shire.Shire, otel func(http.Handler) http.Handler) http.Handler {
			return otel(s.App.Use(middleware.Timeout(time.Minute), s.Sessions.Layer, routes().Layer))
		},
	} {
		t.Run(name, func(t *testing.T) {
			otel, spans := recorder()
			s := shire.New()
			v := shire.Serve(t, layers(s, otel))
			v.Get("/rings/1")
			v.Login()
			for _, path := range []string{"/rings/1", "/mordor", "/error", "/panic"} {
				v.Get(path)
			}
			require.Eventually(t, func() bool { return len(spans.Ended()) == 6 }, time.Minute, time.Millisecond)
			panicked := spanned{"GET /panic", 500, codes.Error}
			if name != around {
				panicked = spanned{"GET", 0, codes.Unset} // otelhttp does not look at what panics through it
			}
			for i, want := range []spanned{
				{"GET /rings/{id}", 401, codes.Unset},
				{"POST /login", 204, codes.Unset},
				{"GET /rings/{id}", 200, codes.Unset},
				{"GET", 404, codes.Unset},
				{"GET /error", 500, codes.Error},
				panicked,
			} {
				span := spans.Ended()[i]
				assert.Equal(t, want.name, span.Name())
				assert.Equal(t, want.status, attributes(span)["http.response.status_code"].AsInt64(), want.name)
				assert.Equal(t, want.code, span.Status().Code, want.name)
			}
			assert.Equal(t, "1", attributes(spans.Ended()[2])["ring"].AsString(), "handlers are in the span")
		})
	}
}
