package app_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// What koa-csrf does with tokens in pages, its exemptions and its failures, done without tokens.

// deed asks who did it, and so needs the session or a token.
func deed(ctx *app.Context) error {
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	if id == nil {
		return app.ErrLoginRequired
	}
	ctx.Body = "done by " + id.User.(*hobbit).Name
	return nil
}

func crossSite(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://example.com/deed", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://mordor.example")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestCrossSiteExemptions(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	for _, c := range []struct {
		method string
		want   int // with the cookie
	}{
		{"GET", 200}, {"HEAD", 200}, {"OPTIONS", 200},
		{"POST", 403}, {"PUT", 403}, {"PATCH", 403}, {"DELETE", 403}, {"BREW", 403}, {"get", 403}, {"PROPFIND", 403},
		{"TRACE", 405}, {"CONNECT", 405}, // for nobody, from nowhere
	} {
		t.Run(c.method+" with the cookie", func(t *testing.T) {
			assert.Equal(t, c.want, w.send(with(crossSite(c.method), cookie), last(deed)).Code)
		})
		t.Run(c.method+" with a token", func(t *testing.T) {
			want := 200
			if c.want == 405 {
				want = 405
			}
			for _, cookies := range [][]*http.Cookie{nil, {cookie}} {
				res := w.send(with(crossSite(c.method, "Authorization", "x"), cookies...), app.Authenticate(ender{new(int), nil}), last(deed))
				assert.Equal(t, want, res.Code, "no page of another site can make a browser send it")
			}
		})
		t.Run(c.method+" with a credential that browsers send by themselves", func(t *testing.T) {
			res := w.send(with(crossSite(c.method), cookie), app.Authenticate(always{&hobbit{"frodo"}}), last(func(ctx *app.Context) error {
				if _, err := ctx.Session(); err != nil {
					return err
				}
				s, err := ctx.Session()
				if err != nil {
					return err
				}
				_, err = s.Get("ring", new(int))
				ctx.Body = "done"
				return err
			}))
			assert.Equal(t, c.want, res.Code)
		})
	}
	t.Run("a header that says it is a token is none", func(t *testing.T) {
		res := w.send(with(crossSite("POST", "Authorization", "Bearer x"), cookie), last(deed))
		assert.Equal(t, 403, res.Code, "nobody has asked what it proves")
		wrong := app.Identify(rejecting{})
		assert.NotEqual(t, 200, w.send(with(crossSite("POST", "Authorization", "x"), cookie), wrong, last(deed)).Code)
	})
	t.Run("a method in a header or a field is none", func(t *testing.T) {
		for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-Csrf-Token", "X-Requested-With"} {
			assert.Equal(t, 403, w.send(with(crossSite("POST", name, "GET"), cookie), last(deed)).Code, name)
		}
		r := with(crossSite("POST"), cookie)
		r.URL.RawQuery = "_method=GET&_csrf=x"
		assert.Equal(t, 403, w.send(r, last(deed)).Code)
	})
}

type rejecting struct{}

func (rejecting) Authenticate(*app.Context) (*app.Identity, error) { return nil, &app.Rejection{} }

