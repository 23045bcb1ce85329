package kahu_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
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

func jwtSnippet(r *router.Router, db *bun.DB, users app.Serializer, local *strategies.Local, pem []byte) error {
	list := nothing
	key, err := strategies.JWTKeyFromPEM("2026-11", "ES256", pem) // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	if err != nil {
		return err
	}
	keys, err := strategies.NewJWTKeys(key) // the first signs, all verify
	if err != nil {
		return err
	}
	jwt := strategies.NewJWT(users, strategies.JWTOptions{
		Issuer:   "https://shire.example",
		Audience: "https://shire.example/api",
		Keys:     keys,
		Refresh:  strategies.RefreshOptions{Store: tokenstores.NewBun(db)},
		Denylist: tokenstores.NewBunDenylist(db),
		Claims: func(_ context.Context, user any) (map[string]any, error) {
			return map[string]any{"name": user.(*User).Username}, nil // for all to read
		},
	})
	phones := strategies.NewGuard("jwt", jwt, strategies.GuardOptions{Local: local})

	r.Open().Post("/jwt/login", func(ctx *app.Context) error {
		var in strategies.Credentials
		if err := ctx.Bind(&in); err != nil {
			return err
		}
		pair, err := phones.Attempt(ctx, in, strategies.PairOptions{Name: "phone", Scopes: []string{"rings:read"}})
		if err != nil {
			return err
		}
		ctx.Body = pair // {"access_token":…,"token_type":"Bearer","expires_in":900,"refresh_token":…}
		return nil
	})
	r.Open().Post("/jwt/refresh", func(ctx *app.Context) error {
		in, err := ctx.BindStrings(0, "refresh_token")
		if err != nil {
			return err
		}
		pair, err := jwt.Refresh(ctx, in["refresh_token"], strategies.RefreshRequest{})
		if err != nil {
			return err
		}
		ctx.Body = pair
		return nil
	})
	r.Guard(app.Authenticate(phones), app.RequireScopes("rings:read")).Get("/jwt/rings", list)
	r.Open().Get("/.well-known/jwks.json", keys.Publish)
	return nil
}

func accountsSnippet(r *router.Router, db *bun.DB, keys *strategies.JWTKeys) {
	list := nothing
	members := accounts.NewUsers(db, "users")
	people := accounts.New(members, accounts.Options{
		Tokens: strategies.NewJWT(members.Users(), strategies.JWTOptions{
			Issuer: "https://shire.example", Audience: "https://shire.example", Keys: keys,
			Refresh:  strategies.RefreshOptions{Store: tokenstores.NewBun(db), NeedsAccess: true},
			Denylist: tokenstores.NewBunDenylist(db),
			Sources:  []strategies.Source{accounts.AccessToken()},
		}),
		Transact: func(ctx context.Context, work func(context.Context) error) error {
			return database.Transact(ctx, db, work)
		},
		Mail: accounts.MailOptions{
			Mailer: accounts.PrintMailer(os.Stdout), // in development; accounts.NewSMTP otherwise
			Tokens: tokenstores.NewBun(db),
			Link: func(p accounts.Purpose, token string) string {
				return "https://shire.example/" + string(p) + "#" + token
			},
		},
	})
	people.Mount(r, accounts.MountOptions{}) // POST /users/sign_up, POST /users/sign_in, …
	r.Guard(people.RequireLogin).Get("/posts", list)
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

var _ = []any{tokensSnippet, jwtSnippet, accountsSnippet, sessionsSnippet, valuesSnippet, loginSnippet}
