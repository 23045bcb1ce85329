package app_test

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestAttachment(t *testing.T) {
	for name, c := range map[string]struct{ filename, want string }{
		"no name":                     {"", `attachment`},
		"a plain name":                {"ring.pdf", `attachment; filename="ring.pdf"`},
		"spaces":                      {"one ring.pdf", `attachment; filename="one ring.pdf"`},
		"a path":                      {"/etc/ring.pdf", `attachment; filename="ring.pdf"`},
		"a path of Windows":           {`C:\Users\sam\ring.pdf`, `attachment; filename="ring.pdf"`},
		"a path upwards":              {`..\../ring.pdf`, `attachment; filename="ring.pdf"`},
		"a path without a name":       {"/etc/", `attachment`},
		"dots alone":                  {"..", `attachment`},
		"a hidden file":               {".ring", `attachment; filename=".ring"`},
		"not ASCII":                   {"тэ ring.pdf", `attachment; filename="__ ring.pdf"; filename*=UTF-8''%D1%82%D1%8D%20ring.pdf`},
		"ISO-8859-1":                  {"früh.pdf", `attachment; filename="fr_h.pdf"; filename*=UTF-8''fr%C3%BCh.pdf`},
		"what looks like an escape":   {"50%41.pdf", `attachment; filename="50_41.pdf"; filename*=UTF-8''50%2541.pdf`},
		"a quote":                     {`a"; filename="evil.exe`, `attachment; filename="a_; filename=_evil.exe"; filename*=UTF-8''a%22%3B%20filename%3D%22evil.exe`},
		"an apostrophe and a star":    {"ö'*.pdf", `attachment; filename="_'*.pdf"; filename*=UTF-8''%C3%B6%27%2A.pdf`},
		"a line end":                  {"ring.pdf\r\nSet-Cookie: ring=1", `attachment; filename="ring.pdfSet-Cookie: ring=1"`},
		"NUL DEL and C1":              {"ri\x00n\x7fg\u0085.pdf", `attachment; filename="ring.pdf"`},
		"text that turns round":       {"ring\u202efdp.exe", `attachment; filename="ringfdp.exe"`},
		"no UTF-8":                    {"ring\xff\xfe.pdf", `attachment; filename="ring_.pdf"`},
		"only what is left out":       {"\x00\x01", `attachment`},
		"a semicolon":                 {"a;b.txt", `attachment; filename="a;b.txt"`},
		"spaces at both ends":         {"  ring.pdf ", `attachment; filename="ring.pdf"`},
		"a slash that is another one": {"a／b.txt", `attachment; filename="a_b.txt"; filename*=UTF-8''a%EF%BC%8Fb.txt`},
	} {
		t.Run(name, func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				ctx.Attachment(c.filename)
				ctx.Body = []byte("x")
				return nil
			})
			assert.Equal(t, []string{c.want}, got.header["Content-Disposition"])
			assert.NotContains(t, got.header, "Set-Cookie")
		})
	}
	t.Run("inline", func(t *testing.T) {
		got := respAsk(t, "GET", func(ctx *app.Context) error { ctx.Inline("ring.png"); ctx.Body = []byte("x"); return nil })
		assert.Equal(t, `inline; filename="ring.png"`, got.header.Get("Content-Disposition"))
		assert.Equal(t, "image/png", got.header.Get("Content-Type"))
	})
}

func TestAttachmentSetsATypeOnlyIfThereIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		set, filename string
		want          string
	}{
		"none":                         {"", "ring.html", "text/html; charset=utf-8"},
		"one that was set":             {"text/plain", "ring.html", "text/plain; charset=utf-8"},
		"none and an unknown one":      {"", "ring.palantir", "application/octet-stream"},
		"none and no extension":        {"", "html", "application/octet-stream"},
		"none and an extension beyond": {"", "ring.html/evil", "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				ctx.SetType(c.set)
				ctx.Attachment(c.filename)
				ctx.Body = []byte("x")
				return nil
			})
			assert.Equal(t, c.want, got.header.Get("Content-Type"))
		})
	}
}

func TestAttachmentCutsLongNames(t *testing.T) {
	for name, c := range map[string]struct {
		filename  string
		n         int
		extension string
	}{
		"before the extension":       {strings.Repeat("x", 1<<16) + ".pdf", 255, ".pdf"},
		"between characters":         {strings.Repeat("ö", 200) + ".pdf", 254, ".pdf"},
		"an extension that is long":  {"a." + strings.Repeat("x", 1<<16), 255, ""},
		"an extension without names": {"." + strings.Repeat("ö", 1000), 255, ""},
		"one that fits":              {strings.Repeat("x", 251) + ".pdf", 255, ".pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(get("/"), last(func(ctx *app.Context) error { ctx.Attachment(c.filename); ctx.Body = "x"; return nil }))
			_, params, err := mime.ParseMediaType(w.Header().Get("Content-Disposition"))
			require.NoError(t, err)
			full := params["filename"]
			assert.True(t, utf8.ValidString(full))
			assert.LessOrEqual(t, len(full), c.n)
			assert.GreaterOrEqual(t, len(full), c.n-1)
			assert.True(t, strings.HasSuffix(full, c.extension))
		})
	}
}

// Whatever the name, the header is one that reads back, of a name without a path.
func FuzzAttachment(f *testing.F) {
	for _, name := range []string{"ring.pdf", "тэ ring.pdf", `a"; filename="evil.exe`, "../..\\x", "\xff", "%41", "a\r\nb: c", "'*'", strings.Repeat("ö", 300)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		w := serve(get("/"), last(func(ctx *app.Context) error { ctx.Attachment(name); ctx.Body = "x"; return nil }))
		header := w.Header().Get("Content-Disposition")
		how, params, err := mime.ParseMediaType(header)
		require.NoError(t, err, "%q", header)
		assert.Equal(t, "attachment", how)
		assert.NotRegexp(t, `[^ -~]`, header)
		for key, value := range params {
			assert.Equal(t, "filename", key)
			assert.NotContains(t, value, "/")
			assert.NotContains(t, value, `\`)
			assert.LessOrEqual(t, len(value), 255)
			assert.NotContains(t, []string{"", ".", ".."}, value)
		}
	})
}
