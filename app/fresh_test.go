package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestFresh(t *testing.T) {
	const monday, tuesday = "Mon, 03 Mar 2031 05:06:07 GMT", "Tue, 04 Mar 2031 05:06:07 GMT"
	for name, c := range map[string]struct {
		method, tag, changed string
		status               int
		asked                []string
		want                 bool
	}{
		"the tag":                       {"GET", "a", "", 200, []string{"If-None-Match", `"a"`}, true},
		"the tag for HEAD":              {"HEAD", "a", "", 200, []string{"If-None-Match", `"a"`}, true},
		"the tag for POST":              {"POST", "a", "", 200, []string{"If-None-Match", `"a"`}, false},
		"the tag for DELETE":            {"DELETE", "a", "", 200, []string{"If-None-Match", `"a"`}, false},
		"a weak tag for a strong one":   {"GET", "a", "", 200, []string{"If-None-Match", `W/"a"`}, true},
		"one of many":                   {"GET", "a", "", 200, []string{"If-None-Match", `"x", "a"`}, true},
		"another tag":                   {"GET", "a", "", 200, []string{"If-None-Match", `"b"`}, false},
		"any":                           {"GET", "a", "", 200, []string{"If-None-Match", "*"}, true},
		"any and no tag":                {"GET", "", "", 200, []string{"If-None-Match", "*"}, false},
		"nothing asked":                 {"GET", "a", tuesday, 200, nil, false},
		"another success":               {"GET", "a", "", 206, []string{"If-None-Match", `"a"`}, true},
		"304":                           {"GET", "a", "", 304, []string{"If-None-Match", `"a"`}, true},
		"404":                           {"GET", "a", "", 404, []string{"If-None-Match", `"a"`}, false},
		"303":                           {"GET", "a", "", 303, []string{"If-None-Match", `"a"`}, false},
		"500":                           {"GET", "a", "", 500, []string{"If-None-Match", `"a"`}, false},
		"no status and no Body is 404":  {"GET", "a", "", 0, []string{"If-None-Match", `"a"`}, false},
		"not changed since":             {"GET", "", tuesday, 200, []string{"If-Modified-Since", tuesday}, true},
		"changed since":                 {"GET", "", tuesday, 200, []string{"If-Modified-Since", monday}, false},
		"two times":                     {"GET", "", monday, 200, []string{"If-Modified-Since", tuesday, "If-Modified-Since", tuesday}, false},
		"a time that is none":           {"GET", "", monday, 200, []string{"If-Modified-Since", "tomorrow"}, false},
		"another tag though unchanged":  {"GET", "a", monday, 200, []string{"If-None-Match", `"b"`, "If-Modified-Since", tuesday}, false},
		"the tag though changed":        {"GET", "a", tuesday, 200, []string{"If-None-Match", `"a"`, "If-Modified-Since", monday}, true},
		"a reload":                      {"GET", "a", "", 200, []string{"If-None-Match", `"a"`, "Cache-Control", "max-age=0, No-Cache"}, false},
		"a word that begins like one":   {"GET", "a", "", 200, []string{"If-None-Match", `"a"`, "Cache-Control", "no-cached"}, true},
		"a tag that does not end":       {"GET", "a", "", 200, []string{"If-None-Match", `"a`}, false},
		"a very long list":              {"GET", "a", "", 200, []string{"If-None-Match", strings.Repeat(`"x",`, 10_000) + `"a"`}, true},
		"a very long list of nothing":   {"GET", "a", "", 200, []string{"If-None-Match", strings.Repeat(`,`, 40_000)}, false},
		"a tag that only looks like it": {"GET", "a", "", 200, []string{"If-None-Match", `"aa"`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRespWire(t, last(func(ctx *app.Context) error {
				require.NoError(t, ctx.SetETag(c.tag))
				if c.changed != "" {
					at, err := time.Parse(time.RFC1123, c.changed)
					require.NoError(t, err)
					ctx.SetLastModified(at)
				}
				ctx.Status = c.status
				fresh := ctx.Fresh()
				assert.Equal(t, c.want, fresh)
				ctx.Status, ctx.Body = 200, "one ring"
				if fresh {
					ctx.Status = 304
				}
				return nil
			}))
			got := w.ask(c.method, "/", c.asked...)
			if c.want {
				assert.Equal(t, 304, got.status)
				assert.Empty(t, got.body)
				return
			}
			assert.Equal(t, 200, got.status)
		})
	}
	t.Run("a Body without a status is 200", func(t *testing.T) {
		r := get("/")
		r.Header.Set("If-None-Match", `"a"`)
		serve(r, last(func(ctx *app.Context) error {
			ctx.Body = "x"
			assert.False(t, ctx.Fresh())
			assert.NoError(t, ctx.SetETag("a"))
			assert.True(t, ctx.Fresh())
			return nil
		}))
	})
}
