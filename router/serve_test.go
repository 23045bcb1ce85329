package router_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// middleEarth has paths of every sort.
func middleEarth(r *router.Router) {
	r.Open().Get("/", reply("home"))
	r.Open().Post("/login", reply("login"))
	r.Guard(lock("admin")).Group("/admin", func(r *router.Router) {
		r.Get("/me", reply("me"))
		r.Put("/me", reply("me"))
		r.Get("/list/", reply("list"))
		r.Guard(lock("root")).Group("/root", func(r *router.Router) { r.Get("/key", reply("key")) })
		r.Guard(lock("delete")).Delete("/me", reply("gone"))
	})
	r.Open().Get("/admin/login", reply("admin login"))
	r.Guard(lock("realm")).Group("/realms/{realm}", func(r *router.Router) {
		r.Get("/towns", reply("towns", "realm"))
	})
	r.Guard(lock("shire")).Group("/realms/shire", func(r *router.Router) {
		r.Get("/towns", reply("shire"))
	})
	r.Guard(lock("first")).Get("/alone", reply("alone"))
	r.Guard(lock("second")).Post("/alone", reply("alone"))
	r.Open().Get("/mixed", reply("mixed"))
	r.Guard(lock("mixed")).Post("/mixed", reply("mixed"))
}

// TestGuardsCoverWhatIsNotMatched shows the traps "405 and OPTIONS that skip the
// group's guard" and "login at a path spelling the guard does not see".
func TestGuardsCoverWhatIsNotMatched(t *testing.T) {
	a := build(middleEarth)
	for _, tc := range []struct {
		name, method, path string
		guards             string // that stood before it
		status             int    // once they let in
	}{
		{"a route", "GET", "/admin/me", "admin", 200},
		{"a route under HEAD", "HEAD", "/admin/me", "admin", 200},
		{"a route with a guard of its own", "DELETE", "/admin/me", "admin delete", 200},
		{"405", "POST", "/admin/me", "admin", 405},
		{"OPTIONS", "OPTIONS", "/admin/me", "admin", 204},
		{"a method that nobody knows", "GETX", "/admin/me", "admin", 501},
		{"a method in lower case", "get", "/admin/me", "admin", 501},
		{"404", "GET", "/admin/none", "admin", 418},
		{"404 under OPTIONS", "OPTIONS", "/admin/none", "admin", 418},
		{"404 under HEAD", "HEAD", "/admin/none", "admin", 418},
		{"404 of a method that nobody knows", "BREW", "/admin/none", "admin", 418},
		{"the prefix itself", "GET", "/admin", "admin", 418},
		{"the prefix with a slash", "GET", "/admin/", "admin", 418},
		{"a group in the group", "GET", "/admin/root/key", "admin root", 200},
		{"405 in it", "POST", "/admin/root/key", "admin root", 405},
		{"404 in it", "GET", "/admin/root/none", "admin root", 418},
		{"a redirect to a slash", "GET", "/admin/list", "admin", 307},
		{"405 of a path with a slash", "POST", "/admin/list", "admin", 405},
		{"a slash too many", "GET", "//admin/me", "admin", 307},
		{"slashes in between", "GET", "/admin///me", "admin", 307},
		{"dots", "GET", "/x/../admin/me", "admin", 307},
		{"one dot", "GET", "/./admin/me", "admin", 307},
		{"dots below", "GET", "/admin/x/../me", "admin", 307},
		{"dots to an unknown path", "GET", "/x/../admin/none", "admin", 418},
		{"dots to a known path, 405", "POST", "/x/../admin/me", "admin", 405},
		{"dots to a known path, OPTIONS", "OPTIONS", "/x/../admin/me", "admin", 204},
		{"an encoded letter", "GET", "/%61dmin/me", "admin", 200},
		{"an encoded letter, 405", "POST", "/%61dmin/me", "admin", 405},
		{"an encoded letter, 404", "GET", "/%61dmin/none", "admin", 418},
		{"an encoded slash", "GET", "/admin%2fme", "admin", 418},
		{"an encoded slash and a letter", "GET", "/%61dmin%2Fme", "admin", 418},
		{"an encoded slash before it", "GET", "/%2fadmin/me", "admin", 418},
		{"encoded dots", "GET", "/x/%2e%2e/admin/me", "admin", 418},
		{"encoded dots that lead out", "GET", "/admin/%2e%2e/me", "admin", 418},
		{"encoded dots from group to group", "GET", "/realms/shire/..%2f..%2fadmin", "shire admin", 418},
		{"a trailing slash too many", "GET", "/admin/me/", "admin", 418},
		{"an absolute target", "GET", "http://other.example/admin/none", "admin", 418},
		{"a query", "GET", "/admin/none?a=/../b", "admin", 418},

		{"a prefix with a wildcard", "GET", "/realms/gondor/none", "realm", 418},
		{"405 under a wildcard", "PUT", "/realms/gondor/towns", "realm", 405},
		{"a literal prefix is deeper than a wildcard", "GET", "/realms/shire/none", "shire", 418},
		{"a prefix needs a value for its wildcard", "GET", "/realms/", "", 418},

		{"405 with guards of its routes alone: the first route's", "PUT", "/alone", "first", 405},
		{"OPTIONS with guards of its routes alone", "OPTIONS", "/alone", "first", 204},
		{"a redirect to a route with a guard: its own", "POST", "//alone", "second", 307},
		{"405 of a path that is open to some", "PUT", "/mixed", "", 405},
		{"a route from elsewhere that spells out the prefix", "GET", "/admin/login", "", 200},
		{"405 of it", "POST", "/admin/login", "admin", 405},

		{"another case is another path", "GET", "/ADMIN/me", "", 418},
		{"a segment that only begins like it", "GET", "/administrator", "", 418},
		{"a semicolon is part of the segment", "GET", "/admin;x/me", "", 418},
		{"a NUL is part of the segment", "GET", "/admin%00/me", "", 418},
		{"an encoding within an encoding", "GET", "/%2561dmin/me", "", 418},
		{"outside", "GET", "/none", "", 418},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			want := tc.guards
			if tc.status == 418 && want != "" {
				want += " "
			}
			if tc.status == 418 {
				want += "last"
			}
			assert.Equal(t, want, trail(w), "what ran, in this order")

			w = do(t, a, tc.method, tc.path)
			if tc.guards == "" {
				assert.Equal(t, tc.status, w.Code)
				return
			}
			assert.Equal(t, 401, w.Code, "without a key")
			assert.Empty(t, w.Header().Get("Allow"))
			assert.Empty(t, w.Header().Get("Location"))
			assert.NotContains(t, trail(w), "last")
		})
	}
}

