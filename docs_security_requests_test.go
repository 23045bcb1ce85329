package kahu_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies"
)

var securityOfRequests = []claim{
	{"headers | 64 KiB, and what net/http adds; then 431", largestHeaders},
	{"body that `Context.Bind` reads | 1 MiB, then 413", func(t *testing.T, n, status int) {
		largestBody(t, n, status, func(r *http.Request) int {
			return statusOf(t, r, func(ctx *app.Context, _ app.Handler) error { return ctx.Bind(&struct{}{}) })
		})
	}},
	{"also after gunzip | 1 MiB, then 413 too", func(t *testing.T, n, status int) {
		layer := middleware.BodyLimit(middleware.BodyLimitOptions{Gunzip: true})
		read := func(r *http.Request) int {
			return statusOf(t, r, layer, func(ctx *app.Context, _ app.Handler) error {
				_, err := io.Copy(io.Discard, ctx.Request.Body)
				return err
			})
		}
		largestBody(t, n, status, read)
		largestBody(t, n, status, func(r *http.Request) int { return read(zipped(t, r)) })
	}},
	{"body of a login and of each account route | 16 KiB", func(t *testing.T, n int) {
		local := door(t, strategies.LocalOptions{})
		largestBody(t, n, 413, func(r *http.Request) int { return statusOf(t, r, app.Authenticate(local)) })
		x := openInn(t, accounts.Options{})
		for _, path := range []string{"/users/sign_up", "/users/sign_in", "/users/resets"} {
			largestBody(t, n, 413, func(r *http.Request) int {
				r.URL.Path = path
				return x.client.Do(r).Status
			})
		}
	}},
	{"introspection and revocation endpoints | 64 KiB of body", func(t *testing.T, n int) {
		by := bearerWith(strategies.BearerOptions{})
		for _, handler := range []app.Handler{strategies.RevocationEndpoint(by), strategies.IntrospectionEndpoint(by)} {
			largestBody(t, n, 413, func(r *http.Request) int {
				return statusOf(t, r, app.Authenticate(anybody{}), onPath(map[string]app.Handler{"/": handler}))
			})
		}
	}},
	{"10,000 values, 64 levels", valuesAndLevels},
	{"1,000 parts, 100 of them files, then 413; names of files of 255 bytes", partsAndFiles},
	{"1,000, with more there are none, and `app.Query` answers 400", valuesOfAQuery},
	{"4,096 bytes, more is an error", func(t *testing.T, n int) {
		cookie := app.Cookie{Name: "theme", Unsigned: true}
		set := func(n int) error {
			return inRequest(t, func(ctx *app.Context) error { return cookie.Set(ctx, strings.Repeat("a", n-len(cookie.Name))) })
		}
		assert.NoError(t, set(n))
		assert.Error(t, set(n+1))
	}},
	{"cookie of a session | 43 characters", lengthOfAnID},
	{"name and password of `strategies.Basic` | 1 KiB together", basicPair},
	{"name of an account | 256 bytes", func(t *testing.T, n int) {
		_, err := strategies.CanonicalName(strings.Repeat("a", n))
		assert.NoError(t, err)
		_, err = strategies.CanonicalName(strings.Repeat("a", n+1))
		assert.ErrorIs(t, err, strategies.ErrName)
	}},
	{"target of `Context.Redirect` | 2,048 bytes", longestPlace},
	{"from a trusted proxy | 128 characters", requestIDTakenOver},
}

// anybody is let in by everybody.
type anybody struct{}

func (anybody) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: ringbearer, Via: "anybody"}, nil
}

// largestBody checks that a JSON body of n bytes is read and that a larger one is answered with status.
func largestBody(t *testing.T, n, status int, answer func(r *http.Request) int) {
	t.Helper()
	body := func(n int) string { return `{"a":"` + strings.Repeat("b", n-len(`{"a":""}`)) + `"}` }
	assert.NotEqual(t, status, answer(request(t, "/", body(n))))
	assert.Equal(t, status, answer(request(t, "/", body(n+1))))
}

