package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A portrait is a form with files.
type portrait struct {
	Name   string                  `json:"name"`
	Age    int                     `json:"age"`
	Rings  []string                `json:"rings"`
	Face   *multipart.FileHeader   `json:"face"`
	Sights []*multipart.FileHeader `json:"sights"`
}

const multipartType = "multipart/form-data; boundary=xYx"

// parts joins parts, each written as disposition, a bar, and content.
func parts(all ...string) string {
	var b strings.Builder
	for _, part := range all {
		disposition, content, _ := strings.Cut(part, "|")
		fmt.Fprintf(&b, "--xYx\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n", disposition, content)
	}
	return b.String() + "--xYx--\r\n"
}

func content(t *testing.T, h *multipart.FileHeader) string {
	t.Helper()
	require.NotNil(t, h)
	f, err := h.Open()
	require.NoError(t, err)
	defer f.Close()
	return text(t, f)
}

func TestBindMultipart(t *testing.T) {
	body := parts(`name="name"|frödo b`, `name="age"|51`, `name="rings"|one`, `name="rings"|two`, `name="face"; filename="f.png"|PNG`,
		`name="sights"; filename="a"|A`, `name="sights"; filename="b"|B`, `name="unknown"|1`, `name="unknown"; filename="u"|1`, `name="Age"|x`)
	t.Run("into a struct", func(t *testing.T) {
		var v portrait
		server := start(t, quiet().Use(last(func(ctx *app.Context) error {
			if err := ctx.Bind(&v); err != nil {
				return err
			}
			assert.Equal(t, "PNG", content(t, v.Face))
			assert.Equal(t, int64(3), v.Face.Size)
			require.Len(t, v.Sights, 2)
			assert.Equal(t, "AB", content(t, v.Sights[0])+content(t, v.Sights[1]))
			ctx.Body = v.Face.Filename
			return nil
		})))
		for name, r := range map[string]io.Reader{"with its length": strings.NewReader(body), "in chunks": io.MultiReader(strings.NewReader(body))} {
			v = portrait{}
			res, err := http.Post(server.URL, multipartType, r)
			require.NoError(t, err, name)
			defer res.Body.Close()
			assert.Equal(t, http.StatusOK, res.StatusCode, name)
			assert.Equal(t, "f.png", text(t, res.Body))
			v.Face, v.Sights = nil, nil
			assert.Equal(t, portrait{Name: "frödo b", Age: 51, Rings: []string{"one", "two"}}, v)
		}
	})
	t.Run("into a map", func(t *testing.T) {
		var m map[string]any
		w := bind(post("/", multipartType, parts(`name="name"|frodo`, `name="face"; filename="f"|PNG`)), &m)
		require.Equal(t, http.StatusNoContent, w.Code, w.Body)
		assert.Equal(t, "frodo", m["name"])
		assert.Equal(t, "PNG", content(t, m["face"].(*multipart.FileHeader)))
		for _, twice := range []string{parts(`name="a"|1`, `name="a"|2`), parts(`name="a"; filename="f"|1`, `name="a"; filename="f"|2`), parts(`name="a"|1`, `name="a"; filename="f"|2`)} {
			assert.Equal(t, http.StatusBadRequest, bind(post("/", multipartType, twice), &m).Code)
		}
	})
	t.Run("where nobody chose a file it stays as it was", func(t *testing.T) {
		old := &multipart.FileHeader{Filename: "old"}
		v := portrait{Face: old}
		require.Equal(t, http.StatusNoContent, bind(post("/", multipartType, parts(`name="face"; filename=""|`, `name="sights"; filename=""|`)), &v).Code)
		assert.Same(t, old, v.Face)
		assert.Nil(t, v.Sights)
	})
	t.Run("without a body v stays as it was", func(t *testing.T) {
		v := portrait{Name: "as it was"}
		require.Equal(t, http.StatusNoContent, bind(post("/", multipartType, ""), &v).Code)
		assert.Equal(t, "as it was", v.Name)
	})
}

