package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

const (
	errorJSON    = "application/json; charset=utf-8"
	errorProblem = "application/problem+json"
	errorPage    = "text/html; charset=utf-8"
	errorText    = "text/plain; charset=utf-8"
)

func asking(accept ...string) *http.Request {
	r := get("/")
	if len(accept) > 0 {
		r.Header["Accept"] = accept
	}
	return r
}

func TestErrorBodyIsWhatTheClientAccepts(t *testing.T) {
	tests := []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing said", nil, errorJSON},
		{"curl", []string{"*/*"}, errorJSON},
		{"Firefox", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, errorPage},
		{"Chrome", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"}, errorPage},
		{"a script", []string{"application/json"}, errorJSON},
		{"axios", []string{"application/json, text/plain, */*"}, errorJSON},
		{"problem details", []string{"application/problem+json"}, errorProblem},
		{"problem details before JSON", []string{"application/problem+json, application/json;q=0.9"}, errorProblem},
		{"JSON before problem details", []string{"application/json, application/problem+json"}, errorJSON},
		{"text", []string{"text/plain"}, errorText},
		{"any text", []string{"text/*"}, errorPage},
		{"any application", []string{"application/*"}, errorJSON},
		{"anything but JSON", []string{"*/*, application/json;q=0, application/problem+json;q=0"}, errorPage},
		{"any text but a page", []string{"text/*;q=0.5, text/html;q=0.1"}, errorText},
		{"text rather than a page", []string{"text/html;q=0.4, text/plain;q=0.6"}, errorText},
		{"the last digit", []string{"text/html;q=0.999,text/plain;q=1.000"}, errorText},
		{"q in capitals, blanks about", []string{" TEXT/HTML ; Q=0.2 ,\ttext/plain ; q=0.3 "}, errorText},
		{"a parameter before q", []string{"text/html;level=1;q=0.2, text/plain;q=0.3"}, errorText},
		{"in two lines", []string{"text/html;q=0.2", "text/plain;q=0.3"}, errorText},
		{"nothing that there is", []string{"image/png"}, errorJSON},
		{"nothing at all", []string{"*/*;q=0"}, errorJSON},
		{"an empty line", []string{""}, errorJSON},
		{"commas alone", []string{",,,"}, errorJSON},
		{"semicolons alone", []string{";;;q=;"}, errorJSON},
		{"q of words", []string{"text/html;q=high, text/plain;q=0.1"}, errorText},
		{"q over 1", []string{"text/html;q=2, text/plain;q=0.1"}, errorText},
		{"a negative q", []string{"text/html;q=-1, text/plain;q=0.1"}, errorText},
		{"q that is no number", []string{"text/html;q=NaN, text/plain;q=0.1"}, errorText},
		{"an infinite q", []string{"text/html;q=+Inf, text/plain;q=0.1"}, errorText},
		{"an empty q", []string{"text/html;q=, text/plain;q=0.1"}, errorText},
		{"no slash", []string{"html"}, errorJSON},
		{"a slash too many", []string{"text/html/x"}, errorJSON},
		{"half a wildcard", []string{"*/html"}, errorJSON},
		{"a star", []string{"*"}, errorJSON},
		{"invalid UTF-8", []string{"text/\xff"}, errorJSON},
		{"very many", []string{strings.Repeat("a/b,", 10_000) + "text/html"}, errorPage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serve(asking(test.accept...), returning(&app.Error{Status: 409, Message: "Taken"}))
			assert.Equal(t, 409, w.Code)
			assert.Equal(t, test.want, w.Header().Get("Content-Type"))
			assert.Contains(t, w.Body.String(), "Taken")
			assert.Equal(t, []string{"Accept"}, w.Header()["Vary"])
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
}

func TestErrorBodies(t *testing.T) {
	hostile := &app.Error{Status: 422, Message: "<script>alert(\"1\")</script> & 'x'\u2028\n"}
	t.Run("JSON", func(t *testing.T) {
		w := serve(asking("application/json"), returning(hostile))
		assert.Equal(t, hostile.Message, title(t, w))
		assert.NotContains(t, w.Body.String(), "<")
		assert.JSONEq(t, `{"errors":[{"title":"Not Found","status":404}]}`, serve(asking()).Body.String())
	})
	t.Run("problem details", func(t *testing.T) {
		w := serve(asking("application/problem+json"), returning(hostile))
		var body map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
		assert.Equal(t, map[string]any{"type": "about:blank", "title": hostile.Message, "status": 422.0}, body)
		w = serve(asking("application/problem+json"), returning(&app.Error{Status: 500, Message: "inside"}))
		assert.JSONEq(t, `{"type":"about:blank","title":"Internal Server Error","status":500}`, w.Body.String())
	})
	t.Run("a page", func(t *testing.T) {
		w := serve(asking("text/html"), returning(hostile))
		body := w.Body.String()
		assert.True(t, strings.HasPrefix(body, "<!doctype html>"), body)
		assert.NotContains(t, body, "<script>")
		assert.Contains(t, body, "&lt;script&gt;")
		assert.Contains(t, body, "<h1>422</h1>")
		assert.NotContains(t, body, "%!", "a verb without its value")
		assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	})
	t.Run("text", func(t *testing.T) {
		w := serve(asking("text/plain"), returning(hostile))
		assert.Equal(t, hostile.Message, w.Body.String())
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	})
	t.Run("a Vary that is there is added to once", func(t *testing.T) {
		for vary, want := range map[string][]string{"Origin": {"Origin", "Accept"}, "origin, ACCEPT": {"origin, ACCEPT"}, "*": {"*"}, "Accept-Encoding": {"Accept-Encoding", "Accept"}} {
			w := serve(asking(), last(func(ctx *app.Context) error {
				ctx.Header().Set("Vary", vary)
				return errBoom
			}))
			assert.Equal(t, want, w.Header()["Vary"])
		}
	})
}

func TestAccepts(t *testing.T) {
	w := serve(asking("text/html;q=0.5, text/csv"), last(func(ctx *app.Context) error {
		assert.Equal(t, "text/csv", ctx.Accepts("application/json", "text/html", "text/csv"))
		assert.Equal(t, "application/json", ctx.Accepts("application/json"))
		assert.PanicsWithValue(t, "app: Accepts needs an offer", func() { ctx.Accepts() })
		return ok(ctx)
	}))
	assert.Equal(t, []string{"Accept"}, w.Header()["Vary"])
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"text/html, */*;q=0.1", "a/b;q=1e9", ";=,;=", "text/*;q=0.000001", "\x00/*;q=NaN"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		w := serve(asking(accept), returning(&app.Error{Status: 409}))
		assert.Equal(t, 409, w.Code)
		assert.Contains(t, []string{errorJSON, errorProblem, errorPage, errorText}, w.Header().Get("Content-Type"))
		assert.NotEmpty(t, w.Body.String())
	})
}