func TestCrossSiteRefusal(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	t.Run("is a 403 that says so in the form that is asked for", func(t *testing.T) {
		for accept, want := range map[string]string{
			"": `{"errors":[{"title":"Cross-site request refused","status":403}]}`, "text/plain": "Cross-site request refused",
			"application/problem+json": `{"type":"about:blank","title":"Cross-site request refused","status":403}`,
		} {
			res := w.send(with(crossSite("POST", "Accept", accept), cookie), last(deed))
			assert.Equal(t, 403, res.Code)
			assert.Equal(t, want, res.Body.String())
		}
	})
	t.Run("asks no store and ends no session and sets no cookie", func(t *testing.T) {
		before := w.store.Calls()
		for _, h := range []app.Handler{deed, setting, (*app.Context).Logout, func(ctx *app.Context) error { return ctx.Login(&hobbit{"mallory"}) }} {
			res := w.send(with(crossSite("POST"), cookie), last(h))
			assert.Equal(t, 403, res.Code)
			assert.Empty(t, res.Header()["Set-Cookie"])
		}
		assert.Equal(t, before, w.store.Calls())
		assert.Equal(t, 200, w.send(with(get("https://example.com/"), cookie), last(deed)).Code, "the owner is logged in as before")
	})
	t.Run("is no fault of the server", func(t *testing.T) {
		told := 0
		a := quiet().Use(w.sessions.Layer, last(deed))
		a.OnError = func(*app.Context, error) { told++ }
		assert.Equal(t, 403, record(a, with(crossSite("POST"), cookie)).Code)
		assert.Zero(t, told)
	})
	t.Run("a layer above can answer it", func(t *testing.T) {
		res := w.send(with(crossSite("POST"), cookie), func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			if e, ok := errors.AsType[*app.Error](err); ok && e.Status == 403 {
				ctx.Status, ctx.Body = 403, "Please use the form on our page"
				return nil
			}
			return err
		}, last(deed))
		assert.Equal(t, 403, res.Code)
		assert.Equal(t, "Please use the form on our page", res.Body.String())
	})
	t.Run("cannot be swallowed into an answer", func(t *testing.T) {
		res := w.send(with(crossSite("POST"), cookie), last(func(ctx *app.Context) error {
			ctx.Body = "deleted all rings of nobody"
			_ = ctx.User()
			return nil
		}))
		assert.Equal(t, 403, res.Code)
	})
}

// koa-csrf lets everything pass silently if there is no session layer.
func TestWithoutSessionsNothingPassesSilently(t *testing.T) {
	for name, h := range map[string]app.Handler{
		"Session":      func(ctx *app.Context) error { _, err := ctx.Session(); return err },
		"Login":        func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) },
		"Logout":       (*app.Context).Logout,
		"RequireLogin": func(ctx *app.Context) error { return app.RequireLogin(ctx, ok) },
		"LoggedIn":     app.LoggedIn(func(ctx *app.Context, _ *hobbit) error { return ok(ctx) }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*http.Request{crossSite("POST"), post("https://example.com/", "text/plain", ""), get("/")} {
				var told []error
				a := quiet().Use(last(h))
				a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
				assert.Equal(t, 500, record(a, r).Code)
				require.Len(t, told, 1)
				assert.ErrorContains(t, told[0], "there is no Sessions layer above: add app.Use(sessions.Layer) before it")
			}
		})
	}
}

// koa-csrf fails with 500 if no body parser stands above; ours looks at headers only.
func TestCrossSiteCheckReadsNoBody(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	bodies := map[string]func() io.Reader{
		"none":           func() io.Reader { return http.NoBody },
		"one that fails": func() io.Reader { return breaking{} },
		"an endless one": func() io.Reader { return io.MultiReader(slices.Repeat([]io.Reader{strings.NewReader("x")}, 10)...) },
	}
	for name, body := range bodies {
		for _, contentType := range []string{"", "application/json", "multipart/form-data; boundary=x", "no type"} {
			t.Run(name+" of type "+contentType, func(t *testing.T) {
				for site, want := range map[string]int{"same-origin": 200, "none": 200, "cross-site": 403, "same-site": 403} {
					read := &watched{Reader: body()}
					r := httptest.NewRequest("POST", "https://example.com/", nil)
					r.Body, r.ContentLength = io.NopCloser(read), -1
					r.Header.Set("Content-Type", contentType)
					r.Header.Set("Sec-Fetch-Site", site)
					assert.Equal(t, want, w.send(with(r, cookie), last(deed)).Code, site)
					assert.Zero(t, read.n, "the body is the handler's")
				}
			})
		}
	}
}

// watched counts how often it is read.
type watched struct {
	io.Reader
	n int
}

func (w *watched) Read(b []byte) (int, error) {
	w.n++
	return w.Reader.Read(b)
}
