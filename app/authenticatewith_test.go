package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// porter is a strategy that believes the header X-Name, and knows words for all that can happen.
var porter = asks("Porter", says(func(ctx *app.Context) (*app.Identity, error) {
	switch name := ctx.Request.Header.Get("X-Name"); name {
	case "":
		return nil, app.ErrNoCredentials
	case "wrong":
		return nil, &app.Rejection{Message: "Wrong name or password"}
	case "half":
		return nil, &app.Rejection{Status: 400, Message: "Half a form"}
	case "busy":
		return nil, &app.Error{Status: 429, Message: "Too many attempts", Header: http.Header{"Retry-After": {"30"}}, Cause: &app.Rejection{}}
	case "fault":
		return nil, errBoom
	case "large":
		return nil, &app.Error{Status: 413}
	case "away":
		return nil, &app.Redirection{URL: "https://login.example.com/"}
	case "anonymous":
		return nil, app.ErrAnonymous
	default:
		return &app.Identity{User: &hobbit{name}, Scopes: []string{"*"}, Info: "by " + name, Via: "porter"}, nil
	}
}))

// A hall has a login by a form, made of options.
type hall struct {
	*door
	form app.Middleware
}

func newHall(so app.SessionOptions, o app.AuthenticateOptions) *hall {
	h := &hall{door: newDoor(so), form: app.AuthenticateWith(o, porter)}
	h.app = quiet().Use(h.sessions.Layer, h.route)
	return h
}

func (h *hall) route(ctx *app.Context, next app.Handler) error {
	switch ctx.Request.URL.Path {
	case "/form":
		return h.form(ctx, whoami)
	case "/flashes":
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		all, err := x.Flashes()
		ctx.Body = flashText(all)
		return err
	case "/me":
		return whoami(ctx)
	}
	return h.door.route(ctx)
}

func (h *hall) client(t *testing.T) *apptest.Client { return apptest.NewClient(t, h.app) }

func flashText(all []app.Flash) string {
	var lines []string
	for _, f := range all {
		lines = append(lines, f.Kind+": "+f.Text)
	}
	return strings.Join(lines, ", ")
}

// send sends the form as name.
func (h *hall) send(c *apptest.Client, name string) *apptest.Response {
	r := c.NewRequest(http.MethodPost, "/form", nil)
	if name != "" {
		r.Header.Set("X-Name", name)
	}
	return c.Do(r)
}

