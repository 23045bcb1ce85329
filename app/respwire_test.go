package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A respWire is a server on loopback whose answers are read byte by byte.
type respWire struct {
	t      *testing.T
	server *httptest.Server
	over   chan struct{} // one for each request that is over

	mu   sync.Mutex
	told []error
}

func newRespWire(t *testing.T, layers ...app.Middleware) *respWire {
	w := &respWire{t: t, over: make(chan struct{}, 100)}
	a := app.New()
	a.OnError = func(_ *app.Context, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, err)
	}
	a.Use(func(ctx *app.Context, next app.Handler) error {
		ctx.OnFinish(func() { w.over <- struct{}{} })
		return next(ctx)
	}).Use(layers...)
	w.server = httptest.NewUnstartedServer(a)
	w.server.Config.ErrorLog = quiet().Server("").ErrorLog
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

// reports waits for the end of a request and returns what was reported until then.
func (w *respWire) reports() []error {
	<-w.over
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// A respAnswer is what came over the wire.
type respAnswer struct {
	raw    string
	status int
	header http.Header
	body   string
	cut    bool // the connection ended before the answer did
}

// dial sends a request and returns its connection.
func (w *respWire) dial(method, path string, headers ...string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: shire.example\r\n", method, path)
	for i := 0; i < len(headers); i += 2 {
		request += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	_, err = io.WriteString(conn, request+"\r\n")
	require.NoError(w.t, err)
	return conn
}

func (w *respWire) ask(method, path string, headers ...string) respAnswer {
	w.t.Helper()
	conn := w.dial(method, path, append(headers, "Connection", "close")...)
	raw, err := io.ReadAll(conn)
	require.NoError(w.t, err)
	if len(raw) == 0 {
		return respAnswer{cut: true}
	}
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(raw))), &http.Request{Method: method})
	require.NoError(w.t, err, "%q", raw)
	body, err := io.ReadAll(res.Body)
	return respAnswer{string(raw), res.StatusCode, res.Header, string(body), err != nil}
}

// respAsk asks a server of its own once.
func respAsk(t *testing.T, method string, h app.Handler, headers ...string) respAnswer {
	t.Helper()
	return newRespWire(t, last(h)).ask(method, "/", headers...)
}

// respLength is the Content-Length that a client reads, "" for none.
func (a respAnswer) respLength() string {
	_, after, found := strings.Cut(a.raw, "\r\nContent-Length: ")
	if !found {
		return ""
	}
	n, _, _ := strings.Cut(after, "\r\n")
	return n
}

func TestRespWireSeesWhatIsCut(t *testing.T) {
	w := newRespWire(t, last(func(ctx *app.Context) error {
		_, _ = io.WriteString(ctx.Writer(), "half")
		return errBoom
	}))
	got := w.ask("GET", "/")
	assert.True(t, got.cut)
	require.Len(t, w.reports(), 1)
}
