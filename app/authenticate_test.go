package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A says is a strategy that says always the same, of a type that cannot be compared.
type says func(ctx *app.Context) (*app.Identity, error)

func (s says) Authenticate(ctx *app.Context) (*app.Identity, error) { return s(ctx) }

func proves(name string, scopes ...string) app.Strategy {
	return says(func(*app.Context) (*app.Identity, error) {
		return &app.Identity{User: &hobbit{name}, Scopes: scopes, Via: "test", Info: "the credential"}, nil
	})
}

func fails(err error) app.Strategy {
	return says(func(*app.Context) (*app.Identity, error) { return nil, err })
}

func passes() app.Strategy { return fails(app.ErrNoCredentials) }

func rejects(message string) app.Strategy {
	return fails(&app.Rejection{Code: "invalid_token", Message: message})
}

func panics(v any) app.Strategy {
	return says(func(*app.Context) (*app.Identity, error) { panic(v) })
}

// A challenging strategy asks for its scheme, and for what was wrong.
type challenging struct {
	app.Strategy
	scheme string
	_      [0]func() // cannot be compared
}

func (c challenging) Challenge(_ *app.Context, why error) string {
	var r *app.Rejection
	if errors.As(why, &r) {
		return fmt.Sprintf("%s error=%q", c.scheme, r.Code)
	}
	return c.scheme
}

func asks(scheme string, s app.Strategy) app.Strategy {
	return challenging{Strategy: s, scheme: scheme}
}

// whoami answers with the user's name.
func whoami(ctx *app.Context) error {
	ctx.Body = "nobody"
	if u, ok := app.User[*hobbit](ctx); ok && u != nil {
		ctx.Body = u.Name
	}
	return nil
}

