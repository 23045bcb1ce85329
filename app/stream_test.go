package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// What is nil and has a type is JSON's null, not a crash.
func TestNullBodies(t *testing.T) {
	for name, body := range map[string]any{
		"a pointer": (*hobbit)(nil), "a map": map[string]int(nil), "a list": []int(nil), "raw JSON": json.RawMessage("null"), "no raw JSON": json.RawMessage(nil),
		"a stream": (*stream)(nil), "a file": (*os.File)(nil), "a pipe": (*io.PipeReader)(nil), "an answer of another server": (*http.Response)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = body; return nil }))
			got := w.ask("GET", "/")
			assert.Equal(t, 200, got.status)
			assert.Equal(t, "null", got.body)
			assert.Equal(t, typeOfJSON, got.header.Get("Content-Type"))
			assert.Empty(t, w.reports())
		})
	}
	t.Run("a type of JSON and no Body is still not found", func(t *testing.T) {
		got := respAsk(t, "GET", func(ctx *app.Context) error { ctx.SetType("json"); return nil })
		assert.Equal(t, 404, got.status)
		assert.Empty(t, got.body)
	})
}

// A status without a body does not take the Body away before the answer is sent.
func TestBodyOutlivesA304(t *testing.T) {
	s := &stream{Reader: strings.NewReader("hello")}
	w := newRespWire(t, func(ctx *app.Context, next app.Handler) error {
		err := next(ctx)
		ctx.Status = 304
		ctx.Status = 200
		return err
	}, last(func(ctx *app.Context) error { ctx.Status, ctx.Body = 304, s; return nil }))
	got := w.ask("GET", "/")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, "hello", got.body)
	<-w.over
	assert.Equal(t, 1, s.closed)
}

// In whatever order they are set.
func TestStatusesWithoutABodyHaveNothingOfOne(t *testing.T) {
	for _, status := range []int{204, 205, 304} {
		for name, body := range map[string]func() any{"text": func() any { return "x" }, "a stream": func() any { return &stream{Reader: panicking{}} }, "nothing": func() any { return nil }} {
			t.Run(http.StatusText(status)+" and "+name, func(t *testing.T) {
				w := newRespWire(t, last(func(ctx *app.Context) error {
					ctx.Header().Set("Transfer-Encoding", "chunked")
					ctx.SetType("html")
					ctx.Header().Set("Content-Length", "9")
					ctx.Status, ctx.Body = status, body()
					return nil
				}))
				got := w.ask("GET", "/")
				assert.Equal(t, status, got.status)
				assert.Empty(t, got.body)
				assert.False(t, got.cut)
				assert.NotContains(t, got.header, "Content-Type")
				assert.Empty(t, respEncoding(got))
				assert.Contains(t, []string{"", "0"}, got.respLength())
				assert.Empty(t, w.reports())
			})
		}
	}
}

func TestStreamOfAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ring.txt")
	content := strings.Repeat("one ring ", 20_000)
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	for _, sized := range []bool{false, true} {
		var f *os.File
		w := newRespWire(t, last(func(ctx *app.Context) (err error) {
			if f, err = os.Open(name); err != nil {
				return err
			}
			ctx.Body = f
			if sized {
				ctx.SetLength(int64(len(content)))
			}
			return nil
		}))
		got := w.ask("GET", "/")
		assert.Equal(t, content, got.body)
		assert.False(t, got.cut)
		assert.Empty(t, w.reports())
		assert.ErrorIs(t, f.Close(), os.ErrClosed)
	}
}

// clumsy is a stream whose Close panics.
type clumsy struct{ io.Reader }

func (clumsy) Close() error { panic(errBoom) }

func TestStreamWhoseCloseFails(t *testing.T) {
	t.Run("a panic is reported and the answer is whole", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = clumsy{strings.NewReader("hello")}; return nil }))
		got := w.ask("GET", "/")
		assert.Equal(t, "hello", got.body)
		assert.False(t, got.cut)
		told := w.reports()
		require.Len(t, told, 1)
		assert.ErrorIs(t, told[0], errBoom)
	})
	t.Run("an error is nobody's", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = reluctant{strings.NewReader("hello")}; return nil }))
		assert.Equal(t, "hello", w.ask("GET", "/").body)
		assert.Empty(t, w.reports())
	})
}

type reluctant struct{ io.Reader }

func (reluctant) Close() error { return errBoom }

func TestStreamThatFailsOnTheWire(t *testing.T) {
	for name, rest := range map[string]io.Reader{"an error": breaking{}, "a panic": panicking{}} {
		t.Run(name, func(t *testing.T) {
			s := &stream{Reader: io.MultiReader(strings.NewReader("half"), rest)}
			w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = s; return nil }))
			got := w.ask("GET", "/")
			assert.True(t, got.cut, "not taken for whole")
			assert.Len(t, w.reports(), 1, "told once")
			assert.Equal(t, 1, s.closed)
		})
	}
}

// endless gives bytes until it is closed.
type endless struct{ closed chan struct{} }

func (e *endless) Read(b []byte) (int, error) { return len(b), nil }
func (e *endless) Close() error               { close(e.closed); return nil }

// A client that goes has its stream closed and is no fault.
func TestStreamWhoseClientGoes(t *testing.T) {
	t.Run("while it reads", func(t *testing.T) {
		s := &endless{make(chan struct{})}
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = s; return nil }))
		conn := w.dial("GET", "/")
		_, err := io.ReadFull(conn, make([]byte, 1000))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		<-s.closed
		assert.Empty(t, w.reports())
	})
	t.Run("while it waits for a pipe", func(t *testing.T) {
		r, pipe := io.Pipe()
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = r; return ctx.Flush() }))
		conn := w.dial("GET", "/")
		_, err := io.ReadFull(conn, make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		assert.Empty(t, w.reports(), "the request ends though nobody writes")
		_, err = io.WriteString(pipe, "too late")
		assert.Error(t, err)
	})
}
