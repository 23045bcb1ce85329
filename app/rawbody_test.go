package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestRawBody(t *testing.T) {
	const body = ` {"name" : "frodo"} `
	raw := func(ctx *app.Context) string {
		b, err := ctx.RawBody()
		require.NoError(t, err)
		return string(b)
	}
	bound := func(ctx *app.Context) string {
		var v place
		require.NoError(t, ctx.Bind(&v))
		return v.Name
	}
	for name, order := range map[string]func(ctx *app.Context) string{
		"before Bind": func(ctx *app.Context) string { return raw(ctx) + bound(ctx) },
		"after Bind": func(ctx *app.Context) string {
			name := bound(ctx)
			return raw(ctx) + name
		},
		"twice": func(ctx *app.Context) string {
			assert.Equal(t, body, raw(ctx))
			return raw(ctx) + "frodo"
		},
		"and it stays readable": func(ctx *app.Context) string {
			raw(ctx)
			return text(t, ctx.Request.Body) + "frodo"
		},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := http.Post(start(t, saying(order)).URL, jsonType, strings.NewReader(body))
			require.NoError(t, err)
			defer res.Body.Close()
			assert.Equal(t, body+"frodo", text(t, res.Body))
		})
	}
	t.Run("of any type and encoding, as it came", func(t *testing.T) {
		r := post("/", "mordor", "\x00\xff")
		r.Header.Set("Content-Encoding", "gzip")
		assert.Equal(t, "\x00\xff", record(saying(raw), r).Body.String())
	})
	t.Run("none", func(t *testing.T) {
		assert.Empty(t, record(saying(raw), get("/")).Body.String())
		r := get("/")
		r.Body = nil
		assert.Empty(t, record(saying(raw), r).Body.String())
	})
}

func TestRawBodyRefuses(t *testing.T) {
	read := func(r *http.Request, do func(ctx *app.Context) error) int {
		return serve(r, last(func(ctx *app.Context) error {
			ctx.Status = http.StatusNoContent
			return do(ctx)
		})).Code
	}
	rawUpTo := func(limit int64) func(ctx *app.Context) error {
		return func(ctx *app.Context) error {
			b, err := ctx.RawBodyUpTo(limit)
			if err != nil {
				assert.Nil(t, b)
			}
			return err
		}
	}
	raw := func(ctx *app.Context) error { _, err := ctx.RawBody(); return err }
	t.Run("more than the limit of the App", func(t *testing.T) {
		assert.Equal(t, 204, read(post("/", "", strings.Repeat("x", 1<<20)), raw))
		assert.Equal(t, 413, read(post("/", "", strings.Repeat("x", 1<<20+1)), raw))
	})
	t.Run("more than its own limit", func(t *testing.T) {
		assert.Equal(t, 204, read(post("/", "", strings.Repeat("x", 2<<20)), rawUpTo(2<<20)))
		assert.Equal(t, 413, read(post("/", "", "xxx"), rawUpTo(2)))
		assert.Equal(t, 500, read(post("/", "", "xxx"), rawUpTo(0)))
	})
	t.Run("more than somebody above allowed", func(t *testing.T) {
		assert.Equal(t, 413, read(post("/", "", "xxx"), func(ctx *app.Context) error {
			require.NoError(t, rawUpTo(3)(ctx))
			return rawUpTo(2)(ctx)
		}))
	})
	t.Run("what does not arrive", func(t *testing.T) {
		r := post("/", "", "")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), broken{}))
		assert.Equal(t, 400, read(r, raw))
	})
	t.Run("an encoded body is still not bound", func(t *testing.T) {
		r := post("/", jsonType, `{}`)
		r.Header.Set("Content-Encoding", "gzip")
		assert.Equal(t, 415, read(r, func(ctx *app.Context) error {
			require.NoError(t, raw(ctx))
			return ctx.Bind(new(signup))
		}))
	})
}

func TestRawBodyAndMultipart(t *testing.T) {
	body := parts(`name="name"|frodo`, `name="face"; filename="f"|PNG`)
	t.Run("it comes before Bind", func(t *testing.T) {
		serve(post("/", multipartType, body), last(func(ctx *app.Context) error {
			raw, err := ctx.RawBody()
			require.NoError(t, err)
			assert.Equal(t, body, string(raw))
			var v portrait
			require.NoError(t, ctx.Bind(&v))
			assert.Equal(t, "frodo", v.Name)
			assert.Equal(t, "PNG", content(t, v.Face))
			assertStatus(t, http.StatusRequestEntityTooLarge, ctx.BindUpTo(int64(len(body)-1), &v))
			raw, err = ctx.RawBody()
			require.NoError(t, err)
			assert.Equal(t, body, string(raw))
			return nil
		}))
	})
	t.Run("afterwards it says what is wrong", func(t *testing.T) {
		serve(post("/", multipartType, body), last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Bind(new(portrait)))
			_, err := ctx.RawBody()
			assert.ErrorContains(t, err, "RawBody comes before it")
			return nil
		}))
	})
}

// A webhook is believed if its sender knows the secret.
func ExampleContext_RawBody() {
	secret := []byte("a secret of both sides, of 32 bytes at least")
	sign := func(body []byte) []byte {
		sum := hmac.New(sha256.New, secret)
		sum.Write(body)
		return sum.Sum(nil)
	}
	hook := func(ctx *app.Context, _ app.Handler) error {
		body, err := ctx.RawBody()
		if err != nil {
			return err
		}
		signature, err := hex.DecodeString(ctx.Get("X-Signature"))
		if err != nil || !hmac.Equal(signature, sign(body)) {
			return ctx.Throw(http.StatusForbidden, "Wrong signature")
		}
		var event struct {
			Ring string `json:"ring"`
		}
		if err := ctx.Bind(&event); err != nil {
			return err
		}
		ctx.Body = "found " + event.Ring
		return nil
	}

	r := post("/hook", "application/json", `{"ring": "the one"}`)
	r.Header.Set("X-Signature", hex.EncodeToString(sign([]byte(`{"ring": "the one"}`))))
	fmt.Println(serve(r, hook).Body)
	forged := post("/hook", "application/json", `{"ring": "another"}`)
	forged.Header = r.Header
	fmt.Println(serve(forged, hook).Code)
	// Output:
	// found the one
	// 403
}
