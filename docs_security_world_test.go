package kahu_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	accountstest "github.com/kahu-go/kahu/accounts/storetest"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// reviewed is the user whom the claims of docs/security.md are tried on.
type reviewed struct{ Name string }

var reviewedUsers = serializer.New(func(u *reviewed) string { return u.Name }, func(_ context.Context, name string) (*reviewed, error) { return &reviewed{name}, nil })

var ringbearer = &reviewed{"frodo"}

func reviewClock() *apptest.Clock {
	return apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))
}

// ends checks that what begin makes is good until d is over, to the second.
func ends(t *testing.T, d time.Duration, begin func(clock *apptest.Clock) (good func() bool)) {
	t.Helper()
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{d - time.Second, true}, {d, false}} {
		clock := reviewClock()
		good := begin(clock)
		clock.Advance(c.after)
		assert.Equal(t, c.want, good(), "%v later", c.after)
	}
}

// lasts checks that work is over after d, by a clock that runs only while everybody waits.
func lasts(t *testing.T, d time.Duration, work func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		work(t)
		assert.Equal(t, d, time.Since(begun))
	})
}

// onPath answers each path as its handler says.
func onPath(handlers map[string]app.Handler) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		handler, ok := handlers[ctx.Request.URL.Path]
		if !ok {
			return next(ctx)
		}
		err := handler(ctx)
		if err == nil && ctx.Status == 0 && ctx.Body == nil {
			ctx.Status = http.StatusNoContent
		}
		return err
	}
}

func fine(*app.Context) error { return nil }

// visitor is a client of an application with one kind of sessions.
func visitor(t *testing.T, store app.SessionStore, o app.SessionOptions) (*apptest.Client, *app.Sessions) {
	t.Helper()
	sessions := app.NewSessions(store, reviewedUsers, o)
	a := app.New().Use(sessions.Layer, onPath(map[string]app.Handler{
		"/login":  func(ctx *app.Context) error { return ctx.Login(ringbearer, app.Remember(o.Remember != nil)) },
		"/logout": (*app.Context).Logout,
		"/me":     app.Handler(app.Compose(app.RequireLogin).Then(fine)),
	}))
	a.OnError = func(*app.Context, error) {}
	c := apptest.NewClient(t, a)
	if o.Clock != nil {
		c.Now = o.Clock
	}
	return c, sessions
}

// loggedIn is a visitor who has logged in.
func loggedIn(t *testing.T, store app.SessionStore, o app.SessionOptions) *apptest.Client {
	t.Helper()
	c, _ := visitor(t, store, o)
	require.Equal(t, 204, c.Post("/login", "application/json", "").Status)
	return c
}

// statusOf runs one handler for a request and returns the status.
func statusOf(t *testing.T, r *http.Request, layers ...app.Middleware) int {
	t.Helper()
	a := app.New().Use(layers...)
	a.OnError = func(*app.Context, error) {}
	return apptest.NewClient(t, a).Do(r).Status
}

// inRequest calls f within a request and returns its error.
func inRequest(t *testing.T, f func(ctx *app.Context) error) (err error) {
	t.Helper()
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		err = f(ctx)
		ctx.Status = http.StatusNoContent
		return nil
	})
	apptest.NewClient(t, a).Get("/")
	return err
}

// statusIn is the status of an error that says one.
func statusIn(err error) int {
	if e, ok := errors.AsType[*app.Error](err); ok {
		return e.Status
	}
	if f, ok := errors.AsType[*accounts.Failure](err); ok {
		return f.Status
	}
	if _, ok := errors.AsType[*app.Rejection](err); ok {
		return http.StatusUnauthorized
	}
	return 0
}

// An inn has accounts, of which Frodo has one, and keeps the tokens of the mails that it sends.
type inn struct {
	*accounts.Accounts
	client *apptest.Client
	frodo  any
	tokens map[accounts.Purpose]string
}

const innPassword = "precious-ring-1954"

func openInn(t *testing.T, o accounts.Options) *inn {
	t.Helper()
	x, store := &inn{tokens: map[accounts.Purpose]string{}}, accountstest.NewMemory()
	o.Hasher = quick()
	hash, err := o.Hasher.Hash(t.Context(), innPassword)
	require.NoError(t, err)
	x.frodo, err = store.Create(t.Context(), accounts.NewAccount{Email: "frodo@shire.example", Hash: hash})
	require.NoError(t, err)
	o.Tokens = strategies.NewJWT(store.Users(), jwtOptions(t, o.Clock, strategies.RefreshOptions{}))
	o.Mail.Mailer, o.Mail.Tokens = &mailDrop{}, tokenstores.NewMemory()
	o.Mail.Link = func(p accounts.Purpose, token string) string {
		x.tokens[p] = token
		return "https://shire.example/#" + token
	}
	x.Accounts = accounts.New(store, o)
	r := router.New()
	x.Mount(r, accounts.MountOptions{})
	x.client = apptest.NewClient(t, app.New().Use(r.Layer))
	return x
}

type mailDrop struct{}

func (*mailDrop) Send(context.Context, accounts.Mail) error { return nil }

// quick is a hasher for tests, with a gate of its own.
func quick() *passwords.Bcrypt {
	return passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Gate: passwords.NewGate(passwords.GateOptions{InsecurePriority: true})})
}

func jwtOptions(t *testing.T, clock func() time.Time, refresh strategies.RefreshOptions) strategies.JWTOptions {
	t.Helper()
	key, err := strategies.GenerateJWTKey("2024-05", "ES256")
	require.NoError(t, err)
	keys, err := strategies.NewJWTKeys(key)
	require.NoError(t, err)
	return strategies.JWTOptions{
		Issuer: "https://shire.example", Audience: "shire", Keys: keys, Denylist: tokenstores.NewMemoryDenylist(), Clock: clock, Refresh: refresh,
	}
}

// silent waits until the context ends, as a server does that does not answer.
func silent(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func request(t *testing.T, path, body string) *http.Request {
	t.Helper()
	r := apptest.NewClient(t, nil).NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// sessionCookie is the cookie that a login sets.
func sessionCookie(t *testing.T) *http.Cookie {
	t.Helper()
	c, _ := visitor(t, sessionstores.NewMemory(), app.SessionOptions{})
	cookie := c.Post("/login", "application/json", "").SetCookie("__Host-session")
	require.NotNil(t, cookie)
	return cookie
}
