package strategies_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// whoIsThere answers with the request's user.
func whoIsThere(ctx *app.Context, _ app.Handler) error {
	ctx.Body = "nobody"
	if u, ok := app.User[*hobbit](ctx); ok {
		ctx.Body = u.Name
	}
	return nil
}

// A green is open to everybody, and knows those with a token.
type green struct {
	bearer *strategies.Bearer
	store  *tokenstest.Faulty
	basic  *strategies.Basic
	asked  int // of basic
	token  string
}

func newGreen(t *testing.T) *green {
	t.Helper()
	g := &green{store: tokenstest.NewFaulty(tokenstores.NewMemory())}
	g.bearer = strategies.NewBearer(g.store, &people{}, strategies.BearerOptions{})
	g.basic = strategies.NewBasic(func(_ context.Context, c strategies.Credentials) (*hobbit, error) {
		g.asked++
		return &hobbit{Name: c.Name}, nil
	}, strategies.BasicOptions{})
	token, err := g.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	require.NoError(t, err)
	g.token = token.Text()
	return g
}

func (g *green) send(authorization string, layers ...app.Middleware) *httptest.ResponseRecorder {
	a := app.New().Use(layers...)
	a.OnError = func(*app.Context, error) {}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestAnonymous(t *testing.T) {
	t.Run("last in a list makes it optional", func(t *testing.T) {
		g := newGreen(t)
		got := g.send("", app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere)
		assert.Equal(t, "nobody", got.Body.String())
		assert.Empty(t, got.Header().Get("WWW-Authenticate"))
		assert.Equal(t, "frodo", g.send("Bearer "+g.token, app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere).Body.String())
		assert.Equal(t, 401, g.send("", app.Authenticate(g.bearer), whoIsThere).Code, "without it the list is not")
	})
	t.Run("alone lets everybody through", func(t *testing.T) {
		assert.Equal(t, "nobody", newGreen(t).send("Bearer garbage", app.Authenticate(strategies.Anonymous()), whoIsThere).Body.String())
	})
	// passport-anonymous lets these in.
	t.Run("does not forgive wrong credentials before it", func(t *testing.T) {
		g := newGreen(t)
		for _, wrong := range []string{"Bearer garbage", "Bearer " + strategies.Sum("kahu_"+strings.Repeat("z", 22)+g.token[27:70])} {
			got := g.send(wrong, app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere)
			assert.Equal(t, 401, got.Code)
			assert.Contains(t, got.Header().Get("WWW-Authenticate"), `error="invalid_token"`)
			assert.NotContains(t, got.Body.String(), "nobody")
		}
		assert.Equal(t, 400, g.send("Bearer", app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere).Code)
	})
	t.Run("does not forgive a fault before it", func(t *testing.T) {
		g := newGreen(t)
		g.store.Fail("Find")
		assert.Equal(t, 503, g.send("Bearer "+g.token, app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere).Code)
	})
	t.Run("ends the question for those behind it", func(t *testing.T) {
		g := newGreen(t)
		got := g.send(pairText("frodo:x"), app.Authenticate(strategies.Anonymous(), g.basic), whoIsThere)
		assert.Equal(t, "nobody", got.Body.String())
		assert.Zero(t, g.asked)
		assert.Equal(t, "frodo", g.send(pairText("frodo:x"), app.Authenticate(g.basic, strategies.Anonymous()), whoIsThere).Body.String())
	})
	t.Run("leaves it to a guard below to keep nobody out", func(t *testing.T) {
		g := newGreen(t)
		optional := app.Authenticate(g.bearer, strategies.Anonymous())
		got := g.send("", optional, app.RequireLogin, whoIsThere)
		assert.Equal(t, 401, got.Code)
		assert.Equal(t, `Bearer realm="api"`, got.Header().Get("WWW-Authenticate"))
		assert.Equal(t, "frodo", g.send("Bearer "+g.token, optional, app.RequireLogin, whoIsThere).Body.String())
		assert.Equal(t, 401, g.send("", optional, app.RequireScopes("rings:read"), whoIsThere).Code)
		assert.Equal(t, 401, g.send("", optional, app.Authenticate(g.bearer), whoIsThere).Code)
		assert.Equal(t, 401, g.send("", app.Authenticate(strategies.Anonymous()), app.RequireLogin, whoIsThere).Code)
	})
	t.Run("counts for nobody in a handler's own step", func(t *testing.T) {
		g := newGreen(t)
		got := g.send("", func(ctx *app.Context, _ app.Handler) error {
			id, err := ctx.Authenticate(g.bearer, strategies.Anonymous())
			assert.Nil(t, id)
			assert.ErrorIs(t, err, app.ErrNoCredentials)
			return err
		})
		assert.Equal(t, 401, got.Code)
		assert.Equal(t, `Bearer realm="api"`, got.Header().Get("WWW-Authenticate"))
	})
	t.Run("is nobody's identity", func(t *testing.T) {
		g := newGreen(t)
		g.send("", app.Authenticate(g.bearer, strategies.Anonymous()), func(ctx *app.Context, _ app.Handler) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Nil(t, id)
			assert.False(t, ctx.IsAuthenticated())
			assert.NoError(t, ctx.Logout(), "there is nothing to end")
			return nil
		})
	})
	t.Run("is explained and tells of nothing", func(t *testing.T) {
		g := newGreen(t)
		var steps []app.Step
		a := app.New().Use(app.Authenticate(g.bearer, strategies.Anonymous()), func(ctx *app.Context, _ app.Handler) error {
			steps = ctx.Explain()
			return nil
		})
		a.OnEvent = func(_ *app.Context, e app.Event) { t.Errorf("%s", e.Name) }
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		require.Len(t, steps, 2)
		assert.Equal(t, "anonymous: passed: app: the request may go on without a user", steps[1].String())
	})
}

// It takes nobody's place: the session's user stays who they are, and is not let in
// without one.
func TestAnonymousBelowASession(t *testing.T) {
	g := newGreen(t)
	sessions := app.NewSessions(sessionstores.NewMemory(), &people{}, app.SessionOptions{})
	a := app.New().Use(sessions.Layer, func(ctx *app.Context, next app.Handler) error {
		if ctx.Request.URL.Path == "/login" {
			ctx.Status = 204
			return ctx.Login(&hobbit{Name: "sam"})
		}
		return next(ctx)
	}, app.Authenticate(g.bearer, strategies.Anonymous()), whoIsThere)
	a.OnError = func(*app.Context, error) {}
	c := apptest.NewClient(t, a)
	assert.Equal(t, "nobody", c.Get("/").Body)
	require.Equal(t, 204, c.Post("/login", "text/plain", "").Status)
	assert.Equal(t, "sam", c.Get("/").Body)
	r := c.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+g.token)
	assert.Equal(t, "frodo", c.Do(r).Body, "who is proved below is")
	r = c.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer garbage")
	assert.Equal(t, 401, c.Do(r).Status, "the session does not make up for it")
}

// A page that is for everybody, and greets those who bring a token.
func ExampleAnonymous() {
	bearer := strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{})
	token, err := bearer.Issue(context.Background(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	a := app.New().Use(app.Authenticate(bearer, strategies.Anonymous()), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = "hello stranger"
		if u, ok := app.User[*hobbit](ctx); ok {
			ctx.Body = "hello " + u.Name
		}
		return nil
	})
	for _, authorization := range []string{"", "Bearer " + token.Text(), "Bearer wrong"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello stranger
	// 200 hello frodo
	// 401 {"errors":[{"title":"Invalid token","status":401}]}
}
