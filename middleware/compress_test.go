package middleware_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

var saga = strings.Repeat("One ring to rule them all. ", 200)

// opened returns the body as the client sees it.
func opened(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var from io.Reader = w.Body
	switch w.Header().Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		from = z
	case "zstd":
		z, err := zstd.NewReader(w.Body)
		require.NoError(t, err)
		defer z.Close()
		from = z
	}
	b, err := io.ReadAll(from)
	require.NoError(t, err)
	return string(b)
}

// typed answers the saga with headers: name, value, name, value.
func typed(headers ...string) app.Middleware {
	return last(func(ctx *app.Context) error {
		for i := 0; i < len(headers); i += 2 {
			ctx.Header().Set(headers[i], headers[i+1])
		}
		ctx.Body = saga
		return nil
	})
}

var squeeze = middleware.Compress(middleware.CompressOptions{})

func TestCompressWhatTheClientTakes(t *testing.T) {
	for accepted, want := range map[string]string{
		"": "", "gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0.5": "gzip", "gzip;q=0": "", "identity": "",
		"br": "", "*": "", "GZIP": "gzip", "gzip;q=nonsense": "", ";;;,,,": "", "gzip;q=0.0, zstd;q=0": "",
	} {
		t.Run("takes "+strings.ReplaceAll(accepted, ",", " and"), func(t *testing.T) {
			r := get("/")
			setIf(r.Header, "Accept-Encoding", accepted)
			w := ask(r, squeeze, answer(saga))
			assert.Equal(t, want, w.Header().Get("Content-Encoding"))
			assert.Equal(t, []string{"Accept-Encoding"}, w.Header()["Vary"])
			small := w.Body.Len() < len(saga)
			assert.Equal(t, saga, opened(t, w))
			assert.Equal(t, want != "", small)
		})
	}
}

func TestCompressTypes(t *testing.T) {
	for contentType, want := range map[string]bool{
		"text/html; charset=utf-8": true, "TEXT/CSS": true, "application/json": true, "application/problem+json": true, "image/svg+xml": true,
		"application/javascript": true, "application/xhtml+xml": true, "application/wasm": true, "image/png": false, "image/jpeg": false, "video/mp4": false,
		"application/zip": false, "application/gzip": false, "application/octet-stream": false, "font/woff2": false, "application/pdf": false,
		"jsontext": false, "application/jsonish": false,
	} {
		w := ask(get("/", "Accept-Encoding", "gzip"), squeeze, typed("Content-Type", contentType))
		assert.Equal(t, want, w.Header().Get("Content-Encoding") == "gzip", contentType)
		assert.Equal(t, contentType, w.Header().Get("Content-Type"))
		assert.Equal(t, saga, opened(t, w), contentType)
	}
}

// Compression of a secret beside what an attacker chose tells the secret (BREACH).
func TestCompressLeavesOwnAnswers(t *testing.T) {
	s, _ := shire(app.SessionOptions{})
	cookie := cookieOf(t, s, "frodo")
	whoami := app.Compose(s.Layer, last(func(ctx *app.Context) error { ctx.Body = saga + fmt.Sprint(ctx.IsAuthenticated()); return nil }))
	for name, c := range map[string]struct {
		layer app.Middleware
		want  bool
	}{
		"everybody's":                    {typed(), true},
		"public":                         {typed("Cache-Control", "public, max-age=60"), true},
		"varies by language":             {typed("Vary", "Accept-Language"), true},
		"no-store":                       {typed("Cache-Control", "No-Store"), false},
		"private":                        {typed("Cache-Control", "max-age=60, private"), false},
		"private for a field":            {typed("Cache-Control", `private="Set-Cookie"`), false},
		"varies by cookie":               {typed("Vary", "Accept, cookie"), false},
		"varies by who asks":             {typed("Vary", "Authorization"), false},
		"sets a cookie":                  {typed("Set-Cookie", "seen=1"), false},
		"sets a cookie that may be kept": {typed("Set-Cookie", "seen=1", "Cache-Control", "max-age=60"), false},
		"not to be transformed":          {typed("Cache-Control", "no-transform"), false},
		"a session asked for":            {whoami, false},
		"a session that nobody asks":     {app.Compose(s.Layer, typed()), true},
		"a token":                        {app.Compose(app.Authenticate(proving{app.Identity{User: 1, Via: "bearer"}}), typed()), false},
		"a user in a public answer": {app.Compose(s.Layer, last(func(ctx *app.Context) error {
			ctx.User()
			ctx.Header().Set("Cache-Control", "public")
			ctx.Body = saga
			return nil
		})), false},
		"a login": {app.Compose(s.Layer, last(func(ctx *app.Context) error { ctx.Body = saga; return ctx.Login(&hobbit{"sam"}) })), false},
		"a foreign handler that sets a cookie": {last(app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			_, _ = io.WriteString(w, saga)
		}))), false},
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/", "Accept-Encoding", "gzip", "Cookie", cookie)
			w := ask(r, squeeze, c.layer)
			assert.Equal(t, c.want, w.Header().Get("Content-Encoding") != "")
			assert.NotContains(t, w.Header(), "No-Gzip-Compression")
			assert.Contains(t, opened(t, w), saga)
		})
		t.Run(name+" if one asks for it", func(t *testing.T) {
			w := ask(get("/", "Accept-Encoding", "gzip", "Cookie", cookie), middleware.Compress(middleware.CompressOptions{InsecureSecrets: true}), c.layer)
			assert.Equal(t, name != "not to be transformed", w.Header().Get("Content-Encoding") != "")
			assert.Contains(t, opened(t, w), saga)
		})
	}
	t.Run("and then the length is padded by chance of what is in it", func(t *testing.T) {
		lengths := map[int]bool{}
		for i := range 50 {
			layer := last(func(ctx *app.Context) error {
				ctx.Header().Set("Cache-Control", "no-store")
				ctx.Body = saga + fmt.Sprintf("%03d", i)
				return nil
			})
			lengths[ask(get("/", "Accept-Encoding", "gzip"), middleware.Compress(middleware.CompressOptions{InsecureSecrets: true}), layer).Body.Len()] = true
		}
		assert.Greater(t, len(lengths), 10)
	})
}

