package kahu_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// What follows is what docs/from-api-guard.md shows; a test compares the two.

// expired tells whoever has an access token of Rails that it has expired: then clients refresh.
func expired(ctx *app.Context, next app.Handler) error {
	const railsToken = "eyJhbGciOiJIUzI1NiJ9." // {"alg":"HS256"}; ours say more
	if !strings.Contains(ctx.Request.Header.Get("Authorization"), railsToken) || ctx.Request.URL.Path == "/users/tokens" {
		return next(ctx)
	}
	ctx.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	ctx.Status, ctx.Body = 401, map[string]string{"status": "error", "error": "Access token expired"}
	return nil
}

func english(key accounts.Key, _ ...string) string { return accounts.English.Texts[key] }

func apiGuardSnippet(db *bun.DB, keys *strategies.JWTKeys) *app.App {
	posts := func(ctx *app.Context) error {
		ctx.Body = []string{"There and back again"}
		return nil
	}
	type User struct {
		bun.BaseModel `bun:"table:users"`

		ID        int64 `bun:",pk,autoincrement"`
		Email     string
		CreatedAt time.Time
		UpdatedAt time.Time
	}

	members := accounts.NewTable[User](db, accounts.TableOptions{Hash: "password_digest"}) // devise: encrypted_password
	tokens := strategies.NewJWT(members.Users(), strategies.JWTOptions{
		Issuer: "https://shire.example", Audience: "https://shire.example", Keys: keys,
		Expiry:   24 * time.Hour, // token_validity; 15 minutes if your clients refresh
		Refresh:  strategies.RefreshOptions{Store: tokenstores.NewBun(db), NeedsAccess: true},
		Denylist: tokenstores.NewBunDenylist(db),
		Sources:  []strategies.Source{accounts.AccessToken()},
	})
	rails := strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Scopes: []string{"*"}})
	people := accounts.New(members, accounts.Options{
		Tokens: tokens,
		Legacy: []strategies.LegacyTokens{rails},
		Transact: func(ctx context.Context, work func(context.Context) error) error {
			return database.Transact(ctx, db, work)
		},
		Format: accounts.Unprocessable(accounts.APIGuard),                  // a wrong sign-in is 422 as before
		Policy: passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8}), // for new ones; 15 is better

		InsecureChangeWithoutPassword: true, // until clients send current_password
	})

	refresh := func(ctx *app.Context) error {
		pair, err := tokens.Exchange(ctx.Context(), ctx.Request.Header.Get("Refresh-Token"), strategies.PairOptions{}, rails)
		if errors.Is(err, app.ErrInvalidCredentials) {
			return people.RefreshTokens(ctx) // it is one of ours, or nobody's
		}
		if err != nil {
			return err
		}
		ctx.Header().Set("Cache-Control", "no-store")
		accounts.APIGuard.Done(ctx, accounts.Done{Key: accounts.AccessRefreshed, Tokens: pair}, english)
		return nil
	}

	r := router.New()
	people.Mount(r, accounts.MountOptions{
		Handlers: map[accounts.Action]app.Handler{accounts.RefreshTokens: refresh},
	})
	r.Guard(people.RequireLogin).Get("/posts", posts)
	a := app.New()
	a.Use(expired, r.Layer)
	return a
}

// What Rails and api_guard 0.6 write. The refresh token is 16 random bytes, as SecureRandom.urlsafe_base64 makes it.
const (
	railsRefresh = "OmI4RJgkBizSulmDVCL7EA"
	railsTime    = "2006-01-02 15:04:05.000000"
	railsSecret  = "the secret_key_base of the old application, of the shire"
	railsUsers   = `CREATE TABLE "users" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "email" varchar DEFAULT '' NOT NULL, "password_digest" varchar DEFAULT '' NOT NULL,
		"token_issued_at" datetime, "created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL)`
	railsTokens = `CREATE TABLE "refresh_tokens" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "token" varchar, "user_id" integer, "expire_at" datetime,
		"created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL, CONSTRAINT "fk_1" FOREIGN KEY ("user_id") REFERENCES "users" ("id"))`
	railsUser = `INSERT INTO users (id, email, password_digest, created_at, updated_at) VALUES
		(7, 'Frodo@Shire.example', '$2a$10$4lyInTbJnM5lrKuI2ggNa.GPs2Na41MUNpRKkrLRX0TszYAP9ZwN6', '2026-11-22 08:17:24.303123', '2026-11-22 08:17:24.303123')`
	railsRow = `INSERT INTO refresh_tokens (token, user_id, expire_at, created_at, updated_at) VALUES
		('` + railsRefresh + `', 7, ?, '2026-11-22 08:17:24.303123', '2026-11-22 08:17:24.303123')`
)

// railsPreparation is the guide's.
const railsPreparation = `
UPDATE users SET email = lower(trim(email));
CREATE UNIQUE INDEX users_email ON users (email);
UPDATE refresh_tokens SET expire_at = NULL WHERE expire_at > CURRENT_TIMESTAMP;
`