func TestAuthenticateWith(t *testing.T) {
	welcome := &app.Flash{Text: "Welcome"}
	t.Run("without options it is Authenticate", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{})
		c := h.client(t)
		for _, test := range []struct {
			name   string
			status int
			body   string
		}{{"sam", 200, "sam"}, {"", 401, ""}, {"wrong", 401, ""}, {"half", 400, ""}, {"fault", 503, ""}, {"anonymous", 200, "nobody"}} {
			res := h.send(c, test.name)
			assert.Equal(t, test.status, res.Status, test.name)
			assert.Equal(t, test.status == 401 || test.status == 400, res.Header.Get("WWW-Authenticate") != "", test.name)
			assert.Empty(t, res.Header["Set-Cookie"], test.name)
			if test.body != "" {
				assert.Equal(t, test.body, res.Body)
			}
		}
		assert.Empty(t, h.store.Calls())
	})
	t.Run("who is proved is logged in with a message and sent on in one write", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", SuccessFlash: welcome})
		c := h.client(t)
		res := h.send(c, "sam")
		assert.Equal(t, 303, res.Status)
		assert.Equal(t, "/home", location(res))
		assert.Equal(t, []string{"Insert"}, h.store.Calls())
		assert.Equal(t, "sam", c.Get("/me").Body)
		assert.Equal(t, "success: Welcome", c.Get("/flashes").Body)
		assert.Empty(t, c.Get("/flashes").Body, "it is read once")
	})
	t.Run("without Success the layers below run for who is logged in", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true})
		seen := false
		form := h.form
		h.form = func(ctx *app.Context, _ app.Handler) error {
			return form(ctx, func(ctx *app.Context) error {
				seen = true
				id, err := ctx.Identity()
				require.NoError(t, err)
				assert.Equal(t, "session", id.Via)
				assert.Equal(t, "by sam", id.Info, "what the strategy made of the credential")
				return whoami(ctx)
			})
		}
		c := h.client(t)
		res := h.send(c, "sam")
		assert.Equal(t, "sam", res.Body)
		assert.True(t, seen)
		assert.Equal(t, "sam", c.Get("/me").Body)
	})
	t.Run("without Login the message and the place are there and nobody is logged in", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Success: "/home", SuccessFlash: &app.Flash{Kind: "info", Text: "That was right"}})
		c := h.client(t)
		assert.Equal(t, "/home", location(h.send(c, "sam")))
		assert.Equal(t, "nobody", c.Get("/me").Body)
		assert.Equal(t, "info: That was right", c.Get("/flashes").Body)
	})
	t.Run("who wanted to go somewhere is sent there with the message", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", ReturnTo: true, SuccessFlash: welcome})
		c := h.client(t)
		c.Do(navigation("/secret?x=1"))
		assert.Equal(t, "/secret?x=1", location(h.send(c, "sam")))
		assert.Equal(t, "success: Welcome", c.Get("/flashes").Body)
		assert.Equal(t, "/home", location(h.send(c, "sam")))
	})
	t.Run("without ReturnTo the place waits", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home"})
		c := h.client(t)
		c.Do(navigation("/secret"))
		assert.Equal(t, "/home", location(h.send(c, "sam")))
		assert.Equal(t, "/secret", c.Get("/return").Body)
	})
	t.Run("a new user gets their message and none of another's", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", SuccessFlash: welcome})
		c := h.client(t)
		h.send(c, "frodo")
		h.send(c, "sam")
		assert.Equal(t, "success: Welcome", c.Get("/flashes").Body)
	})
	t.Run("options of the login hold", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", LoginOptions: []app.LoginOption{app.KeepSession("cart")}})
		c := h.client(t)
		c.Get("/fill")
		before := c.Cookie(cookieName).Value
		h.send(c, "sam")
		assert.NotEqual(t, before, c.Cookie(cookieName).Value)
		info := false
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		record(quiet().Use(h.sessions.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			info, err = x.Get("cart", new(string))
			return err
		})), r)
		assert.True(t, info)
	})
	t.Run("logout below ends the session", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true})
		form := h.form
		h.form = func(ctx *app.Context, _ app.Handler) error {
			return form(ctx, func(ctx *app.Context) error { return ctx.Logout() })
		}
		c := h.client(t)
		h.send(c, "sam")
		assert.Equal(t, "nobody", c.Get("/me").Body)
		assert.Equal(t, []string{"Insert", "Delete"}, h.store.Calls())
	})
	t.Run("its messages are its own", func(t *testing.T) {
		f := &app.Flash{Text: "Welcome"}
		opts := []app.LoginOption{app.KeepSession()}
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", SuccessFlash: f, LoginOptions: opts})
		f.Text, opts[0] = "changed", nil
		assert.Empty(t, f.Kind, "nor does it change its owner's")
		c := h.client(t)
		h.send(c, "sam")
		assert.Equal(t, "success: Welcome", c.Get("/flashes").Body)
	})
}

