package peer

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/shire"
	"github.com/kahu-go/kahu/router"
)

// A Middleware is somebody's, which stands between our sessions and our routes.
type Middleware struct {
	Wrap func(http.Handler) http.Handler
	Gzip bool // it compresses what is long

	// Panic is the status that comes of a panic, 0 if the connection is cut, because the middleware
	// has begun an answer meanwhile; and whether it keeps it to itself.
	Panic int
	Keeps bool
}

// long is worth to be compressed.
var long = strings.Repeat("three rings for the elven-kings under the sky, ", 100)

// An application of ours with a middleware of others.
type stack struct {
	*shire.Shire
	*shire.Visitor
	step chan struct{} // lets /stream go on
}

// RunMiddleware holds a middleware to it that nothing is lost by it.
func RunMiddleware(t *testing.T, m Middleware) {
	x := &stack{Shire: shire.New(), step: make(chan struct{})}
	x.App.Use(x.Note, x.Sessions.Layer, app.Wrap(m.Wrap), x.routes().Layer)
	x.Visitor = shire.Serve(t, x.App)
	t.Run("the answer is whole", func(t *testing.T) { x.whole(t, m) })
	t.Run("the session is saved once and before the answer", x.saves)
	t.Run("the guard keeps out and lets in", x.guards)
	t.Run("the writer can what it could", func(t *testing.T) { x.writes(t, m) })
	t.Run("errors and panics are answered", func(t *testing.T) { x.fails(t, m) })
}

func (x *stack) routes() *router.Router {
	r := router.New()
	r.Open().Post("/login", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Login(&shire.Hobbit{Name: "frodo"})
	})
	r.Guard(app.RequireLogin).Get("/rings/{id}", func(ctx *app.Context) error {
		ctx.Body = shire.Name(ctx.Context()) + " " + ctx.Param("id")
		return nil
	})
	r.Open().Get("/long", func(ctx *app.Context) error {
		_, err := shire.Count(ctx.Context())
		ctx.Body = long
		return err
	})
	r.Open().Get("/error", func(ctx *app.Context) error {
		ctx.Body = long
		_, _ = shire.Count(ctx.Context())
		return io.ErrNoProgress
	})
	r.Open().Get("/panic", func(*app.Context) error { panic("the balrog") })
	r.Open().Get("/stream", x.stream)
	r.Open().Get("/file", readFrom)
	r.Open().Get("/hijack", hijack)
	return r
}

// stream writes a line, and one more when the client has read that.
func (x *stack) stream(ctx *app.Context) error {
	if _, err := shire.Count(ctx.Context()); err != nil {
		return err
	}
	ctx.Header().Set("Content-Type", "text/plain")
	w := ctx.Writer()
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	_, _ = io.WriteString(w, "one\n"+long)
	w.(http.Flusher).Flush()
	select {
	case <-x.step:
	case <-ctx.Context().Done():
		return ctx.Context().Err()
	}
	_, _ = io.WriteString(w, "two\n")
	return control.Flush()
}

func readFrom(ctx *app.Context) error {
	if _, err := shire.Count(ctx.Context()); err != nil {
		return err
	}
	ctx.Header().Set("Content-Type", "text/plain")
	_, err := ctx.Writer().(io.ReaderFrom).ReadFrom(strings.NewReader(long))
	return err
}

func hijack(ctx *app.Context) error {
	conn, buf, err := ctx.Writer().(http.Hijacker).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nhijacked")
	return buf.Flush()
}

// read decodes a body.
func read(t *testing.T, a *shire.Answer) string {
	t.Helper()
	if a.Header.Get("Content-Encoding") != "gzip" {
		return a.Body
	}
	z, err := gzip.NewReader(strings.NewReader(a.Body))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(text)
}

func (x *stack) ask(path string) *shire.Answer { return x.Do("GET", path, "Accept-Encoding", "gzip") }

