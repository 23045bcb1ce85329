package app_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// What broke off below a net/http middleware is not whole to the client either.
func TestAnswerThatBreaksOffBelowWrapCutsTheConnection(t *testing.T) {
	twice := app.Compose(app.Wrap(unchanged), app.Wrap(unchanged))
	beginning := app.Wrap(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the beginning of a page")
			h.ServeHTTP(w, r)
		})
	})
	panicking := func(ctx *app.Context) error {
		_, _ = io.WriteString(ctx.Writer(), "half an answer")
		panic("Balrog")
	}
	aborting := func(ctx *app.Context) error {
		_, _ = io.WriteString(ctx.Writer(), "half an answer")
		panic(http.ErrAbortHandler)
	}
	for _, c := range []struct {
		name  string
		outer app.Middleware
		h     app.Handler
		told  int
	}{
		{"a panic", app.Wrap(unchanged), panicking, 1},
		{"a panic below two", twice, panicking, 1},
		{"an abort", app.Wrap(unchanged), aborting, 0},
		{"an abort below two", twice, aborting, 0},
		{"a panic below a middleware that began the answer", beginning, func(*app.Context) error { panic("Balrog") }, 1},
		{"an error after the headers", app.Wrap(unchanged), func(ctx *app.Context) error {
			_, _ = io.WriteString(ctx.Writer(), "half an answer")
			return errBoom
		}, 1},
		{"a stream whose source fails", app.Wrap(unchanged), func(ctx *app.Context) error {
			ctx.Body = io.MultiReader(strings.NewReader("half an answer"), breaking{})
			return nil
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []error
			a := quiet().Use(c.outer, last(c.h))
			a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
			server := start(t, a)
			res, err := http.Get(server.URL)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			assert.Error(t, err)
			server.Close() // waits for the handler
			assert.Len(t, told, c.told)
		})
	}
}

type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }
