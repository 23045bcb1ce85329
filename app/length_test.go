package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// pieces is a stream that gives one text a Read.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; (*p)[0] == "" {
		*p = (*p)[1:]
	}
	return n, nil
}

// A length that was said for a stream stays, and no client takes a stream of another length for whole.
func TestSetLengthOfAStream(t *testing.T) {
	for name, c := range map[string]struct {
		said    int64
		pieces  pieces
		cut     bool
		content string
	}{
		"right":                       {4, pieces{"half"}, false, "half"},
		"right in pieces":             {8, pieces{"half", "", "half"}, false, "halfhalf"},
		"nothing":                     {0, nil, false, ""},
		"one byte":                    {1, pieces{"x"}, false, "x"},
		"shorter":                     {9, pieces{"half", "half"}, true, "halfhalf"},
		"nothing though something":    {3, nil, true, ""},
		"longer":                      {3, pieces{"half"}, true, "ha"},
		"longer by another piece":     {4, pieces{"half", "half"}, true, "hal"},
		"something though nothing":    {0, pieces{"x"}, true, ""},
		"longer than one byte":        {1, pieces{"x", "y"}, true, ""},
		"shorter after a large part":  {20_000, pieces{strings.Repeat("x", 10_000)}, true, strings.Repeat("x", 10_000)},
		"longer after a large part":   {10_000, pieces{strings.Repeat("x", 10_000), "y"}, true, strings.Repeat("x", 9_999)},
		"far longer than it is":       {1 << 40, pieces{"half"}, true, "half"},
		"negative is not said at all": {-1, pieces{"half"}, false, "half"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{Reader: &c.pieces}
			w := newRespWire(t, last(func(ctx *app.Context) error {
				ctx.SetLength(c.said)
				ctx.Body = s
				if c.said < 0 {
					return nil
				}
				n, ok := ctx.Length()
				assert.True(t, ok)
				assert.Equal(t, c.said, n)
				return nil
			}))
			got := w.ask("GET", "/")
			told := w.reports()
			if !c.cut {
				assert.False(t, got.cut)
				assert.Equal(t, c.content, got.body)
				assert.Empty(t, told)
				return
			}
			// With a length of 0 the client has all that it waits for: nothing wrong is in it.
			assert.True(t, got.cut || c.said == 0)
			assert.True(t, strings.HasPrefix(c.content, got.body), "%q", got.body)
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "than Content-Length says")
			assert.Equal(t, 1, s.closed)
		})
	}
	t.Run("one that fails where its length ends", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error {
			ctx.SetLength(4)
			ctx.Body = io.MultiReader(strings.NewReader("half"), breaking{})
			return nil
		}))
		assert.True(t, w.ask("GET", "/").cut)
		assert.Len(t, w.reports(), 1)
	})
}

// A length is never that of another body. The server counts a stream itself if it is short.
func TestSetLength(t *testing.T) {
	for name, c := range map[string]struct {
		h    app.Handler
		body string
		said string
	}{
		"of text is its own": {func(ctx *app.Context) error { ctx.SetLength(1); ctx.Body = "hello"; return nil }, "hello", "5"},
		"of bytes is their own": {func(ctx *app.Context) error {
			ctx.Header().Set("Content-Length", "99")
			ctx.Body = []byte("hello")
			return nil
		}, "hello", "5"},
		"of JSON is its own":               {func(ctx *app.Context) error { ctx.SetLength(99); ctx.Body = 1; return nil }, "1", "1"},
		"of no bytes is their own":         {func(ctx *app.Context) error { ctx.SetLength(99); ctx.Body = []byte{}; return nil }, "", "0"},
		"without a Body is none":           {func(ctx *app.Context) error { ctx.SetLength(99); ctx.Status = 202; return nil }, "", "0"},
		"of nobody known is none":          {func(ctx *app.Context) error { ctx.SetLength(99); ctx.Status = 401; return nil }, `{"errors":[{"title":"Unauthorized","status":401}]}`, "50"},
		"with an empty 401 is overruled":   {func(ctx *app.Context) error { ctx.SetLength(99); ctx.SetType("html"); ctx.Status = 401; return nil }, "", "0"},
		"of a Body that became a redirect": {func(ctx *app.Context) error { ctx.SetLength(99); ctx.Body = "x"; return ctx.Redirect("/") }, "", "0"},
		"with a coding of its own is not said": {func(ctx *app.Context) error {
			ctx.Header().Set("Transfer-Encoding", "chunked")
			ctx.SetLength(1)
			ctx.Body = strings.NewReader("hello")
			return nil
		}, "hello", ""},
		"that was said before such a coding is taken back": {func(ctx *app.Context) error {
			ctx.SetLength(1)
			ctx.Header().Set("Transfer-Encoding", "chunked")
			ctx.Body = strings.NewReader("hello")
			return nil
		}, "hello", ""},
		"of another stream is forgotten": {func(ctx *app.Context) error {
			ctx.Body = strings.NewReader("old")
			ctx.SetLength(3)
			ctx.Body = strings.NewReader("newer")
			return nil
		}, "newer", "5"},
		"of a stream that cannot be compared is forgotten": {func(ctx *app.Context) error {
			ctx.Body = incomparable{strings.NewReader("hello"), nil}
			ctx.SetLength(5)
			return nil
		}, "hello", "5"},
		"by hand that is no number is not said": {func(ctx *app.Context) error {
			ctx.Header().Set("Content-Length", "+5")
			ctx.Body = strings.NewReader("hello")
			return nil
		}, "hello", "5"},
		"by hand that is said twice is not said": {func(ctx *app.Context) error {
			ctx.Header()["Content-Length"] = []string{"5", "6"}
			ctx.Body = strings.NewReader("hello")
			return nil
		}, "hello", "5"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRespWire(t, last(c.h))
			got := w.ask("GET", "/")
			assert.False(t, got.cut)
			assert.Equal(t, c.body, got.body)
			assert.Equal(t, c.said, got.respLength())
			assert.Empty(t, w.reports())
		})
	}
	t.Run("below a net/http middleware a stale one is taken back", func(t *testing.T) {
		w := newRespWire(t, app.Wrap(unchanged), last(func(ctx *app.Context) error { ctx.SetLength(99); ctx.Body = "hello"; return nil }))
		got := w.ask("GET", "/")
		assert.False(t, got.cut)
		assert.Equal(t, "hello", got.body)
	})
}

