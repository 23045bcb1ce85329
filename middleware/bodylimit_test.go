package middleware_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// sending is a request with a body, whose length is said or not.
func sending(body, contentType string, chunked bool, headers ...string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	if chunked {
		r.ContentLength = -1
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// echo answers with the body as it can be read.
func echo(ctx *app.Context) error {
	b, err := io.ReadAll(ctx.Request.Body)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	ctx.Body = string(b)
	return nil
}

func TestBodyLimit(t *testing.T) {
	limit := middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 10})
	for _, chunked := range []bool{false, true} {
		for _, c := range []struct {
			name, body string
			want       int
		}{
			{"nothing", "", 200}, {"little", "ring", 200}, {"exactly the limit", "ringofpowe", 200},
			{"a byte too many", "ringofpower", 413}, {"far too many", strings.Repeat("x", 1<<20), 413},
		} {
			t.Run(fmt.Sprintf("%s chunked %v", c.name, chunked), func(t *testing.T) {
				w := ask(sending(c.body, "text/plain", chunked), limit, last(echo))
				assert.Equal(t, c.want, w.Code)
				if c.want == 200 {
					assert.Equal(t, c.body, w.Body.String())
				}
			})
		}
	}
	t.Run("one mebibyte unless said otherwise", func(t *testing.T) {
		usual := middleware.BodyLimit(middleware.BodyLimitOptions{})
		assert.Equal(t, 200, ask(sending(strings.Repeat("x", 1<<20), "text/plain", true), usual, last(echo)).Code)
		assert.Equal(t, 413, ask(sending(strings.Repeat("x", 1<<20+1), "text/plain", true), usual, last(echo)).Code)
	})
	t.Run("a body that says it is too long is not touched", func(t *testing.T) {
		r := sending("", "text/plain", false)
		r.Body, r.ContentLength = io.NopCloser(untouched{t}), 11
		assert.Equal(t, 413, ask(r, limit, last(echo)).Code)
	})
	t.Run("who reads on after an error gets it again", func(t *testing.T) {
		w := ask(sending("ringofpower", "text/plain", true), limit, last(func(ctx *app.Context) error {
			_, first := io.ReadAll(ctx.Request.Body)
			n, again := ctx.Request.Body.Read(make([]byte, 100))
			assert.Zero(t, n)
			assert.Equal(t, first, again)
			_, large := errors.AsType[*http.MaxBytesError](first)
			assert.True(t, large)
			return ctx.Request.Body.Close()
		}))
		assert.Equal(t, 404, w.Code)
	})
	t.Run("a body that breaks off is the client's fault", func(t *testing.T) {
		r := sending("", "text/plain", true)
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("ri"), broken{}))
		assert.Equal(t, 400, ask(r, limit, last(echo)).Code)
	})
	t.Run("nobody reads and nothing is refused", func(t *testing.T) {
		assert.Equal(t, 200, ask(sending("ringofpower", "text/plain", false), limit, answer("ok")).Code)
	})
}

type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) { u.t.Error("it was read"); return 0, io.EOF }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// Wherever the error of reading is answered it is the same one.
func TestBodyLimitBelowIsAnswered(t *testing.T) {
	long := "name=" + strings.Repeat("x", 100)
	const form, jsonType = "application/x-www-form-urlencoded", "application/json"
	var target struct {
		Name string `json:"name"`
	}
	for name, c := range map[string]struct {
		layer             app.Middleware
		body, contentType string
	}{
		"Bind of a form":  {last(func(ctx *app.Context) error { return ctx.Bind(&target) }), long, form},
		"Bind of JSON":    {last(func(ctx *app.Context) error { return ctx.Bind(&target) }), `{"name":"` + long + `"}`, jsonType},
		"BindStrings":     {last(func(ctx *app.Context) error { _, err := ctx.BindStrings(0, "name"); return err }), long, form},
		"ParseForm":       {last(func(ctx *app.Context) error { return ctx.Request.ParseForm() }), long, form},
		"a multipart":     {last(func(ctx *app.Context) error { return ctx.Request.ParseMultipartForm(1 << 20) }), "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + long, "multipart/form-data; boundary=x"},
		"below Wrap":      {app.Compose(app.Wrap(func(h http.Handler) http.Handler { return h }), last(echo)), long, form},
		"a stream of it":  {last(func(ctx *app.Context) error { _, err := io.Copy(io.Discard, ctx.Request.Body); return err }), long, form},
		"another's error": {last(func(ctx *app.Context) error { return &app.Rejection{Cause: echo(ctx)} }), long, form},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s chunked %v", name, chunked), func(t *testing.T) {
				limit := middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 50})
				want := 413
				if name == "another's error" {
					want = 401 // what it says
				}
				w := ask(sending(c.body, c.contentType, chunked), middleware.Headers(middleware.HeadersOptions{}), limit, c.layer)
				assert.Equal(t, want, w.Code)
				assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"), "it keeps headers")
			})
		}
	}
}

