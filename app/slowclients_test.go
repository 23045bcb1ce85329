package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// served is the App on a port of its own, with other limits.
func served(t *testing.T, a *app.App, change func(s *http.Server)) (address string) {
	t.Helper()
	s := a.Server("")
	change(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func TestTwoThousandSlowClientsAreCutOffWhileOthersAreServed(t *testing.T) {
	const slow = 2000
	address := served(t, quiet().Use(last(ok)), func(s *http.Server) { s.ReadHeaderTimeout = 2 * time.Second })
	var open sync.WaitGroup
	conns := make([]net.Conn, slow)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shire.example\r\nX-Slow: ")
		conns[i] = conn
		open.Go(func() {
			answer, _ := io.ReadAll(conn) // until the server closes
			assert.Empty(t, answer)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for n := 0; ctx.Err() == nil || n == 0; n++ {
				res, err := http.Get("http://" + address)
				if assert.NoError(t, err) {
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					assert.Equal(t, 200, res.StatusCode)
				}
			}
		})
	}
	others.Go(func() { // a byte now and then gains no time
		for ctx.Err() == nil {
			for _, conn := range conns {
				_, _ = conn.Write([]byte("x"))
			}
		}
	})
	open.Wait()
	cancel()
	others.Wait()
}

func TestAClientThatReadsNothingIsCutOff(t *testing.T) {
	ended := make(chan error, 1)
	for name, answer := range map[string]func(ctx *app.Context) error{
		"of a stream": func(ctx *app.Context) error {
			ctx.Body = &endlessRing{ended: ended}
			return nil
		},
		"of what is written by hand": func(ctx *app.Context) error {
			var err error
			for err == nil {
				_, err = io.WriteString(ctx.Writer(), strings.Repeat("ring ", 1<<10))
			}
			ended <- err
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := served(t, quiet().Use(last(answer)), func(s *http.Server) { s.WriteTimeout = 50 * time.Millisecond })
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shire.example\r\n\r\n")
			require.NoError(t, err)
			<-ended // although nobody reads
		})
	}
}

// An endlessRing has no end, and says when it is closed.
type endlessRing struct{ ended chan error }

func (*endlessRing) Read(b []byte) (int, error) { return len(b), nil }

func (r *endlessRing) Close() error {
	r.ended <- nil
	return nil
}