func TestAuthenticateWithFailure(t *testing.T) {
	t.Run("is sent back with what the client may know", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", Failure: "/login?again", FailureFlash: &app.Flash{}})
		for name, want := range map[string]string{"wrong": "error: Wrong name or password", "half": "error: Half a form", "": "error: Unauthorized"} {
			c := h.client(t)
			res := h.send(c, name)
			assert.Equal(t, 303, res.Status, name)
			assert.Equal(t, "/login?again", location(res), name)
			assert.Empty(t, res.Header["Www-Authenticate"], name)
			assert.Equal(t, want, c.Get("/flashes").Body)
			assert.Equal(t, "nobody", c.Get("/me").Body)
		}
	})
	t.Run("a message and a kind of its own", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Failure: "/login", FailureFlash: &app.Flash{Kind: "warning", Text: "Try again"}})
		c := h.client(t)
		h.send(c, "wrong")
		h.send(c, "wrong")
		assert.Equal(t, "warning: Try again, warning: Try again", c.Get("/flashes").Body, "each is kept")
	})
	t.Run("what the first strategy that rejects says", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{})
		h.form = app.AuthenticateWith(app.AuthenticateOptions{FailureFlash: &app.Flash{}, Failure: "/"}, passes(), rejects("first"), rejects("second"))
		c := h.client(t)
		h.send(c, "")
		assert.Equal(t, "error: first", c.Get("/flashes").Body)
	})
	t.Run("in the client's language", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{FailureFlash: &app.Flash{}, Failure: "/"})
		h.app.Translate = func(_ *app.Context, title string) string { return strings.ToUpper(title) }
		c := h.client(t)
		h.send(c, "wrong")
		assert.Equal(t, "error: WRONG NAME OR PASSWORD", c.Get("/flashes").Body)
	})
	t.Run("a message alone is answered 401 with the challenges", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{FailureFlash: &app.Flash{}})
		c := h.client(t)
		res := h.send(c, "wrong")
		assert.Equal(t, 401, res.Status)
		assert.Equal(t, []string{`Porter error=""`}, res.Header["Www-Authenticate"])
		assert.Equal(t, "error: Wrong name or password", c.Get("/flashes").Body)
	})
	t.Run("a place alone makes no session", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Failure: "/login"})
		res := h.send(h.client(t), "wrong")
		assert.Equal(t, "/login", location(res))
		assert.Empty(t, res.Header["Set-Cookie"])
		assert.Empty(t, h.store.Calls())
	})
	t.Run("leaves a user who is logged in", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", Failure: "/login"})
		c := h.client(t)
		h.send(c, "frodo")
		h.send(c, "wrong")
		assert.Equal(t, "frodo", c.Get("/me").Body)
	})
	for _, test := range []struct {
		name   string
		status int
		to     string
	}{{"fault", 503, ""}, {"busy", 429, ""}, {"large", 413, ""}, {"away", 303, "https://login.example.com/"}} {
		t.Run("is not what this is: "+test.name, func(t *testing.T) {
			h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", Failure: "/login", SuccessFlash: &app.Flash{Text: "Welcome"}, FailureFlash: &app.Flash{}})
			c := h.client(t)
			res := h.send(c, test.name)
			assert.Equal(t, test.status, res.Status)
			assert.Equal(t, test.to, location(res))
			assert.Empty(t, res.Header["Set-Cookie"])
			assert.Empty(t, h.store.Calls())
			if test.name == "busy" {
				assert.Equal(t, "30", res.Header.Get("Retry-After"))
			}
		})
	}
	t.Run("who may be anonymous is not sent back", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", Failure: "/login", FailureFlash: &app.Flash{}})
		res := h.send(h.client(t), "anonymous")
		assert.Equal(t, "nobody", res.Body)
		assert.Empty(t, res.Header["Set-Cookie"])
	})
}

// Nobody is half logged in.
func TestAuthenticateWithLoginThatFails(t *testing.T) {
	options := app.AuthenticateOptions{Login: true, Success: "/home", SuccessFlash: &app.Flash{Text: "Welcome"}, Failure: "/login", FailureFlash: &app.Flash{}}
	for _, test := range []struct {
		name    string
		prepare func(h *hall, r *http.Request)
		status  int
	}{
		{"the store is down", func(h *hall, _ *http.Request) { h.store.Fail("Insert") }, 503},
		{"the user cannot be serialized", func(h *hall, _ *http.Request) { h.users.err = errBoom }, 500},
		{"the Serializer refuses the user", func(h *hall, _ *http.Request) { h.users.err = &app.Error{Status: 403, Message: "Locked"} }, 403},
		{"another site sends the form", func(_ *hall, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHall(app.SessionOptions{}, options)
			r := h.client(t).NewRequest(http.MethodPost, "/form", nil)
			r.Header.Set("X-Name", "sam")
			test.prepare(h, r)
			above := false
			a := quiet().Use(h.sessions.Layer, func(ctx *app.Context, next app.Handler) error {
				err := next(ctx)
				above = ctx.IsAuthenticated()
				return err
			}, h.route)
			res := record(a, r)
			assert.Equal(t, test.status, res.Code)
			assert.Empty(t, res.Header().Get("Location"))
			assert.Empty(t, res.Header()["Set-Cookie"], "no message for who did not get in")
			assert.False(t, above)
		})
	}
}