func TestBodyLimitOfARouteReplacesThatAbove(t *testing.T) {
	above := middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 10})
	for _, c := range []struct {
		name  string
		inner int64
		n     int
		want  int
	}{
		{"a larger one", 20, 20, 200}, {"a larger one is one", 20, 21, 413}, {"a smaller one", 5, 6, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner := middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: c.inner})
			for _, chunked := range []bool{false, true} {
				assert.Equal(t, c.want, ask(sending(strings.Repeat("x", c.n), "text/plain", chunked), above, inner, last(echo)).Code)
			}
		})
	}
	t.Run("and gunzips once", func(t *testing.T) {
		for name, layers := range map[string][]app.Middleware{
			"if the inner one does": {above, middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 100, Gunzip: true})},
			"if the outer one does": {middleware.BodyLimit(middleware.BodyLimitOptions{Gunzip: true}), middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 100})},
			"if both do":            {middleware.BodyLimit(middleware.BodyLimitOptions{Gunzip: true}), middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 100, Gunzip: true})},
		} {
			r := sending(zipped(t, "ring"), "text/plain", false, "Content-Encoding", "gzip")
			assert.Equal(t, "ring", ask(r, append(layers, last(echo))...).Body.String(), name)
			r = sending(zipped(t, strings.Repeat("x", 101)), "text/plain", false, "Content-Encoding", "gzip")
			assert.Equal(t, 413, ask(r, append(layers, last(echo))...).Code, name)
		}
	})
}

func TestBodyLimitGunzip(t *testing.T) {
	ring := zipped(t, "one ring")
	for _, c := range []struct {
		name, body, encoding string
		want                 int
		text                 string
	}{
		{"a gzip", ring, "gzip", 200, "one ring"},
		{"in capitals", ring, "GZIP", 200, "one ring"},
		{"several members", ring + zipped(t, " to rule") + zipped(t, " them all"), "gzip", 200, "one ring to rule them all"},
		{"exactly the limit", zipped(t, strings.Repeat("x", 100)), "gzip", 200, strings.Repeat("x", 100)},
		{"a byte more in it", zipped(t, strings.Repeat("x", 101)), "gzip", 413, ""},
		{"members that are too much together", zipped(t, strings.Repeat("x", 60)) + zipped(t, strings.Repeat("y", 60)), "gzip", 413, ""},
		{"a bomb", zipped(t, strings.Repeat("\x00", 50<<20)), "gzip", 413, ""},
		{"many members of nothing", strings.Repeat(zipped(t, ""), 1000), "gzip", 413, ""},
		{"truncated", ring[:len(ring)-5], "gzip", 400, ""},
		{"truncated in its header", ring[:5], "gzip", 400, ""},
		{"garbage behind it", ring + "garbage!garbage!", "gzip", 400, ""},
		{"a wrong checksum", ring[:len(ring)-8] + "\x00\x00\x00\x00" + ring[len(ring)-4:], "gzip", 400, ""},
		{"no gzip", "one ring", "gzip", 400, ""},
		{"a gzip in a gzip is opened once", zipped(t, ring), "gzip", 200, ring},
		{"two encodings are the handler's", ring, "gzip, gzip", 200, ring},
		{"another encoding is the handler's", ring, "br", 200, ring},
		{"without the header it is the handler's", ring, "", 200, ring},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s chunked %v", c.name, chunked), func(t *testing.T) {
				r := sending(c.body, "text/plain", chunked)
				if c.encoding != "" {
					r.Header.Set("Content-Encoding", c.encoding)
				}
				w := ask(r, middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 100, Gunzip: true}), last(echo))
				require.Equal(t, c.want, w.Code)
				if c.want == 200 {
					assert.Equal(t, c.text, w.Body.String())
				}
			})
		}
	}
	t.Run("Bind sees what is in it", func(t *testing.T) {
		var v struct {
			Name string `json:"name"`
		}
		bind := last(func(ctx *app.Context) error {
			assert.EqualValues(t, -1, ctx.Request.ContentLength)
			return ctx.Bind(&v)
		})
		r := func() *http.Request {
			return sending(zipped(t, `{"name":"frodo"}`), "application/json", false, "Content-Encoding", "gzip", "Content-Length", "40")
		}
		assert.Equal(t, 404, ask(r(), middleware.BodyLimit(middleware.BodyLimitOptions{Gunzip: true}), bind).Code)
		assert.Equal(t, "frodo", v.Name)
		t.Run("unless it is not asked for", func(t *testing.T) {
			w := ask(r(), middleware.BodyLimit(middleware.BodyLimitOptions{}), last(func(ctx *app.Context) error { return ctx.Bind(&v) }))
			assert.Equal(t, 415, w.Code)
		})
	})
	t.Run("nothing at all is no gzip", func(t *testing.T) {
		r := sending("", "text/plain", true, "Content-Encoding", "gzip")
		r.Body = io.NopCloser(strings.NewReader(""))
		assert.Equal(t, 400, ask(r, middleware.BodyLimit(middleware.BodyLimitOptions{Gunzip: true}), last(echo)).Code)
	})
}

