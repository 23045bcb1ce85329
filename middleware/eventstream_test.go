package middleware_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

// A stream of events passes Compress as it is, one by one.
func TestEventStreamBelowCompress(t *testing.T) {
	next := make(chan struct{})
	server := serveOn(t, quiet(middleware.ETag, middleware.Compress(middleware.CompressOptions{MinSize: 1, InsecureSecrets: true}), last(func(ctx *app.Context) error {
		s, err := ctx.EventStream()
		if err != nil {
			return err
		}
		for range 3 {
			if err := s.Send(app.StreamEvent{Data: strings.Repeat("one ring ", 500)}); err != nil {
				return err
			}
			<-next
		}
		return nil
	})))
	r, err := http.NewRequest("GET", server.URL, nil)
	require.NoError(t, err)
	r.Header.Set("Accept-Encoding", "gzip, zstd")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	assert.Empty(t, res.Header["Content-Encoding"])
	lines := bufio.NewReader(res.Body)
	for range 3 {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "data: "+strings.Repeat("one ring ", 500)+"\n", line)
		_, err = lines.ReadString('\n')
		require.NoError(t, err)
		next <- struct{}{}
	}
	_, err = lines.ReadString('\n')
	assert.Equal(t, io.EOF, err)
}

// Headers that were flushed first cannot say that the Body is compressed.
func TestFlushBelowAndAboveCompress(t *testing.T) {
	flush := func(ctx *app.Context, next app.Handler) error {
		if err := ctx.Flush(); err != nil {
			return err
		}
		return next(ctx)
	}
	compress := middleware.Compress(middleware.CompressOptions{})
	for name, layers := range map[string][]app.Middleware{"below": {compress, flush}, "above": {flush, compress}} {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/", "Accept-Encoding", "gzip"), append(layers, answer(strings.Repeat("one ring ", 500)))...)
			assert.Equal(t, 200, w.Code)
			assert.Empty(t, w.Header()["Content-Encoding"])
			assert.Equal(t, strings.Repeat("one ring ", 500), w.Body.String())
		})
	}
}

// A Timeout ends a stream, and no fault is told; NoTimeout lifts it.
func TestEventStreamBelowTimeout(t *testing.T) {
	for name, lift := range map[string]bool{"of its own": false, "lifted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []error
				a := app.New().Use(middleware.Timeout(50 * time.Second))
				a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
				if lift {
					a.Use(middleware.NoTimeout)
				}
				a.Use(last(func(ctx *app.Context) error {
					s, err := ctx.EventStream()
					if err != nil {
						return err
					}
					events := make(chan app.StreamEvent)
					time.AfterFunc(time.Hour-time.Second, func() { close(events) })
					return s.Follow(ctx.Context(), events)
				}))
				began := time.Now()
				body := serveIn(t, a)
				assert.Empty(t, told)
				if lift {
					assert.Equal(t, time.Hour-time.Second, time.Since(began))
					assert.Equal(t, 239, strings.Count(body, ": \n\n"))
					return
				}
				assert.Equal(t, 50*time.Second, time.Since(began))
				assert.Equal(t, 3, strings.Count(body, ": \n\n"))
			})
		})
	}
}

func serveIn(t *testing.T, a *app.App) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, get("/"))
	assert.Equal(t, 200, w.Code)
	return w.Body.String()
}

// What another server says of its answer is not made up here.
func TestETagOfAnotherServersAnswer(t *testing.T) {
	w := ask(get("/"), middleware.ETag, last(func(ctx *app.Context) error {
		ctx.Body = &http.Response{StatusCode: 200, Header: http.Header{"Etag": {`"a"`}}, Body: io.NopCloser(strings.NewReader("one ring"))}
		return nil
	}))
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, `"a"`, w.Header().Get("ETag"))
	assert.Equal(t, "one ring", w.Body.String())
}
