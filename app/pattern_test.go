package app_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// Which route it was is known to all above it, though layers between have replaced the request.
func TestThePatternReachesWhatIsAbove(t *testing.T) {
	replace := func(ctx *app.Context, next app.Handler) error {
		ctx.Request = ctx.Request.Clone(ctx.Context())
		return next(ctx)
	}
	route := last(func(ctx *app.Context) error {
		ctx.Request.Pattern = "GET /rings/{id}"
		return nil
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rings/{id}", func(http.ResponseWriter, *http.Request) {})
	var inside string // what a wrapped middleware knows of the request that it passed on
	wrap := app.Wrap(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			own := r.Clone(r.Context())
			h.ServeHTTP(w, own)
			inside = own.Pattern
		})
	})
	for name, h := range map[string]http.Handler{
		"around an App":               quiet().Use(replace, route),
		"around a Wrap":               quiet().Use(wrap, replace, route),
		"around an Adapt":             app.Adapt(replace)(mux),
		"around one Adapt in another": app.Adapt(replace)(app.Adapt(wrap, replace)(mux)),
		"around one that panics": quiet().Use(replace, last(func(ctx *app.Context) error {
			ctx.Request.Pattern = "GET /rings/{id}"
			panic("boom")
		})),
	} {
		t.Run(name, func(t *testing.T) {
			inside = "GET /rings/{id}"
			r := get("/rings/1")
			h.ServeHTTP(httptest.NewRecorder(), r)
			assert.Equal(t, "GET /rings/{id}", r.Pattern)
			assert.Equal(t, "GET /rings/{id}", inside)
		})
	}
}