func zipped(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	_, err := io.Copy(z, r.Body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	again := request(t, r.URL.Path, small.String())
	again.Header.Set("Content-Encoding", "gzip")
	return again
}

func largestHeaders(t *testing.T, n, status int) {
	server := app.New().Server("")
	assert.Equal(t, n, server.MaxHeaderBytes)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	answer := func(n int) int {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		go func() {
			_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: shire.example\r\nConnection: close\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", n))
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		return res.StatusCode
	}
	assert.Equal(t, 404, answer(n-1024))
	assert.Equal(t, status, answer(n+8192))
}

func valuesAndLevels(t *testing.T, values, levels int) {
	bind := func(body string) int {
		return statusOf(t, request(t, "/", body), func(ctx *app.Context, _ app.Handler) error { return ctx.Bind(&map[string]any{}) })
	}
	list := func(n int) string { return `{"a":[` + strings.Repeat("0,", n-2) + `0]}` } // the list is a value itself
	assert.Equal(t, 404, bind(list(values)))
	assert.Equal(t, 400, bind(list(values+1)))
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "0" + strings.Repeat("}", n) }
	assert.Equal(t, 404, bind(deep(levels-1)), "the number in it is a level itself")
	assert.Equal(t, 400, bind(deep(levels)))
}

func partsAndFiles(t *testing.T, parts, files, status, name int) {
	send := func(values, files, name int) int {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for range values {
			require.NoError(t, w.WriteField("a", "b"))
		}
		for range files {
			_, err := w.CreateFormFile("ring", strings.Repeat("r", name))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		r := request(t, "/", body.String())
		r.Header.Set("Content-Type", w.FormDataContentType())
		return statusOf(t, r, func(ctx *app.Context, _ app.Handler) error {
			return ctx.Bind(&struct {
				A    []string                `json:"a"`
				Ring []*multipart.FileHeader `json:"ring"`
			}{})
		})
	}
	assert.Equal(t, 404, send(parts-files, files, name))
	assert.Equal(t, status, send(parts-files+1, files, name))
	assert.Equal(t, status, send(0, files+1, name))
	assert.Equal(t, 400, send(0, 1, name+1))
}

func valuesOfAQuery(t *testing.T, n, status int) {
	for count, want := range map[int]int{n: 404, n + 1: status} {
		r := request(t, "/", "")
		r.URL.RawQuery = "last=1" + strings.Repeat("&a=1", count-1)
		assert.Equal(t, want, statusOf(t, r, func(ctx *app.Context, _ app.Handler) error {
			assert.Equal(t, want == 404, ctx.Query("last") == "1")
			_, err := app.Query(ctx, "last", 0)
			return err
		}))
	}
}

func lengthOfAnID(t *testing.T, n int) {
	store := storetest.NewFaulty(sessionstores.NewMemory())
	c := loggedIn(t, store, app.SessionOptions{})
	id := c.Cookie("__Host-session").Value
	assert.Len(t, id, n)
	for _, other := range []string{id[:n-1], id + "A", "~" + id[1:]} {
		before := len(store.Calls())
		c.SetCookie("__Host-session", other)
		assert.Equal(t, 401, c.Get("/me").Status)
		assert.Len(t, store.Calls(), before)
	}
}

// basicPair goes three bytes beyond: base64 comes in groups of so many.
func basicPair(t *testing.T, n int) {
	basic := strategies.NewBasic(func(context.Context, strategies.Credentials) (*reviewed, error) { return ringbearer, nil }, strategies.BasicOptions{})
	answer := func(n int) int {
		r := request(t, "/", "")
		r.SetBasicAuth("frodo", strings.Repeat("a", n-len("frodo:")))
		return statusOf(t, r, app.Authenticate(basic), onPath(map[string]app.Handler{"/": fine}))
	}
	assert.Equal(t, 204, answer(n))
	assert.Equal(t, 400, answer(n+3))
}

func longestPlace(t *testing.T, n int) {
	place := func(n int) string { return "/" + strings.Repeat("a", n-1) }
	redirect := func(n int) error {
		return inRequest(t, func(ctx *app.Context) error { return ctx.Redirect(place(n)) })
	}
	assert.NoError(t, redirect(n))
	assert.Error(t, redirect(n+1))
	sessions := sessionsWith(app.SessionOptions{})
	keep := func(n int) (err error) {
		r := request(t, place(n), "")
		r.Method = http.MethodGet
		r.Header.Set("Accept", "text/html")
		statusOf(t, r, sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			x, failed := ctx.Session()
			require.NoError(t, failed)
			err = x.KeepReturnTo()
			return nil
		})
		return err
	}
	assert.NoError(t, keep(n))
	assert.Error(t, keep(n+1))
}

func requestIDTakenOver(t *testing.T, n int) {
	layer := middleware.RequestID(middleware.RequestIDOptions{Trust: func(*app.Context) bool { return true }})
	c := apptest.NewClient(t, app.New().Use(layer))
	for length, taken := range map[int]bool{n: true, n + 1: false} {
		c.Header.Set("X-Request-Id", strings.Repeat("a", length))
		assert.Equal(t, taken, c.Get("/").Header.Get("X-Request-Id") == c.Header.Get("X-Request-Id"))
	}
}