func (x *stack) whole(t *testing.T, m Middleware) {
	for _, path := range []string{"/long", "/file"} {
		a := x.ask(path)
		assert.Equal(t, 200, a.Status, path)
		assert.Equal(t, long, read(t, a), path)
		assert.Equal(t, m.Gzip, a.Header.Get("Content-Encoding") == "gzip", path)
		assert.Equal(t, 200, x.LastEnd().Status, path)
	}
}

func (x *stack) saves(t *testing.T) {
	for _, path := range []string{"/long", "/file"} {
		before := len(x.Store.Calls())
		v := x.Another()
		v.Get(path)
		assert.Len(t, v.Cookies(), 1, path)
		assert.Equal(t, []string{"Insert"}, x.Store.Calls()[before:], path)
		v.Get(path)
		assert.Equal(t, []string{"Insert", "Find", "Update"}, x.Store.Calls()[before:], path)
	}
}

func (x *stack) guards(t *testing.T) {
	a := x.Another().Get("/rings/1")
	assert.Equal(t, 401, a.Status)
	assert.JSONEq(t, `{"errors":[{"title":"Login required","status":401}]}`, a.Body)
	assert.Equal(t, `Cookie realm="session"`, a.Header.Get("WWW-Authenticate"))
	a = x.Another().Login().Get("/rings/1")
	assert.Equal(t, "frodo 1", a.Body)
	assert.Equal(t, shire.End{Status: 200, Pattern: "GET /rings/{id}"}, x.LastEnd())
}

func (x *stack) writes(t *testing.T, m Middleware) {
	t.Run("flush", func(t *testing.T) {
		v := x.Another()
		r, err := http.NewRequestWithContext(t.Context(), "GET", x.URL+"/stream", nil)
		require.NoError(t, err)
		if m.Gzip {
			r.Header.Set("Accept-Encoding", "gzip")
		}
		res, err := v.Client.Do(r)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		var body io.Reader = res.Body
		if m.Gzip {
			require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
			body, err = gzip.NewReader(res.Body)
			require.NoError(t, err)
		}
		first := make([]byte, len("one\n"+long))
		_, err = io.ReadFull(body, first)
		require.NoError(t, err)
		assert.Len(t, v.Cookies(), 1, "the session came with the headers")
		x.step <- struct{}{}
		rest, err := io.ReadAll(body)
		require.NoError(t, err)
		assert.Equal(t, "one\n"+long+"two\n", string(first)+string(rest))
	})
	t.Run("hijack", func(t *testing.T) {
		assert.Equal(t, "hijacked", x.Do("GET", "/hijack", "Connection", "Upgrade", "Upgrade", "palantir").Body)
	})
}

func (x *stack) fails(t *testing.T, m Middleware) {
	t.Run("an error", func(t *testing.T) {
		v, before := x.Another(), len(x.Errors())
		a := v.Get("/error")
		assert.Equal(t, 500, a.Status)
		assert.JSONEq(t, `{"errors":[{"title":"Internal Server Error","status":500}]}`, a.Body)
		assert.Len(t, x.Errors(), before+1)
		assert.Empty(t, v.Cookies(), "and nothing was saved")
	})
	t.Run("a store that is down", func(t *testing.T) {
		x.Store.Fail("Insert")
		defer x.Store.Heal()
		a := x.Another().Get("/long")
		assert.Equal(t, 503, a.Status)
		assert.NotContains(t, a.Body, "elven")
		assert.Empty(t, a.Header["Set-Cookie"])
	})
	t.Run("a panic", func(t *testing.T) {
		before := len(x.Errors())
		a, err := x.Try("GET", "/panic")
		assert.Equal(t, m.Panic == 0, err != nil)
		if err == nil {
			assert.Equal(t, m.Panic, a.Status)
		}
		x.LastEnd()
		assert.Equal(t, m.Keeps, len(x.Errors()) == before)
	})
}
