package kahu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
)

// What follows is what docs/koa.md shows; a test compares the two.

// Files are those of a file system that are not hidden. Its directories are not listed.
type Files struct{ fs.FS }

// Open opens a file and no directory.
func (f Files) Open(name string) (fs.File, error) {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return nil, fs.ErrNotExist
		}
	}
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || info.IsDir() {
		_ = file.Close()
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	return file, nil
}

func koaStatic(r *router.Router, public fs.FS) {
	files := http.FileServerFS(Files{public}) // such as an embed.FS, or os.DirFS("public")
	r.Open().Mount("/static", http.StripPrefix("/static", files))
}

var ringPage = template.Must(template.New("ring").Parse(`<!doctype html><title>{{.Name}}</title><h1>{{.Name}}</h1>`))

// Render is ctx.render.
func Render(ctx *app.Context, page *template.Template, data any) error {
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return err // 500, and no half of a page
	}
	ctx.SetType("html")
	ctx.Body = b.Bytes()
	return nil
}

// A Ring is what the examples are about.
type Ring struct {
	Name    string `json:"name"`
	Version string `json:"-"`
}

func koaFresh(find func(ctx context.Context, id string) (*Ring, error), history func(*Ring) (string, error)) app.Handler {
	return func(ctx *app.Context) error {
		ring, err := find(ctx.Context(), ctx.Param("id"))
		if err != nil {
			return err
		}
		ctx.Status = 200
		if err := ctx.SetETag(ring.Version); err != nil {
			return err
		}
		if ctx.Fresh() {
			ctx.Status = 304
			return nil
		}
		ctx.Body, err = history(ring) // which takes long
		return err
	}
}

func koaDownload(export func(ctx context.Context, to io.Writer) error) app.Handler {
	return func(ctx *app.Context) error {
		client := ctx.Context() // ends when the client goes
		pages, w := io.Pipe()
		go func() { _ = w.CloseWithError(export(client, w)) }()
		ctx.Attachment("rings of power.pdf") // the type is application/pdf
		ctx.Body = pages
		return nil
	}
}

func koaEvents(r *router.Router, subscribe func() (news <-chan app.StreamEvent, unsubscribe func())) {
	r.Guard(app.RequireLogin).With(middleware.NoTimeout).Get("/news", func(ctx *app.Context) error {
		live, cancel, err := ctx.WhileLoggedIn(0) // ends with the login
		if err != nil {
			return err
		}
		defer cancel()
		news, unsubscribe := subscribe()
		defer unsubscribe()
		events, err := ctx.EventStream()
		if err != nil {
			return err
		}
		return events.Follow(live, news)
	})
}

func koaProxy(weather string) app.Handler {
	return func(ctx *app.Context) error {
		ask, err := http.NewRequestWithContext(ctx.Context(), "GET", weather+"/today", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(ask)
		if err != nil {
			return &app.Error{Status: 502, Cause: err}
		}
		ctx.Body = res // its status, headers and body; not its cookies
		return nil
	}
}

func koaNegotiate(ctx *app.Context, ring *Ring) error {
	switch ctx.Accepts("json", "html") {
	case "json":
		ctx.Body = ring
		return nil
	case "html":
		return Render(ctx, ringPage, ring)
	}
	return ctx.Throw(406, "Take application/json or text/html")
}

// What follows is not shown.

func TestKoaStaticFiles(t *testing.T) {
	then := time.Date(2026, 9, 22, 0, 0, 0, 0, time.UTC)
	r := router.New()
	koaStatic(r, fstest.MapFS{
		"map.txt":        {Data: []byte("the Shire"), ModTime: then},
		"maps/bree.txt":  {Data: []byte("Bree"), ModTime: then},
		".secret":        {Data: []byte("mellon")},
		".git/config":    {Data: []byte("mellon")},
		"maps/.DS_Store": {Data: []byte("mellon")},
	})
	c := koaServe(t, r.Layer)
	res := c.Get("/static/map.txt")
	assert.Equal(t, 200, res.Status)
	assert.Equal(t, "the Shire", res.Body)
	assert.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "Bree", c.Get("/static/maps/bree.txt").Body)
	assert.Equal(t, 304, koaAsk(c, "GET", "/static/map.txt", "If-Modified-Since", res.Header.Get("Last-Modified")).Status)
	part := koaAsk(c, "GET", "/static/map.txt", "Range", "bytes=4-")
	assert.Equal(t, 206, part.Status)
	assert.Equal(t, "Shire", part.Body)
	head := koaAsk(c, "HEAD", "/static/map.txt")
	assert.Equal(t, "9", head.Header.Get("Content-Length"))
	assert.Empty(t, head.Body)
	for _, path := range []string{"/static", "/static/", "/static/maps", "/static/maps/", "/static/.secret", "/static/.git/config", "/static/maps/.DS_Store", "/static/none", "/static/..%2fgo.mod"} {
		res := c.Get(path)
		for range 3 {
			if res.Status/100 != 3 {
				break
			}
			res = c.Get(res.Header.Get("Location"))
		}
		assert.Equal(t, 404, res.Status, path)
		assert.NotContains(t, res.Body, "mellon", path)
		assert.NotContains(t, res.Body, "bree", path)
	}
}

