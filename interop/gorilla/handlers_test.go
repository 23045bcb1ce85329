// Package gorilla_test has gorilla's middleware among our layers, and its sessions over our stores
// and under our sessions.
package gorilla_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gorilla/handlers"
	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

func TestHandlers(t *testing.T) {
	for name, m := range map[string]peer.Middleware{
		"CompressHandler": {Wrap: handlers.CompressHandler, Gzip: true},
		"RecoveryHandler": {Wrap: handlers.RecoveryHandler(handlers.RecoveryLogger(silent{})), Panic: 500, Keeps: true},
		"CombinedLoggingHandler": {Wrap: func(h http.Handler) http.Handler {
			return handlers.CombinedLoggingHandler(io.Discard, h)
		}, Panic: 500},
		"ProxyHeaders": {Wrap: handlers.ProxyHeaders, Panic: 500},
		"CORS":         {Wrap: handlers.CORS(handlers.AllowedOrigins([]string{"https://gondor.example"})), Panic: 500},
		"all of them": {Wrap: func(h http.Handler) http.Handler {
			h = handlers.RecoveryHandler(handlers.RecoveryLogger(silent{}))(h)
			return handlers.CombinedLoggingHandler(io.Discard, handlers.CompressHandler(h))
		}, Gzip: true, Panic: 500, Keeps: true},
	} {
		t.Run(name, func(t *testing.T) { peer.RunMiddleware(t, m) })
	}
}

type silent struct{}

func (silent) Println(...any) {}

// A middleware that answers instead of our layers is asked first.
func TestContentTypeHandlerAnswersBeforeOurLayers(t *testing.T) {
	s := shire.New()
	reached := false
	s.App.Use(s.Note, app.Wrap(func(h http.Handler) http.Handler { return handlers.ContentTypeHandler(h, "application/json") }),
		func(ctx *app.Context, _ app.Handler) error { reached = true; return nil })
	a := shire.Serve(t, s.App).Do("POST", "/", "Content-Type", "text/plain")
	assert.Equal(t, 415, a.Status)
	assert.Contains(t, a.Body, "Unsupported content type")
	assert.Equal(t, 415, s.LastEnd().Status)
	assert.False(t, reached)
}