func TestAuthenticate(t *testing.T) {
	elsewhere := fails(&app.Redirection{URL: "https://login.example.com/?state=1"})
	tests := []struct {
		name       string
		strategies []app.Strategy
		status     int
		body       string // of a 200, else the title
		challenges []string
		faults     int
	}{
		{"success", []app.Strategy{proves("frodo")}, 200, "frodo", nil, 0},
		{"the first that proves wins", []app.Strategy{proves("frodo"), proves("sam")}, 200, "frodo", nil, 0},
		{"no opinion lets the next be asked", []app.Strategy{passes(), proves("sam")}, 200, "sam", nil, 0},
		{"a wrapped no opinion too", []app.Strategy{fails(fmt.Errorf("x: %w", app.ErrNoCredentials)), proves("sam")}, 200, "sam", nil, 0},
		{"a rejection lets the next be asked", []app.Strategy{rejects("No"), proves("sam")}, 200, "sam", nil, 0},
		{"no opinion at all is 401", []app.Strategy{passes()}, 401, "Unauthorized", []string{`Cookie realm="session"`}, 0},
		{"no opinion with every challenge", []app.Strategy{asks("A", passes()), passes(), asks("B", passes())}, 401, "Unauthorized", []string{"A", "B"}, 0},
		{"a rejection is answered", []app.Strategy{rejects("No such token")}, 401, "No such token", []string{`Cookie realm="session"`}, 0},
		{"the first rejection is answered", []app.Strategy{passes(), rejects("first"), rejects("second")}, 401, "first", []string{`Cookie realm="session"`}, 0},
		{"only the one that refused hears why", []app.Strategy{asks("A", passes()), asks("B", rejects("No")), asks("C", rejects("Nor I"))}, 401, "No", []string{"A", `B error="invalid_token"`, "C"}, 0},
		{"a rejection whose cause has no opinion is a rejection", []app.Strategy{fails(&app.Rejection{Message: "No", Cause: app.ErrNoCredentials})}, 401, "No", []string{`Cookie realm="session"`}, 0},
		{"a rejection with 400 has the challenge of the one that refused", []app.Strategy{asks("A", fails(&app.Rejection{Status: 400, Code: "invalid_request", Message: "Half a header"})), asks("B", passes())}, 400, "Half a header", []string{`A error="invalid_request"`}, 0},
		{"the first of two statuses counts", []app.Strategy{rejects("No"), fails(&app.Rejection{Status: 403})}, 401, "No", []string{`Cookie realm="session"`}, 0},
		{"a fault is 503, not 401", []app.Strategy{fails(errBoom)}, 503, "Service Unavailable", nil, 1},
		{"a fault ends the question", []app.Strategy{fails(errBoom), proves("sam")}, 503, "Service Unavailable", nil, 1},
		{"a fault after a rejection too", []app.Strategy{rejects("No"), asks("A", fails(errBoom)), proves("sam")}, 503, "Service Unavailable", nil, 1},
		{"a deadline is a fault", []app.Strategy{fails(context.DeadlineExceeded), proves("sam")}, 503, "Service Unavailable", nil, 1},
		{"a nil rejection is a fault", []app.Strategy{fails((*app.Rejection)(nil)), proves("sam")}, 503, "Service Unavailable", nil, 1},
		{"a fault whose cause has no opinion is a fault", []app.Strategy{fails(&app.Error{Status: 500, Cause: app.ErrNoCredentials}), proves("sam")}, 500, "Internal Server Error", nil, 1},
		{"an error that says what to answer", []app.Strategy{fails(&app.Error{Status: 413}), proves("sam")}, 413, "Request Entity Too Large", nil, 0},
		{"a redirect ends the question", []app.Strategy{elsewhere, proves("sam")}, 303, "", nil, 0},
		{"a success before a redirect", []app.Strategy{proves("frodo"), elsewhere}, 200, "frodo", nil, 0},
		{"a panic is 500", []app.Strategy{panics("x"), proves("sam")}, 500, "Internal Server Error", nil, 1},
		{"a panic with a rejection is 500", []app.Strategy{panics(&app.Rejection{}), proves("sam")}, 500, "Internal Server Error", nil, 1},
		{"a panic with ErrNoCredentials is 500", []app.Strategy{panics(app.ErrNoCredentials), proves("sam")}, 500, "Internal Server Error", nil, 1},
		{"no identity and no error is 500", []app.Strategy{fails(nil), proves("sam")}, 500, "Internal Server Error", nil, 1},
		{"no user is 500", []app.Strategy{says(func(*app.Context) (*app.Identity, error) { return &app.Identity{}, nil })}, 500, "Internal Server Error", nil, 1},
		{"a typed nil is no user", []app.Strategy{says(func(*app.Context) (*app.Identity, error) { return &app.Identity{User: (*hobbit)(nil)}, nil })}, 500, "Internal Server Error", nil, 1},
		{"an identity beside an error is not looked at", []app.Strategy{says(func(*app.Context) (*app.Identity, error) {
			return &app.Identity{User: &hobbit{"sauron"}}, app.ErrNoCredentials
		})}, 401, "Unauthorized", []string{`Cookie realm="session"`}, 0},
		{"a challenge with a line end is dropped", []app.Strategy{asks("A\r\nSet-Cookie: a=1", passes()), asks("B\x00", passes()), asks("C\x7f", passes()), asks("D", passes())}, 401, "Unauthorized", []string{"D"}, 0},
		{"an empty challenge is none", []app.Strategy{asks("", passes())}, 401, "Unauthorized", []string{`Cookie realm="session"`}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for kind, layer := range map[string]app.Middleware{"Authenticate": app.Authenticate(test.strategies...), "Identify": app.Identify(test.strategies...)} {
				w, told := answered(get("/"), layer, last(whoami))
				if kind == "Identify" && test.status == 401 && test.body == "Unauthorized" {
					assert.Equal(t, "nobody", w.Body.String(), "Identify lets in who sent nothing")
					continue
				}
				assert.Equal(t, test.status, w.Code, kind)
				assert.Equal(t, test.challenges, w.Header()["Www-Authenticate"], kind)
				assert.Len(t, told, test.faults, kind)
				assert.Empty(t, w.Header()["Set-Cookie"], kind)
				switch w.Code {
				case 200:
					assert.Equal(t, test.body, w.Body.String(), kind)
				case 303:
					assert.Equal(t, "https://login.example.com/?state=1", w.Header().Get("Location"), kind)
				default:
					assert.Equal(t, test.body, title(t, w), kind)
				}
			}
		})
	}
}

