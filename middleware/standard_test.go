package middleware_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/throttle"
)

// places are all, in the order that is documented.
var places = []middleware.Place{
	middleware.PlaceRequestID, middleware.PlaceRequestLog, middleware.PlaceHeaders, middleware.PlaceCORS, middleware.PlaceThrottle,
	middleware.PlaceCompress, middleware.PlaceBodyLimit, middleware.PlaceTimeout, middleware.PlaceETag,
}

func TestStandardOrder(t *testing.T) {
	var seen []middleware.Place
	recording := map[middleware.Place]app.Middleware{}
	for _, place := range places {
		recording[place] = func(ctx *app.Context, next app.Handler) error {
			seen = append(seen, place)
			return next(ctx)
		}
	}
	assert.Equal(t, "ok", ask(get("/"), middleware.Standard(middleware.StandardOptions{Replace: recording}), last(ok)).Body.String())
	assert.Equal(t, places, seen)

	for i, place := range places {
		t.Run("without "+string(place), func(t *testing.T) {
			seen = nil
			without := map[middleware.Place]app.Middleware{}
			for p, layer := range recording {
				without[p] = layer
			}
			without[place] = nil
			assert.Equal(t, "ok", ask(get("/"), middleware.Standard(middleware.StandardOptions{Replace: without}), last(ok)).Body.String())
			assert.Equal(t, slices.Delete(slices.Clone(places), i, i+1), seen)
			assert.Contains(t, without, place, "the map is the caller's")
		})
	}
	t.Run("with nothing", func(t *testing.T) {
		none := map[middleware.Place]app.Middleware{}
		for _, place := range places {
			none[place] = nil
		}
		w := ask(get("/"), middleware.Standard(middleware.StandardOptions{Replace: none}), last(ok))
		assert.Equal(t, "ok", w.Body.String())
		assert.Empty(t, w.Header().Get("X-Request-Id"))
	})
}

// The layers that are really there stand in that order: each is told by what it does to those below and above.
func TestStandardLayersWorkTogether(t *testing.T) {
	var l lines
	stack := func() app.Middleware {
		l = lines{}
		return middleware.Standard(middleware.StandardOptions{
			RequestLog: middleware.RequestLogOptions{Logger: l.logger()}, CORS: &friends, Throttle: &middleware.ThrottleOptions{Limit: 2},
			BodyLimit: middleware.BodyLimitOptions{Bytes: 10}, Timeout: time.Minute,
		})
	}
	all := []string{"X-Request-Id", "X-Frame-Options", "Access-Control-Allow-Origin", "Ratelimit", "Vary"}
	for _, c := range []struct {
		name   string
		layer  app.Middleware
		body   string
		status int
		extra  []string
	}{
		{"an answer", answer(saga), "", 200, []string{"Etag", "Content-Encoding"}},
		{"a body that is too long", last(echo), "ringofpower", 413, nil},
		{"time is up", fails(fmt.Errorf("store: %w", context.DeadlineExceeded)), "", 503, nil},
		{"a panic", ends["a panic"].layer, "", 500, nil},
		{"nobody", fails(app.ErrLoginRequired), "", 401, []string{"Www-Authenticate"}},
		{"nothing", ends["no answer"].layer, "", 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sending(c.body, "text/plain", true, "Origin", friend, "Accept-Encoding", "gzip")
			if c.body == "" {
				r.Method = "GET"
			}
			w := ask(r, stack(), c.layer)
			assert.Equal(t, c.status, w.Code)
			for _, header := range append(slices.Clone(all), c.extra...) {
				assert.NotEmpty(t, w.Header()[header], header)
			}
			lines := l.all(t)
			require.Len(t, lines, 1)
			assert.EqualValues(t, c.status, lines[0]["status"])
			assert.Equal(t, w.Header().Get("X-Request-Id"), lines[0]["request"])
		})
	}
	t.Run("one too many", func(t *testing.T) {
		stack := stack()
		var w *httptest.ResponseRecorder
		for range 3 {
			w = ask(get("/", "Origin", friend), stack, last(ok))
		}
		assert.Equal(t, 429, w.Code)
		assert.Equal(t, friend, w.Header().Get("Access-Control-Allow-Origin"), "a page may read that")
		assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
		assert.Len(t, l.all(t), 3)
	})
	t.Run("a preflight is not counted", func(t *testing.T) {
		stack := stack()
		for range 5 {
			assert.Equal(t, 204, ask(preflight("DELETE", "Origin", friend), stack, last(ok)).Code)
		}
		assert.Equal(t, 200, ask(get("/"), stack, last(ok)).Code)
	})
}

