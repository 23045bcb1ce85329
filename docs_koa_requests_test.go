package kahu_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
)

// What follows is what docs/koa.md shows; a test compares the two.

func koaUpload(save func(ctx context.Context, title string, from io.Reader) error) app.Handler {
	return func(ctx *app.Context) error {
		var in struct {
			Title string                `json:"title"`
			Map   *multipart.FileHeader `json:"map"`
		}
		if err := ctx.BindUpTo(10<<20, &in); err != nil { // 10 MiB in all
			return err
		}
		if err := ctx.Assert(in.Map != nil, 400, "Choose a file"); err != nil {
			return err
		}
		file, err := in.Map.Open()
		if err != nil {
			return err
		}
		defer file.Close()
		ctx.Status = 201
		return save(ctx.Context(), in.Title, file) // in.Map.Filename is the client's word
	}
}

// A Village is whose pages a host has.
type Village struct{ Name string }

var village = app.NewKey[*Village]("village")

func koaHosts(a *app.App, api, villages, site *router.Router, find func(ctx context.Context, name string) (*Village, error)) {
	atVillage := func(ctx *app.Context, next app.Handler) error {
		v, err := find(ctx.Context(), ctx.Subdomains()[0])
		if err != nil {
			return err
		}
		village.Set(ctx, v)
		return next(ctx)
	}
	a.Hosts = []string{"shire.example", "*.shire.example"} // others are answered 421
	a.Use(
		router.Host("api.shire.example", api.Layer),
		router.Host("*.shire.example", atVillage, villages.Layer),
		site.Layer,
	)
}

func koaVillagePage(r *router.Router) {
	r.Open().Get("/", func(ctx *app.Context) error {
		v, ok := village.Get(ctx) // a *Village
		if !ok {
			return ctx.Throw(404, "")
		}
		ctx.Body = "Welcome to " + v.Name
		return nil
	})
}

func koaInside(r, admin *router.Router, wiki *app.App) {
	r.Guard(app.RequireLogin).Include("/admin", admin)             // routes of another table
	r.Open().Mount("/wiki", http.StripPrefix("/wiki", wiki))       // an application
	r.Open().Mount("/debug", http.StripPrefix("/debug", debugMux)) // any http.Handler
}

func koaTyped(r *router.Router, list func(page int, types []string) any, find func(id int64) any) {
	r.Open().Get("/rings", func(ctx *app.Context) error {
		page, err := app.Query(ctx, "page", 1)
		if err != nil {
			return err // 400: ?page=one, or two pages
		}
		types, err := app.Query(ctx, "type", []string(nil)) // ?type=elf&type=dwarf
		if err != nil {
			return err
		}
		ctx.Body = list(page, types)
		return nil
	})
	r.Open().Get("/rings/{id}", func(ctx *app.Context) error {
		id, err := app.Param[int64](ctx, "id")
		if err != nil {
			return err // 404: there is nothing at /rings/one
		}
		ctx.Body = find(id)
		return nil
	})
}

// What follows is not shown.

var debugMux = http.NewServeMux()

func init() {
	debugMux.HandleFunc("GET /vars", func(w http.ResponseWriter, r *http.Request) {
		user, _ := app.UserFrom[*User](r.Context())
		fmt.Fprint(w, "the variables, for ", user.Username)
	})
}

// koaForm returns a multipart body; a name that begins with @ is a file's.
func koaForm(t *testing.T, fields ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		name, isFile := strings.CutPrefix(fields[i], "@")
		part, err := form.CreateFormField(name)
		if isFile {
			part, err = form.CreateFormFile(name, `C:\maps\shire.png`)
		}
		require.NoError(t, err)
		_, _ = io.WriteString(part, fields[i+1])
	}
	require.NoError(t, form.Close())
	return form.FormDataContentType(), b.String()
}

func TestKoaUpload(t *testing.T) {
	var saved []string
	c := koaServe(t, answering(koaUpload(func(_ context.Context, title string, from io.Reader) error {
		text, err := io.ReadAll(from)
		saved = append(saved, title, string(text))
		return err
	})))
	send := func(fields ...string) *apptest.Response {
		contentType, body := koaForm(t, fields...)
		return c.Post("/", contentType, body)
	}
	assert.Equal(t, 201, send("title", "The Shire", "@map", "hills").Status)
	large := strings.Repeat("m", 3<<20)
	assert.Equal(t, 201, send("title", "Mordor", "@map", large).Status)
	assert.Equal(t, []string{"The Shire", "hills", "Mordor", large}, saved)
	res := send("title", "The Shire")
	assert.Equal(t, 400, res.Status)
	assert.Contains(t, res.Body, "Choose a file")
	assert.Equal(t, 400, send("title", "The Shire", "map", "no file").Status)
	assert.Equal(t, 413, send("@map", strings.Repeat("m", 10<<20)).Status)
	assert.Len(t, saved, 4)
}

