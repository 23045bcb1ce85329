package kahu_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
)

// What follows is what docs/koa.md shows; a test compares the two.

// TimingOptions are the options of Timing.
type TimingOptions struct {
	Header string           // "": X-Response-Time
	Clock  func() time.Time // nil: time.Now
}

// Timing returns a layer that says in a header how long the layers below took.
func Timing(o TimingOptions) app.Middleware {
	name := cmp.Or(o.Header, "X-Response-Time")
	now := o.Clock
	if now == nil {
		now = time.Now
	}
	return func(ctx *app.Context, next app.Handler) error {
		begun := now()
		err := next(ctx)
		ctx.Header().Set(name, now().Sub(begun).String())
		return err
	}
}

func koaCompose(hello app.Handler) app.Middleware {
	standard := app.Compose(
		middleware.RequestID(middleware.RequestIDOptions{}),
		Timing(TimingOptions{}),
		middleware.ETag,
	)
	return app.Compose(standard, func(ctx *app.Context, _ app.Handler) error { return hello(ctx) })
}

func koaEarly(ctx *app.Context, next app.Handler) error {
	alive := func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.URL.Path != "/alive" {
			return next(ctx)
		}
		ctx.Body = "yes"
		return nil
	}
	return alive(ctx, next)
}

// Missing answers 404 where a handler has found no row.
func Missing(ctx *app.Context, next app.Handler) error {
	err := next(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return &app.Error{Status: 404, Message: "There is no such thing", Cause: err}
	}
	return err
}

var errorPage = template.Must(template.New("error").Parse(`<!doctype html><title>{{.Status}}</title><h1>{{.Title}}</h1>`))

func koaErrorPage(a *app.App) {
	a.ErrorPage = func(_ *app.Context, status int, title string) []byte {
		var page bytes.Buffer
		if err := errorPage.Execute(&page, map[string]any{"Status": status, "Title": title}); err != nil {
			return nil // the plain page
		}
		return page.Bytes()
	}
}

func koaProblem(forge func(name string, rings int) error) app.Handler {
	return func(ctx *app.Context) error {
		var in struct {
			Name  string `json:"name"`
			Rings int    `json:"rings"`
		}
		if err := ctx.Bind(&in); err != nil {
			return err // 400, 413, 415
		}
		wrong := map[string]string{}
		if in.Name == "" {
			wrong["name"] = "is missing"
		}
		if in.Rings < 1 || in.Rings > 20 {
			wrong["rings"] = "is from 1 to 20"
		}
		if len(wrong) > 0 {
			return &app.Error{Status: 422, Message: "Some fields are wrong", Extensions: map[string]any{"fields": wrong}}
		}
		ctx.Status = 201
		return forge(in.Name, in.Rings)
	}
}

func koaPages(r *router.Router) {
	r.NotFound(func(ctx *app.Context) error { // Status is 404
		ctx.SetType("html")
		ctx.Body = "<h1>There is nothing here</h1>"
		return nil
	})
	r.MethodNotAllowed(func(ctx *app.Context) error { // 405 or 501, with Allow
		ctx.SetType("html")
		ctx.Body = "<h1>Not like this</h1>"
		return nil
	})
	r.Group("/api", func(r *router.Router) {
		r.NotFound(func(ctx *app.Context) error { return ctx.Throw(404, "No such thing") })
	})
}

// What follows is not shown.

// koaServe returns a client of these layers.
func koaServe(t *testing.T, layers ...app.Middleware) *apptest.Client {
	t.Helper()
	return koaClient(t, app.New().Use(layers...))
}

// koaClient returns a client of an application.
func koaClient(t *testing.T, a http.Handler) *apptest.Client {
	t.Helper()
	c := apptest.NewClient(t, a)
	c.Base = "https://shire.example"
	return c
}

// koaAsk sends a request with headers, name after value.
func koaAsk(c *apptest.Client, method, path string, headers ...string) *apptest.Response {
	r := c.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.Do(r)
}

// answering is a layer that answers by h and calls nobody.
func answering(h app.Handler) app.Middleware {
	return func(ctx *app.Context, _ app.Handler) error { return h(ctx) }
}

func TestKoaTiming(t *testing.T) {
	clock := apptest.NewClock(time.Now())
	for header, o := range map[string]TimingOptions{
		"X-Response-Time": {Clock: clock.Now},
		"Server-Took":     {Clock: clock.Now, Header: "Server-Took"},
	} {
		c := koaServe(t, Timing(o), answering(func(ctx *app.Context) error {
			clock.Advance(1500 * time.Millisecond)
			if ctx.Request.URL.Path == "/mordor" {
				return ctx.Throw(403, "One does not simply walk there")
			}
			ctx.Body = "home"
			return nil
		}))
		res := c.Get("/")
		assert.Equal(t, 200, res.Status)
		assert.Equal(t, "home", res.Body)
		assert.Equal(t, "1.5s", res.Header.Get(header))
		res = c.Get("/mordor")
		assert.Equal(t, 403, res.Status)
		assert.Equal(t, "1.5s", res.Header.Get(header), "errors have it, too")
	}
}

