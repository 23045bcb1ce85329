package app_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestSetETag(t *testing.T) {
	for name, c := range map[string]struct{ tag, want string }{
		"without quotes it gets them":       {"abc", `"abc"`},
		"with quotes it stays":              {`"abc"`, `"abc"`},
		"a weak one stays":                  {`W/"abc"`, `W/"abc"`},
		"the empty tag in quotes":           {`""`, `""`},
		"a comma":                           {"a,b", `"a,b"`},
		"what only looks like a weak one":   {"W/abc", `"W/abc"`},
		"a weakness in small letters is no": {"w/abc", `"w/abc"`},
		"non-ASCII":                         {"ä", `"ä"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				ctx.Body = "x"
				return ctx.SetETag(c.tag)
			})
			assert.Contains(t, got.raw, "\r\nEtag: "+c.want+"\r\n")
		})
	}
	for name, tag := range map[string]string{
		"a line end": "a\r\nSet-Cookie: ring=1", "a quote in it": `a"b`, "half a pair": `"a`, "the other half": `a"`, "one quote": `"`, "a quote in quotes": `"a"b"`,
		"a space": "a b", "NUL": "a\x00", "DEL": "a\x7f", "a weak one with a space": `W/"a b"`, "a weak one of small letters": `w/"a"`,
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			w, told := answered(get("/"), last(func(ctx *app.Context) error {
				ctx.Body = "x"
				return ctx.SetETag(tag)
			}))
			assert.Equal(t, 500, w.Code)
			assert.NotContains(t, w.Header(), "Etag")
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "app: SetETag")
		})
	}
	t.Run("nothing removes it", func(t *testing.T) {
		w := serve(get("/"), last(func(ctx *app.Context) error {
			ctx.Body = "x"
			return errors.Join(ctx.SetETag("a"), ctx.SetETag(""))
		}))
		assert.NotContains(t, w.Header(), "Etag")
	})
}

func TestLastModified(t *testing.T) {
	at := time.Date(2031, 3, 4, 7, 6, 7, 999, time.FixedZone("Bree", 2*60*60))
	got := respAsk(t, "GET", func(ctx *app.Context) error {
		assert.Zero(t, ctx.LastModified())
		ctx.SetLastModified(at)
		assert.Equal(t, at.UTC().Truncate(time.Second), ctx.LastModified())
		ctx.Body = "x"
		return nil
	})
	assert.Contains(t, got.raw, "\r\nLast-Modified: Tue, 04 Mar 2031 05:06:07 GMT\r\n")
	serve(get("/"), last(func(ctx *app.Context) error {
		ctx.Header().Set("Last-Modified", "yesterday")
		assert.Zero(t, ctx.LastModified(), "what is no time")
		ctx.SetLastModified(at)
		ctx.SetLastModified(time.Time{})
		assert.NotContains(t, ctx.Header(), "Last-Modified", "the zero time removes it")
		return nil
	}))
}

func TestVary(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		want   []string
	}{
		"one":                          {[]string{"Accept"}, []string{"Accept"}},
		"the same twice":               {[]string{"Accept", "accept", "ACCEPT"}, []string{"Accept"}},
		"a list":                       {[]string{"Accept, Accept-Language"}, []string{"Accept", "Accept-Language"}},
		"a star":                       {[]string{"Accept", "*", "Origin"}, []string{"*"}},
		"a star before":                {[]string{"*", "Accept"}, []string{"*"}},
		"none":                         {nil, nil},
		"what is no name":              {[]string{"Accept", "a b"}, []string{"*"}},
		"a line end":                   {[]string{"Accept\r\nSet-Cookie: ring=1"}, []string{"*"}},
		"an empty name":                {[]string{""}, []string{"*"}},
		"a name that is part of one":   {[]string{"Accept-Encoding", "Accept"}, []string{"Accept-Encoding", "Accept"}},
		"two calls that say the same":  {[]string{"Origin", "Origin"}, []string{"Origin"}},
		"a star that is part of a one": {[]string{"X-*"}, []string{"X-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := respAsk(t, "GET", func(ctx *app.Context) error {
				for _, f := range c.fields {
					ctx.Vary(f)
				}
				ctx.Body = "x"
				return nil
			})
			assert.Equal(t, c.want, got.header["Vary"])
			assert.NotContains(t, got.header, "Set-Cookie")
		})
	}
}

func TestAppend(t *testing.T) {
	got := respAsk(t, "GET", func(ctx *app.Context) error {
		ctx.Append("link", "</a>", "</b>")
		ctx.Append("Link", "</c>")
		ctx.Append("X-Ring")
		ctx.Append("X-Evil", "1\r\nSet-Cookie: ring=1")
		ctx.Append("X-Evil: 1\r\nSet-Cookie", "ring=1")
		ctx.Body = "x"
		return nil
	})
	assert.Equal(t, []string{"</a>", "</b>", "</c>"}, got.header["Link"])
	assert.NotContains(t, got.header, "X-Ring")
	assert.NotContains(t, got.header, "Set-Cookie", "the server makes one line of it")
}