func TestBindRefusesMultipart(t *testing.T) {
	many := func(n int, part string) string {
		return parts(strings.Split(strings.Repeat("\n"+part, n)[1:], "\n")...)
	}
	for _, test := range []struct {
		name, kind, body string
		status           int
	}{
		{"as many parts as there may be", multipartType, many(1000, `name="rings"|x`), 204},
		{"one part too many", multipartType, many(1001, `name="rings"|x`), 413},
		{"as many files as there may be", multipartType, many(100, `name="sights"; filename="x"|x`), 204},
		{"one file too many", multipartType, many(101, `name="sights"; filename="x"|x`), 413},
		{"one file too many that nobody asked for", multipartType, many(101, `name="x"; filename="x"|x`), 413},
		{"a field twice", multipartType, parts(`name="name"|a`, `name="name"|b`), 400},
		{"a file twice", multipartType, parts(`name="face"; filename="a"|a`, `name="face"; filename="b"|b`), 400},
		{"text for a number", multipartType, parts(`name="age"|old`), 400},
		{"a file for text", multipartType, parts(`name="name"; filename="a"|a`), 400},
		{"text for a file", multipartType, parts(`name="face"|a`), 400},
		{"text among files", multipartType, parts(`name="sights"; filename="a"|a`, `name="sights"|a`), 400},
		{"invalid UTF-8", multipartType, parts("name=\"name\"|\xff"), 400},
		{"invalid UTF-8 that nobody asked for", multipartType, parts("name=\"x\"|\xff"), 400},
		{"invalid UTF-8 in a name", multipartType, parts("name=\"\xff\"|x"), 400},
		{"invalid UTF-8 in the name of a file", multipartType, parts("name=\"\xff\"; filename=\"x\"|x"), 400},
		{"the name of a file that is too long", multipartType, parts(`name="face"; filename="` + strings.Repeat("x", 256) + `"|x`), 400},
		{"no end", multipartType, strings.TrimSuffix(parts(`name="name"|x`), "--\r\n"), 400},
		{"nothing in it", multipartType, "x", 400},
		{"JSON", multipartType, `{"name":"frodo"}`, 400},
		{"no boundary", "multipart/form-data", parts(`name="name"|x`), 400},
		{"a boundary without end", "multipart/form-data; boundary=" + strings.Repeat("x", 71), "--x--", 400},
		{"another boundary", "multipart/form-data; boundary=y", parts(`name="name"|x`), 400},
		{"a header of half a megabyte that says nothing", multipartType, parts(`name="name"; ` + strings.Repeat("x", 1<<19) + `|x`), 204},
		{"very many headers", multipartType, "--xYx\r\n" + strings.Repeat("X: y\r\n", 20_000) + "\r\nx\r\n--xYx--\r\n", 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.status, bind(post("/", test.kind, test.body), new(portrait)).Code)
		})
	}
	t.Run("with Content-Encoding", func(t *testing.T) {
		r := post("/", multipartType, parts(`name="name"|x`))
		r.Header.Set("Content-Encoding", "gzip")
		assert.Equal(t, http.StatusUnsupportedMediaType, bind(r, new(portrait)).Code)
	})
	t.Run("BindStrings takes none", func(t *testing.T) {
		_, status := bindStrings(t, 1000, multipartType, parts(`name="username"|x`))
		assert.Equal(t, http.StatusUnsupportedMediaType, status)
	})
}

func TestBindMultipartLimit(t *testing.T) {
	whole := big(2 << 20)
	for _, test := range []struct {
		name   string
		limit  int
		status int
	}{
		{"just enough", len(whole), 204},
		{"one byte over", len(whole) - 1, 413},
		{"far over", 64, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := start(t, quiet().Use(last(func(ctx *app.Context) error {
				ctx.Status = http.StatusNoContent
				return ctx.BindUpTo(int64(test.limit), new(portrait))
			})))
			for name, body := range map[string]io.Reader{"with its length": strings.NewReader(whole), "in chunks": io.MultiReader(strings.NewReader(whole))} {
				res, err := http.Post(server.URL, multipartType, body)
				require.NoError(t, err, name)
				res.Body.Close()
				assert.Equal(t, test.status, res.StatusCode, name)
			}
		})
	}
	t.Run("of the App", func(t *testing.T) {
		assert.Equal(t, http.StatusRequestEntityTooLarge, bind(post("/", multipartType, whole), new(portrait)).Code)
	})
	t.Run("that is none is our fault", func(t *testing.T) {
		serve(post("/", multipartType, big(1)), last(func(ctx *app.Context) error {
			assert.ErrorContains(t, ctx.BindUpTo(0, new(portrait)), "must be positive")
			return nil
		}))
	})
}