func TestKoaHosts(t *testing.T) {
	api, villages, site := router.New(), router.New(), router.New()
	koaVillagePage(villages)
	says := func(text string) app.Handler {
		return func(ctx *app.Context) error { ctx.Body = text; return nil }
	}
	api.Open().Get("/rings", says("the API"))
	site.Open().Get("/", says("the site"))
	site.Open().Get("/rings", says("all rings"))
	site.Group("/elsewhere", func(r *router.Router) { koaVillagePage(r) })
	a := app.New()
	koaHosts(a, api, villages, site, func(_ context.Context, name string) (*Village, error) {
		if name == "moria" {
			return nil, &app.Error{Status: 404, Message: "No such village"}
		}
		return &Village{"the village of " + name}, nil
	})
	for address, want := range map[string]string{
		"https://api.shire.example/rings":      "200 the API",
		"https://API.shire.example:8443/rings": "200 the API",
		"https://api.shire.example/":           "404 ",
		"https://bree.shire.example/":          "200 Welcome to the village of bree",
		"https://shire.example/":               "200 the site",
		"https://shire.example/rings":          "200 all rings",
		"https://shire.example/elsewhere/":     "404 ",
		"https://mordor.example/":              "421 ",
	} {
		c := apptest.NewClient(t, a)
		c.Base = ""
		res := c.Get(address)
		if res.Status != 200 {
			res.Body = ""
		}
		assert.Equal(t, want, fmt.Sprint(res.Status, " ", res.Body), address)
	}
	c := apptest.NewClient(t, a)
	c.Base = "https://moria.shire.example"
	res := c.Get("/")
	assert.Equal(t, 404, res.Status)
	assert.Contains(t, res.Body, "No such village")
}

func TestKoaApplicationInsideAnother(t *testing.T) {
	sessions := app.NewSessions(sessionstores.NewMemory(), &everybody{}, app.SessionOptions{})
	admin, r, pages := router.New(), router.New(), router.New()
	admin.Get("/rings", func(ctx *app.Context) error {
		ctx.Body = "all rings, for " + ctx.User().(*User).Username
		return nil
	})
	var told []string
	wiki := app.New()
	wiki.OnError = func(_ *app.Context, err error) { told = append(told, err.Error()) }
	pages.Open().Get("/{page}", func(ctx *app.Context) error {
		ctx.Body = fmt.Sprint(ctx.Param("page"), " at ", ctx.Request.URL.Path, " of ", ctx.OriginalURL(), ", known: ", ctx.IsAuthenticated())
		return nil
	})
	pages.Open().Get("/broken/page", func(*app.Context) error { return fmt.Errorf("no ink") })
	wiki.Use(pages.Layer)
	koaInside(r, admin, wiki)
	c := koaServe(t, sessions.Layer, r.Layer)

	assert.Equal(t, 401, c.Get("/admin/rings").Status)
	assert.Equal(t, 401, c.Get("/admin/nothing").Status, "guards cover the prefix")
	apptest.ActAs(t, c, sessions, &User{"frodo"})
	assert.Equal(t, "all rings, for frodo", c.Get("/admin/rings").Body)
	assert.Equal(t, "balrog at /balrog of /wiki/balrog, known: false", c.Get("/wiki/balrog").Body, "it knows whom its own layers know")
	assert.Equal(t, 404, c.Get("/wiki/balrog/wings").Status)
	assert.Equal(t, 500, c.Get("/wiki/broken/page").Status)
	assert.Equal(t, []string{"no ink"}, told, "its errors are its own")
	assert.Equal(t, "the variables, for frodo", c.Get("/debug/vars").Body)
}

func TestKoaTypedQueryAndParameters(t *testing.T) {
	r := router.New()
	koaTyped(r, func(page int, types []string) any { return fmt.Sprint("page ", page, " ", types) }, func(id int64) any { return fmt.Sprint("ring ", id) })
	c := koaServe(t, r.Layer)
	for target, want := range map[string]string{
		"/rings":                         "200 page 1 []",
		"/rings?page=2":                  "200 page 2 []",
		"/rings?page=2&type=elf&type=of": "200 page 2 [elf of]",
		"/rings?page=one":                "400 ",
		"/rings?page=1&page=2":           "400 ",
		"/rings/7":                       "200 ring 7",
		"/rings/one":                     "404 ",
		"/rings/9223372036854775808":     "404 ",
	} {
		res := c.Get(target)
		if res.Status != 200 {
			res.Body = ""
		}
		assert.Equal(t, want, fmt.Sprint(res.Status, " ", res.Body), target)
	}
}