func TestAuthenticateIsRefusedWhileBuilding(t *testing.T) {
	var none *ender
	for _, build := range []func(...app.Strategy) app.Middleware{app.Authenticate, app.Identify} {
		assert.Panics(t, func() { build() })
		assert.Panics(t, func() { build(nil) })
		assert.Panics(t, func() { build(proves("frodo"), nil) })
		assert.Panics(t, func() { build(says(nil)) })
		assert.Panics(t, func() { build(none) })
	}
	assert.PanicsWithValue(t, "app: Authenticate needs a strategy", func() { app.Authenticate() })
	assert.PanicsWithValue(t, "app: Identify: strategy 1 is nil", func() { app.Identify(passes(), nil) })
	assert.Panics(t, func() { app.RequireScopes() })
	assert.Panics(t, func() { app.RequireScopes("read", "") })
	assert.Panics(t, func() { app.RequireRecentLogin(0) })
	assert.Panics(t, func() { app.RequireRecentLogin(-1) })
}

func TestIdentity(t *testing.T) {
	t.Run("tells how the user is known", func(t *testing.T) {
		serve(get("/"), app.Authenticate(proves("frodo", "read")), last(func(ctx *app.Context) error {
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, &hobbit{"frodo"}, id.User)
			assert.Equal(t, []string{"read"}, id.Scopes)
			assert.Equal(t, "test", id.Via)
			assert.Equal(t, "the credential", id.Info)
			assert.True(t, ctx.IsAuthenticated())
			_, other := app.User[*place](ctx)
			assert.False(t, other, "a user of another type")
			return ok(ctx)
		}))
	})
	t.Run("what is proved below replaces what was above", func(t *testing.T) {
		w := serve(get("/"), app.Authenticate(proves("frodo")), app.Identify(proves("sam")), last(whoami))
		assert.Equal(t, "sam", w.Body.String())
	})
	t.Run("Identify without credentials leaves what was above", func(t *testing.T) {
		w := serve(get("/"), app.Authenticate(proves("frodo")), app.Identify(passes()), last(whoami))
		assert.Equal(t, "frodo", w.Body.String())
	})
	t.Run("a strategy's Identity is not changed", func(t *testing.T) {
		shared := &app.Identity{User: &hobbit{"frodo"}}
		s := says(func(*app.Context) (*app.Identity, error) { return shared, nil })
		serve(get("/"), app.Authenticate(s), last(func(ctx *app.Context) error { return errors.Join(ctx.Logout()) }))
		assert.Equal(t, &app.Identity{User: &hobbit{"frodo"}}, shared)
	})
	t.Run("an answer that depends on it is in no shared cache", func(t *testing.T) {
		w := serve(get("/"), app.Authenticate(proves("frodo")), last(whoami))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Contains(t, w.Header()["Vary"], "Authorization")
	})
}

// TestGuardThatForgetsToStop is the trap of that name: no guard runs what is below it
// for anybody but whom it lets in.
func TestGuardThatForgetsToStop(t *testing.T) {
	guards := map[string]app.Middleware{
		"RequireLogin":       app.RequireLogin,
		"RequireScopes":      app.RequireScopes("read"),
		"RequireRecentLogin": app.RequireRecentLogin(1),
		"Authenticate":       app.Authenticate(passes()),
		"LoggedIn": func(ctx *app.Context, next app.Handler) error {
			return app.LoggedIn(func(ctx *app.Context, _ *hobbit) error { return next(ctx) })(ctx)
		},
	}
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			w, told := answered(get("/"), app.Identify(asks("A", passes())), guard, last(func(*app.Context) error {
				t.Error("the guarded handler ran")
				return nil
			}))
			assert.Equal(t, 401, w.Code)
			assert.NotEmpty(t, w.Header()["Www-Authenticate"])
			assert.Empty(t, told)
		})
	}
}

