package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
)

func Example() {
	a := app.New()
	a.Use(func(ctx *app.Context, next app.Handler) error {
		err := next(ctx)
		fmt.Println("answered with", ctx.Status)
		return err
	})
	a.Use(func(ctx *app.Context, next app.Handler) error {
		ctx.Status, ctx.Body = 200, map[string]string{"hello": "shire"}
		return nil
	})

	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Body)
	// Output:
	// answered with 200
	// {"hello":"shire"}
}

func ExampleNewSessions() {
	users := serializer.New(
		func(name string) string { return name },
		func(_ context.Context, name string) (string, error) { return name, nil },
	)
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	a := app.New()
	a.Use(sessions.Layer, func(ctx *app.Context, next app.Handler) error {
		switch ctx.Request.URL.Path {
		case "/login":
			ctx.Status = 204
			return ctx.Login("frodo")
		case "/logout":
			ctx.Status = 204
			return ctx.Logout()
		}
		return next(ctx)
	})
	a.Use(app.RequireLogin, func(ctx *app.Context, next app.Handler) error {
		ctx.Body = fmt.Sprint("hello ", ctx.User())
		return nil
	})

	var cookies []*http.Cookie
	for _, path := range []string{"/", "/login", "/", "/logout", "/"} {
		r := httptest.NewRequest("GET", path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if set := w.Result().Cookies(); len(set) > 0 {
			cookies = set
		}
		fmt.Printf("%s: %d %q\n", path, w.Code, w.Body)
	}
	// Output:
	// /: 401 "{\"errors\":[{\"title\":\"Login required\",\"status\":401}]}"
	// /login: 204 ""
	// /: 200 "hello frodo"
	// /logout: 204 ""
	// /: 401 "{\"errors\":[{\"title\":\"Login required\",\"status\":401}]}"
}

// A strategy is one method.
type ringBearer struct{}

func (ringBearer) Authenticate(ctx *app.Context) (*app.Identity, error) {
	switch ctx.Request.Header.Get("X-Ring") {
	case "":
		return nil, app.ErrNoCredentials
	case "one":
		return &app.Identity{User: "frodo", Via: "ring"}, nil
	}
	return nil, &app.Rejection{Message: "That is not the ring"}
}

func ExampleAuthenticate() {
	a := app.New()
	a.Use(app.Authenticate(ringBearer{}), func(ctx *app.Context, next app.Handler) error {
		ctx.Body = ctx.User()
		return nil
	})
	for _, ring := range []string{"", "nenya", "one"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Ring", ring)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 401 {"errors":[{"title":"Unauthorized","status":401}]}
	// 401 {"errors":[{"title":"That is not the ring","status":401}]}
	// 200 frodo
}

func ExampleAdapt() {
	guard := app.Adapt(app.Authenticate(ringBearer{}))
	mux := http.NewServeMux()
	mux.Handle("/", guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := app.UserFrom[string](r.Context())
		io.WriteString(w, user)
	})))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Ring", "one")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 frodo
}

func ExampleWrap() {
	a := app.New()
	a.Use(app.Wrap(func(h http.Handler) http.Handler { return http.StripPrefix("/shire", h) }))
	a.Use(func(ctx *app.Context, next app.Handler) error {
		ctx.Body = ctx.Request.URL.Path
		return nil
	})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/shire/hobbiton", nil))
	fmt.Println(w.Body)
	// Output: /hobbiton
}