func TestWildcardFromOutside(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Open().Get("/{path...}", reply("everything", "path"))
		r.Open().Get("/{realm}/towns", reply("towns", "realm"))
		r.Open().Get("/admin/towns", reply("page"))
		r.Guard(lock("own")).Post("/{realm}/towns", reply("built"))
		r.Guard(lock("admin")).Group("/admin", func(r *router.Router) {
			r.Get("/rings/{path...}", reply("rings"))
		})
	})
	for _, tc := range []struct{ name, method, path, guards, body string }{
		{"a catch-all outside the group", "GET", "/shire", "", "everything"},
		{"a catch-all reaches into the group: behind its guard", "GET", "/admin/a/b", "admin", "everything"},
		{"at its prefix", "GET", "/admin", "admin", "everything"},
		{"by an encoded slash", "GET", "/admin%2Fa", "admin", "everything"},
		{"a parameter outside the group", "GET", "/gondor/towns", "", "towns"},
		{"what spells the prefix out has its own guards alone", "GET", "/admin/towns", "", "page"},
		{"a guarded route from outside: behind both", "POST", "/admin/towns", "admin own", "built"},
		{"a catch-all of the group itself: once", "GET", "/admin/rings/1", "admin", "rings"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, a, tc.method, tc.path)
			assert.Equal(t, tc.body, w.Body.String())
			assert.Equal(t, tc.guards, trail(w))
			if tc.guards != "" {
				assert.Equal(t, 401, do(t, a, tc.method, tc.path).Code)
			}
		})
	}
}

// TestAnEncodedSlashIsNoWayAroundAGuard: ServeMux takes the segment %2F for a slash at
// the end, and so leads /%2F to "/", which lies within the group "/{page}".
func TestAnEncodedSlashIsNoWayAroundAGuard(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Open().Get("/", reply("home"))
		r.Open().Get("/realms/", reply("realms"))
		r.Guard(lock("page")).Group("/{page}", func(r *router.Router) { r.Get("/x", reply("x")) })
		r.Guard(lock("realm")).Group("/realms/{realm}", func(r *router.Router) { r.Get("/x", reply("x")) })
	})
	for path, guards := range map[string]string{"/%2F": "page", "/%2f": "page", "/realms/%2F": "realm"} {
		assert.Equal(t, 401, do(t, a, "GET", path).Code, path)
		assert.Equal(t, guards, trail(withKey(t, a, "GET", path)), path)
	}
	assert.Equal(t, "home", do(t, a, "GET", "/").Body.String())
}

