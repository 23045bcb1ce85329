package accounts_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

const (
	email    = "frodo@shire.example"
	password = "precious-ring-1954"
	another  = "samwise-was-here-55"
)

// A shire is an application with accounts in one database.
type shire struct {
	db       *bun.DB
	clock    *apptest.Clock
	log      bytes.Buffer
	hashes   atomic.Int64 // computed so far
	hasher   passwords.Hasher
	post     *postOffice
	keys     *strategies.JWTKeys
	store    *accounts.Table[accounts.User]
	sessions *app.Sessions
	opaque   *strategies.Bearer
	jwt      *strategies.JWT
	people   *accounts.Accounts
	router   *router.Router
	app      *app.App
}

// build makes a shire; change may replace what it is made of.
func build(t testing.TB, db *bun.DB, change func(*shire, *accounts.Options)) *shire {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, accounts.Migrate(ctx, db, "users", "admins"))
	require.NoError(t, tokenstores.Migrate(ctx, db))
	require.NoError(t, sessionstores.Migrate(ctx, db))
	s := &shire{db: db, clock: apptest.NewClock(start), post: &postOffice{}, store: accounts.NewUsers(db, "users")}
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	key, err := strategies.GenerateJWTKey("k1", "EdDSA")
	require.NoError(t, err)
	s.keys, err = strategies.NewJWTKeys(key)
	require.NoError(t, err)
	s.sessions = app.NewSessions(sessionstores.NewBun(db), s.store.Users(), app.SessionOptions{Clock: s.clock.Now})
	s.opaque = strategies.NewBearer(tokenstores.NewBun(db), s.store.Users(), strategies.BearerOptions{Clock: s.clock.Now, Logger: logger})
	s.jwt = s.newJWT(s.store, "", logger)
	s.hasher = passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4, Observe: func(int) { s.hashes.Add(1) }})
	o := accounts.Options{
		Tokens: s.jwt, Sessions: s.sessions, Others: []accounts.Revoker{s.opaque}, Attempts: throttle.NewMemory(),
		Hasher: s.hasher,
		Transact: func(ctx context.Context, work func(context.Context) error) error {
			return database.Transact(ctx, db, work)
		},
		Mail: accounts.MailOptions{Mailer: s.post, Tokens: tokenstores.NewBun(db), Link: func(p accounts.Purpose, token string) string {
			return "https://shire.example/" + string(p) + "?token=" + token
		}},
		Logger: logger, Clock: s.clock.Now,
	}
	if change != nil {
		change(s, &o)
	}
	s.people = accounts.New(s.store, o)
	s.router = router.New()
	s.people.Mount(s.router, accounts.MountOptions{})
	s.routes()
	s.app = app.New().Use(s.sessions.Layer, s.router.Layer)
	s.app.Logger = logger
	return s
}

func (s *shire) newJWT(store accounts.Store, kind string, logger *slog.Logger) *strategies.JWT {
	return strategies.NewJWT(store.Users(), strategies.JWTOptions{
		Issuer: "https://shire.example", Audience: "https://shire.example", Keys: s.keys, Kind: kind,
		Refresh:  strategies.RefreshOptions{Store: tokenstores.NewBun(s.db), NeedsAccess: true},
		Denylist: tokenstores.NewBunDenylist(s.db), Sources: []strategies.Source{accounts.AccessToken()},
		Clock: s.clock.Now, Logger: logger,
	})
}

// routes are what an account can be signed in to by each of its credentials.
func (s *shire) routes() {
	who := func(ctx *app.Context) error {
		ctx.Body = ctx.User().(*accounts.User).Email
		return nil
	}
	s.router.Guard(s.people.RequireLogin).Get("/posts", who)
	s.router.Guard(s.sessions.RequireLogin).Get("/page", who)
	s.router.Guard(app.Authenticate(s.opaque)).Get("/api", who)
	s.router.Open().Post("/session", func(ctx *app.Context) error {
		user, _, err := s.store.ByEmail(ctx.Context(), email)
		if err != nil {
			return err
		}
		ctx.Status = 204
		return ctx.Login(user)
	})
	s.router.Guard(s.sessions.RequireLogin).Post("/page/password", func(ctx *app.Context) error {
		_, err := s.people.ReplacePassword(ctx, ctx.User(), accounts.PasswordChange{Current: password, Password: another})
		ctx.Status = 204
		return err
	})
}

// newShire is build on SQLite.
func newShire(t testing.TB, change func(*shire, *accounts.Options)) *shire {
	t.Helper()
	db, err := database.Open(addresses["SQLite"](t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return build(t, db, change)
}

// A caller is a client of the API.
type caller struct {
	*apptest.Client
	t testing.TB
}

func (s *shire) caller(t testing.TB) *caller { return &caller{apptest.NewClient(t, s.app), t} }

// send sends a body as JSON.
func (c *caller) send(method, path string, body any) *apptest.Response {
	c.t.Helper()
	r := c.NewRequest(method, path, jsonOf(c.t, body))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.Do(r)
}

type fields = map[string]string

// keep sends the tokens of an answer from now on.
func (c *caller) keep(r *apptest.Response) *apptest.Response {
	c.t.Helper()
	require.Equal(c.t, http.StatusOK, r.Status, r.Body)
	c.Header.Set("Authorization", "Bearer "+r.Header.Get("Access-Token"))
	c.Header.Set("Refresh-Token", r.Header.Get("Refresh-Token"))
	return r
}

func (c *caller) signUp() *apptest.Response {
	c.t.Helper()
	return c.keep(c.send("POST", "/users/sign_up", fields{"email": email, "password": password, "password_confirmation": password}))
}

func (c *caller) signIn(with string) *apptest.Response {
	c.t.Helper()
	return c.send("POST", "/users/sign_in", fields{"email": email, "password": with})
}

// A postOffice keeps the mails that are sent.
type postOffice struct {
	mu   sync.Mutex
	sent []accounts.Mail
}

func (p *postOffice) Send(_ context.Context, m accounts.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return m.Check()
}

func (p *postOffice) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

var inMail = regexp.MustCompile(`https://shire\.example/(\w+)\?token=(\w+)`)

// token returns the last token that was mailed to an address for a purpose.
func (p *postOffice) token(t testing.TB, to string, purpose accounts.Purpose) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.sent) - 1; i >= 0; i-- {
		found := inMail.FindStringSubmatch(p.sent[i].Text)
		if p.sent[i].To == to && found != nil && found[1] == string(purpose) {
			return found[2]
		}
	}
	require.FailNow(t, "no mail to "+to+" for "+string(purpose))
	return ""
}

var secrets = regexp.MustCompile(`"(eyJ[^"]*|kahu_refresh_[^"]*)"`)

// hideTokens makes a body that can be compared.
func hideTokens(body string) string { return secrets.ReplaceAllString(body, `"…"`) }
