package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
)

// logged runs layers below a log and returns its lines.
func logged(t *testing.T, r *http.Request, layers ...app.Middleware) []map[string]any {
	t.Helper()
	var l lines
	func() {
		defer func() { _ = recover() }() // of a connection that is cut
		ask(r, append([]app.Middleware{middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger()})}, layers...)...)
	}()
	return l.all(t)
}

func TestRequestLogHasOneLine(t *testing.T) {
	for name, end := range ends {
		for where, below := range map[string]app.Middleware{"": app.Compose(), " below Wrap": middleware.Compress(middleware.CompressOptions{}), " below a timeout": middleware.Timeout(time.Minute)} {
			t.Run(name+where, func(t *testing.T) {
				all := logged(t, get("/"), below, end.layer)
				require.Len(t, all, 1)
				assert.EqualValues(t, end.status, all[0]["status"])
				assert.Equal(t, map[bool]string{true: "ERROR", false: "INFO"}[end.status >= 500], all[0]["level"])
			})
		}
	}
	for name, c := range map[string]struct {
		layer  app.Middleware
		status int
	}{
		"a connection that is cut":                         {last(func(*app.Context) error { panic(http.ErrAbortHandler) }), 0},
		"a connection that is cut with an answer prepared": {last(func(ctx *app.Context) error { ctx.Status, ctx.Body = 200, "x"; panic(http.ErrAbortHandler) }), 0},
		"a panic after the headers":                        {last(func(ctx *app.Context) error { ctx.Writer().WriteHeader(202); panic("Balrog") }), 202},
		"a stream that breaks off":                         {answer(io.MultiReader(strings.NewReader("part"), broken{})), 200},
		"a middleware that answers itself": {app.Wrap(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })
		}), 418},
		"a middleware that answers before": {app.Compose(app.Wrap(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Nanosecond, "") }), last(waits)), 503},
	} {
		t.Run(name, func(t *testing.T) {
			all := logged(t, get("/"), c.layer)
			require.Len(t, all, 1)
			assert.EqualValues(t, c.status, all[0]["status"])
		})
	}
	t.Run("a session that cannot be saved", func(t *testing.T) {
		s, store := shire(app.SessionOptions{})
		store.Fail("Insert")
		all := logged(t, get("/"), s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			ctx.Body = "saved"
			return x.Set("ring", 1)
		}))
		require.Len(t, all, 1)
		assert.EqualValues(t, 503, all[0]["status"], "what was sent, not what was prepared")
	})
	t.Run("a log that panics harms nobody", func(t *testing.T) {
		w := ask(get("/"), middleware.RequestLog(middleware.RequestLogOptions{Logger: slog.New(bursting{})}), last(ok))
		assert.Equal(t, 200, w.Code)
	})
}

func TestRequestLogOfAMethodThatNobodyKnowsIsNoError(t *testing.T) {
	r := router.New()
	r.Get("/", ok)
	for method, want := range map[string]string{"BREW": "INFO", "GET": "INFO"} {
		all := logged(t, httptest.NewRequest(method, "/", nil), r.Layer)
		require.Len(t, all, 1)
		assert.Equal(t, want, all[0]["level"])
		assert.EqualValues(t, map[string]int{"BREW": 501, "GET": 200}[method], all[0]["status"])
	}
}

type bursting struct{}

func (bursting) Enabled(context.Context, slog.Level) bool  { return true }
func (bursting) Handle(context.Context, slog.Record) error { panic("disk full") }
func (b bursting) WithAttrs([]slog.Attr) slog.Handler      { return b }
func (b bursting) WithGroup(string) slog.Handler           { return b }

func TestRequestLogOfAConnectionThatIsTakenOver(t *testing.T) {
	for name, layers := range map[string][]app.Middleware{"alone": nil, "below Compress": {middleware.Compress(middleware.CompressOptions{})}} {
		t.Run(name, func(t *testing.T) {
			var l lines
			done := make(chan struct{})
			a := quiet(func(ctx *app.Context, next app.Handler) error {
				ctx.OnFinish(func() { close(done) }) // called last
				return next(ctx)
			}, middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger()})).Use(layers...).Use(last(func(ctx *app.Context) error {
				conn, _, err := http.NewResponseController(ctx.Writer()).Hijack()
				if err != nil {
					return err
				}
				_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: ring\r\nConnection: Upgrade\r\n\r\n")
				_ = conn.Close()
				return err
			}))
			conn, err := net.Dial("tcp", serveOn(t, a).Listener.Addr().String())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shire.example\r\nAccept-Encoding: gzip\r\nUpgrade: ring\r\nConnection: Upgrade\r\n\r\n")
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			assert.Equal(t, 101, res.StatusCode)
			<-done
			all := l.all(t)
			require.Len(t, all, 1)
			assert.EqualValues(t, 101, all[0]["status"])
		})
	}
}

