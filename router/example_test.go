package router_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func Example() {
	r := router.New()
	r.Open().Get("/", func(ctx *app.Context) error {
		ctx.Body = "Welcome to the Shire."
		return nil
	})
	r.Open().Get("/hobbits/:name", func(ctx *app.Context) error {
		ctx.Body = "Hello, " + ctx.Param("name") + "."
		return nil
	})
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/hobbits/frodo")
	show(a, "DELETE", "/hobbits/frodo")
	show(a, "GET", "/orcs")
	// Output:
	// GET /hobbits/frodo: 200 Hello, frodo.
	// DELETE /hobbits/frodo: 405, Allow: GET, HEAD
	// GET /orcs: 404
}

// A guard stands before everything below its group, also before what is not there.
func ExampleRouter_Group() {
	password := func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.URL.Query().Get("friend") != "mellon" {
			return app.ErrLoginRequired
		}
		return next(ctx)
	}
	r := router.New()
	r.Guard(password).Group("/moria", func(r *router.Router) {
		r.Get("/gate", func(ctx *app.Context) error {
			ctx.Body = "Enter."
			return nil
		})
	})
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/moria/gate?friend=mellon")
	show(a, "GET", "/moria/gate")
	show(a, "POST", "/moria/gate")
	show(a, "GET", "/moria/mine")
	// Output:
	// GET /moria/gate?friend=mellon: 200 Enter.
	// GET /moria/gate: 401
	// POST /moria/gate: 401
	// GET /moria/mine: 401
}

func ExampleRouter_URL() {
	r := router.New()
	r.Get("/rings/{id}", func(*app.Context) error { return nil }).Name("ring")

	fmt.Println(r.URL("ring", "the one/precious"))
	fmt.Println(r.URL("ring"))
	// Output:
	// /rings/the%20one%2Fprecious <nil>
	//  router: the URL of "ring": {id} is missing
}

// A strict router wants to know of each route who may call it.
func ExampleNewStrict() {
	r := router.NewStrict()
	r.Open().Post("/session", func(*app.Context) error { return nil })
	r.Guard(app.RequireLogin).Get("/rings", func(*app.Context) error { return nil }).Name("rings")
	for route := range r.Routes() {
		fmt.Println(route.Method, route.Path, route.Mark)
	}

	defer func() { fmt.Println(recover()) }()
	r.Delete("/rings/{id}", func(*app.Context) error { return nil })
	// Output:
	// POST /session open
	// GET /rings guarded
	// router: DELETE /rings/{id} says nothing about who may call it: add it below Guard, Optional or Open
}

func ExampleRouter_Mount() {
	files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " of ", r.URL.Path)
	})
	r := router.New()
	r.Open().Mount("/files", http.StripPrefix("/files", files))
	a := app.New()
	a.Use(r.Layer)

	show(a, "PROPFIND", "/files/map.txt")
	// Output: PROPFIND /files/map.txt: 200 PROPFIND of /map.txt
}

func ExampleRouter_Include() {
	rings := router.New()
	rings.Get("/{id}", func(ctx *app.Context) error {
		ctx.Body = "ring " + ctx.Param("id") + " of " + ctx.Param("realm")
		return nil
	})
	r := router.New()
	r.Include("/realms/{realm}/rings", rings)
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/realms/gondor/rings/3")
	// Output: GET /realms/gondor/rings/3: 200 ring 3 of gondor
}

// A Param loads what the parameter stands for, once for all routes that have it.
func ExampleRouter_Param() {
	rings := map[string]string{"1": "the one"}
	r := router.New()
	r.Param("ring", func(ctx *app.Context, id string, next app.Handler) error {
		ring, ok := rings[id]
		if !ok {
			return ctx.Throw(http.StatusNotFound, "No such ring")
		}
		ctx.SetValue("ring", ring)
		return next(ctx)
	}).Group("/rings/{ring}", func(r *router.Router) {
		r.Get("", func(ctx *app.Context) error {
			ctx.Body = ctx.Value("ring")
			return nil
		})
	})
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/rings/1")
	show(a, "GET", "/rings/2")
	// Output:
	// GET /rings/1: 200 the one
	// GET /rings/2: 404
}

func ExampleRouter_Each() {
	r := router.New()
	r.Each([]string{"/colour", "/color"}, func(r *router.Router) {
		r.Get("/{name}", func(ctx *app.Context) error {
			ctx.Body = ctx.Param("name")
			return nil
		})
	})
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/colour/grey")
	show(a, "GET", "/color/white")
	// Output:
	// GET /colour/grey: 200 grey
	// GET /color/white: 200 white
}

func ExampleRouter_Redirect() {
	r := router.New()
	r.Redirect("/hobbit/{name}", "/hobbits/{name}")
	r.RedirectExternal("/map", "https://maps.shire.example/latest")
	a := app.New()
	a.Use(r.Layer)

	for _, target := range []string{"/hobbit/sam?full=1", "/map"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 301 /hobbits/sam?full=1
	// 301 https://maps.shire.example/latest
}

func ExampleRouter_NotFound() {
	r := router.New()
	r.Group("/api", func(r *router.Router) {
		r.NotFound(func(ctx *app.Context) error {
			ctx.Body = map[string]string{"error": "nothing is at " + ctx.Request.URL.Path}
			return nil
		})
	})
	a := app.New()
	a.Use(r.Layer)

	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/api/rings", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 404 {"error":"nothing is at /api/rings"}
}

func ExampleRouter_Matched() {
	r := router.New()
	r.Get("/rings/{id}", func(*app.Context) error { return nil }).Name("ring")
	a := app.New()
	a.Use(func(ctx *app.Context, next app.Handler) error {
		err := next(ctx)
		if route, ok := r.Matched(ctx); ok {
			fmt.Println(route.Method, route.Path, route.Name)
		}
		return err
	}, r.Layer)

	a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/rings/3", nil))
	// Output: GET /rings/{id} ring
}

func ExampleNewWith() {
	r := router.NewWith(router.Options{IgnoreCase: true, IgnoreSlash: true})
	r.Get("/hobbits/{name}", func(ctx *app.Context) error {
		ctx.Body = ctx.Param("name")
		return nil
	})
	a := app.New()
	a.Use(r.Layer)

	show(a, "GET", "/Hobbits/Frodo/")
	// Output: GET /Hobbits/Frodo/: 200 Frodo
}

func ExampleHost() {
	api, site := router.New(), router.New()
	api.Get("/", func(ctx *app.Context) error { ctx.Body = "the API"; return nil })
	site.Get("/", func(ctx *app.Context) error { ctx.Body = "the site"; return nil })
	a := app.New()
	a.Use(router.Host("api.shire.example", api.Layer), site.Layer)

	show(a, "GET", "http://api.shire.example:8080/")
	show(a, "GET", "http://www.shire.example/")
	// Output:
	// GET http://api.shire.example:8080/: 200 the API
	// GET http://www.shire.example/: 200 the site
}

// show prints how a request is answered.
func show(h http.Handler, method, path string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	fmt.Printf("%s %s: %d", method, path, w.Code)
	if allow := w.Header().Get("Allow"); allow != "" {
		fmt.Print(", Allow: ", allow)
	}
	if w.Code == http.StatusOK {
		fmt.Print(" ", w.Body)
	}
	fmt.Println()
}