// TestGuardBesideTheLayerItNeeds is the trap of that name.
func TestGuardBesideTheLayerItNeeds(t *testing.T) {
	guards := map[string]app.Middleware{
		"RequireLogin":       app.RequireLogin,
		"RequireScopes":      app.RequireScopes("read"),
		"RequireRecentLogin": app.RequireRecentLogin(1),
		"LoggedIn":           last(app.LoggedIn(func(*app.Context, *hobbit) error { return nil })),
		"Login":              last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) }),
		"Session":            last(func(ctx *app.Context) error { _, err := ctx.Session(); return err }),
	}
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			w, told := answered(get("/"), guard, last(func(*app.Context) error {
				t.Error("the guarded handler ran")
				return nil
			}))
			assert.Equal(t, 500, w.Code)
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "app.Use(sessions.Layer)", "the log says what is missing")
		})
	}
}

func TestRequireLogin(t *testing.T) {
	w := serve(get("/"), app.Authenticate(proves("frodo")), app.RequireLogin, last(whoami))
	assert.Equal(t, "frodo", w.Body.String())
	w = serve(get("/"), app.Identify(asks("A", passes()), asks("B", passes())), app.RequireLogin, last(whoami))
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, "Login required", title(t, w))
	assert.Equal(t, []string{"A", "B"}, w.Header()["Www-Authenticate"])
}

func TestRequireScopes(t *testing.T) {
	tests := []struct {
		name   string
		has    []string
		needs  []string
		status int
	}{
		{"the scope", []string{"read"}, []string{"read"}, 200},
		{"one of several", []string{"write", "read"}, []string{"read"}, 200},
		{"all of several", []string{"write", "read"}, []string{"read", "write"}, 200},
		{"everything", []string{"*"}, []string{"read", "write"}, 200},
		{"none", nil, []string{"read"}, 403},
		{"an empty one", []string{""}, []string{"read"}, 403},
		{"another", []string{"write"}, []string{"read"}, 403},
		{"one too few", []string{"read"}, []string{"read", "write"}, 403},
		{"one that begins like it", []string{"read:all", "rea"}, []string{"read"}, 403},
		{"in other letters", []string{"READ"}, []string{"read"}, 403},
		{"several in one", []string{"read write"}, []string{"read"}, 403},
		{"a star in it", []string{"r*"}, []string{"read"}, 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := asks("Bearer", proves("frodo", test.has...))
			w, told := answered(get("/"), app.Authenticate(asks("Other", passes()), s), app.RequireScopes(test.needs...), last(whoami))
			assert.Equal(t, test.status, w.Code)
			assert.Empty(t, told)
			if test.status == 403 {
				assert.Equal(t, []string{`Bearer error="insufficient_scope"`}, w.Header()["Www-Authenticate"])
			}
		})
	}
	t.Run("the list is copied", func(t *testing.T) {
		needs := []string{"write"}
		guard := app.RequireScopes(needs...)
		needs[0] = "read"
		assert.Equal(t, 403, serve(get("/"), app.Authenticate(proves("frodo", "read")), guard, last(whoami)).Code)
	})
}

func TestLoggedIn(t *testing.T) {
	h := app.LoggedIn(func(ctx *app.Context, u *hobbit) error {
		ctx.Body = u.Name
		return nil
	})
	w := serve(get("/"), app.Authenticate(proves("frodo")), last(h))
	assert.Equal(t, "frodo", w.Body.String())
	w = serve(get("/"), app.Authenticate(always{"a text"}), last(h))
	assert.Equal(t, 403, w.Code)
	assert.NotContains(t, w.Body.String(), "hobbit")
	w = serve(get("/"), app.Authenticate(always{hobbit{"by value"}}), last(h))
	assert.Equal(t, 403, w.Code)
}

// TestChallengesBelongToA401: they travel with the error, and are written only if it
// is what is answered.
func TestChallengesBelongToA401(t *testing.T) {
	refused := app.Authenticate(asks("A", passes()))
	t.Run("a layer above answers", func(t *testing.T) {
		w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			assert.ErrorIs(t, err, app.ErrNoCredentials)
			return ok(ctx)
		}, refused)
		assert.Equal(t, 200, w.Code)
		assert.Empty(t, w.Header()["Www-Authenticate"])
	})
	t.Run("a layer above makes another error of it", func(t *testing.T) {
		w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			return &app.Error{Status: 404, Cause: next(ctx)}
		}, refused)
		assert.Equal(t, 404, w.Code)
		assert.Empty(t, w.Header()["Www-Authenticate"])
	})
	t.Run("a layer above wraps it", func(t *testing.T) {
		w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			return fmt.Errorf("guard: %w", next(ctx))
		}, refused)
		assert.Equal(t, 401, w.Code)
		assert.Equal(t, []string{"A"}, w.Header()["Www-Authenticate"])
	})
}