// What comes after the headers changes nothing and is no panic.
func TestSettersAfterTheHeadersWereSent(t *testing.T) {
	w := newRespWire(t, last(func(ctx *app.Context) error {
		ctx.SetLength(5)
		if err := ctx.Flush(); err != nil {
			return err
		}
		before := ctx.Header().Clone()
		ctx.SetType("json")
		ctx.SetLength(1)
		ctx.SetLastModified(time.Unix(1, 0))
		ctx.Vary("Accept")
		ctx.Append("Link", "</a>")
		ctx.Attachment("a.txt")
		ctx.Inline("a.txt")
		assert.NoError(t, ctx.SetETag("a"))
		assert.ErrorIs(t, ctx.Redirect("/a"), app.ErrHeadersSent)
		assert.ErrorIs(t, ctx.RedirectExternal("https://example.org/"), app.ErrHeadersSent)
		assert.ErrorIs(t, ctx.Back("/a"), app.ErrHeadersSent)
		_, err := ctx.EventStream()
		assert.ErrorIs(t, err, app.ErrHeadersSent)
		assert.Equal(t, before, ctx.Header())
		assert.Equal(t, 200, ctx.Status)
		ctx.Body = "hello"
		return nil
	}))
	got := w.ask("GET", "/")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, "hello", got.body)
	assert.False(t, got.cut)
	assert.Empty(t, w.reports())
}

func TestReplaceBody(t *testing.T) {
	replacing := func(body func(old any) any) app.Middleware {
		return func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			ctx.ReplaceBody(body(ctx.Body))
			return err
		}
	}
	for name, body := range map[string]any{"text": "new", "bytes": []byte("new"), "JSON": 1, "nothing": nil} {
		t.Run("a stream is closed in favour of "+name, func(t *testing.T) {
			s := &stream{Reader: strings.NewReader("old")}
			w := newRespWire(t, replacing(func(any) any { return body }), last(func(ctx *app.Context) error {
				ctx.Status, ctx.Body = 202, s
				ctx.SetLength(3000)
				return nil
			}))
			got := w.ask("GET", "/")
			assert.Equal(t, 1, s.closed)
			assert.False(t, got.cut)
			assert.NotContains(t, got.body, "old")
			assert.NotEqual(t, "3000", got.respLength())
		})
	}
	t.Run("a stream that reads from it is left to close it", func(t *testing.T) {
		s := &stream{Reader: strings.NewReader("old")}
		w := newRespWire(t, replacing(func(old any) any { return upper{old.(io.ReadCloser)} }), last(func(ctx *app.Context) error {
			ctx.SetLength(300) // said before there was a Body
			ctx.Body = s
			return nil
		}))
		got := w.ask("GET", "/")
		assert.Equal(t, "OLD", got.body)
		assert.Equal(t, "3", got.respLength(), "the one that was said was of another")
		assert.Equal(t, 1, s.closed, "closed once by what read it")
	})
}

// A length that was said before there was a Body is of the one that is replaced.
func TestReplaceBodyForgetsTheLength(t *testing.T) {
	replacing := func(body any, then func(ctx *app.Context) error) app.Middleware {
		return func(ctx *app.Context, next app.Handler) error {
			if err := next(ctx); err != nil {
				return err
			}
			ctx.ReplaceBody(body)
			return then(ctx)
		}
	}
	streaming := last(func(ctx *app.Context) error {
		ctx.SetLength(3000)
		ctx.Status, ctx.Body = 200, &stream{Reader: strings.NewReader("old")}
		return nil
	})
	t.Run("of headers that are flushed", func(t *testing.T) {
		got := newRespWire(t, replacing("new", (*app.Context).Flush), streaming).ask("GET", "/")
		assert.Equal(t, "new", got.body)
		assert.False(t, got.cut)
	})
	t.Run("of an answer to HEAD without a Body", func(t *testing.T) {
		got := newRespWire(t, replacing(nil, func(*app.Context) error { return nil }), streaming).ask("HEAD", "/")
		assert.Equal(t, "0", got.respLength(), "as GET says")
	})
}

// upper is a stream around a stream.
type upper struct{ io.ReadCloser }

func (u upper) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	copy(b, strings.ToUpper(string(b[:n])))
	return n, err
}

func respEncoding(a respAnswer) string {
	_, after, _ := strings.Cut(a.raw, "\r\nTransfer-Encoding: ")
	coding, _, _ := strings.Cut(after, "\r\n")
	return coding
}

func TestWritable(t *testing.T) {
	t.Run("until the answer is complete", func(t *testing.T) {
		var during, after bool
		serve(get("/"), last(func(ctx *app.Context) error {
			ctx.OnFinish(func() { after = ctx.Writable() })
			during = ctx.Writable()
			ctx.Body = "x"
			return nil
		}))
		assert.True(t, during)
		assert.False(t, after)
	})
	t.Run("after headers that were flushed", func(t *testing.T) {
		serve(get("/"), last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Flush())
			assert.True(t, ctx.Writable())
			return nil
		}))
	})
	t.Run("not above a net/http middleware that has answered", func(t *testing.T) {
		serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			assert.False(t, ctx.Writable())
			return err
		}, app.Wrap(unchanged), last(ok))
	})
	t.Run("not when the client has gone", func(t *testing.T) {
		begun, seen := make(chan struct{}), make(chan bool, 2)
		w := newRespWire(t, last(func(ctx *app.Context) error {
			seen <- ctx.Writable()
			close(begun)
			<-ctx.Context().Done()
			seen <- ctx.Writable()
			return nil
		}))
		conn := w.dial("GET", "/")
		<-begun
		require.NoError(t, conn.Close())
		assert.True(t, <-seen)
		assert.False(t, <-seen)
	})
	t.Run("not after a hijack", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error {
			conn, _, err := http.NewResponseController(ctx.Writer()).Hijack()
			require.NoError(t, err)
			assert.False(t, ctx.Writable())
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			return conn.Close()
		}))
		assert.Equal(t, 204, w.ask("GET", "/").status)
	})
}
