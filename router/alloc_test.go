package router_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func nothing(*app.Context) error { return nil }

func through(ctx *app.Context, next app.Handler) error { return next(ctx) }

// rings has n routes beside those that are asked for.
func rings(n int) *router.Router {
	r := router.New()
	r.Get("/static", nothing)
	r.Get("/rings/{id}", nothing)
	r.Guard(through).Group("/admin", func(r *router.Router) {
		r.With(through, through).Get("/me", nothing)
	})
	for i := range n {
		r.Get(fmt.Sprintf("/n%d/{id}/x", i), nothing)
	}
	return r
}

func plain() *http.ServeMux {
	mux := http.NewServeMux()
	for _, p := range []string{"GET /static", "GET /rings/{id}", "GET /admin/me"} {
		mux.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
	}
	return mux
}

// inside runs f within a request, over and over with the same Context, so that only
// what the router does is counted.
func inside(q *http.Request, f func(ctx *app.Context)) {
	quiet(func(ctx *app.Context, _ app.Handler) error {
		f(ctx)
		ctx.Status, ctx.Body = http.StatusNoContent, nil
		return nil
	}).ServeHTTP(httptest.NewRecorder(), q)
}

// TestAllocations counts what routing costs beyond ServeMux: nothing.
func TestAllocations(t *testing.T) {
	r, mux := rings(100), plain()
	for name, path := range map[string]string{
		"a static route": "/static", "a parameter": "/rings/3", "a guarded group and three layers": "/admin/me",
	} {
		t.Run(name, func(t *testing.T) {
			q := request(t, "GET", path)
			want := testing.AllocsPerRun(100, func() { mux.ServeHTTP(discard{}, q) })
			inside(request(t, "GET", path), func(ctx *app.Context) {
				got := testing.AllocsPerRun(100, func() { _ = r.Layer(ctx, nothing) })
				assert.Equal(t, want, got)
			})
		})
	}
	t.Run("no layer more costs an allocation more", func(t *testing.T) {
		deep := router.New()
		deep.Guard(through, through, through, through, through).With(through, through, through, through, through).Get("/static", nothing)
		inside(request(t, "GET", "/static"), func(ctx *app.Context) {
			assert.Zero(t, testing.AllocsPerRun(100, func() { _ = deep.Layer(ctx, nothing) }))
		})
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(b []byte) (int, error) { return len(b), nil }

func BenchmarkRouter(b *testing.B) {
	for _, n := range []int{0, 1000} {
		r := rings(n)
		for _, bc := range []struct{ name, method, path string }{
			{"static", "GET", "/static"},
			{"parameter", "GET", "/rings/3"},
			{"guarded group", "GET", "/admin/me"},
			{"404", "GET", "/none"},
			{"404 in a guarded group", "GET", "/admin/none"},
			{"405", "POST", "/static"},
			{"redirect", "GET", "//static"},
		} {
			b.Run(fmt.Sprintf("%s beside %d routes", bc.name, n), func(b *testing.B) {
				b.ReportAllocs()
				inside(request(b, bc.method, bc.path), func(ctx *app.Context) {
					for b.Loop() {
						_ = r.Layer(ctx, nothing)
					}
				})
			})
		}
	}
}

func BenchmarkServeMux(b *testing.B) {
	mux := plain()
	for name, path := range map[string]string{"static": "/static", "parameter": "/rings/3", "404": "/none"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			q := request(b, "GET", path)
			for b.Loop() {
				mux.ServeHTTP(discard{}, q)
			}
		})
	}
}
