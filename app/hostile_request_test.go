package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A handler that parses a form by net/http is given a copy of the server's request, so the server does not see which temporary
// files there are.
func TestTemporaryFilesOfNetHTTPGoWithTheRequest(t *testing.T) {
	derived := func(ctx *app.Context, next app.Handler) error {
		ctx.SetContext(context.WithValue(ctx.Context(), hobbit{}, 1))
		return next(ctx)
	}
	parse := func(r *http.Request) { assert.NoError(t, r.ParseMultipartForm(1)) }
	mounted := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { parse(r) })
	then := func(f func(ctx *app.Context) error) app.Middleware {
		return last(func(ctx *app.Context) error {
			parse(ctx.Request)
			return f(ctx)
		})
	}
	answers := func(*app.Context) error { return nil }
	for name, h := range map[string]http.Handler{
		"of a handler":                     quiet().Use(then(answers)),
		"of a mounted handler":             quiet().Use(last(app.Mount(mounted))),
		"below Wrap":                       quiet().Use(app.Wrap(unchanged), then(answers)),
		"of a mounted handler below Wrap":  quiet().Use(app.Wrap(unchanged), last(app.Mount(mounted))),
		"below Adapt":                      app.Adapt(derived)(mounted),
		"below Adapt twice":                app.Adapt(derived)(app.Adapt(derived)(mounted)),
		"below a layer with a new context": quiet().Use(derived, then(answers)),
		"after an error":                   quiet().Use(derived, then(func(*app.Context) error { return errBoom })),
		"after a panic":                    quiet().Use(app.Wrap(unchanged), then(func(*app.Context) error { panic("boom") })),
		"after a cut":                      quiet().Use(derived, then(func(*app.Context) error { panic(http.ErrAbortHandler) })),
		"after Hijack": quiet().Use(then(func(ctx *app.Context) error {
			conn, _, err := http.NewResponseController(ctx.Writer()).Hijack()
			if err != nil {
				return err
			}
			return conn.Close()
		})),
	} {
		t.Run(name, func(t *testing.T) {
			folder, over := t.TempDir(), make(chan struct{})
			t.Setenv("TMPDIR", folder)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(over)
				h.ServeHTTP(w, r)
			}))
			if res, err := http.Post(server.URL, multipartType, strings.NewReader(big(11<<20))); err == nil {
				res.Body.Close()
			}
			<-over
			server.Close() // waits for the request
			files, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Empty(t, files)
		})
	}
	t.Run("not those of who has parsed it above", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		r := post("/", multipartType, big(11<<20))
		parse(r)
		app.Adapt(derived)(mounted).ServeHTTP(httptest.NewRecorder(), r)
		assert.Len(t, content(t, r.MultipartForm.File["face"][0]), 11<<20)
	})
}

// The target of a request need not begin with a slash: what is none of a path must not become a part of the host.
func TestHrefOfTargetsThatAreNoPath(t *testing.T) {
	w := newRespWire(t, last(func(ctx *app.Context) error {
		ctx.Body = ctx.Href()
		return nil
	}))
	for target, want := range map[string]string{
		"*":                  "http://shire.example",
		"http:.evil.example": "http://shire.example",
		"http:@evil.example": "http://shire.example",
		"//evil.example/x":   "http://shire.example//evil.example/x",
		"http:":              "http://shire.example/",
		"/a?b":               "http://shire.example/a?b",
	} {
		assert.Equal(t, want, w.ask("GET", target).body, target)
	}
}

// Who proxies a request sends the path that SetPath gave it, whatever form its target had.
func TestSetPathOfATargetThatIsNoPath(t *testing.T) {
	w := newRespWire(t, last(func(ctx *app.Context) error {
		if err := ctx.SetPath("/inside"); err != nil {
			return err
		}
		ctx.Body = ctx.Request.URL.RequestURI()
		return nil
	}))
	assert.Equal(t, "/inside", w.ask("GET", "http:outside").body)
}
