package accounts_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
)

// mounted returns a client of the accounts mounted otherwise, and their routes.
func mounted(t *testing.T, s *shire, o accounts.MountOptions) (*caller, []string) {
	t.Helper()
	r := router.New()
	s.people.Mount(r, o)
	var routes []string
	for info := range r.Routes() {
		routes = append(routes, info.Method+" "+info.Path+" "+fmt.Sprint(info.Mark))
	}
	return &caller{apptest.NewClient(t, app.New().Use(r.Layer)), t}, routes
}

var gemRoutes = []string{
	"POST /users/sign_up open", "POST /users/sign_in open", "DELETE /users/sign_out guarded", "POST /users/tokens open",
	"PATCH /users/passwords guarded", "DELETE /users/delete guarded",
}

func TestMount(t *testing.T) {
	s := newShire(t, nil)
	without := newShire(t, func(_ *shire, o *accounts.Options) { o.Mail = accounts.MailOptions{} })
	tests := map[string]struct {
		s      *shire
		o      accounts.MountOptions
		routes []string
	}{
		"without a mailer, api_guard's": {without, accounts.MountOptions{}, gemRoutes},
		"all": {s, accounts.MountOptions{}, append(slices.Clone(gemRoutes), "POST /users/resets open", "PATCH /users/resets open",
			"POST /users/verifications open", "PATCH /users/verifications open", "POST /users/emails guarded", "PATCH /users/emails open")},
		"only some":          {s, accounts.MountOptions{Only: []accounts.Action{accounts.SignIn, accounts.SignOut}}, []string{"POST /users/sign_in open", "DELETE /users/sign_out guarded"}},
		"all but some":       {without, accounts.MountOptions{Except: []accounts.Action{accounts.SignUp, accounts.DeleteAccount}}, gemRoutes[1:5]},
		"below another path": {s, accounts.MountOptions{Path: "/api/people", Only: []accounts.Action{accounts.SignIn}}, []string{"POST /api/people/sign_in open"}},
		"below none":         {s, accounts.MountOptions{Path: "/", Only: []accounts.Action{accounts.SignIn}}, []string{"POST /sign_in open"}},
		"with a path of its own": {s, accounts.MountOptions{Only: []accounts.Action{accounts.SignUp}, Paths: map[accounts.Action]string{accounts.SignUp: "/account/create"}},
			[]string{"POST /users/account/create open"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, routes := mounted(t, test.s, test.o)
			assert.Equal(t, test.routes, routes)
		})
	}
}

func TestMountRefusesWhatIsNotThere(t *testing.T) {
	s := newShire(t, func(_ *shire, o *accounts.Options) { o.Mail = accounts.MailOptions{} })
	for name, o := range map[string]accounts.MountOptions{
		"both lists":              {Only: []accounts.Action{accounts.SignIn}, Except: []accounts.Action{accounts.SignUp}},
		"an unknown action":       {Only: []accounts.Action{"dance"}},
		"a mail without a mailer": {Except: []accounts.Action{accounts.RequestReset}},
		"a path for none":         {Paths: map[accounts.Action]string{"dance": "/dance"}},
		"a handler for none":      {Handlers: map[accounts.Action]app.Handler{"dance": func(*app.Context) error { return nil }}},
		"layers for none":         {Layers: map[accounts.Action][]app.Middleware{"dance": nil}},
	} {
		assert.Panics(t, func() { s.people.Mount(router.New(), o) }, name)
	}
}

func TestLayersStandBeforeAndAfterAnAction(t *testing.T) {
	s := newShire(t, nil)
	var seen []string
	c, _ := mounted(t, s, accounts.MountOptions{Layers: map[accounts.Action][]app.Middleware{
		accounts.SignUp: {func(ctx *app.Context, next app.Handler) error {
			seen = append(seen, "before")
			err := next(ctx)
			if ctx.Status == http.StatusOK {
				seen = append(seen, "after")
			}
			return err
		}},
		accounts.DeleteAccount: {func(ctx *app.Context, next app.Handler) error {
			seen = append(seen, "whose: "+ctx.User().(*accounts.User).Email)
			return ctx.Throw(http.StatusForbidden, "The ring keeps its bearer")
		}},
	}})
	c.signUp()
	assert.Equal(t, http.StatusForbidden, c.send("DELETE", "/users/delete", nil).Status)
	c.Header.Del("Authorization")
	assert.Equal(t, http.StatusUnauthorized, c.send("DELETE", "/users/delete", nil).Status)
	assert.Equal(t, []string{"before", "after", "whose: " + email}, seen, "a layer is below the guard")
}