func TestRequestLogSaysWhatHappened(t *testing.T) {
	clock := apptest.NewClock(start)
	var l lines
	s, store := shire(app.SessionOptions{})
	r := router.New()
	r.Get("/rings/{id}", func(ctx *app.Context) error {
		clock.Advance(1500 * time.Microsecond)
		ctx.Body = ctx.User()
		return nil
	})
	a := quiet(middleware.RequestID(middleware.RequestIDOptions{}), middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger(), Clock: clock.Now}),
		middleware.Compress(middleware.CompressOptions{}), middleware.Timeout(time.Minute), s.Layer, r.Layer)
	q := get("/rings/7", "Cookie", cookieOf(t, s, "frodo"))
	q.RemoteAddr = "[2001:db8::7%eth0]:4711"
	before := len(store.Calls())
	w := httptest.NewRecorder()
	a.ServeHTTP(w, q)
	all := l.all(t)
	require.Len(t, all, 1)
	delete(all[0], "time")
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "GET /rings/{id}", "status": 200.0, "took": 1500000.0,
		"address": "2001:db8::7", "request": w.Header().Get("X-Request-Id"), "via": "session", "user": "frodo",
	}, all[0])
	assert.Len(t, store.Calls(), before+1, "the handler's question, none of the log's")
}

func TestRequestLogAsksNobody(t *testing.T) {
	s, store := shire(app.SessionOptions{})
	cookie := cookieOf(t, s, "frodo")
	before := len(store.Calls())
	all := logged(t, get("/", "Cookie", cookie), s.Layer, last(ok))
	assert.Len(t, store.Calls(), before)
	assert.NotContains(t, all[0], "user")

	t.Run("nor of a store that is down", func(t *testing.T) {
		store.Fail("Find")
		all := logged(t, get("/", "Cookie", cookie), s.Layer, last(ok))
		assert.EqualValues(t, 200, all[0]["status"])
	})
	t.Run("a strategy's user has the subject that it gives", func(t *testing.T) {
		for subject, want := range map[string]any{"frodo": "frodo", "": nil} {
			all := logged(t, get("/"), app.Authenticate(proving{app.Identity{User: "frodo", Via: "bearer", Subject: subject}}), last(ok))
			assert.Equal(t, "bearer", all[0]["via"])
			assert.Equal(t, want, all[0]["user"])
		}
	})
	t.Run("who was refused is nobody", func(t *testing.T) {
		all := logged(t, get("/"), app.Authenticate(proving{}), last(ok))
		assert.EqualValues(t, 401, all[0]["status"])
		assert.NotContains(t, all[0], "user")
	})
}

// proving proves one user, or rejects.
type proving struct{ id app.Identity }

func (p proving) Authenticate(*app.Context) (*app.Identity, error) {
	if p.id.User == nil {
		return nil, &app.Rejection{}
	}
	return &p.id, nil
}

