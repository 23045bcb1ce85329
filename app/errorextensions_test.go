package app_test

import (
	"errors"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

func TestErrorsHaveExtensions(t *testing.T) {
	fields := map[string]any{"fields": map[string]string{"ring": "not worn here"}, "status": 200, "title": "no", "type": "no"}
	const problem = "application/problem+json"
	for name, c := range map[string]struct {
		err    error
		accept string
		want   string
		faults int
	}{
		"in JSON":                         {&app.Error{Status: 422, Message: "No", Extensions: fields}, "", `{"errors":[{"title":"No","status":422,"fields":{"ring":"not worn here"}}]}`, 0},
		"in problem details":              {&app.Error{Status: 422, Extensions: fields}, problem, `{"type":"about:blank","title":"Unprocessable Entity","status":422,"fields":{"ring":"not worn here"}}`, 0},
		"not in text":                     {&app.Error{Status: 422, Extensions: fields}, "text/plain", "Unprocessable Entity", 0},
		"not in a fault":                  {&app.Error{Status: 503, Message: "mellon", Extensions: fields}, "", `{"errors":[{"title":"Service Unavailable","status":503}]}`, 1},
		"in a fault that is exposed":      {&app.Error{Status: 503, Message: "Back at noon", Extensions: map[string]any{"until": 12}, Expose: true}, "", `{"errors":[{"title":"Back at noon","status":503,"until":12}]}`, 1},
		"not with an impossible status":   {&app.Error{Status: 200, Message: "mellon", Extensions: fields}, "", `{"errors":[{"title":"Internal Server Error","status":500}]}`, 1},
		"not of a panic with it":          {&app.PanicError{Value: &app.Error{Status: 422, Extensions: fields, Expose: true}}, "", `{"errors":[{"title":"Internal Server Error","status":500}]}`, 1},
		"none but the names of ours":      {&app.Error{Status: 404, Extensions: map[string]any{"status": 1, "Status": 2, "TITLE": 3}}, "", `{"errors":[{"title":"Not Found","status":404}]}`, 0},
		"that are no JSON are reported":   {&app.Error{Status: 404, Extensions: map[string]any{"n": math.NaN()}}, "", `{"errors":[{"title":"Not Found","status":404}]}`, 1},
		"that panic are reported":         {&app.Error{Status: 404, Extensions: map[string]any{"n": failing{}}}, "", `{"errors":[{"title":"Not Found","status":404}]}`, 1},
		"and a rejection of 5xx has none": {&app.Rejection{Status: 503, Message: "mellon"}, "", `{"errors":[{"title":"Service Unavailable","status":503}]}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := maps.Clone(fields)
			r := get("/")
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w, told := answered(r, last(func(*app.Context) error { return c.err }))
			assert.Equal(t, c.want, w.Body.String())
			assert.Len(t, told, c.faults)
			assert.Equal(t, before, fields)
		})
	}
}

func TestAssert(t *testing.T) {
	for name, c := range map[string]struct {
		ok     bool
		status int
	}{"what holds goes on": {true, 204}, "what does not is thrown": {false, 404}} {
		t.Run(name, func(t *testing.T) {
			w, told := answered(get("/"), last(func(ctx *app.Context) error {
				if err := ctx.Assert(c.ok, 404, "No such ring"); err != nil {
					return errors.Join(err)
				}
				ctx.Status = http.StatusNoContent
				return nil
			}))
			assert.Equal(t, c.status, w.Code)
			assert.Empty(t, told)
			if !c.ok {
				assert.Equal(t, "No such ring", title(t, w))
			}
		})
	}
}

func TestErrorPage(t *testing.T) {
	for name, c := range map[string]struct {
		page   func(ctx *app.Context, status int, title string) []byte
		accept string
		err    error
		want   string
		policy string
		faults int
	}{
		"is what a browser gets": {func(_ *app.Context, status int, title string) []byte { return []byte(title + " in the Shire") }, "text/html",
			app.ErrLoginRequired, "Login required in the Shire", "default-src 'none'", 0},
		"may have a policy of its own": {func(ctx *app.Context, _ int, _ string) []byte {
			ctx.Header().Set("Content-Security-Policy", "img-src 'self'")
			return []byte("<img src=ring.png>")
		}, "text/html", &app.Error{Status: 404}, "<img src=ring.png>", "img-src 'self'", 0},
		"is not told why of a fault": {func(_ *app.Context, _ int, title string) []byte { return []byte(title) }, "text/html",
			errors.New("mellon"), "Internal Server Error", "default-src 'none'", 1},
		"is for nobody else": {func(*app.Context, int, string) []byte { return []byte("page") }, "application/json",
			&app.Error{Status: 404}, `{"errors":[{"title":"Not Found","status":404}]}`, "", 0},
		"that panics is reported and a plain one takes its place": {func(*app.Context, int, string) []byte { panic("balrog") }, "text/html",
			&app.Error{Status: 404}, "<h1>404</h1><p>Not Found</p>", "default-src 'none'", 1},
		"that is nothing is a plain one": {func(*app.Context, int, string) []byte { return nil }, "text/html",
			&app.Error{Status: 404}, "<h1>404</h1><p>Not Found</p>", "default-src 'none'", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var told []error
			a := app.New().Use(last(func(*app.Context) error { return c.err }))
			a.ErrorPage = c.page
			a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
			r, w := get("/"), httptest.NewRecorder()
			r.Header.Set("Accept", c.accept)
			a.ServeHTTP(w, r)
			assert.Contains(t, w.Body.String(), c.want)
			assert.Contains(t, w.Header().Get("Content-Security-Policy"), c.policy)
			assert.Len(t, told, c.faults)
		})
	}
}
