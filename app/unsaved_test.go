package app_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// What foreign code does to the answer may be too early for a session that was changed; it is lost, and not
// without a word.
func TestAChangeThatComesTooLateForTheSessionIsReported(t *testing.T) {
	s, store := memorySessions()
	var outer http.ResponseWriter // that of a handler above
	var sends int                 // how often it was told a status
	change := func(ctx *app.Context, next app.Handler) error {
		session, err := ctx.Session()
		require.NoError(t, err)
		require.NoError(t, session.Set("ring", 1))
		return next(ctx)
	}
	past := app.Mount(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { outer.WriteHeader(200); _, _ = io.WriteString(outer, "past") }))
	through := app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "through") }))
	keep := app.Wrap(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sends = 0
			outer = &counted{w, &sends}
			h.ServeHTTP(outer, r)
		})
	})
	early := app.Wrap(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begun := make(chan struct{})
			go func() { <-begun; h.ServeHTTP(w, r) }()
			_, _ = io.WriteString(w, "early")
			close(begun)
		})
	})
	for name, c := range map[string]struct {
		layers []app.Middleware
		body   string
		lost   bool
	}{
		"through the writer of a layer": {[]app.Middleware{keep, change, last(through)}, "through", false},
		"past the writer of a layer":    {[]app.Middleware{keep, change, last(past)}, "past", true},
		"past it with nothing to save":  {[]app.Middleware{keep, last(past)}, "past", false},
		"before what is below began":    {[]app.Middleware{early, last(through)}, "early", false},
	} {
		t.Run(name, func(t *testing.T) {
			var told []error
			a := quiet()
			a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
			before := len(store.Calls())
			w := httptest.NewRecorder()
			a.Use(append([]app.Middleware{s.Layer}, c.layers...)...).ServeHTTP(w, get("/"))
			assert.Contains(t, w.Body.String(), c.body)
			assert.LessOrEqual(t, sends, 1)
			if !c.lost {
				assert.Empty(t, told)
				return
			}
			assert.Len(t, store.Calls(), before, "nothing is saved")
			assert.Empty(t, w.Result().Cookies())
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "changed and not saved")
			_, fault := errors.AsType[*app.Error](told[0])
			assert.True(t, fault)
		})
	}
}

type counted struct {
	http.ResponseWriter
	n *int
}

func (c *counted) WriteHeader(status int) {
	*c.n++
	c.ResponseWriter.WriteHeader(status)
}
