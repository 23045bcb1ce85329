package app_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// sayRaw sends the bytes of a request to a real server and returns what it answered.
func sayRaw(t *testing.T, a *app.App, request string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", start(t, a).Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	return res.StatusCode, text(t, res.Body)
}

// saying answers with what a handler finds out.
func saying(what func(ctx *app.Context) string) *app.App {
	return quiet().Use(last(func(ctx *app.Context) error {
		ctx.Status, ctx.Body = http.StatusOK, what(ctx)
		return nil
	}))
}

func TestIs(t *testing.T) {
	for _, test := range []struct {
		name, sent string
		types      []string
		want       string
	}{
		{"an extension is returned as given", "application/json", []string{"html", "json"}, "json"},
		{"a media type is returned as given", "application/json", []string{"Application/JSON"}, "Application/JSON"},
		{"parameters and case do not matter", "Application/JSON; charset=utf-8", []string{"json"}, "json"},
		{"the first that fits", "application/json", []string{"application/*", "json"}, "application/json"},
		{"urlencoded", "application/x-www-form-urlencoded", []string{"json", "urlencoded"}, "urlencoded"},
		{"multipart", "multipart/form-data; boundary=x", []string{"multipart"}, "multipart"},
		{"text", "text/plain", []string{"text"}, "text"},
		{"an image", "image/png", []string{".png"}, ".png"},
		{"a wildcard is answered by the type", "text/css", []string{"text/*"}, "text/css"},
		{"any type", "text/css", []string{"*/*"}, "text/css"},
		{"a suffix", "application/problem+json", []string{"json", "+json"}, "application/problem+json"},
		{"a suffix of a type", "application/problem+json", []string{"application/*+json"}, "application/problem+json"},
		{"no suffix", "application/json", []string{"+json"}, ""},
		{"a suffix alone", "application/+json", []string{"+json"}, ""},
		{"without types", "Text/CSS; x=y", nil, "text/css"},
		{"another type", "text/plain", []string{"json", "text/html", "image/*"}, ""},
		{"an extension of nothing", "text/plain", []string{"mordor", ""}, ""},
		{"no type", "", []string{"json", "*/*"}, ""},
		{"no slash", "json", []string{"json", "*/*"}, ""},
		{"a slash too many", "application/json/x", []string{"json", "*/*"}, ""},
		{"a parameter that is broken", "application/json; charset", []string{"json", "*/*"}, ""},
		{"two types", "application/json, text/html", []string{"json", "*/*"}, ""},
		{"a null byte", "application/json\x00", []string{"json", "*/*"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := record(saying(func(ctx *app.Context) string { return ctx.Is(test.types...) }), post("/", test.sent, "x"))
			assert.Equal(t, test.want, w.Body.String())
		})
	}
}

func TestHasBody(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: shire.example\r\nConnection: close\r\nContent-Type: text/plain\r\n"
	seen := saying(func(ctx *app.Context) string {
		if !ctx.HasBody() {
			return "none " + ctx.Is("text")
		}
		return "some " + ctx.Is("text")
	})
	for _, test := range []struct{ name, request, want string }{
		{"of a length", head + "Content-Length: 1\r\n\r\nx", "some text"},
		{"in chunks", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "some text"},
		{"in no chunk", head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "some text"},
		{"of no length", head + "Content-Length: 0\r\n\r\n", "none "},
		{"not there", head + "\r\n", "none "},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := sayRaw(t, seen, test.request)
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, test.want, body)
		})
	}
	t.Run("after it was read it is known", func(t *testing.T) {
		read := saying(func(ctx *app.Context) string {
			_, err := ctx.RawBody()
			assert.NoError(t, err)
			return ctx.Is("text")
		})
		_, body := sayRaw(t, read, head+"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		assert.Empty(t, body)
		_, body = sayRaw(t, read, head+"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
		assert.Equal(t, "text", body)
	})
}

func TestRequestTypeAndCharset(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"both", []string{"Text/HTML; Charset=UTF-8"}, "text/html utf-8"},
		{"in quotes", []string{`text/html;charset="Latin1"`}, "text/html latin1"},
		{"no charset", []string{"text/html"}, "text/html "},
		{"none", nil, " "},
		{"twice", []string{"text/html; charset=utf-8", "text/html; charset=latin1"}, " "},
		{"a charset twice", []string{"text/html; charset=utf-8; charset=latin1"}, " "},
		{"malformed", []string{"text/html; charset"}, " "},
		{"no type before the charset", []string{"; charset=utf-8"}, " "},
		{"very long", []string{"text/html; " + strings.Repeat("a=b;", 20_000)}, "text/html "},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := post("/", "", "x")
			r.Header["Content-Type"] = test.lines
			w := record(saying(func(ctx *app.Context) string { return ctx.RequestType() + " " + ctx.RequestCharset() }), r)
			assert.Equal(t, test.want, w.Body.String())
		})
	}
}