func TestBindMultipartAgain(t *testing.T) {
	t.Run("the parts are kept", func(t *testing.T) {
		body := parts(`name="name"|frodo`, `name="face"; filename="../f"|PNG`)
		serve(post("/", multipartType, body), last(func(ctx *app.Context) error {
			var one, two portrait
			require.NoError(t, ctx.Bind(&one))
			assert.True(t, ctx.HasBody())
			require.NoError(t, ctx.Bind(&two))
			assert.Equal(t, "frodo", two.Name)
			assert.Equal(t, "PNG", content(t, two.Face))
			assertStatus(t, http.StatusRequestEntityTooLarge, ctx.BindUpTo(int64(len(body)-1), &two))
			_, header, err := ctx.Request.FormFile("face")
			require.NoError(t, err, "for handlers further down")
			assert.Equal(t, "f", header.Filename)
			return nil
		}))
	})
	t.Run("what is behind a malformed one is not another body", func(t *testing.T) {
		body := "--xYx\r\nno header\r\n\r\n" + parts(`name="name"|sam`)
		serve(post("/", multipartType, body), last(func(ctx *app.Context) error {
			var v portrait
			assertStatus(t, http.StatusBadRequest, ctx.Bind(&v))
			assertStatus(t, http.StatusBadRequest, ctx.Bind(&v))
			assert.Empty(t, v.Name)
			assert.Empty(t, text(t, ctx.Request.Body))
			return nil
		}))
	})
	t.Run("what is behind the last part is for nobody", func(t *testing.T) {
		serve(post("/", multipartType, parts(`name="name"|frodo`)+strings.Repeat(`{"name":"sam"}`, 9999)), last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Bind(new(portrait)))
			assert.Empty(t, text(t, ctx.Request.Body))
			return nil
		}))
	})
	t.Run("nobody else reads a part of it before", func(t *testing.T) {
		serve(post("/", multipartType, parts(`name="name"|frodo`)), last(func(ctx *app.Context) error {
			_, err := ctx.BindStrings(0, "name")
			assertStatus(t, http.StatusUnsupportedMediaType, err)
			var v portrait
			require.NoError(t, ctx.Bind(&v))
			assert.Equal(t, "frodo", v.Name)
			return nil
		}))
	})
}

func TestSecretsOfMultipartAreRedacted(t *testing.T) {
	var explained string
	a := quiet()
	a.InsecureExplain = true
	body := parts(`name="name"|my-precious-password-3018`)
	a.Use(app.Authenticate(repeating{}))
	w := record(a, post("/", multipartType, body))
	explained = w.Body.String()
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, explained, "explanation")
	assert.NotContains(t, explained, "my-precious-password-3018")
}

// repeating rejects with the field that it read, as careless strategies do.
type repeating struct{}

func (repeating) Authenticate(ctx *app.Context) (*app.Identity, error) {
	var v portrait
	if err := ctx.Bind(&v); err != nil {
		return nil, err
	}
	return nil, &app.Rejection{Cause: errors.New("wrong: " + v.Name)}
}

func FuzzBindMultipart(f *testing.F) {
	for _, seed := range []string{parts(`name="name"|x`), parts(`name="face"; filename="../x"|x`, `name="sights"; filename=""|`), "--xYx--", "--xYx\r\n\r\n\r\n--xYx", parts("name=\"\x00\"; filename*=UTF-8''%2e%2e%2fx|x")} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v portrait
		r := post("/", multipartType, "")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		assert.Contains(t, []int{204, 400, 413}, bind(r, &v).Code)
		for _, h := range append(v.Sights, v.Face) {
			if h != nil {
				assert.False(t, strings.ContainsAny(h.Filename, "/\\\x00\r\n") || h.Filename == ".." || h.Filename == ".", "%q", h.Filename)
			}
		}
	})
}