func TestAHandlerCanBeReplaced(t *testing.T) {
	s := newShire(t, nil)
	c, _ := mounted(t, s, accounts.MountOptions{Handlers: map[accounts.Action]app.Handler{
		accounts.SignOut: func(ctx *app.Context) error {
			if err := s.people.SignOut(ctx); err != nil {
				return err
			}
			ctx.Status, ctx.Body = http.StatusNoContent, nil
			return nil
		},
	}})
	c.signUp()
	assert.Equal(t, http.StatusNoContent, c.send("DELETE", "/users/sign_out", nil).Status)
	assert.Equal(t, http.StatusUnauthorized, c.send("DELETE", "/users/sign_out", nil).Status, "the guard stays")
}

func TestNewRefusesWhatIsUnsafe(t *testing.T) {
	s := newShire(t, nil)
	for name, o := range map[string]accounts.Options{
		"no tokens":                    {},
		"a resource with a slash":      {Tokens: s.jwt, Resource: "a/b"},
		"the password as a field":      {Tokens: s.jwt, Fields: []string{"password"}},
		"an empty field":               {Tokens: s.jwt, Fields: []string{""}},
		"a mailer without links":       {Tokens: s.jwt, Mail: accounts.MailOptions{Mailer: s.post}},
		"nobody could ever sign in":    {Tokens: s.jwt, RequireVerified: true},
		"a negative timeout":           {Tokens: s.jwt, Timeout: -1},
		"a reset that is good forever": {Tokens: s.jwt, Mail: accounts.MailOptions{Expiry: 48 * hourAndMore}},
	} {
		assert.Panics(t, func() { accounts.New(s.store, o) }, name)
	}
	assert.Panics(t, func() { accounts.New(nil, accounts.Options{Tokens: s.jwt}) })
	assert.Panics(t, func() { accounts.OneOf() })
}

func TestFieldsOfASignUp(t *testing.T) {
	type Hobbit struct {
		ID    int64  `bun:",pk,autoincrement"`
		Email string `bun:",notnull"`
		Nick  string `bun:",notnull"`
	}
	s := newShire(t, nil)
	create[Hobbit](t, s.db, "CREATE UNIQUE INDEX hobbits_email ON hobbits (email)", "CREATE UNIQUE INDEX hobbits_nick ON hobbits (nick)")
	store := accounts.NewTable[Hobbit](s.db, accounts.TableOptions{})
	people := accounts.New(store, accounts.Options{
		Tokens: s.newJWT(store, "hobbit", nil), Resource: "hobbit", Fields: []string{"nick"}, Hasher: s.hasher,
		View: func(user any) any { return user.(*Hobbit) },
	})
	r := router.New()
	people.Mount(r, accounts.MountOptions{})
	c := &caller{apptest.NewClient(t, app.New().Use(r.Layer)), t}
	answer := c.send("POST", "/hobbits/sign_up", fields{"email": email, "password": password, "nick": "Underhill", "id": "9"})
	require.Equal(t, http.StatusOK, answer.Status)
	assert.JSONEq(t, `{"status":"success","message":"Signed up successfully","data":{"ID":1,"Email":"`+email+`","Nick":"Underhill"}}`, answer.Body)
	c.keep(answer)
	assert.JSONEq(t, `{"status":"success","message":"Signed out successfully"}`, c.send("DELETE", "/hobbits/sign_out", nil).Body, "nobody is there to be shown")
	answer = c.send("POST", "/hobbits/sign_up", fields{"email": "b@shire.example", "password": password, "nick": "Underhill"})
	assert.Equal(t, http.StatusUnprocessableEntity, answer.Status)
	assert.JSONEq(t, `{"status":"error","error":"nick has already been taken"}`, answer.Body)
	answer = c.send("POST", "/hobbits/sign_up", fields{"email": "b@shire.example", "password": password, "nick": "Under\x00hill"})
	assert.Equal(t, http.StatusUnprocessableEntity, answer.Status)
}
