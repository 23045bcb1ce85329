package kahu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
)

// What follows is what docs/koa.md shows; a test compares the two.

func koaDetach(r *router.Router, work *sync.WaitGroup, send func(ctx context.Context, to *User) error, log *slog.Logger) {
	r.Guard(app.RequireLogin).Post("/orders", app.LoggedIn(func(ctx *app.Context, u *User) error {
		later := ctx.Detach()
		ctx.OnFinish(func() {
			work.Go(func() {
				if err := send(later, u); err != nil {
					log.ErrorContext(later, "no mail was sent", "error", err)
				}
			})
		})
		ctx.Status = 202
		return nil
	}))
}

func TestRings(t *testing.T) {
	a, sessions := newShop()
	client := apptest.NewClient(t, a)

	res := client.Get("/rings")
	assert.Equal(t, 401, res.Status)

	apptest.ActAs(t, client, sessions, &User{"frodo"}) // without a password
	res = client.Get("/rings")
	assert.Equal(t, 200, res.Status)
	assert.JSONEq(t, `["one"]`, res.Body)
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))

	apptest.ExpiredSession(t, client, sessions, &User{"frodo"})
	assert.Equal(t, 401, client.PostJSON("/rings", "narya").Status)
}

func koaServing(a *app.App, l net.Listener, work *sync.WaitGroup) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := a.Serve(ctx, l) // a.Run(ctx, ":3000") listens by itself
	work.Wait()
	return err
}

func koaLogging(a *app.App, log *slog.Logger) {
	a.Logger = log
	a.OnEvent = app.LogEvents(log)
	a.OnError = func(ctx *app.Context, err error) {
		log.ErrorContext(ctx.Context(), "request failed", "error", err, "route", ctx.Request.Pattern,
			"request", middleware.RequestIDOf(ctx.Context()), "asked", ctx.Explain())
	}
	a.Use(
		middleware.RequestID(middleware.RequestIDOptions{}),
		middleware.RequestLog(middleware.RequestLogOptions{Logger: log}),
	)
}

// What follows is not shown.

func newShop() (*app.App, *app.Sessions) {
	sessions := app.NewSessions(sessionstores.NewMemory(), &everybody{}, app.SessionOptions{})
	r := router.New()
	r.Guard(app.RequireLogin).Group("/rings", func(r *router.Router) {
		r.Get("", func(ctx *app.Context) error { ctx.Body = []string{"one"}; return nil })
		r.Post("", nothing)
	})
	return app.New().Use(sessions.Layer, r.Layer), sessions
}

func TestKoaWorkAfterTheAnswer(t *testing.T) {
	var work sync.WaitGroup
	var log bytes.Buffer
	hold := make(chan struct{})
	var sent []string
	r := router.New()
	koaDetach(r, &work, func(ctx context.Context, to *User) error {
		<-hold
		user, _ := app.UserFrom[*User](ctx)
		sent = append(sent, to.Username, user.Username)
		return errors.Join(ctx.Err(), errors.New("no owl"))
	}, slog.New(slog.NewTextHandler(&log, nil)))
	c, sessions := koaVisitor(t, app.SessionOptions{}, r.Layer)
	apptest.ActAs(t, c, sessions, &User{"frodo"})
	ctx, cancel := context.WithCancel(t.Context())
	assert.Equal(t, 401, koaAsk(apptest.NewClient(t, app.New().Use(sessions.Layer, r.Layer)), "POST", "/orders").Status)
	assert.Equal(t, 202, c.Do(c.NewRequest("POST", "/orders", nil).WithContext(ctx)).Status)
	cancel()
	close(hold)
	work.Wait()
	assert.Equal(t, []string{"frodo", "frodo"}, sent)
	assert.Contains(t, log.String(), `msg="no mail was sent" error="no owl"`)
}

// A closing listener tells when it is closed.
type closing struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (c *closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

func TestKoaShutsDownGracefully(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &closing{Listener: tcp, closed: make(chan struct{})}
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	var work sync.WaitGroup
	mailed := false
	a := app.New().Use(answering(func(ctx *app.Context) error {
		if err := self.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		<-l.closed // the request is in flight while the server ends
		ctx.OnFinish(func() { work.Go(func() { mailed = true }) })
		ctx.Body = "done"
		return ctx.Context().Err()
	}))
	over := make(chan error, 1)
	go func() { over <- koaServing(a, l, &work) }()
	res, err := http.Get("http://" + l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, res.StatusCode)
	assert.Equal(t, "done", string(body))
	assert.NoError(t, <-over)
	assert.True(t, mailed)
	_, err = net.Dial("tcp", l.Addr().String())
	assert.Error(t, err)
}

func TestKoaLogsWhatHappenedWhere(t *testing.T) {
	var log bytes.Buffer
	a := app.New()
	koaLogging(a, slog.New(slog.NewJSONHandler(&log, nil)))
	r := router.New()
	r.Guard(app.Identify(named{}), app.RequireLogin).Get("/rings/{id}", func(ctx *app.Context) error {
		if ctx.Param("id") == "one" {
			return errors.New("it is too heavy")
		}
		ctx.Body = "a ring"
		return nil
	})
	a.Use(r.Layer)
	c := koaClient(t, a)
	lines := func(target, name string) (lines []map[string]any) {
		log.Reset()
		r := c.NewRequest("GET", target, nil)
		if name != "" {
			r.Header.Set("X-Name", name)
		}
		id := c.Do(r).Header.Get("X-Request-Id")
		for line := range strings.Lines(log.String()) {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry))
			if entry["request"] != nil {
				assert.Equal(t, id, entry["request"])
			}
			lines = append(lines, entry)
		}
		assert.NotContains(t, log.String(), "narya", "neither paths nor queries")
		return lines
	}
	got := lines("/rings/narya?secret=narya", "frodo")
	require.Len(t, got, 2)
	assert.Equal(t, "credential used", got[0]["msg"])
	assert.Equal(t, "request", got[1]["msg"])
	assert.Equal(t, "GET /rings/{id}", got[1]["route"])
	assert.EqualValues(t, 200, got[1]["status"])

	got = lines("/rings/narya", "")
	require.Len(t, got, 2)
	assert.Equal(t, "access denied", got[0]["msg"])
	assert.EqualValues(t, 401, got[1]["status"])

	got = lines("/rings/one", "frodo")
	require.Len(t, got, 3)
	assert.Equal(t, "request failed", got[1]["msg"])
	assert.Equal(t, "it is too heavy", got[1]["error"])
	assert.Contains(t, log.String(), `"result":"proved"`)
	assert.EqualValues(t, 500, got[2]["status"])
	assert.Equal(t, "ERROR", got[2]["level"])
}