func TestCompressLeavesWhatNeedsNone(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/", "Accept-Encoding", "gzip"), squeeze, end.layer)
			assert.Equal(t, end.status, w.Code)
			assert.Empty(t, w.Header().Get("Content-Encoding"))
			assert.Equal(t, ask(get("/"), end.layer).Body.String(), w.Body.String())
		})
	}
	for _, c := range []struct {
		name    string
		size, n int
		want    bool
	}{
		{"just too small", 0, 1023, false}, {"just large enough", 0, 1024, true}, {"one's own limit", 10, 10, true}, {"below one's own limit", 10, 9, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(get("/", "Accept-Encoding", "gzip"), middleware.Compress(middleware.CompressOptions{MinSize: c.size}), answer(saga[:c.n]))
			assert.Equal(t, c.want, w.Header().Get("Content-Encoding") != "")
			assert.Equal(t, saga[:c.n], opened(t, w))
		})
	}
	t.Run("HEAD has the headers of what is not compressed", func(t *testing.T) {
		w := ask(request("HEAD", "/", "Accept-Encoding", "gzip"), squeeze, answer(saga))
		assert.Empty(t, w.Header().Get("Content-Encoding"))
		assert.Empty(t, w.Body.String())
		assert.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
	})
	t.Run("what is encoded already", func(t *testing.T) {
		w := ask(get("/", "Accept-Encoding", "gzip, br"), squeeze, typed("Content-Encoding", "br", "ETag", `"a"`))
		assert.Equal(t, []string{"br"}, w.Header()["Content-Encoding"])
		assert.Equal(t, saga, w.Body.String())
		assert.Equal(t, `"a"`, w.Header().Get("ETag"))
	})
	t.Run("a part", func(t *testing.T) {
		files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"a"`)
			http.ServeContent(w, r, "saga.txt", start, strings.NewReader(saga))
		})
		w := ask(get("/", "Accept-Encoding", "gzip", "Range", "bytes=0-2047"), squeeze, last(app.Mount(files)))
		assert.Equal(t, 206, w.Code)
		assert.Empty(t, w.Header().Get("Content-Encoding"))
		assert.Equal(t, saga[:2048], w.Body.String())
		w = ask(get("/", "Accept-Encoding", "gzip"), squeeze, last(app.Mount(files)))
		assert.Equal(t, saga, opened(t, w))
		assert.Empty(t, w.Header().Get("Accept-Ranges"), "nobody can ask for a part of what is compressed")
		assert.Empty(t, w.Header().Get("Content-Length"))
	})
	t.Run("an error of many bytes is one like others", func(t *testing.T) {
		w := ask(get("/", "Accept-Encoding", "gzip"), squeeze, last(func(ctx *app.Context) error { ctx.Status, ctx.Body = 404, saga; return nil }))
		assert.Equal(t, 404, w.Code)
		assert.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
		assert.Equal(t, saga, opened(t, w))
	})
	t.Run("an error in place of what was prepared", func(t *testing.T) {
		w := ask(get("/", "Accept-Encoding", "gzip"), squeeze, last(func(ctx *app.Context) error {
			ctx.Header().Set("Content-Encoding", "br")
			ctx.Body = saga
			return assert.AnError
		}))
		assert.Equal(t, 500, w.Code)
		assert.Empty(t, w.Header().Get("Content-Encoding"))
		assert.Equal(t, `{"errors":[{"title":"Internal Server Error","status":500}]}`, w.Body.String())
	})
}

func TestCompressWeakensTags(t *testing.T) {
	for name, c := range map[string]struct {
		layer          app.Middleware
		accepted, want string
	}{
		"a strong one": {typed("ETag", `"a"`), "gzip", `W/"a"`}, "a weak one": {typed("ETag", `W/"a"`), "gzip", `W/"a"`},
		"for who takes none": {typed("ETag", `"a"`), "", `"a"`}, "of an own answer": {typed("ETag", `"a"`, "Cache-Control", "private"), "gzip", `"a"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/")
			setIf(r.Header, "Accept-Encoding", c.accepted)
			assert.Equal(t, c.want, ask(r, squeeze, c.layer).Header().Get("ETag"))
		})
	}
	t.Run("and so the client gets 304 whichever it has", func(t *testing.T) {
		for _, layer := range []app.Middleware{typed(), typed("ETag", `"a"`)} {
			first := ask(get("/", "Accept-Encoding", "zstd"), squeeze, middleware.ETag, layer)
			require.Equal(t, "zstd", first.Header().Get("Content-Encoding"))
			for _, accepted := range []string{"zstd", "gzip", "identity"} {
				w := ask(get("/", "Accept-Encoding", accepted, "If-None-Match", first.Header().Get("ETag")), squeeze, middleware.ETag, layer)
				assert.Equal(t, 304, w.Code)
				assert.Empty(t, w.Body.String())
				assert.Empty(t, w.Header().Get("Content-Encoding"))
				assert.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
			}
		}
	})
}