func TestMethodNotAllowed(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/rings", reply("get"))
		r.Put("/rings", reply("put"))
		r.Delete("/rings/{id}", reply("delete"))
		r.Get("/shire/", reply("shire"))
		r.Handle("PROPFIND", "/dav", reply("dav"))
	})
	for _, tc := range []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"a known method", "POST", "/rings", 405, "GET, HEAD, PUT"},
		{"a method of another route", "PROPFIND", "/rings", 405, "GET, HEAD, PUT"},
		{"a method that nobody knows", "BREW", "/rings", 501, "GET, HEAD, PUT"},
		{"a method that nobody knows on a roundabout path", "BREW", "//rings", 501, "GET, HEAD, PUT"},
		{"a method that nobody knows on an unknown path", "BREW", "/none", 418, ""},
		{"a method in lower case", "get", "/rings", 501, "GET, HEAD, PUT"},
		{"the name of a reserved method", "ANY", "/rings", 501, "GET, HEAD, PUT"},
		{"no letter at all", "-", "/rings", 501, "GET, HEAD, PUT"},
		{"OPTIONS", "OPTIONS", "/rings", 204, "GET, HEAD, PUT"},
		{"HEAD without GET", "HEAD", "/rings/3", 405, "DELETE"},
		{"a path that lacks its slash", "POST", "/shire", 405, "GET, HEAD"},
		{"an unknown path", "POST", "/none", 418, ""},
		{"OPTIONS of an unknown path", "OPTIONS", "/none", 418, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.allow, w.Header().Get("Allow"))
			if tc.status == 204 {
				assert.Zero(t, w.Body.Len())
			}
		})
	}
	t.Run("answers when an error layer above looks", func(t *testing.T) {
		r := router.New()
		r.Get("/rings", reply("get"))
		var seen *app.Error
		do(t, quiet(func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			seen, _ = errors.AsType[*app.Error](err)
			return err
		}, r.Layer), "POST", "/rings")
		assert.Equal(t, 405, seen.Status)
	})
}

// TestGuardThatForgetsToStop is the trap of its name.
func TestGuardThatForgetsToStop(t *testing.T) {
	ran := false
	handler := func(*app.Context) error { ran = true; return nil }
	for name, guard := range map[string]app.Middleware{
		"returns nothing":                   func(*app.Context, app.Handler) error { return nil },
		"sets a status and returns nothing": func(ctx *app.Context, _ app.Handler) error { ctx.Status = 401; return nil },
		"sets a body and returns nothing":   func(ctx *app.Context, _ app.Handler) error { ctx.Body = "no"; return nil },
		"panics":                            func(*app.Context, app.Handler) error { panic("guard") },
		"returns an error":                  func(*app.Context, app.Handler) error { return assert.AnError },
	} {
		a := build(func(r *router.Router) {
			r.Guard(guard).Group("/admin", func(r *router.Router) { r.Get("/me", handler) })
		})
		for _, path := range []string{"/admin/me", "/admin/none", "//admin/me"} {
			w := do(t, a, "GET", path)
			assert.False(t, ran, "%s: the handler runs only through next", name)
			assert.NotEqual(t, 418, w.Code, "%s: so does the next layer", name)
			assert.Empty(t, w.Header().Get("Location"), name)
		}
	}
}

// TestGuardBesideTheLayerItNeeds is the trap of its name.
func TestGuardBesideTheLayerItNeeds(t *testing.T) {
	ran := false
	r := router.New()
	r.Guard(app.RequireLogin).Group("/admin", func(r *router.Router) {
		r.Get("/me", func(*app.Context) error { ran = true; return nil })
	})
	a := quiet(r.Layer, last)
	var why error
	a.OnError = func(_ *app.Context, err error) { why = err }
	for _, path := range []string{"/admin/me", "/admin/none", "/x/../admin/me"} {
		why = nil
		assert.Equal(t, 500, do(t, a, "GET", path).Code)
		assert.ErrorContains(t, why, "Sessions")
		assert.False(t, ran)
	}
}

func TestGuardsHaveTheLayersAboveThem(t *testing.T) {
	a := build(func(r *router.Router) {
		r.With(step("sessions")).Guard(lock("guard")).With(step("inner")).Group("/admin", func(r *router.Router) {
			r.Get("/me", reply("me"))
		})
	})
	assert.Equal(t, "sessions guard inner", trail(withKey(t, a, "GET", "/admin/me")))
	assert.Equal(t, "sessions guard last", trail(withKey(t, a, "GET", "/admin/none")), "what stands below the guard is the routes' own")
}

func TestGroupOfTheWholeSite(t *testing.T) {
	for _, prefix := range []string{"/", ""} {
		a := build(func(r *router.Router) {
			r.Guard(lock("all")).Group(prefix, func(r *router.Router) { r.Get("/a", reply("a")) })
		})
		for _, path := range []string{"/", "/a", "/b/c", "//", "/%2f", "/../x"} {
			assert.Equal(t, 401, do(t, a, "GET", path).Code, path)
		}
	}
}
