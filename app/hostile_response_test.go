package app_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// rude waits until it is closed, and its Close panics. It must not be closed twice.
type rude struct{ closed chan struct{} }

func (r rude) Read([]byte) (int, error) { <-r.closed; return 0, errBoom }
func (r rude) Close() error             { close(r.closed); panic("rude") }

// A client that goes must not end the process, whatever the Close of somebody else's body does.
func TestBodyWhoseClosePanicsWhenTheClientGoes(t *testing.T) {
	w := newRespWire(t, last(func(ctx *app.Context) error {
		ctx.Body = &http.Response{StatusCode: 200, Body: rude{make(chan struct{})}}
		return ctx.Flush()
	}))
	conn := w.dial("GET", "/")
	_, err := io.ReadFull(conn, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	told := w.reports()
	require.Len(t, told, 1)
	assert.ErrorContains(t, told[0], "rude")
}

// A client that goes is no fault of ours; a stream that takes longer than the request may is one, and somebody has to know.
func TestStreamThatTakesTooLongIsReported(t *testing.T) {
	for name, limit := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"too long": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Now())
		},
		"given up": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, pipe := io.Pipe()
			defer pipe.Close()
			w := newRespWire(t, last(func(ctx *app.Context) error {
				limited, cancel := limit(ctx.Context())
				ctx.OnFinish(cancel)
				ctx.SetContext(limited)
				ctx.Body = r
				return ctx.Flush()
			}))
			assert.True(t, w.ask("GET", "/").cut)
			told := w.reports()
			if name == "given up" {
				assert.Empty(t, told)
				return
			}
			require.Len(t, told, 1)
			assert.ErrorIs(t, told[0], context.DeadlineExceeded)
		})
	}
}

// A goroutine that was given the stream writes nothing when the handler has panicked: by then the connection may be another
// request's.
func TestEventStreamIsOverAfterAPanic(t *testing.T) {
	for name, v := range map[string]any{"any": "boom", "one that cuts the connection": http.ErrAbortHandler} {
		for below, layer := range map[string]app.Middleware{"alone": app.Compose(), "below Wrap": app.Wrap(unchanged)} {
			t.Run(name+" "+below, func(t *testing.T) {
				var kept *app.EventStream
				ended := make(chan struct{})
				w := newRespWire(t, func(ctx *app.Context, next app.Handler) error {
					ctx.OnFinish(func() {
						assert.Equal(t, app.ErrStreamOver, kept.Send(app.StreamEvent{Data: "late"}), "not only because its context ends")
						close(ended)
					})
					return next(ctx)
				}, layer, streaming(func(s *app.EventStream) error {
					kept = s
					assert.NoError(t, s.Send(app.StreamEvent{Data: "x"}))
					panic(v)
				}))
				got := w.ask("GET", "/")
				<-ended
				assert.NotContains(t, got.raw, "late")
			})
		}
	}
}

// Who follows somebody's login learns of a store that cannot say; who is logged out, or has gone, is no fault.
func TestFaultThatEndsAnEventStreamIsReported(t *testing.T) {
	for _, test := range []struct {
		name string
		why  error
		told int
	}{
		{"a store that fails", &app.Error{Status: 503, Cause: errBoom}, 1},
		{"somebody is logged out", app.ErrLoggedOut, 0},
		{"it was enough", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error {
				live, cancel := context.WithCancelCause(ctx.Context())
				cancel(test.why)
				s, err := ctx.EventStream()
				require.NoError(t, err)
				return s.Follow(live, nil)
			}))
			got := w.ask("GET", "/")
			assert.False(t, got.cut, "what was sent is whole")
			told := w.reports()
			require.Len(t, told, test.told)
			if test.told > 0 {
				assert.ErrorIs(t, told[0], errBoom)
			}
		})
	}
}

