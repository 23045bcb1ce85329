package kahu_test

import (
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// What follows is what the README shows; a test compares the two.

type User struct{ Username string }

func view(user any) map[string]string { return map[string]string{"username": user.(*User).Username} }

func Example_compose() {
	timing := func(ctx *app.Context, next app.Handler) error {
		begun := time.Now()
		err := next(ctx)
		ctx.Header().Set("Server-Timing", fmt.Sprintf("app;dur=%d", time.Since(begun).Milliseconds()))
		return err
	}
	hello := func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.URL.Path != "/" {
			return next(ctx)
		}
		ctx.Body = "hello"
		return nil
	}
	a := app.New()
	a.Use(timing, hello)

	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 hello
}

func Example_routes() {
	home, list, destroy := nothing, nothing, nothing
	r := router.New()
	r.Open().Get("/", home)
	r.Guard(app.RequireLogin).Group("/rings", func(r *router.Router) {
		r.Get("", list)
		r.Delete("/{id}", destroy).Name("ring")
	})
	path, err := r.URL("ring", "7") // /rings/7

	fmt.Println(path, err)
	// Output: /rings/7 <nil>
}

func nothing(*app.Context) error { return nil }

func sessionsSnippet(a *app.App, db *bun.DB, users app.Serializer) {
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{
		Idle:     30 * time.Minute, // these are the defaults
		Absolute: 12 * time.Hour,
	})
	a.Use(sessions.Layer)
}

func valuesSnippet(ctx *app.Context) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	if err := session.Set("cart", []string{"lembas"}); err != nil {
		return err
	}
	return nil
}

func loginSnippet(local *strategies.Local) (app.Handler, app.Handler) {
	login := func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		if err := ctx.Login(id.User); err != nil {
			return err
		}
		ctx.Status, ctx.Body = 201, view(id.User)
		return nil
	}
	logout := func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	}
	return login, logout
}

func guardSnippet(r *router.Router, key app.Strategy) {
	list, remove, news := nothing, nothing, nothing
	r.Guard(app.RequireLogin).Get("/rings", list)
	r.Guard(app.RequireLogin, app.RequireRecentLogin(5*time.Minute)).Delete("/account", remove)
	r.Guard(app.Authenticate(key)).Get("/api/rings", list)
	r.Optional(app.Identify(key)).Get("/api/news", news)
	r.Guard(app.RequireLogin).Get("/me", app.LoggedIn(func(ctx *app.Context, u *User) error {
		ctx.Body = u.Username
		return nil
	}))
}

func tokensSnippet(r *router.Router, db *bun.DB, users app.Serializer, local *strategies.Local) {
	list := nothing
	bearer := strategies.NewBearer(tokenstores.NewBun(db), users, strategies.BearerOptions{})
	api := strategies.NewGuard("api", bearer, strategies.GuardOptions{Local: local})

	r.Open().Post("/api/login", func(ctx *app.Context) error {
		var in strategies.Credentials
		if err := ctx.Bind(&in); err != nil {
			return err
		}
		token, err := api.Attempt(ctx, in, strategies.TokenOptions{Name: "phone", Scopes: []string{"rings:read"}})
		if err != nil {
			return err
		}
		ctx.Body = token // {"type":"bearer","token":…,"expires_at":…,"expires_in":…}
		return nil
	})
	r.Guard(app.Authenticate(api), app.RequireScopes("rings:read")).Get("/api/rings", list)
	r.Guard(app.Authenticate(api)).Post("/api/logout", func(ctx *app.Context) error {
		revoked, err := api.Logout(ctx)
		ctx.Body = map[string]bool{"revoked": revoked}
		return err
	})
}

// APIKey takes a key from a header.
type APIKey struct{ users map[[32]byte]*User }

func (k APIKey) Authenticate(ctx *app.Context) (*app.Identity, error) {
	key := ctx.Request.Header.Get("X-API-Key")
	if key == "" {
		return nil, app.ErrNoCredentials // ask the next strategy
	}
	user, ok := k.users[sha256.Sum256([]byte(key))]
	if !ok {
		return nil, &app.Rejection{Message: "Unknown key"} // 401
	}
	return &app.Identity{User: user, Scopes: []string{"*"}, Via: "apikey", Deliberate: true}, nil
}

func Example_guard() {
	frodo := &User{"frodo"}
	key := APIKey{map[[32]byte]*User{sha256.Sum256([]byte("my precious")): frodo}}
	r := router.New()
	guardSnippet(r, key)
	a := app.New().Use(r.Layer)
	for _, k := range []string{"", "stolen", "my precious"} {
		req := httptest.NewRequest("GET", "/api/rings", nil)
		if k != "" {
			req.Header.Set("X-API-Key", k)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// 401
	// 401
	// 404
}

var _ = []any{tokensSnippet, sessionsSnippet, valuesSnippet, loginSnippet}
