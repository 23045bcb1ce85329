package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// Answers with InsecureExplain and without, in every type.
func TestInsecureExplain(t *testing.T) {
	reason := errors.New(`the <script>alert("x")</script> is dark`)
	for status, err := range map[int]error{401: &app.Rejection{Cause: reason}, 403: &app.Rejection{Status: 403, Cause: reason}, 503: reason, 500: &app.Error{Status: 500, Cause: reason}} {
		for _, accept := range []string{"text/html", "application/json", "application/problem+json", "text/plain", "*/*"} {
			for _, on := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s %v", status, strings.ReplaceAll(accept, "/", " "), on), func(t *testing.T) {
					var log bytes.Buffer
					a := app.New()
					a.Logger, a.OnError, a.InsecureExplain = slog.New(slog.NewTextHandler(&log, nil)), func(*app.Context, error) {}, on
					a.Use(app.Authenticate(called("palantir", fails(err))), last(ok))
					r := get("/")
					r.Header.Set("Accept", accept)
					w := record(a, r)
					require.Equal(t, status, w.Code)
					body := w.Body.String()
					assert.NotContains(t, body, "<script>alert")
					if !on {
						for _, text := range []string{body, log.String()} {
							for _, word := range []string{"palantir", "dark", "explanation", "rejected", "fault"} {
								assert.NotContains(t, text, word)
							}
						}
						return
					}
					assert.Contains(t, log.String(), "palantir looked at the palantir: ")
					assert.Equal(t, 1, strings.Count(log.String(), "\n"))
					switch accept {
					case "text/html":
						assert.Contains(t, body, "<li>palantir looked at the palantir: ")
						assert.Contains(t, body, "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; is dark")
						assert.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", w.Header().Get("Content-Security-Policy"))
					case "application/json", "*/*":
						assert.Contains(t, body, `"explanation":[{"strategy":"palantir","looked":"the palantir","result":"`)
					default:
						assert.NotContains(t, body, "dark", "only the page and JSON have room for it")
					}
				})
			}
		}
	}
	t.Run("what the application answers itself is not explained", func(t *testing.T) {
		for _, status := range []int{400, 404, 409, 429} {
			var log bytes.Buffer
			a := app.New()
			a.Logger, a.InsecureExplain = slog.New(slog.NewTextHandler(&log, nil)), true
			a.Use(app.Identify(called("palantir", passes())), last(func(ctx *app.Context) error { return ctx.Throw(status, "No") }))
			assert.NotContains(t, record(a, get("/")).Body.String(), "palantir")
			assert.Empty(t, log.String())
		}
	})
	t.Run("leaves out secrets", func(t *testing.T) {
		var log bytes.Buffer
		a := app.New()
		a.Logger, a.OnError, a.InsecureExplain = slog.New(slog.NewTextHandler(&log, nil)), func(*app.Context, error) {}, true
		a.Use(app.Authenticate(fails(errors.New("no one-ring"))), last(ok))
		r := get("/?token=one-ring")
		r.Header.Set("Accept", "text/html")
		w := record(a, r)
		assert.Contains(t, w.Body.String(), "no [redacted]")
		assert.NotContains(t, w.Body.String()+log.String(), "one-ring")
	})
	t.Run("a Describe that panics costs the explanation and not the answer", func(t *testing.T) {
		a := quiet().Use(app.Authenticate(speechless{passes()}), last(ok))
		a.InsecureExplain = true
		assert.Equal(t, 401, record(a, get("/")).Code)
	})
}

type speechless struct{ app.Strategy }

func (speechless) Describe() (name, looksAt string) { panic("the palantir is dark") }
