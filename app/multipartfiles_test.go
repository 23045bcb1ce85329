package app_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestNamesOfFiles(t *testing.T) {
	for _, test := range []struct{ name, sent, want string }{
		{"a name", `f.png`, "f.png"},
		{"letters of any script", `frödo 💍.png`, "frödo 💍.png"},
		{"a path", `/etc/passwd`, "passwd"},
		{"a path upwards", `../../etc/passwd`, "passwd"},
		{"a path of Windows", `C:\\shire\\f.png`, "f.png"},
		{"a path of both", `..\\../..\\f.png`, "f.png"},
		{"only dots", `..`, ""},
		{"one dot", `.`, ""},
		{"a slash behind", `a/`, "a"}, // which mime/multipart takes for one
		{"only a backslash", `\\`, ""},
		{"dots around a null byte", "UTF-8''.%00.", ""},
		{"a null byte", "UTF-8''f.png%00.exe", "f.png.exe"},
		{"a path in escapes", "UTF-8''..%2f..%5cf.png", "f.png"},
		{"a control character that no header may have", "f\x01.png", "malformed"},
		{"the end of a line", "UTF-8''f%0d%0a.png%7f", "f.png"},
		{"text that runs backwards", "f\u202egnp.exe", "fgnp.exe"},
		{"invalid UTF-8", "f\xff.png", "f.png"},
		{"quotes", `f\".png`, `f".png`},
		{"blanks around", ` f.png `, "f.png"},
		{"as long as it may be", strings.Repeat("x", 255), strings.Repeat("x", 255)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var v portrait
			parameter := `filename="` + test.sent + `"`
			if strings.HasPrefix(test.sent, "UTF-8''") { // RFC 7578 forbids it, and some send it
				parameter = "filename*=" + test.sent
			}
			w := bind(post("/", multipartType, parts(`name="face"; `+parameter+"|x")), &v)
			if test.want == "malformed" {
				assert.Equal(t, http.StatusBadRequest, w.Code)
				return
			}
			require.Equal(t, http.StatusNoContent, w.Code, w.Body)
			require.NotNil(t, v.Face)
			assert.Equal(t, test.want, v.Face.Filename)
		})
	}
}

// big returns a form with a file of so many bytes.
func big(n int) string { return parts(`name="face"; filename="f"|` + strings.Repeat("x", n)) }

func TestTemporaryFilesGoWithTheRequest(t *testing.T) {
	for name, after := range map[string]func(ctx *app.Context) error{
		"after an answer": func(*app.Context) error { return nil },
		"after an error":  func(*app.Context) error { return errBoom },
		"after a panic":   func(*app.Context) error { panic("boom") },
		"after a cut":     func(*app.Context) error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			folder, seen := t.TempDir(), 0
			t.Setenv("TMPDIR", folder)
			server := start(t, quiet().Use(last(func(ctx *app.Context) error {
				var v portrait
				if !assert.NoError(t, ctx.BindUpTo(8<<20, &v)) {
					return nil
				}
				files, err := os.ReadDir(folder)
				assert.NoError(t, err)
				seen = len(files)
				assert.Len(t, content(t, v.Face), 3<<20)
				return after(ctx)
			})))
			if res, err := http.Post(server.URL, multipartType, strings.NewReader(big(3<<20))); err == nil {
				res.Body.Close()
			}
			server.Close() // waits for the request
			assert.Equal(t, 1, seen)
			files, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Empty(t, files)
		})
	}
	t.Run("that cannot be kept are our fault", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir()+"/not-there")
		w := serve(post("/", multipartType, big(3<<20)), last(func(ctx *app.Context) error { return ctx.BindUpTo(8<<20, new(portrait)) }))
		assert.Equal(t, http.StatusInternalServerError, w.Code)
	})
	t.Run("of a body that breaks off are gone at once", func(t *testing.T) {
		folder := t.TempDir()
		t.Setenv("TMPDIR", folder)
		r := post("/", multipartType, "")
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(big(3 << 20)[:2<<20]), broken{})), -1
		serve(r, last(func(ctx *app.Context) error {
			assertStatus(t, http.StatusBadRequest, ctx.BindUpTo(8<<20, new(portrait)))
			files, err := os.ReadDir(folder)
			assert.NoError(t, err)
			assert.Empty(t, files)
			return nil
		}))
	})
}

// TestFilesOnlyComeAsMultipart: whatever is said of a file in JSON is a name and a size that nobody checked.
func TestFilesOnlyComeAsMultipart(t *testing.T) {
	for _, body := range []string{`{"face":{"Filename":"../../x","Size":1}}`, `{"face":{}}`, `{"sights":[{"Filename":"x"}]}`, `{"f\u0061ce":{}}`} {
		assert.Equal(t, http.StatusBadRequest, bind(post("/", jsonType, body), new(portrait)).Code, body)
	}
	var v portrait
	assert.Equal(t, http.StatusNoContent, bind(post("/", jsonType, `{"name":"frodo","face":null}`), &v).Code)
	assert.Nil(t, v.Face)
	assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, "face=f.png"), new(portrait)).Code)
	assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, "sights=f.png"), new(portrait)).Code)
}
