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
		{"behind many others", []string{strings.Repeat("a/b,", 2_000) + "text/html"}, errorPage},
		{"behind more than is read", []string{strings.Repeat("a/b,", 10_000) + "text/html"}, errorJSON},
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

// accepts returns what a client that sent such lines is answered by a handler that says what it chose.
func accepts(t *testing.T, name string, lines []string, choose func(ctx *app.Context) string) string {
	t.Helper()
	r := get("/")
	if len(lines) > 0 {
		r.Header[name] = lines
	}
	w := serve(r, last(func(ctx *app.Context) error {
		ctx.Status, ctx.Body = http.StatusOK, choose(ctx)
		return nil
	}))
	assert.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Equal(t, []string{name}, w.Header()["Vary"])
	return w.Body.String()
}

func TestAccepts(t *testing.T) {
	page := []string{"json", "html"}
	for _, test := range []struct {
		name   string
		accept []string
		offers []string
		want   string
	}{
		{"nothing said", nil, page, "json"},
		{"an extension is returned as given", []string{"text/html"}, []string{"json", ".html"}, ".html"},
		{"in capitals", []string{"TEXT/HTML"}, []string{"JSON", "HTML"}, "HTML"},
		{"a media type is returned as given", []string{"text/html, text/csv"}, []string{"application/json", "Text/CSV"}, "Text/CSV"},
		{"text is plain text", []string{"text/plain"}, []string{"html", "text"}, "text"},
		{"an image", []string{"image/*"}, []string{"html", "png"}, "png"},
		{"the weight decides", []string{"text/html;q=0.5, text/csv"}, []string{"application/json", "text/html", "text/csv"}, "text/csv"},
		{"nothing fits", []string{"text/html;q=0.5, text/csv"}, []string{"application/json"}, ""},
		{"all is refused", []string{"*/*;q=0"}, page, ""},
		{"refused though all is taken", []string{"*/*, application/json;q=0"}, page, "html"},
		{"an extension of nothing", []string{"*/*"}, []string{"mordor", "html"}, "html"},
		{"an extension of nothing alone", []string{"*/*"}, []string{"mordor"}, ""},
		{"what is named before what is only allowed", []string{"*/*, text/html"}, page, "html"},
		{"what is named before a range of it", []string{"application/*, text/html"}, page, "html"},
		{"the order of the client among equals", []string{"text/html, application/json"}, page, "html"},
		{"the order of the offers if the client has none", []string{"*/*"}, page, "json"},
		{"a parameter that the offer has", []string{"text/html;level=1, text/html;q=0.1"}, []string{"text/html", "text/html;level=1"}, "text/html;level=1"},
		{"a parameter that the offer has not", []string{"text/html;level=1, application/json;q=0.1"}, page, "json"},
		{"what is named with its parameters before what is not", []string{"text/html;q=0.9, text/html;level=1;q=0.1, application/json;q=0.5"}, []string{"text/html;level=1", "json"}, "json"},
		{"UTF-8 is what every offer is", []string{"text/html;charset=UTF-8, application/json;q=0.1"}, page, "html"},
		{"another charset is not", []string{"text/html;charset=latin1, application/json;q=0.1"}, page, "json"},
		{"a comma in quotes", []string{`text/html;x="a,b", application/json;q=0.1`}, page, "json"},
		{"an escaped quote in quotes", []string{`text/html;x="\",", application/json;q=0.1`}, []string{"html", "json"}, "json"},
		{"quotes that do not end", []string{`application/json;x="a, text/html`, "text/html"}, page, "html"},
		{"the same twice", []string{"application/json;q=0, text/html;q=0.1, application/json"}, page, "json"},
		{"a weight as old Java writes it", []string{"text/html, image/gif, *; q=.2, */*; q=.2"}, page, "html"},
		{"only what is malformed counts as not said", []string{"html, ;;;, text/html;q=NaN"}, page, "json"},
		{"malformed beside well-formed", []string{"application/json;q=1e0, text/html;q=0.1"}, page, "html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, accepts(t, "Accept", test.accept, func(ctx *app.Context) string { return ctx.Accepts(test.offers...) }))
		})
	}
	t.Run("without an offer it panics", func(t *testing.T) {
		serve(get("/"), last(func(ctx *app.Context) error {
			assert.PanicsWithValue(t, "app: Accepts needs an offer", func() { ctx.Accepts() })
			assert.PanicsWithValue(t, "app: AcceptsEncodings needs an offer", func() { ctx.AcceptsEncodings() })
			assert.PanicsWithValue(t, "app: AcceptsCharsets needs an offer", func() { ctx.AcceptsCharsets() })
			assert.PanicsWithValue(t, "app: AcceptsLanguages needs an offer", func() { ctx.AcceptsLanguages() })
			return ok(ctx)
		}))
	})
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