// A session that is full of messages that nobody read keeps nobody out.
func TestAuthenticateWithAFullSession(t *testing.T) {
	for _, test := range []struct{ name, to string }{{"frodo", "/home"}, {"wrong", "/login"}} {
		h := newHall(app.SessionOptions{MaxBytes: 100}, app.AuthenticateOptions{Login: true, Success: "/home", Failure: "/login", SuccessFlash: &app.Flash{Text: "Welcome"}, FailureFlash: &app.Flash{Text: "Go away"}})
		c := h.client(t)
		for range 20 {
			assert.Equal(t, test.to, location(h.send(c, test.name)), test.name)
		}
		all := c.Get("/flashes").Body
		assert.NotEmpty(t, all)
		assert.Less(t, len(all), 100, "nor does it grow for ever")
	}
}

func TestAuthenticateWithSeveralKinds(t *testing.T) {
	store := sessionstores.NewMemory()
	users := app.NewSessions(store, &hobbits{}, app.SessionOptions{LoginPage: "/login"})
	admins := app.NewSessions(store, &hobbits{}, app.SessionOptions{Kind: "admin", LoginPage: "/admin/login"})
	form := app.AuthenticateWith(app.AuthenticateOptions{Login: true, Sessions: admins, Success: "/admin", ReturnTo: true, Failure: "/admin/login", SuccessFlash: &app.Flash{Text: "Welcome"}, FailureFlash: &app.Flash{}}, porter)
	flashes := func(ctx *app.Context, s *app.Sessions) error {
		x, err := s.Session(ctx)
		if err != nil {
			return err
		}
		all, err := x.Flashes()
		ctx.Body = flashText(all)
		return err
	}
	a := quiet().Use(users.Layer, admins.Layer, last(func(ctx *app.Context) error {
		switch ctx.Request.URL.Path {
		case "/form":
			return form(ctx, whoami)
		case "/admin/rings":
			return admins.RequireLogin(ctx, whoami)
		case "/admin/flashes":
			return flashes(ctx, admins)
		case "/flashes":
			return flashes(ctx, users)
		}
		return whoami(ctx)
	}))
	c := apptest.NewClient(t, a)
	as := func(name string) *apptest.Response {
		r := c.NewRequest(http.MethodPost, "/form", nil)
		r.Header.Set("X-Name", name)
		return c.Do(r)
	}
	c.Do(navigation("/admin/rings"))
	assert.Equal(t, "/admin/login", location(as("wrong")))
	assert.Equal(t, "/admin/rings", location(as("gandalf")))
	assert.Nil(t, c.Cookie(cookieName), "the users' session is not touched")
	assert.Equal(t, "gandalf", c.Get("/admin/rings").Body)
	assert.Equal(t, "nobody", c.Get("/me").Body)
	assert.Equal(t, "error: Wrong name or password, success: Welcome", c.Get("/admin/flashes").Body)
	assert.Empty(t, c.Get("/flashes").Body)
}

