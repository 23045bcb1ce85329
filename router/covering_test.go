package router_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// TestNoGroupOpensAnother: the longer prefix of a group with other guards does not take
// away those of a group that it overlaps.
func TestNoGroupOpensAnother(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Open().Mount("/", echo("old"))
		r.Guard(lock("admin")).Group("/admin", func(r *router.Router) { r.Get("/me", reply("me")) })
		r.Guard(lock("login")).Group("/{realm}/towns", func(r *router.Router) { r.Get("/{id}", reply("town")) })
	})
	for _, tc := range []struct{ name, method, path, guards string }{
		{"the one group", "GET", "/admin/none", "admin"},
		{"the other group", "POST", "/gondor/towns/3", "login"},
		{"a route of the one in the other", "GET", "/admin/towns/3", "admin login"},
		{"what is mounted outside, in both", "POST", "/admin/towns/3", "login admin"},
		{"below it", "GET", "/admin/towns/3/4", "login admin"},
		{"at the longer prefix", "GET", "/admin/towns", "login admin"},
		{"by an encoded letter", "GET", "/%61dmin/towns/3/4", "login admin"},
		{"by an encoded slash", "GET", "/x/..%2fadmin%2ftowns/3/4", "login admin"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.guards, trail(withKey(t, a, tc.method, tc.path)))
			assert.Equal(t, 401, do(t, a, tc.method, tc.path).Code)
		})
	}
}

func TestNotFoundInGroupsThatOverlap(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Guard(lock("api")).Group("/api", func(r *router.Router) {
			r.Get("/v1", reply("v1"))
			r.NotFound(reply("api's"))
		})
		r.Guard(lock("version")).Group("/{any}/v1", func(r *router.Router) { r.Get("/x", reply("x")) })
	})
	w := withKey(t, a, "GET", "/api/v1/none")
	assert.Equal(t, "api's", w.Body.String())
	assert.Equal(t, "version api", trail(w))
}

func TestGroupsOfTheSamePrefix(t *testing.T) {
	child := router.New()
	child.Guard(lock("child")).Group("/", func(r *router.Router) { r.Get("/a", reply("a")) })
	a := build(func(r *router.Router) {
		r.Open().Mount("/", echo("old"))
		r.Guard(lock("first")).Group("/two", func(r *router.Router) { r.Get("/a", reply("a")) })
		r.Guard(lock("second")).Group("/two", func(r *router.Router) { r.Get("/b", reply("b")) })
		same := r.Guard(lock("same"))
		same.Group("/same", func(r *router.Router) { r.Get("/a", reply("a")) })
		same.Group("/same", func(r *router.Router) { r.Get("/b", reply("b")) })
		r.Guard(lock("outer")).Group("/in", func(r *router.Router) {
			r.Guard(lock("inner")).Group("", func(r *router.Router) { r.Get("/a", reply("a")) })
			r.Get("/b", reply("b"))
		})
		r.Guard(lock("parent")).Include("/child", child)
	})
	for _, tc := range []struct{ name, path, guards string }{
		{"a route has its own", "/two/a", "first"},
		{"the other one, too", "/two/b", "second"},
		{"what neither matches: those of both", "/two/none", "first second"},
		{"a guard of two groups runs once", "/same/none", "same"},
		{"in each other: the outer one runs once", "/in/none", "outer inner"},
		{"a child whose guard is for the whole site", "/child/none", "parent child"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.guards, trail(withKey(t, a, "GET", tc.path)))
			assert.Equal(t, 401, do(t, a, "GET", tc.path).Code)
		})
	}
}

// TestGuardsFindTheirParameters: a guard that asks whose realm it is gets an answer before
// 404, 405 and redirects, too, and from no other place of the path.
func TestGuardsFindTheirParameters(t *testing.T) {
	seen := ""
	realm := func(ctx *app.Context, next app.Handler) error {
		seen = ctx.Param("realm")
		err := next(ctx)
		assert.Equal(t, seen, ctx.Param("realm"), "once next has returned")
		return err
	}
	r := router.NewWith(router.Options{IgnoreCase: true})
	r.Open().Get("/{x}/{y}/{realm}", reply("from outside", "x", "y", "realm"))
	r.Guard(realm).Group("/realms/{realm}", func(r *router.Router) {
		r.Get("/towns", reply("towns", "realm"))
		r.Get("/roads/{road}/", reply("road", "realm", "road"))
	})
	r.Guard(realm).Get("/alone/{realm}", reply("alone", "realm"))
	r.Guard(realm).Post("/rest/{realm...}", reply("rest", "realm"))
	a := quiet(r.Layer, func(ctx *app.Context, _ app.Handler) error {
		ctx.Status = 404
		return reply("last", "realm")(ctx)
	})
	for _, tc := range []struct {
		name, method, path string
		realm              string // what the guard found
		status             int
		params             []string // what was found behind it
	}{
		{"a route", "GET", "/realms/Shire/towns", "Shire", 200, []string{"Shire"}},
		{"405", "POST", "/realms/Shire/towns", "Shire", 405, nil},
		{"OPTIONS", "OPTIONS", "/realms/Shire/towns", "Shire", 204, nil},
		{"OPTIONS in another case", "OPTIONS", "/REALMS/Shire/TOWNS", "Shire", 204, nil},
		{"a method that nobody knows", "BREW", "/realms/Shire/towns", "Shire", 501, nil},
		{"404", "GET", "/realms/Shire/x/y/z", "Shire", 404, []string{""}},
		{"404 in another case", "GET", "/REALMS/Shire/x/y/z", "Shire", 404, []string{""}},
		{"a roundabout path", "GET", "/realms//Shire/towns", "Shire", 307, nil},
		{"a slash that is missing", "GET", "/realms/Shire/roads/1", "Shire", 307, nil},
		{"an encoded letter", "GET", "/realms/%53hire/x/y", "Shire", 404, []string{""}},
		{"a route from outside", "GET", "/realms/Shire/mine", "Shire", 200, []string{"realms", "Shire", "mine"}},
		{"405 of a route alone", "PUT", "/alone/Shire", "Shire", 405, nil},
		{"405 of a rest", "GET", "/rest/Shire/Bree/x", "Shire/Bree/x", 405, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seen = "nothing"
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, tc.realm, seen)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.params, w.Header()["Param"])
		})
	}
	t.Run("of each prefix its own", func(t *testing.T) {
		var asked []string
		r := router.New()
		guarded := r.Guard(func(ctx *app.Context, next app.Handler) error {
			asked = append(asked, ctx.Param("realm"))
			return next(ctx)
		})
		guarded.Group("/realms/{realm}", func(*router.Router) {})
		guarded.Group("/{realm}/towns", func(*router.Router) {})
		do(t, quiet(r.Layer, last), "GET", "/realms/towns")
		assert.ElementsMatch(t, []string{"realms", "towns"}, asked)
	})
	t.Run("and leave those of a ServeMux around the router", func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/{realms}/{realm}/", app.Adapt(r.Layer)(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Param", q.PathValue("realms")+" "+q.PathValue("realm"))
		})))
		w := do(t, mux, "GET", "/realms/Shire/x/y")
		assert.Equal(t, "Shire", seen)
		assert.Equal(t, "realms Shire", w.Header().Get("Param"))
	})
}