func FuzzGunzip(f *testing.F) {
	ring := zipped(f, "one ring")
	for _, seed := range []string{ring, ring + ring, ring[:7], ring + "x", "", "\x1f\x8b", strings.Repeat(zipped(f, ""), 3)} {
		f.Add([]byte(seed))
	}
	limit := middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 64, Gunzip: true})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := sending(string(b), "text/plain", true, "Content-Encoding", "gzip")
		w := ask(r, limit, last(echo))
		assert.Contains(t, []int{200, 400, 413}, w.Code)
		if w.Code == 200 {
			assert.LessOrEqual(t, w.Body.Len(), 64)
		}
	})
}

// What is left of a body that is too long is not read: the connection ends, as with http.MaxBytesReader.
func TestBodyLimitAndTheConnection(t *testing.T) {
	limit := middleware.BodyLimitOptions{Bytes: 10}
	for where, layer := range map[string]app.Middleware{"alone": middleware.BodyLimit(limit), "in Standard": middleware.Standard(middleware.StandardOptions{BodyLimit: limit, RequestLog: discarded})} {
		t.Run(where, func(t *testing.T) { connections(t, serveOn(t, quiet(layer, last(echo))).Listener.Addr().String()) })
	}
}

func connections(t *testing.T, address string) {
	for _, c := range []struct {
		name, head, body string
		want             int
		stays            bool
	}{
		{"a body within the limit", "Content-Length: 4", "ring", 200, true},
		{"a long one that is all there", "Content-Length: 11", "ringofpower", 413, true},
		{"a long one that never comes", "Content-Length: 1000000000", "ring", 413, false},
		{"one that nobody asks for is not sent", "Content-Length: 1000000000\r\nExpect: 100-continue", "", 413, false},
		{"chunks without end", "Transfer-Encoding: chunked", "b\r\nringofpower\r\n", 413, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shire.example\r\n"+c.head+"\r\n\r\n"+c.body)
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, res.StatusCode)
			assert.Equal(t, !c.stays, res.Close)
		})
	}
}

func TestBodyLimitRefuses(t *testing.T) {
	panics(t, "Bytes is negative", func() { middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: -1}) })
}

func ExampleBodyLimit() {
	upload := app.Compose(middleware.BodyLimit(middleware.BodyLimitOptions{Bytes: 5}), last(echo))
	a := app.New().Use(middleware.BodyLimit(middleware.BodyLimitOptions{}), upload)
	for _, body := range []string{"map", "palantir"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(body)))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 map
	// 413 {"errors":[{"title":"Request Entity Too Large","status":413}]}
}