func TestKoaRender(t *testing.T) {
	c := koaServe(t, answering(func(ctx *app.Context) error {
		if ctx.Request.URL.Path == "/broken" {
			return Render(ctx, template.Must(template.New("").Parse(`<h1>{{.Nmae}}</h1>`)), &Ring{})
		}
		return Render(ctx, ringPage, &Ring{Name: "<Narya>"})
	}))
	res := c.Get("/")
	assert.Equal(t, 200, res.Status)
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "<!doctype html><title>&lt;Narya&gt;</title><h1>&lt;Narya&gt;</h1>", res.Body)
	res = c.Get("/broken")
	assert.Equal(t, 500, res.Status)
	assert.NotContains(t, res.Body, "<h1>")
}

func TestKoaFresh(t *testing.T) {
	made := 0
	r := router.New()
	r.Open().Get("/rings/{id}", koaFresh(func(_ context.Context, id string) (*Ring, error) {
		return &Ring{Name: id, Version: id + "-7"}, nil
	}, func(ring *Ring) (string, error) {
		made++
		return "the history of " + ring.Name, nil
	}))
	c := koaServe(t, r.Layer)
	res := c.Get("/rings/narya")
	assert.Equal(t, 200, res.Status)
	assert.Equal(t, "the history of narya", res.Body)
	assert.Equal(t, `"narya-7"`, res.Header.Get("ETag"))
	res = koaAsk(c, "GET", "/rings/narya", "If-None-Match", `"narya-6", "narya-7"`)
	assert.Equal(t, 304, res.Status)
	assert.Empty(t, res.Body)
	assert.Equal(t, `"narya-7"`, res.Header.Get("ETag"))
	assert.Equal(t, 1, made, "nothing was made for the client that has it")
	assert.Equal(t, 200, koaAsk(c, "GET", "/rings/narya", "If-None-Match", `"narya-6"`).Status)
}

func TestKoaDownload(t *testing.T) {
	a := app.New()
	var told []error
	a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
	ended := make(chan error, 1)
	broken := errors.New("the scribe is tired")
	a.Use(answering(koaDownload(func(ctx context.Context, to io.Writer) error {
		_, err := io.WriteString(to, "narya\nnenya\n")
		if err == nil && ctx.Value(brokenKey{}) != nil {
			err = broken
		}
		ended <- err
		return err
	})))
	c := koaClient(t, a)
	res := c.Get("/")
	assert.Equal(t, 200, res.Status)
	assert.Equal(t, "narya\nnenya\n", res.Body)
	assert.Equal(t, `attachment; filename="rings of power.pdf"`, res.Header.Get("Content-Disposition"))
	assert.Equal(t, "application/pdf", res.Header.Get("Content-Type"))
	assert.NoError(t, <-ended)
	assert.Empty(t, koaAsk(c, "HEAD", "/").Body)
	assert.ErrorIs(t, <-ended, io.ErrClosedPipe, "nobody reads on")
	assert.Empty(t, told)

	r := c.NewRequest("GET", "/", nil)
	res = c.Do(r.WithContext(context.WithValue(r.Context(), brokenKey{}, true)))
	assert.True(t, res.Aborted, "the client must not take the half for the whole")
	assert.ErrorIs(t, <-ended, broken)
	require.Len(t, told, 1)
	assert.ErrorIs(t, told[0], broken)
}

type brokenKey struct{}

// A download ends with its client.
func TestKoaDownloadIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(app.New().Use(answering(koaDownload(func(_ context.Context, to io.Writer) (err error) {
		for err == nil {
			_, err = io.WriteString(to, "narya\n")
		}
		ended <- err
		return err
	}))))
	t.Cleanup(server.Close)
	res, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	_, err = io.ReadFull(res.Body, make([]byte, 6))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Error(t, <-ended)
}

