package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

func TestSetType(t *testing.T) {
	for name, c := range map[string]struct{ set, want string }{
		"an extension":                  {"png", "image/png"},
		"an extension with its dot":     {".json", typeOfJSON},
		"an extension in capitals":      {"HTML", "text/html; charset=utf-8"},
		"a page":                        {"html", "text/html; charset=utf-8"},
		"text":                          {"text/plain", "text/plain; charset=utf-8"},
		"text with a charset":           {"text/plain; charset=iso-8859-1", "text/plain; charset=iso-8859-1"},
		"JSON":                          {"application/json", typeOfJSON},
		"problem details get none":      {"application/problem+json", "application/problem+json"},
		"an image gets none":            {"image/svg+xml", "image/svg+xml"},
		"capitals and spaces":           {"Text/HTML ;Charset=UTF-8", "text/html; charset=UTF-8"},
		"a parameter that needs quotes": {`multipart/mixed; boundary="a b"`, `multipart/mixed; boundary="a b"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				ctx.SetType(c.set)
				ctx.Body = []byte("x")
				return nil
			})
			assert.Equal(t, []string{c.want}, got.header["Content-Type"])
		})
	}
	for name, set := range map[string]string{
		"nothing": "", "an extension that nobody knows": "palantir", "a dot": ".", "a slash": "/", "no subtype": "text/", "no type": "/plain", "two slashes": "a/b/c",
		"a line end": "text/html\r\nSet-Cookie: ring=1", "NUL": "text/html\x00", "a quote": `text/"html`, "a wildcard": "text/*", "a name of a group": "multipart",
		"a parameter without a value": "text/html; charset", "non-ASCII": "text/hätml", "two parameters alike": "text/html; a=1; a=2", "huge": strings.Repeat("x", 1<<20),
	} {
		t.Run(name+" removes the type", func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				ctx.SetType("png")
				ctx.SetType(set)
				ctx.Body = []byte("x")
				return nil
			})
			assert.Equal(t, []string{"application/octet-stream"}, got.header["Content-Type"], "that of the Body")
			assert.NotContains(t, got.header, "Set-Cookie")
		})
	}
}

const typeOfJSON = "application/json; charset=utf-8"

// Type says what would be sent now.
func TestType(t *testing.T) {
	for name, c := range map[string]struct {
		set  string
		body any
		want string
	}{
		"nothing":                        {"", nil, ""},
		"set and no Body":                {"html", nil, "text/html"},
		"text":                           {"", "x", "text/plain"},
		"bytes":                          {"", []byte("x"), "application/octet-stream"},
		"a stream":                       {"", strings.NewReader("x"), "application/octet-stream"},
		"JSON":                           {"", 1, "application/json"},
		"a nil pointer":                  {"", (*strings.Reader)(nil), "application/json"},
		"a type that is set":             {"text/csv", "x", "text/csv"},
		"JSON over another type":         {"text/csv", 1, "application/json"},
		"JSON of another kind":           {"application/problem+json", 1, "application/problem+json"},
		"the answer of another server":   {"", &http.Response{Header: http.Header{"Content-Type": {"image/PNG; a=b"}}, Body: http.NoBody}, "image/png"},
		"that without a type":            {"", &http.Response{Body: http.NoBody}, "application/octet-stream"},
		"the answer of none":             {"", (*http.Response)(nil), "application/json"},
		"another server's under our own": {"text/csv", &http.Response{Header: http.Header{"Content-Type": {"image/png"}}, Body: http.NoBody}, "text/csv"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(get("/"), last(func(ctx *app.Context) error {
				ctx.SetType(c.set)
				ctx.Status, ctx.Body = 200, c.body
				assert.Equal(t, c.want, ctx.Type())
				return nil
			}))
			sent, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
			assert.Equal(t, c.want, strings.ToLower(sent), "what is sent")
		})
	}
}

func TestTypeIs(t *testing.T) {
	for name, c := range map[string]struct {
		set   string
		types []string
		want  string
	}{
		"none asked":         {"text/html; charset=utf-8", nil, "text/html"},
		"no type":            {"", []string{"html"}, ""},
		"an extension":       {"html", []string{"html"}, "html"},
		"with a dot":         {"png", []string{"html", ".png"}, ".png"},
		"a media type":       {"text/html", []string{"text/html"}, "text/html"},
		"a wildcard":         {"text/html", []string{"image/*", "text/*"}, "text/html"},
		"a suffix":           {"application/problem+json", []string{"+json"}, "application/problem+json"},
		"another":            {"text/html", []string{"json", "image/*", "+xml"}, ""},
		"what is no type":    {"text/html", []string{"", "/", "*", "palantir"}, ""},
		"the first of those": {"text/html", []string{"text/html", "html"}, "text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			serve(get("/"), last(func(ctx *app.Context) error {
				ctx.SetType(c.set)
				assert.Equal(t, c.want, ctx.TypeIs(c.types...))
				return nil
			}))
		})
	}
}