func TestKoaCompose(t *testing.T) {
	c := koaServe(t, koaCompose(func(ctx *app.Context) error {
		ctx.Body = "home"
		return nil
	}))
	res := c.Get("/")
	assert.Equal(t, 200, res.Status)
	assert.NotEmpty(t, res.Header.Get("X-Request-Id"))
	assert.NotEmpty(t, res.Header.Get("X-Response-Time"))
	assert.Equal(t, 304, koaAsk(c, "GET", "/", "If-None-Match", res.Header.Get("ETag")).Status)
}

func TestKoaAnswersEarly(t *testing.T) {
	below := 0
	c := koaServe(t, koaEarly, answering(func(ctx *app.Context) error {
		below++
		return ctx.Throw(401, "")
	}))
	res := c.Get("/alive")
	assert.Equal(t, 200, res.Status)
	assert.Equal(t, "yes", res.Body)
	assert.Zero(t, below)
	assert.Equal(t, 401, c.Get("/").Status)
	assert.Equal(t, 1, below)
}

func TestKoaErrorPage(t *testing.T) {
	var told []error
	a := app.New()
	a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
	koaErrorPage(a)
	failure := errors.New("the bridge has fallen")
	a.Use(Missing, answering(func(ctx *app.Context) error {
		switch ctx.Request.URL.Path {
		case "/ring":
			ctx.Attachment("ring.pdf")
			ctx.Header().Set("Cache-Control", "public, max-age=600")
			ctx.Body = strings.NewReader("half of it")
			return ctx.Throw(409, "No such <ring>")
		case "/row":
			return fmt.Errorf("find it: %w", sql.ErrNoRows)
		case "/bridge":
			return failure
		}
		ctx.Body = "home"
		return nil
	}))
	c := koaClient(t, a)
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

	res := koaAsk(c, "GET", "/ring", "Accept", browser)
	assert.Equal(t, 409, res.Status)
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, `<!doctype html><title>409</title><h1>No such &lt;ring&gt;</h1>`, res.Body)
	assert.Empty(t, res.Header.Get("Content-Disposition"))
	assert.Empty(t, res.Header.Get("Cache-Control"))

	res = koaAsk(c, "GET", "/row", "Accept", "application/json")
	assert.Equal(t, 404, res.Status)
	assert.JSONEq(t, `{"errors":[{"title":"There is no such thing","status":404}]}`, res.Body)
	assert.Equal(t, 200, koaAsk(c, "GET", "/", "Accept", browser).Status)
	assert.Empty(t, told)

	res = koaAsk(c, "GET", "/bridge", "Accept", browser)
	assert.Equal(t, 500, res.Status)
	assert.Equal(t, `<!doctype html><title>500</title><h1>Internal Server Error</h1>`, res.Body)
	assert.Equal(t, []error{failure}, told, "a fault is told")
}

func TestKoaProblemDetails(t *testing.T) {
	forged := ""
	c := koaServe(t, answering(koaProblem(func(name string, rings int) error {
		forged = fmt.Sprint(name, " ", rings)
		return nil
	})))
	c.Header.Set("Accept", "application/problem+json")
	res := c.PostJSON("/", map[string]any{"rings": 21})
	assert.Equal(t, 422, res.Status)
	assert.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
	assert.JSONEq(t, `{"type":"about:blank","title":"Some fields are wrong","status":422,"fields":{"name":"is missing","rings":"is from 1 to 20"}}`, res.Body)

	c.Header.Set("Accept", "application/json")
	res = c.PostJSON("/", map[string]any{"name": "Celebrimbor"})
	assert.Equal(t, 422, res.Status)
	assert.JSONEq(t, `{"errors":[{"title":"Some fields are wrong","status":422,"fields":{"rings":"is from 1 to 20"}}]}`, res.Body)

	assert.Equal(t, 400, c.Post("/", "application/json", `{"rings":"three"}`).Status)
	assert.Equal(t, 415, c.Post("/", "text/xml", `<rings/>`).Status)
	assert.Empty(t, forged)
	assert.Equal(t, 201, c.PostJSON("/", map[string]any{"name": "Celebrimbor", "rings": 3}).Status)
	assert.Equal(t, "Celebrimbor 3", forged)
}

func TestKoaPagesForWhatIsNotThere(t *testing.T) {
	r := router.New()
	koaPages(r)
	r.Open().Get("/rings", nothing)
	c := koaServe(t, r.Layer)
	res := c.Get("/nowhere")
	assert.Equal(t, 404, res.Status)
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "<h1>There is nothing here</h1>", res.Body)
	res = c.Delete("/rings")
	assert.Equal(t, 405, res.Status)
	assert.Equal(t, "<h1>Not like this</h1>", res.Body)
	assert.Equal(t, "GET, HEAD", res.Header.Get("Allow"))
	assert.Equal(t, 501, koaAsk(c, "RINGS", "/rings").Status)
	res = c.Get("/api/nowhere")
	assert.Equal(t, 404, res.Status)
	assert.JSONEq(t, `{"errors":[{"title":"No such thing","status":404}]}`, res.Body)
	assert.NotContains(t, c.Get("/rings").Body, "nothing here", "a handler's own 404 is not asked for")
}
