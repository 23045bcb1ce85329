package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 0, time.UTC)

// quiet returns an App that reports to nobody.
func quiet(layers ...app.Middleware) *app.App {
	a := app.New().Use(layers...)
	a.Logger = slog.New(slog.DiscardHandler)
	return a
}

// ask runs layers for one request.
func ask(r *http.Request, layers ...app.Middleware) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	quiet(layers...).ServeHTTP(w, r)
	return w
}

// request is one with headers: name, value, name, value.
func request(method, path string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://shire.example"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func get(path string, headers ...string) *http.Request { return request("GET", path, headers...) }

// last makes a layer of a handler.
func last(h app.Handler) app.Middleware {
	return func(ctx *app.Context, _ app.Handler) error { return h(ctx) }
}

// answer is a handler with a prepared body.
func answer(body any) app.Middleware {
	return last(func(ctx *app.Context) error { ctx.Body = body; return nil })
}

func fails(err error) app.Middleware { return last(func(*app.Context) error { return err }) }

func status(code int) app.Middleware {
	return last(func(ctx *app.Context) error { ctx.Status = code; return nil })
}

// ends are ways in which a request can end that is not answered well, with what the client gets.
var ends = map[string]struct {
	layer  app.Middleware
	status int
}{
	"an answer":            {answer("ok"), 200},
	"no answer":            {last(func(*app.Context) error { return nil }), 404},
	"an error of the user": {fails(&app.Error{Status: 422}), 422},
	"nobody":               {fails(app.ErrLoginRequired), 401},
	"a fault":              {fails(assert.AnError), 500},
	"a store's fault":      {fails(context.DeadlineExceeded), 503},
	"a panic":              {last(func(*app.Context) error { panic("Balrog") }), 500},
	"a panic below Wrap":   {app.Compose(app.Wrap(func(h http.Handler) http.Handler { return h }), last(func(*app.Context) error { panic("Balrog") })), 500},
	"next called twice":    {func(ctx *app.Context, next app.Handler) error { _ = next(ctx); return next(ctx) }, 500},
	"a redirect":           {last(func(ctx *app.Context) error { return ctx.Redirect("/rivendell") }), 303},
	"not modified":         {status(304), 304},
	"no content":           {status(204), 204},
	"written by hand": {last(func(ctx *app.Context) error {
		ctx.Writer().WriteHeader(202)
		_, err := io.WriteString(ctx.Writer(), "by hand")
		return err
	}), 202},
	"a foreign handler": {last(app.Mount(http.NotFoundHandler())), 404},
	"a stream":          {last(func(ctx *app.Context) error { ctx.Body = io.MultiReader(strings.NewReader("part")); return nil }), 200},
	"no JSON":           {answer(func() {}), 500},
	"no status":         {status(7), 500},
}

// panics runs f, which refuses what it is built of.
func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		got := recover()
		require.NotNil(t, got, "it was taken")
		assert.Contains(t, fmt.Sprint(got), want)
		assert.Regexp(t, "^middleware: ", got)
	}()
	f()
}

// A hobbit is the user of these tests.
type hobbit struct{ Name string }

// hobbits serializes them without a database.
type hobbits struct{}

func (hobbits) Serialize(_ context.Context, user any) (string, error) {
	return user.(*hobbit).Name, nil
}
func (hobbits) Deserialize(_ context.Context, subject string) (any, error) {
	return &hobbit{subject}, nil
}

// shire are sessions with a store that can fail.
func shire(o app.SessionOptions) (*app.Sessions, *storetest.Faulty) {
	store := storetest.NewFaulty(sessionstores.NewMemory())
	return app.NewSessions(store, hobbits{}, o), store
}

// cookieOf logs somebody in and returns the cookie.
func cookieOf(t *testing.T, s *app.Sessions, name string) string {
	t.Helper()
	w := ask(get("/"), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{name}) }))
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	return cookies[0].Name + "=" + cookies[0].Value
}

// lines is a log that is read by tests.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// all returns the lines, decoded.
func (l *lines) all(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(l.text.String()) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	return all
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serveOn serves an App on loopback until the test ends, and returns where.
func serveOn(t *testing.T, a *app.App) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(a)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// discarded are the options of a log that nobody reads.
var discarded = middleware.RequestLogOptions{Logger: slog.New(slog.DiscardHandler)}