// Nothing of what a client sends is in the log but its address, and no line begins where it wants.
func TestRequestLogHasNoSecret(t *testing.T) {
	const secret = "s3cr3t"
	s, _ := shire(app.SessionOptions{})
	r := router.New()
	r.Post("/reset/{token}", ok)
	for name, q := range map[string]*http.Request{
		"a path":              request("POST", "/reset/"+secret),
		"a path of nobody":    request("POST", "/"+secret),
		"a query":             request("POST", "/reset/x?token="+secret),
		"a cookie":            request("POST", "/reset/x", "Cookie", "__Host-session="+secret),
		"a header":            request("POST", "/reset/x", "Authorization", "Bearer "+secret),
		"a user agent":        request("POST", "/reset/x", "User-Agent", secret+"\nlevel=ERROR msg=forged"),
		"a referrer":          request("POST", "/reset/x", "Referer", "https://shire.example/"+secret),
		"an id":               request("POST", "/reset/x", "X-Request-Id", secret),
		"a body":              httptest.NewRequest("POST", "/reset/x", strings.NewReader(secret)),
		"a host":              httptest.NewRequest("POST", "https://"+secret+".example/reset/x", nil),
		"a forwarded address": request("POST", "/reset/x", "X-Forwarded-For", secret),
		"a made-up method":    request(strings.ToUpper(secret), "/reset/x"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range []bool{true, false} {
				var l lines
				logger := l.logger()
				if text {
					logger = slog.New(slog.NewTextHandler(&l, nil))
				}
				ask(q, middleware.RequestID(middleware.RequestIDOptions{}), middleware.RequestLog(middleware.RequestLogOptions{Logger: logger}), s.Layer, r.Layer)
				assert.NotContains(t, strings.ToLower(l.String()), secret)
				assert.Equal(t, 1, strings.Count(l.String(), "\n"))
			}
		})
	}
	t.Run("a made-up method is another", func(t *testing.T) {
		assert.Equal(t, "other", logged(t, request("BREW", "/"), last(ok))[0]["method"])
		assert.Equal(t, "PATCH", logged(t, request("PATCH", "/"), last(ok))[0]["method"])
	})
	t.Run("a subject with a line break is one line", func(t *testing.T) {
		var l lines
		ask(get("/"), middleware.RequestLog(middleware.RequestLogOptions{Logger: slog.New(slog.NewTextHandler(&l, nil))}),
			app.Authenticate(proving{app.Identity{User: 1, Subject: "frodo\nlevel=ERROR"}}), last(ok))
		assert.Equal(t, 1, strings.Count(l.String(), "\n"))
	})
}

func TestRequestLogOfAClientThatIsGone(t *testing.T) {
	client, leave := context.WithCancel(t.Context())
	all := logged(t, get("/").WithContext(client), middleware.Timeout(time.Minute), last(func(ctx *app.Context) error {
		leave()
		return waits(ctx)
	}))
	require.Len(t, all, 1)
	assert.Equal(t, "INFO", all[0]["level"], "it is no fault of ours")
	assert.Equal(t, true, all[0]["gone"])
	t.Run("who waits is not gone when the time is up", func(t *testing.T) {
		all := logged(t, get("/"), middleware.Timeout(time.Nanosecond), last(waits))
		assert.Equal(t, "ERROR", all[0]["level"])
		assert.NotContains(t, all[0], "gone")
	})
}

func TestRequestLogSkip(t *testing.T) {
	var l lines
	skip := middleware.RequestLog(middleware.RequestLogOptions{Logger: l.logger(), Skip: func(ctx *app.Context) bool {
		return ctx.Request.URL.Path == "/health" && ctx.Status < 400
	}})
	ask(get("/health"), skip, last(ok))
	ask(get("/health"), skip, fails(assert.AnError))
	ask(get("/"), skip, last(ok))
	all := l.all(t)
	require.Len(t, all, 2)
	assert.EqualValues(t, 500, all[0]["status"], "one that did not go well is logged")
}

// The context that the log's handler is given has the request's values and is not over.
func TestRequestLogContext(t *testing.T) {
	h := &keeping{}
	ask(get("/"), middleware.RequestLog(middleware.RequestLogOptions{Logger: slog.New(h)}), middleware.RequestID(middleware.RequestIDOptions{}), middleware.Timeout(time.Minute), last(ok))
	require.Len(t, h.all, 1)
	assert.NotEmpty(t, middleware.RequestIDOf(h.all[0]))
	assert.NoError(t, h.all[0].Err())
}

type keeping struct {
	bursting
	all []context.Context
}

func (k *keeping) Handle(ctx context.Context, _ slog.Record) error {
	k.all = append(k.all, ctx)
	return nil
}

func ExampleRequestLog() {
	var l lines
	plain := slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}}))
	r := router.New()
	r.Get("/rings/{id}", ok)
	a := app.New().Use(middleware.RequestLog(middleware.RequestLogOptions{Logger: plain}), r.Layer)
	a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/rings/7?token=secret", nil))
	fmt.Print(l.String())
	// Output: level=INFO msg=request method=GET route="GET /rings/{id}" status=200 address=192.0.2.1
}
