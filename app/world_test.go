package app_test

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// A hobbit is the user of these tests.
type hobbit struct{ Name string }

// hobbits serializes them without a database.
type hobbits struct {
	err  error // a fault
	gone bool
}

func (h *hobbits) Serialize(_ context.Context, user any) (string, error) {
	u, ok := user.(*hobbit)
	if !ok {
		return "", assert.AnError
	}
	return u.Name, h.err
}

func (h *hobbits) Deserialize(_ context.Context, subject string) (any, error) {
	switch {
	case h.err != nil:
		return nil, h.err
	case h.gone:
		return (*hobbit)(nil), nil
	}
	return &hobbit{subject}, nil
}

// quiet returns an App that reports to nobody.
func quiet() *app.App {
	a := app.New()
	a.Logger = slog.New(slog.DiscardHandler)
	return a
}

// serve runs a stack for one request.
func serve(r *http.Request, layers ...app.Middleware) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	quiet().Use(layers...).ServeHTTP(w, r)
	return w
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func post(path, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// last makes a layer of a handler.
func last(h app.Handler) app.Middleware {
	return func(ctx *app.Context, _ app.Handler) error { return h(ctx) }
}

func ok(ctx *app.Context) error {
	ctx.Body = "ok"
	return nil
}

// start serves a stack on loopback until the test ends.
func start(t *testing.T, a *app.App) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return s
}

func text(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	assert.NoError(t, err)
	return string(b)
}

func decodeID(t *testing.T, id string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(id)
	assert.NoError(t, err)
	return b
}