func TestKoaEvents(t *testing.T) {
	sessions := app.NewSessions(sessionstores.NewMemory(), &everybody{}, app.SessionOptions{Cookie: app.SessionCookie{InsecureHTTP: true}})
	news, over := make(chan app.StreamEvent, 2), make(chan struct{})
	r := router.New()
	koaEvents(r, func() (<-chan app.StreamEvent, func()) { return news, func() { close(over) } })
	a := app.New().Use(sessions.Layer, r.Layer)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := apptest.NewClient(t, a)
	c.Base = server.URL
	assert.Equal(t, 401, c.Get("/news").Status)

	apptest.ActAs(t, c, sessions, &User{"frodo"})
	ask, err := http.NewRequest("GET", server.URL+"/news", nil)
	require.NoError(t, err)
	ask.AddCookie(c.Cookie("session"))
	res, err := server.Client().Do(ask)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	assert.Equal(t, 200, res.StatusCode)
	assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	assert.Equal(t, "no-store, no-transform", res.Header.Get("Cache-Control"))
	news <- app.StreamEvent{ID: "1", Name: "found", Data: "the ring"}
	news <- app.StreamEvent{Data: &Ring{Name: "one"}}
	close(news)
	all, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "event: found\nid: 1\ndata: the ring\n\ndata: {\"name\":\"one\"}\n\n", string(all))
	<-over
}

// The stream ends when the user is logged out elsewhere.
func TestKoaEventsEndWithTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		news, over := make(chan app.StreamEvent), false
		r := router.New()
		koaEvents(r, func() (<-chan app.StreamEvent, func()) { return news, func() { over = true } })
		c, sessions := koaVisitor(t, app.SessionOptions{}, r.Layer)
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		answered := make(chan *apptest.Response)
		go func() { answered <- c.Get("/news") }()
		news <- app.StreamEvent{Data: "the ring is found"}
		_, err := sessions.LogoutAll(t.Context(), &User{"frodo"})
		require.NoError(t, err)
		assert.Equal(t, "data: the ring is found\n\n", (<-answered).Body)
		assert.True(t, over)
	})
}

func TestKoaProxies(t *testing.T) {
	weather := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x-weather")
		w.Header().Set("Set-Cookie", "theirs=1")
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, "rain at ", r.URL.Path)
	}))
	t.Cleanup(weather.Close)
	res := koaServe(t, answering(koaProxy(weather.URL))).Get("/")
	assert.Equal(t, 429, res.Status)
	assert.Equal(t, "rain at /today", res.Body)
	assert.Equal(t, "text/x-weather", res.Header.Get("Content-Type"))
	assert.Equal(t, "60", res.Header.Get("Retry-After"))
	assert.Empty(t, res.Header["Set-Cookie"])

	weather.Close()
	a := app.New()
	var told []error
	a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
	res = koaClient(t, a.Use(answering(koaProxy(weather.URL)))).Get("/")
	assert.Equal(t, 502, res.Status)
	assert.JSONEq(t, `{"errors":[{"title":"Bad Gateway","status":502}]}`, res.Body)
	assert.Len(t, told, 1)
}

func TestKoaNegotiates(t *testing.T) {
	c := koaServe(t, answering(func(ctx *app.Context) error { return koaNegotiate(ctx, &Ring{Name: "Vilya"}) }))
	for accept, want := range map[string]string{
		"":                                 `200 application/json; charset=utf-8 {"name":"Vilya"}`,
		"application/json":                 `200 application/json; charset=utf-8 {"name":"Vilya"}`,
		"text/html,*/*;q=0.8":              `200 text/html; charset=utf-8 <!doctype html><title>Vilya</title><h1>Vilya</h1>`,
		"text/html;q=0.2,application/json": `200 application/json; charset=utf-8 {"name":"Vilya"}`,
	} {
		res := koaAsk(c, "GET", "/", "Accept", accept)
		assert.Equal(t, want, fmt.Sprint(res.Status, " ", res.Header.Get("Content-Type"), " ", res.Body), accept)
		assert.True(t, slices.Contains(res.Header["Vary"], "Accept"))
	}
	assert.Equal(t, 406, koaAsk(c, "GET", "/", "Accept", "image/png").Status)
}