func TestStrategyIsCalledByHand(t *testing.T) {
	local := rejects("Invalid user name or password")
	w := serve(post("/session", jsonType, `{}`), last(func(ctx *app.Context) error {
		_, err := local.Authenticate(ctx)
		assert.ErrorIs(t, err, app.ErrInvalidCredentials)
		assert.False(t, ctx.IsAuthenticated(), "nothing is done for you")
		return err
	}))
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, "Invalid user name or password", title(t, w))
}

func TestRedirectionGoesToUsablePlacesOnly(t *testing.T) {
	for _, u := range []string{"/login", "https://login.example.com/authorize?a=1", "http://localhost:3000/"} {
		w, told := answered(get("/"), app.Authenticate(fails(&app.Redirection{URL: u})), last(whoami))
		assert.Equal(t, http.StatusSeeOther, w.Code, u)
		assert.Equal(t, u, w.Header().Get("Location"))
		assert.Empty(t, told)
	}
	for _, u := range []string{"", "//example.org", "javascript:alert(1)", "data:text/html,x", "https:example.org", "https://", "https://a@example.org", "https://example.org\\@x", "/\\example.org", "/a\r\nSet-Cookie: a=1", "https://example.org/\n", "login", "ftp://example.org"} {
		w, told := answered(get("/"), app.Authenticate(fails(&app.Redirection{URL: u})), last(whoami))
		assert.Equal(t, 500, w.Code, u)
		assert.Empty(t, w.Header()["Location"], u)
		assert.Len(t, told, 1, u)
	}
}

func TestLogoutCallsTheEnderThatProved(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		status int
	}{
		{"it ends", nil, 200},
		{"it fails", errBoom, 503},
		{"it says what to answer", &app.Error{Status: 409}, 409},
	} {
		t.Run(test.name, func(t *testing.T) {
			count := 0
			r := get("/")
			r.Header.Set("Authorization", "x")
			w := serve(r, app.Authenticate(passes(), ender{&count, test.err}, proves("sam")), last(func(ctx *app.Context) error {
				err := ctx.Logout()
				assert.Equal(t, test.err != nil, ctx.IsAuthenticated())
				if err != nil {
					return err
				}
				require.NoError(t, ctx.Logout(), "nobody is logged in any more")
				return whoami(ctx)
			}))
			assert.Equal(t, test.status, w.Code)
			assert.Equal(t, 1, count)
		})
	}
	t.Run("nobody is no error", func(t *testing.T) {
		w := serve(get("/"), app.Identify(passes()), last(func(ctx *app.Context) error { return errors.Join(ctx.Logout(), ok(ctx)) }))
		assert.Equal(t, 200, w.Code)
	})
	t.Run("after the headers it is too late", func(t *testing.T) {
		count := 0
		r := get("/")
		r.Header.Set("Authorization", "x")
		serve(r, app.Authenticate(ender{&count, nil}), last(func(ctx *app.Context) error {
			ctx.Writer().WriteHeader(200)
			assert.ErrorIs(t, ctx.Logout(), app.ErrHeadersSent)
			return nil
		}))
		assert.Zero(t, count)
	})
}

func TestStrategiesAreSharedByRequests(t *testing.T) {
	s := says(func(ctx *app.Context) (*app.Identity, error) {
		return &app.Identity{User: &hobbit{ctx.Request.URL.Path}}, nil
	})
	a := quiet().Use(app.Authenticate(s), last(whoami))
	done := make(chan string)
	for i := range 16 {
		go func() {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, get(fmt.Sprint("/", i)))
			done <- fmt.Sprint("/", i, " ", w.Body)
		}()
	}
	for range 16 {
		got := <-done
		var asked, answered string
		fmt.Sscan(got, &asked, &answered)
		assert.Equal(t, asked, answered)
	}
}