// What is wrong in the stack shows before a credential is used up.
func TestAuthenticateWithoutItsSessions(t *testing.T) {
	admins := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Kind: "admin"})
	for name, o := range map[string]app.AuthenticateOptions{
		"Login":         {Login: true},
		"ReturnTo":      {Success: "/home", ReturnTo: true},
		"SuccessFlash":  {SuccessFlash: &app.Flash{Text: "Welcome"}},
		"FailureFlash":  {FailureFlash: &app.Flash{}},
		"another kind":  {Login: true, Sessions: admins},
		"all with kind": {Login: true, Sessions: admins, Success: "/", ReturnTo: true, SuccessFlash: &app.Flash{Text: "Welcome"}, FailureFlash: &app.Flash{}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			s := says(func(*app.Context) (*app.Identity, error) { asked = true; return nil, app.ErrNoCredentials })
			w, told := answered(get("/"), app.AuthenticateWith(o, s), last(ok))
			assert.Equal(t, 500, w.Code)
			require.Len(t, told, 1)
			assert.ErrorContains(t, told[0], "there is no Sessions layer above: add app.Use(sessions.Layer)")
			assert.Equal(t, o.Sessions != nil, strings.Contains(told[0].Error(), `"admin"`))
			assert.NotContains(t, w.Body.String(), "Sessions")
			assert.False(t, asked)
		})
	}
	t.Run("nothing is missing that is not used", func(t *testing.T) {
		assert.Equal(t, 303, serve(get("/"), app.AuthenticateWith(app.AuthenticateOptions{Success: "/", Failure: "/"}, passes())).Code)
	})
}

func TestAuthenticateWithIsRefusedWhileBuilding(t *testing.T) {
	forgetful := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{})
	yes := func(*app.Context) bool { return true }
	for name, test := range map[string]struct {
		o    app.AuthenticateOptions
		want string
	}{
		"a message without a text":            {app.AuthenticateOptions{SuccessFlash: &app.Flash{Kind: "info"}}, "app: AuthenticateOptions: SuccessFlash needs a Text"},
		"ReturnTo without Success":            {app.AuthenticateOptions{ReturnTo: true}, "app: AuthenticateOptions: ReturnTo needs a Success to go to otherwise"},
		"Remember without Login":              {app.AuthenticateOptions{Remember: yes}, "app: AuthenticateOptions: Remember and LoginOptions need Login"},
		"LoginOptions without Login":          {app.AuthenticateOptions{LoginOptions: []app.LoginOption{app.KeepSession("a")}}, "app: AuthenticateOptions: Remember and LoginOptions need Login"},
		"a nil LoginOption":                   {app.AuthenticateOptions{Login: true, LoginOptions: []app.LoginOption{app.KeepSession("a"), nil}}, "app: AuthenticateOptions: LoginOption 1 is nil"},
		"a login without a session":           {app.AuthenticateOptions{Login: true, LoginOptions: []app.LoginOption{app.WithoutSession()}}, "app: AuthenticateOptions: WithoutSession contradicts Login: leave out both"},
		"Remember of Sessions without":        {app.AuthenticateOptions{Login: true, Sessions: forgetful, Remember: yes}, "app: AuthenticateOptions: Remember needs Sessions with SessionOptions.Remember"},
		"Remember by option of such Sessions": {app.AuthenticateOptions{Login: true, Sessions: forgetful, LoginOptions: []app.LoginOption{app.Remember(true)}}, "app: AuthenticateOptions: Remember needs Sessions with SessionOptions.Remember"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithValue(t, test.want, func() { app.AuthenticateWith(test.o, passes()) })
		})
	}
	for _, path := range badPaths {
		if path == "" {
			continue
		}
		want := "app: AuthenticateOptions: Success and Failure are paths on this site"
		assert.PanicsWithValue(t, want, func() { app.AuthenticateWith(app.AuthenticateOptions{Success: path}, passes()) }, path)
		assert.PanicsWithValue(t, want, func() { app.AuthenticateWith(app.AuthenticateOptions{Failure: path}, passes()) }, path)
	}
	assert.PanicsWithValue(t, "app: AuthenticateWith needs a strategy", func() { app.AuthenticateWith(app.AuthenticateOptions{}) })
	assert.PanicsWithValue(t, "app: AuthenticateWith: strategy 1 is nil", func() { app.AuthenticateWith(app.AuthenticateOptions{}, passes(), nil) })
}

// A notebook is a Rememberer that notes whom it remembers.
type notebook struct {
	app.Strategy
	names  []string
	forgot int
}