// What stands above sessions and routes keeps neither of them from its work.
func TestStandardAboveSessionsAndRoutes(t *testing.T) {
	var l lines
	s, _ := shire(app.SessionOptions{})
	r := router.New()
	r.Open().Post("/session", func(ctx *app.Context) error {
		var in struct{ Name string }
		if err := ctx.Bind(&in); err != nil {
			return err
		}
		ctx.Status = 201
		return ctx.Login(&hobbit{in.Name})
	})
	r.Guard(app.RequireLogin).Get("/rings/{id}", func(ctx *app.Context) error {
		_, timed := ctx.Context().Deadline()
		ctx.Body = map[string]any{"ring": ctx.Param("id"), "timed": timed, "saga": saga}
		return nil
	})
	a := quiet(middleware.Standard(middleware.StandardOptions{RequestLog: middleware.RequestLogOptions{Logger: l.logger()}}), s.Layer, r.Layer)
	send := func(q *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		q.Header.Set("Accept-Encoding", "gzip")
		a.ServeHTTP(w, q)
		return w
	}
	q := sending(`{"Name":"frodo"}`, "application/json", false)
	q.URL.Path = "/session"
	login := send(q)
	require.Equal(t, 201, login.Code)
	cookie := login.Result().Cookies()[0]
	w := send(get("/rings/7", "Cookie", cookie.Name+"="+cookie.Value))
	assert.Equal(t, 200, w.Code)
	assert.Contains(t, w.Body.String(), `"ring":"7"`, "it is somebody's own and so not compressed")
	assert.Contains(t, w.Body.String(), `"timed":true`)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Contains(t, w.Header()["Vary"], "Cookie")
	assert.NotContains(t, w.Header(), "Etag")
	assert.Equal(t, 401, send(get("/rings/7")).Code)
	all := l.all(t)
	require.Len(t, all, 3)
	assert.Equal(t, "POST /session", all[0]["route"])
	assert.Equal(t, "frodo", all[0]["user"])
	assert.Equal(t, "GET /rings/{id}", all[1]["route"])
	assert.Equal(t, "frodo", all[1]["user"])
	assert.NotContains(t, all[2], "user")
}

// A throttle without a counter counts all the same, in memory; without being asked for there is none.
func TestStandardThrottle(t *testing.T) {
	limited := middleware.Standard(middleware.StandardOptions{RequestLog: discarded, Throttle: &middleware.ThrottleOptions{Limit: 1}})
	assert.Equal(t, 200, ask(from(client), limited, last(ok)).Code)
	assert.Equal(t, 429, ask(from(client), limited, last(ok)).Code)
	shared := throttle.NewMemory()
	for _, want := range []int{200, 429} {
		process := middleware.Standard(middleware.StandardOptions{RequestLog: discarded, Throttle: &middleware.ThrottleOptions{Limit: 1}, Counter: shared})
		assert.Equal(t, want, ask(from(client), process, last(ok)).Code)
	}
	free := middleware.Standard(middleware.StandardOptions{RequestLog: discarded})
	for range 100 {
		w := ask(from(client), free, last(ok))
		assert.Equal(t, 200, w.Code)
		assert.Empty(t, w.Header().Get("RateLimit"))
	}
}

func TestStandardRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		want string
		o    middleware.StandardOptions
	}{
		"a place that there is not":     {`there is no place "reqest id"`, middleware.StandardOptions{Replace: map[middleware.Place]app.Middleware{"reqest id": nil}}},
		"a counter that counts nothing": {"without a Throttle", middleware.StandardOptions{Counter: throttle.NewMemory()}},
		"a negative timeout":            {"positive duration", middleware.StandardOptions{Timeout: -1}},
		"what CORS refuses":             {"needs Origins", middleware.StandardOptions{CORS: &middleware.CORSOptions{}}},
		"everybody with credentials":    {"act as its visitor", middleware.StandardOptions{CORS: &middleware.CORSOptions{Origins: []string{"*"}, Credentials: true}}},
		"what Throttle refuses":         {"from one to a million", middleware.StandardOptions{Throttle: &middleware.ThrottleOptions{}}},
		"what Headers refuses":          {"printable ASCII", middleware.StandardOptions{Headers: middleware.HeadersOptions{FrameOptions: "\n"}}},
		"what BodyLimit refuses":        {"negative", middleware.StandardOptions{BodyLimit: middleware.BodyLimitOptions{Bytes: -1}}},
		"what Compress refuses":         {"negative", middleware.StandardOptions{Compress: middleware.CompressOptions{MinSize: -1}}},
		"what RequestID refuses":        {"no name of a header", middleware.StandardOptions{RequestID: middleware.RequestIDOptions{Header: "a b"}}},
	} {
		t.Run(name, func(t *testing.T) { panics(t, c.want, func() { middleware.Standard(c.o) }) })
	}
	t.Run("but not what is replaced", func(t *testing.T) {
		assert.NotPanics(t, func() {
			middleware.Standard(middleware.StandardOptions{Timeout: -1, Replace: map[middleware.Place]app.Middleware{middleware.PlaceTimeout: nil}})
		})
	})
}

