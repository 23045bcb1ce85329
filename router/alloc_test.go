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
func rings(n int) *router.Router { return ringsWith(n, router.Options{}) }

func ringsWith(n int, o router.Options) *router.Router {
	r := router.NewWith(o)
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
	mux := plain()
	loose := router.Options{IgnoreCase: true, IgnoreSlash: true}
	for _, tc := range []struct {
		name, path string
		r          *router.Router
	}{
		{"a static route", "/static", rings(100)},
		{"a parameter", "/rings/3", rings(100)},
		{"a guarded group and three layers", "/admin/me", rings(100)},
		{"a static route beside 1000", "/static", rings(1000)},
		{"a parameter beside 1000", "/rings/3", rings(1000)},
		{"a guarded group beside 1000", "/admin/me", rings(1000)},
		{"a parameter where case and slash are ignored", "/rings/3", ringsWith(100, loose)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, path := tc.r, tc.path
			q := request(t, "GET", path)
			want := testing.AllocsPerRun(100, func() { mux.ServeHTTP(discard{}, q) })
			inside(request(t, "GET", path), func(ctx *app.Context) {
				got := testing.AllocsPerRun(100, func() { _ = r.Layer(ctx, nothing) })
				assert.Equal(t, want, got)
			})
		})
	}
	t.Run("every method and a Param cost what a parameter costs", func(t *testing.T) {
		q := request(t, "GET", "/rings/3")
		want := testing.AllocsPerRun(100, func() { mux.ServeHTTP(discard{}, q) })
		all := router.New()
		all.Param("id", func(ctx *app.Context, _ string, next app.Handler) error { return next(ctx) }).All("/rings/{id}", nothing)
		all.NotFound(nothing)
		inside(request(t, "GET", "/rings/3"), func(ctx *app.Context) {
			assert.Equal(t, want, testing.AllocsPerRun(100, func() { _ = all.Layer(ctx, nothing) }))
		})
	})
	t.Run("Matched costs nothing of a request that does not ask", func(t *testing.T) {
		r := rings(0)
		inside(request(t, "GET", "/static"), func(ctx *app.Context) {
			assert.Zero(t, testing.AllocsPerRun(100, func() { _ = r.Layer(ctx, nothing) }))
			info, ok := r.Matched(ctx)
			assert.True(t, ok)
			assert.Equal(t, "/static", info.Path)
		})
	})
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

// BenchmarkBuild makes tables with a group, a guard, a name and four routes for each
// place, and answers the first request, which ends the building.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		b.Run(fmt.Sprintf("%d routes", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := router.New()
				for i := range n / 4 {
					r.Guard(through).Group(fmt.Sprintf("/places/p%d", i), func(r *router.Router) {
						r.Get("/", nothing)
						r.Get("/{id}", nothing).Name(fmt.Sprint(i))
						r.With(through).Put("/{id}", nothing)
						r.Get("/{id}/files/{path...}", nothing)
					})
				}
				r.Get("/{path...}", nothing)
				serve(quiet(r.Layer), request(b, "GET", "/places/p1/"))
			}
		})
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