// Server-sent events arrive one by one, and the headers before the first.
func TestCompressStreams(t *testing.T) {
	for name, headersFirst := range map[string]bool{"headers first": true, "with the first event": false} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			server := serveOn(t, quiet(squeeze, last(func(ctx *app.Context) error {
				ctx.Header().Set("Content-Type", "text/event-stream")
				flush := http.NewResponseController(ctx.Writer()).Flush
				if headersFirst {
					if err := flush(); err != nil {
						return err
					}
					<-next
				}
				for i := range 3 {
					if _, err := fmt.Fprintf(ctx.Writer(), "data: %d\n\n", i); err != nil {
						return err
					}
					ctx.Writer().(http.Flusher).Flush()
					<-next
				}
				return nil
			})))
			res, err := http.Get(server.URL) // takes gzip, and opens it
			require.NoError(t, err)
			defer func() { _ = res.Body.Close() }()
			assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
			assert.NotContains(t, res.Header, "No-Gzip-Compression")
			assert.Equal(t, !headersFirst, res.Uncompressed)
			if headersFirst {
				next <- struct{}{}
			}
			lines := bufio.NewReader(res.Body)
			for i := range 3 {
				line, err := lines.ReadString('\n')
				require.NoError(t, err)
				assert.Equal(t, "data: "+strconv.Itoa(i)+"\n", line)
				_, err = lines.ReadString('\n')
				require.NoError(t, err)
				next <- struct{}{}
			}
			_, err = lines.ReadString('\n')
			assert.Equal(t, io.EOF, err)
		})
	}
	t.Run("a long stream", func(t *testing.T) {
		w := ask(get("/", "Accept-Encoding", "gzip"), squeeze, last(func(ctx *app.Context) error {
			ctx.Header().Set("Content-Type", "text/plain")
			ctx.Body = io.MultiReader(strings.NewReader(saga), strings.NewReader(saga))
			return nil
		}))
		assert.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
		assert.Equal(t, saga+saga, opened(t, w))
	})
	t.Run("one that breaks off is not whole", func(t *testing.T) {
		server := serveOn(t, quiet(squeeze, last(func(ctx *app.Context) error {
			ctx.Header().Set("Content-Type", "text/plain")
			ctx.Body = io.MultiReader(strings.NewReader(saga), broken{})
			return nil
		})))
		for _, transport := range []*http.Transport{{}, {DisableCompression: true}} {
			res, err := (&http.Client{Transport: transport}).Get(server.URL)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			assert.Error(t, err)
		}
	})
	t.Run("a panic after the first bytes is no whole answer", func(t *testing.T) {
		server := serveOn(t, quiet(squeeze, last(func(ctx *app.Context) error {
			_, _ = io.WriteString(ctx.Writer(), "half an answer")
			panic("Balrog")
		})))
		res, err := http.Get(server.URL)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		assert.Error(t, err)
	})
	t.Run("early hints pass", func(t *testing.T) {
		server := serveOn(t, quiet(squeeze, last(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", "no-store")
			ctx.Writer().WriteHeader(103)
			ctx.Status, ctx.Body = 201, saga
			return nil
		})))
		var hints []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, len(h["No-Gzip-Compression"])))
			return nil
		}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", server.URL, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		assert.Equal(t, saga, string(b))
		assert.Equal(t, 201, res.StatusCode)
		assert.Equal(t, []string{"103 0"}, hints)
	})
}

func TestCompressRefuses(t *testing.T) {
	panics(t, "MinSize is negative", func() { middleware.Compress(middleware.CompressOptions{MinSize: -1}) })
}

func ExampleCompress() {
	page := answer(strings.Repeat("all that is gold does not glitter ", 100))
	a := app.New().Use(middleware.Compress(middleware.CompressOptions{}), page)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	fmt.Println(w.Header().Get("Content-Encoding"), w.Header().Get("Vary"), w.Body.Len() < 200)
	// Output: gzip Accept-Encoding true
}
