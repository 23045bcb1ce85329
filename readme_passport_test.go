package kahu_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func formsSnippet(r *router.Router, local *strategies.Local) {
	r.Open().Post("/login", app.AuthenticateWith(app.AuthenticateOptions{
		Login:        true,
		Success:      "/dashboard",
		ReturnTo:     true, // or where the browser wanted to go before
		Failure:      "/login",
		FailureFlash: &app.Flash{},
	}, local).Then(nothing))
}

func outcomeSnippet(ctx *app.Context, local *strategies.Local, showForm func(*app.Context, error) error) error {
	outcome, err := ctx.Ask(local)
	if err != nil {
		return err // a fault
	}
	if outcome.Identity == nil {
		return showForm(ctx, outcome.Err())
	}
	return ctx.Login(outcome.Identity.User)
}

func tenantsSnippet(r *router.Router, tenants map[string]app.Strategy, github app.Strategy) {
	list, connect := nothing, nothing
	tenant := app.Choose(func(ctx *app.Context) (app.Strategy, error) {
		if s, ok := tenants[ctx.Param("tenant")]; ok {
			return s, nil
		}
		return nil, ctx.Throw(404, "")
	})
	r.Guard(app.Authenticate(tenant)).Get("/{tenant}/rings", list)
	r.Guard(app.RequireLogin, app.Authorize(github)).Post("/connect", connect) // ctx.Account(); ctx.User() stays
}

func strategiesSnippet(r *router.Router, db *bun.DB, users app.Serializer, local *strategies.Local) {
	list, news := nothing, nothing
	keys := strategies.NewAPIKey(tokenstores.NewBun(db), users, strategies.APIKeyOptions{})
	basic := strategies.NewBasic(local.Verify, strategies.BasicOptions{})
	r.Guard(app.Authenticate(keys, basic)).Get("/api/rings", list)
	r.Optional(app.Authenticate(keys, strategies.Anonymous())).Get("/api/news", news)
}

func rememberSnippet(db *bun.DB, users app.Serializer) app.Handler {
	remember := strategies.NewRemember(tokenstores.NewBun(db), users, strategies.RememberOptions{})
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{Remember: remember})

	login := func(ctx *app.Context, user *User, stay bool) error {
		return ctx.Login(user, app.Remember(stay))
	}
	return func(ctx *app.Context) error { return login(ctx, &User{}, sessions != nil) }
}

func kindsSnippet(a *app.App, r *router.Router, store app.SessionStore, users, staff app.Serializer) {
	panel := nothing
	people := app.NewSessions(store, users, app.SessionOptions{})
	admins := app.NewSessions(store, staff, app.SessionOptions{Kind: "admin", Idle: 10 * time.Minute})
	a.Use(people.Layer, admins.Layer)
	r.Guard(admins.RequireLogin).Get("/admin", panel) // a user's session is none here
}

func peopleSnippet(db *bun.DB, users app.Serializer) (*app.Sessions, app.Handler) {
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{
		MaxPerUser:  5,                                                             // the oldest is ended; 1: logged in at one place only
		Stamp:       func(user any) string { return user.(*Member).PasswordStamp }, // another one: the session is over
		LoginPage:   "/login",
		ConfirmPage: "/confirm",
	})
	devices := func(ctx *app.Context) error {
		mine, err := sessions.Mine(ctx) // device, address, last seen, and which is this one
		if err != nil {
			return err
		}
		ctx.Body = mine
		return nil
	}
	return sessions, devices
}

type Member struct {
	ID            int64 `bun:",pk,autoincrement"`
	Username      string
	PasswordStamp string `bun:",scanonly" json:"-"` // in no table: a digest of the password's hash
}

func stampSnippet(db *bun.DB) app.Serializer {
	users := serializer.NewTable[Member](db, serializer.TableOptions{Stamp: "PasswordStamp"})
	return users
}

func confirmSnippet(r *router.Router, local *strategies.Local, sessions *app.Sessions) {
	remove := nothing
	confirm := func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		if err := ctx.ConfirmLogin(id.User); err != nil {
			return err
		}
		return ctx.ReturnToOrRedirect("/account")
	}
	r.Guard(app.RequireLogin).Post("/confirm", confirm)
	r.Guard(app.RequireLogin, app.RequireRecentLogin(15*time.Minute)).Get("/account/close", remove)
}

func eventsSnippet(a *app.App, log *slog.Logger) {
	a.OnEvent = app.LogEvents(log)
	a.OnError = func(ctx *app.Context, err error) {
		log.Error("request failed", "error", err, "asked", ctx.Explain())
	}
}

func kitSnippet(t *testing.T, a *app.App, sessions *app.Sessions, frodo *User) {
	client := apptest.NewClient(t, a)
	events := apptest.Record(a)
	apptest.ActAs(t, client, sessions, frodo) // a real session, ended with the test
	assert.Equal(t, 200, client.Get("/rings").Status)
	apptest.ExpiredSession(t, client, sessions, frodo) // or RevokedSession, ForeignSession
	assert.Equal(t, 401, client.Get("/rings").Status)
	events.Expect(t, app.EventSessionExpired, app.EventDenied)
}

var _ = []any{
	formsSnippet, outcomeSnippet, tenantsSnippet, strategiesSnippet, rememberSnippet, kindsSnippet, peopleSnippet, confirmSnippet,
	eventsSnippet, kitSnippet, stampSnippet,
}