func (n *notebook) Remember(_ *app.Context, user any) (string, error) {
	n.names = append(n.names, user.(*hobbit).Name)
	return "a handle", nil
}
func (n *notebook) Remembers(context.Context, *app.Identity) (bool, error) { return true, nil }
func (n *notebook) Forget(*app.Context) ([]*app.Identity, error)           { n.forgot++; return nil, nil }
func (n *notebook) Kind() string                                           { return "" }
func (n *notebook) Revoke(context.Context, any, string) (bool, error)      { return true, nil }
func (n *notebook) RevokeAll(context.Context, any, string) (int, error)    { return 0, nil }

func TestAuthenticateWithRemember(t *testing.T) {
	for _, test := range []struct {
		name  string
		yes   bool
		names []string
	}{{"if the client wants it", true, []string{"sam"}}, {"not otherwise", false, nil}} {
		t.Run(test.name, func(t *testing.T) {
			n := &notebook{Strategy: passes()}
			h := newHall(app.SessionOptions{Remember: n}, app.AuthenticateOptions{Login: true, Success: "/home", Remember: func(ctx *app.Context) bool {
				return test.yes && ctx.Request.URL.Path == "/form"
			}})
			h.send(h.client(t), "sam")
			assert.Equal(t, test.names, n.names)
		})
	}
	t.Run("by Sessions that remember nobody it is a fault and nobody is logged in", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", Remember: func(*app.Context) bool { return true }})
		c := h.client(t)
		assert.Equal(t, 500, h.send(c, "sam").Status)
		assert.Equal(t, "nobody", c.Get("/me").Body)
	})
}

func TestWithoutSession(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	for name, login := range map[string]func(ctx *app.Context, opts ...app.LoginOption) error{
		"ctx.Login": func(ctx *app.Context, opts ...app.LoginOption) error { return ctx.Login(&hobbit{"sam"}, opts...) },
		"Sessions.Login": func(ctx *app.Context, opts ...app.LoginOption) error {
			return w.sessions.Login(ctx, &hobbit{"sam"}, opts...)
		},
	} {
		t.Run(name+" writes nothing and sets nothing", func(t *testing.T) {
			before := len(w.store.Calls())
			h := last(func(ctx *app.Context) error {
				require.NoError(t, login(ctx, app.WithoutSession()))
				assert.True(t, ctx.IsAuthenticated())
				return app.RequireLogin(ctx, whoami)
			})
			for _, res := range []*apptest.Response{apptest.NewClient(t, quiet().Use(w.sessions.Layer, h)).Get("/"), apptest.NewClient(t, quiet().Use(h)).Get("/")} {
				assert.Equal(t, "sam", res.Body)
				assert.Empty(t, res.Header["Set-Cookie"])
			}
			assert.Len(t, w.store.Calls(), before)
		})
		t.Run(name+" leaves the session of who is logged in", func(t *testing.T) {
			c := w.client(t)
			c.Get("/login")
			r := get("/")
			r.AddCookie(c.Cookie(cookieName))
			res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
				require.NoError(t, login(ctx, app.WithoutSession()))
				require.NoError(t, ctx.Logout())
				assert.False(t, ctx.IsAuthenticated())
				return ok(ctx)
			})), r)
			assert.Equal(t, 200, res.Code)
			assert.Empty(t, res.Header()["Set-Cookie"])
			assert.Equal(t, "frodo", c.Get("/me").Body)
		})
		t.Run(name+" cannot remember", func(t *testing.T) {
			res := serve(get("/"), w.sessions.Layer, last(func(ctx *app.Context) error {
				assert.ErrorContains(t, login(ctx, app.WithoutSession(), app.Remember(true)), "Remember contradicts WithoutSession")
				assert.False(t, ctx.IsAuthenticated())
				return ok(ctx)
			}))
			assert.Equal(t, 200, res.Code)
		})
	}
	t.Run("refuses nobody and a typed nil", func(t *testing.T) {
		for _, user := range []any{nil, (*hobbit)(nil)} {
			serve(get("/"), last(func(ctx *app.Context) error {
				require.Error(t, ctx.Login(user, app.WithoutSession()))
				assert.False(t, ctx.IsAuthenticated())
				assert.ErrorIs(t, copyOf(ctx).Login(&hobbit{"sam"}, app.WithoutSession()), app.ErrCopied)
				return nil
			}))
		}
	})
}