func ExampleStandard() {
	r := router.New()
	r.Get("/", func(ctx *app.Context) error {
		ctx.Body = "speak, friend, and enter"
		return nil
	})
	// A route that takes more than others says so itself.
	r.With(middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 50 << 20}), middleware.Timeout(5*time.Minute)).Post("/maps", func(ctx *app.Context) error {
		n, err := io.Copy(io.Discard, ctx.Request.Body)
		ctx.Body = fmt.Sprintf("%d bytes", n)
		return err
	})

	a := app.New().Use(middleware.Standard(middleware.StandardOptions{
		RequestLog: middleware.RequestLogOptions{Logger: slog.New(slog.DiscardHandler)},
		CORS:       &middleware.CORSOptions{Origins: []string{"https://rohan.example"}},
		Throttle:   &middleware.ThrottleOptions{Limit: 600},
		Replace: map[middleware.Place]app.Middleware{
			middleware.PlaceCompress: nil, // the proxy in front does that
		},
	}), r.Layer)

	for _, q := range []*http.Request{
		httptest.NewRequest("GET", "/", nil),
		httptest.NewRequest("POST", "/maps", bytes.NewReader(make([]byte, 2<<20))),
		httptest.NewRequest("POST", "/", strings.NewReader("mellon")),
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, q)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 speak, friend, and enter
	// 200 2097152 bytes
	// 405 {"errors":[{"title":"Method Not Allowed","status":405}]}
}

// dropped is a ResponseWriter that keeps nothing.
type dropped struct{ h http.Header }

func (d *dropped) Header() http.Header         { return d.h }
func (d *dropped) WriteHeader(int)             {}
func (d *dropped) Write(b []byte) (int, error) { return len(b), nil }

// stacks are what the costs are told of.
var stacks = []struct {
	name  string
	layer app.Middleware
	most  float64 // allocations of a request beyond those without the layer
}{
	{"nothing", app.Compose(), 0},
	{"request id", middleware.RequestID(middleware.RequestIDOptions{}), 6},
	{"request log", middleware.RequestLog(discarded), 5},
	{"headers", middleware.Headers(middleware.HeadersOptions{}), 2},
	{"cors", middleware.CORS(middleware.CORSOptions{Origins: []string{friend}}), 1},
	{"throttle", middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1_000_000}), 15},
	{"compress", middleware.Compress(middleware.CompressOptions{}), 9},
	{"body limit", middleware.BodyLimit(middleware.BodyLimitOptions{}), 0},
	{"timeout", middleware.Timeout(time.Minute), 8},
	{"etag", middleware.ETag, 6},
	{"Standard", middleware.Standard(middleware.StandardOptions{RequestLog: discarded}), 34},
}

// once serves a request through a layer, over and over.
func once(layer app.Middleware) func() {
	a, r, w := quiet(layer, answer("ok")), get("/"), &dropped{http.Header{}}
	return func() {
		clear(w.h)
		a.ServeHTTP(w, r)
	}
}

func TestAllocations(t *testing.T) {
	none := testing.AllocsPerRun(100, once(app.Compose()))
	for _, s := range stacks {
		got := testing.AllocsPerRun(100, once(s.layer)) - none
		t.Logf("%s: %v more than without", s.name, got)
		assert.LessOrEqual(t, got, s.most, s.name)
	}
}

func BenchmarkLayers(b *testing.B) {
	for _, s := range stacks {
		b.Run(s.name, func(b *testing.B) {
			request := once(s.layer)
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
}