type incomparable struct {
	io.Reader
	_ []byte
}

func TestLength(t *testing.T) {
	for name, c := range map[string]struct {
		body any
		n    int64
		ok   bool
	}{
		"nothing":                 {nil, 0, false},
		"text in bytes":           {"ä", 2, true},
		"bytes":                   {[]byte("hello"), 5, true},
		"a stream":                {strings.NewReader("hello"), 0, false},
		"JSON":                    {map[string]int{"a": 1}, 7, true},
		"a nil pointer":           {(*strings.Reader)(nil), 4, true},
		"raw JSON":                {json.RawMessage(`{ "a": 1 }`), 7, true},
		"what is no JSON":         {func() {}, 0, false},
		"another server's answer": {&http.Response{ContentLength: 7, Body: http.NoBody}, 7, true},
		"another server's answer without a length": {&http.Response{ContentLength: -1, Body: http.NoBody}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			quiet().Use(last(func(ctx *app.Context) error {
				ctx.Body = c.body
				n, ok := ctx.Length()
				assert.Equal(t, c.n, n)
				assert.Equal(t, c.ok, ok)
				ctx.Body = nil
				return nil
			})).ServeHTTP(&discard{http.Header{}}, get("/"))
		})
	}
}

func TestSetLengthIsNotForACodingOfItsOwn(t *testing.T) {
	serve(get("/"), last(func(ctx *app.Context) error {
		ctx.Header().Set("Transfer-Encoding", "chunked")
		ctx.SetLength(1)
		_, ok := ctx.Length()
		assert.False(t, ok)
		assert.NotContains(t, ctx.Header(), "Content-Length")
		return nil
	}))
}

// HEAD has the length of GET for every kind of Body, and reads no stream.
func TestHEADOfEveryKind(t *testing.T) {
	for name, c := range map[string]struct {
		h    app.Handler
		said string
	}{
		"text":           {ok, "2"},
		"no text":        {func(ctx *app.Context) error { ctx.Body = ""; return nil }, "0"},
		"bytes":          {func(ctx *app.Context) error { ctx.Body = []byte("hello"); return nil }, "5"},
		"no bytes":       {func(ctx *app.Context) error { ctx.Body = []byte{}; return nil }, "0"},
		"JSON":           {func(ctx *app.Context) error { ctx.Body = true; return nil }, "4"},
		"a status alone": {func(ctx *app.Context) error { ctx.Status = 202; return nil }, "0"},
		"nothing":        {func(*app.Context) error { return nil }, "47"},
		"a redirect":     {func(ctx *app.Context) error { return ctx.Redirect("/") }, "0"},
		"204":            {func(ctx *app.Context) error { ctx.Status = 204; return nil }, ""},
		"304":            {func(ctx *app.Context) error { ctx.Status = 304; return nil }, ""},
		"a stream":       {func(ctx *app.Context) error { ctx.Body = strings.NewReader(strings.Repeat("x", 5000)); return nil }, ""},
		"a stream whose length was said": {func(ctx *app.Context) error {
			ctx.Body = strings.NewReader("hello")
			ctx.SetLength(5)
			return nil
		}, "5"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRespWire(t, last(c.h))
			full, head := w.ask("GET", "/"), w.ask("HEAD", "/")
			assert.Equal(t, full.status, head.status)
			assert.Equal(t, c.said, full.respLength())
			assert.Equal(t, c.said, head.respLength())
			assert.Equal(t, full.header["Content-Type"], head.header["Content-Type"])
			assert.True(t, strings.HasSuffix(head.raw, "\r\n\r\n"), "no byte of a body")
		})
	}
	t.Run("a handler for HEAD says the length of what it does not make", func(t *testing.T) {
		got := respAsk(t, "HEAD", func(ctx *app.Context) error { ctx.Status = 200; ctx.SetLength(1 << 40); return nil })
		assert.Equal(t, "1099511627776", got.respLength())
	})
	t.Run("a stream is not read and is closed", func(t *testing.T) {
		s := &stream{Reader: panicking{}}
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = s; return nil }))
		assert.Equal(t, 200, w.ask("HEAD", "/").status)
		assert.Empty(t, w.reports())
		assert.Equal(t, 1, s.closed)
	})
}