// What is somebody's own stays out of caches that listen to another header than Cache-Control, or to its second line.
func TestPersonalAnswersStayOutOfEveryCache(t *testing.T) {
	said := http.Header{
		"Cache-Control": {"max-age=60", "Public"}, "Cdn-Cache-Control": {"max-age=60"}, "Cloudflare-Cdn-Cache-Control": {"max-age=60"}, "Surrogate-Control": {"max-age=60"},
	}
	for name, answer := range map[string]func(ctx *app.Context){
		"of a handler": func(ctx *app.Context) {
			for name, lines := range said {
				ctx.Append(name, lines...)
			}
			ctx.Append("X-Accel-Expires", "60")
			ctx.Body = "a secret"
		},
		"of another server": func(ctx *app.Context) {
			ctx.Body = &http.Response{StatusCode: 200, Header: said, Body: io.NopCloser(strings.NewReader("a secret"))}
		},
	} {
		for _, personal := range []bool{true, false} {
			s, _ := memorySessions()
			w := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
				answer(ctx)
				if personal {
					_, err := ctx.Session()
					return err
				}
				return nil
			}))
			assert.Equal(t, "a secret", w.Body.String())
			if !personal {
				assert.Equal(t, said["Cache-Control"], w.Header()["Cache-Control"], name)
				assert.Equal(t, said["Surrogate-Control"], w.Header()["Surrogate-Control"], name)
				continue
			}
			for header := range said {
				assert.Equal(t, []string{"no-store"}, w.Header()[header], "%s %s", header, name)
			}
			assert.Contains(t, []string{"", "0"}, w.Header().Get("X-Accel-Expires"), name)
		}
	}
}

func TestPersonalAnswersAreForOneClient(t *testing.T) {
	for said, want := range map[string]string{
		"max-age=60":          "private, max-age=60",
		"No-Cache":            "private, no-cache",
		"private, max-age=60": "private, max-age=60",
		"no-store":            "no-store",
		"":                    "no-store",
	} {
		s, _ := memorySessions()
		w := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			if said != "" {
				ctx.Header().Set("Cache-Control", said)
			}
			ctx.Body = "a secret"
			_, err := ctx.Session()
			return err
		}))
		assert.Equal(t, want, w.Header().Get("Cache-Control"), said)
	}
}

// An error is not kept as long as the page would have been that failed.
func TestErrorsStayOutOfEveryCache(t *testing.T) {
	w := serve(get("/"), last(func(ctx *app.Context) error {
		ctx.Append("Cache-Control", "private", "no-store")
		ctx.Append("CDN-Cache-Control", "max-age=3600")
		ctx.Append("Surrogate-Control", "max-age=3600")
		ctx.Append("X-Accel-Expires", "3600")
		return errBoom
	}))
	assert.Equal(t, 500, w.Code)
	assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"], "also if that was said in the second line")
	for _, name := range []string{"Cdn-Cache-Control", "Surrogate-Control", "X-Accel-Expires"} {
		assert.NotContains(t, w.Header(), name)
	}
}

// What a site says to browsers for all of it, and what makes the proxy in front fetch something, is not another server's to say.
func TestAnotherServerDoesNotSpeakForThisSite(t *testing.T) {
	h := http.Header{"X-Rings": {"3"}}
	for _, name := range []string{
		"Accept-CH", "Critical-CH", "Set-Login", "Secure-Session-Registration", "Secure-Session-Challenge", "Timing-Allow-Origin",
		"X-Accel-Expires", "X-LiteSpeed-Location", "X-Reproxy-URL", "X-Reproxy-File", "X-LIGHTTPD-send-file", "set-cookie", "Trailer:Set-Cookie",
	} {
		h[name] = []string{"evil"} // as it is, of a transport that is none of net/http
	}
	w := newRespWire(t, last(func(ctx *app.Context) error {
		ctx.Body = &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader("hello"))}
		return nil
	}))
	got := w.ask("GET", "/")
	assert.Equal(t, "hello", got.body)
	assert.Equal(t, "3", got.header.Get("X-Rings"))
	assert.NotContains(t, got.raw, "evil")
}
