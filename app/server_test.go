package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestServerHasEveryLimit(t *testing.T) {
	var log bytes.Buffer
	a := app.New()
	a.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := a.Server(":3000")
	assert.Equal(t, ":3000", s.Addr)
	assert.Same(t, a, s.Handler)
	assert.Equal(t, 5*time.Second, s.ReadHeaderTimeout)
	assert.Equal(t, 30*time.Second, s.ReadTimeout)
	assert.Equal(t, 60*time.Second, s.WriteTimeout)
	assert.Equal(t, 2*time.Minute, s.IdleTimeout)
	assert.Equal(t, 64<<10, s.MaxHeaderBytes)
	s.ErrorLog.Print("evil\nlevel=INFO")
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	assert.NotNil(t, app.New().Server("").ErrorLog)
}

// listening serves a with the limits that change may shorten.
func listening(t *testing.T, a *app.App, change func(s *http.Server)) net.Conn {
	t.Helper()
	s := a.Server("")
	change(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestServerCutsOffSlowClients(t *testing.T) {
	tests := []struct {
		name   string
		sent   string
		change func(s *http.Server)
		want   string
	}{
		{"headers that never end", "GET / HTTP/1.1\r\nHost: example.com\r\nX-Slow: ", func(s *http.Server) { s.ReadHeaderTimeout = 20 * time.Millisecond }, ""},
		{"nothing at all", "", func(s *http.Server) { s.ReadHeaderTimeout = 20 * time.Millisecond }, ""},
		{"a body that never comes", "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", func(s *http.Server) { s.ReadTimeout = 20 * time.Millisecond }, "400 Bad Request"},
		{"an idle connection", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", func(s *http.Server) { s.IdleTimeout = 20 * time.Millisecond }, "204 No Content"},
		{"headers without end", "GET / HTTP/1.1\r\nHost: example.com\r\nX-Long: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", func(*http.Server) {}, "431 Request Header Fields Too Large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := listening(t, quiet().Use(last(func(ctx *app.Context) error {
				ctx.Status = http.StatusNoContent
				return ctx.Bind(new(signup))
			})), test.change)
			_, err := io.WriteString(conn, test.sent)
			require.NoError(t, err)
			answer, _ := io.ReadAll(conn) // until the server closes
			assert.Contains(t, string(answer), test.want)
			assert.Equal(t, test.want == "", len(answer) == 0)
		})
	}
}

func TestRunFinishesWhatIsInFlight(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	a := quiet().Use(last(func(ctx *app.Context) error {
		close(arrived)
		<-goOn
		assert.NoError(t, ctx.Context().Err(), "the end of Run is not the end of the request")
		return ok(ctx)
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx, l) }()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-arrived
	cancel()
	for { // new connections are refused while the old one is served
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	assert.Empty(t, ended, "Serve waits")
	close(goOn)
	assert.Equal(t, "ok", <-answer)
	assert.NoError(t, <-ended)
}

func TestRun(t *testing.T) {
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.NoError(t, func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			return quiet().Serve(ctx, l)
		}())
	})
	t.Run("a port in use is an error", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		assert.ErrorContains(t, quiet().Run(t.Context(), l.Addr().String()), "in use")
	})
	t.Run("an address that is none is an error", func(t *testing.T) {
		assert.Error(t, quiet().Run(t.Context(), "no such address"))
	})
	t.Run("a listener that is closed is an error", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		l.Close()
		assert.Error(t, quiet().Serve(t.Context(), l))
	})
}
