package kahu_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// What follows is what docs/from-adonis.md shows; a test compares the two.

// OldTokens let in who still sends a token of AdonisJS.
type OldTokens struct {
	Legacy strategies.LegacyTokens
	Users  app.Serializer
}

// Authenticate passes on what is no token of AdonisJS.
func (o OldTokens) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, _ := strings.CutPrefix(ctx.Request.Header.Get("Authorization"), "Bearer ")
	token, err := o.Legacy.Find(ctx.Context(), text)
	if err != nil {
		return nil, err
	}
	if token == nil {
		return nil, app.ErrNoCredentials
	}
	user, err := o.Users.Deserialize(ctx.Context(), token.Subject)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, app.ErrNoCredentials
	}
	return &app.Identity{User: user, Scopes: token.Scopes, Info: text, Via: "adonis", Deliberate: true}, err
}

// End removes the token that proved the request.
func (o OldTokens) End(ctx *app.Context, id *app.Identity) error {
	_, err := o.Legacy.Take(ctx.Context(), id.Info.(string))
	return err
}

// refused answers as AdonisJS did if err refuses somebody.
func refused(ctx *app.Context, err error, status int, message string) error {
	if !errors.Is(err, app.ErrInvalidCredentials) && !errors.Is(err, app.ErrNoCredentials) {
		return err
	}
	ctx.Status = status
	ctx.Body = map[string]any{"errors": []map[string]string{{"message": message}}}
	return nil
}

func adonisSnippet(db *bun.DB) *app.App {
	me := func(ctx *app.Context) error {
		ctx.Body = ctx.User()
		return nil
	}
	type User struct {
		bun.BaseModel `bun:"table:users"`

		ID    int64 `bun:",pk,autoincrement"`
		Email string
	}

	users := serializer.NewTable[User](db, serializer.TableOptions{Hash: "password"})
	hasher := passwords.NewAnyOf(
		passwords.NewArgon2id(passwords.Argon2idOptions{}), // makes the new ones, and checks those of the driver argon2
		passwords.NewScrypt(passwords.ScryptOptions{}),     // scrypt, the default of AdonisJS 6
		passwords.NewBcrypt(passwords.BcryptOptions{}),     // bcrypt
	)
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{
		Username: "email", Hasher: hasher, Rehash: users.ReplaceHash,
	})
	bearer := strategies.NewBearer(tokenstores.NewBun(db), users, strategies.BearerOptions{Expiry: strategies.Never})
	api := strategies.NewGuard("api", bearer, strategies.GuardOptions{Local: local})

	five := strategies.NewAdonisTokens(db, strategies.AdonisOptions{Type: "api", Scopes: []string{"*"}})
	six := strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{}) // abilities become scopes

	r := router.New()
	r.Open().Post("/login", func(ctx *app.Context) error {
		in, err := ctx.BindStrings(0, "email", "password")
		if err != nil {
			return err
		}
		token, err := api.Attempt(ctx, strategies.Credentials{Name: in["email"], Password: in["password"]},
			strategies.TokenOptions{Scopes: []string{"*"}})
		if err != nil {
			return refused(ctx, err, 400, "E_INVALID_AUTH_UID: User not found")
		}
		ctx.Header().Set("Cache-Control", "no-store")
		ctx.Body = token // {"type":"bearer","token":…}, and expires_at and expires_in if it expires
		return nil
	})

	r.Open().Post("/tokens/exchange", func(ctx *app.Context) error {
		in, err := ctx.BindStrings(0, "token")
		if err != nil {
			return err
		}
		token, err := bearer.Exchange(ctx.Context(), in["token"], strategies.TokenOptions{}, five, six)
		if err != nil {
			return ctx.Challenged(err, bearer)
		}
		ctx.Header().Set("Cache-Control", "no-store")
		ctx.Body = token
		return nil
	})

	signedIn := r.Guard(func(ctx *app.Context, next app.Handler) error {
		_, err := ctx.Authenticate(api, OldTokens{five, users}, OldTokens{six, users})
		if err != nil {
			return refused(ctx, err, 401, "E_INVALID_API_TOKEN: Invalid API token")
		}
		return next(ctx)
	})
	signedIn.Get("/me", me)
	signedIn.Post("/logout", func(ctx *app.Context) error {
		ctx.Body = map[string]bool{"revoked": true}
		return ctx.Logout()
	})

	endAll := func(ctx context.Context, user any) error {
		subject, err := users.Serialize(ctx, user)
		if err != nil {
			return err
		}
		for _, old := range []strategies.LegacyTokens{five, six} {
			if _, err := old.RevokeAll(ctx, subject); err != nil {
				return err
			}
		}
		_, err = bearer.RevokeAll(ctx, user, "")
		return err
	}

	signedIn.Delete("/tokens", func(ctx *app.Context) error { return endAll(ctx.Context(), ctx.User()) })
	signedIn.With(app.RequireScopes("rings:read")).Get("/rings", me)
	signedIn.With(app.RequireScopes("rings:write")).Post("/rings", me)
	a := app.New()
	a.Use(r.Layer)
	return a
}

// What @adonisjs/auth 8.2.3 and 9.2.4 and @adonisjs/hash 10.1.1 wrote; the hash by argon2 is written as by version 7, with its defaults.
const (
	fiveToken   = "MQ.0jiog21H8V5WaBaemVOcjMlJhdReBx2VN3zwYbFGsPaggxid6qSJhOiJknaY"
	sixToken    = "oat_Mg.Q3kzTTBCWWFKZ1Vmd3RydnVTaWNZM0k2LURaYjZudmZtLXhIV1NsZzEwNzYxMjg1NDY"
	adonisUsers = "CREATE TABLE `users` (`id` integer not null primary key autoincrement, `email` varchar(255) not null unique, `password` varchar(180) not null, " +
		"`remember_me_token` varchar(255) null, `created_at` datetime not null, `updated_at` datetime not null)"
	fiveTable = "CREATE TABLE `api_tokens` (`id` integer not null primary key autoincrement, `user_id` integer, `name` varchar(255) not null, `type` varchar(255) not null, " +
		"`token` varchar(64) not null, `expires_at` datetime null, `created_at` datetime not null)"
	sixTable = "CREATE TABLE `auth_access_tokens` (`id` integer not null primary key autoincrement, `tokenable_id` integer not null, `type` varchar(255) not null, " +
		"`name` varchar(255) null, `hash` varchar(255) not null, `abilities` text not null, `created_at` datetime, `updated_at` datetime, " +
		"`last_used_at` datetime null, `expires_at` datetime null)"
	fiveRow = `INSERT INTO api_tokens (id, user_id, name, type, token, expires_at, created_at) VALUES
		(1, 7, 'Opaque Access Token', 'api', 'c9d5483ddcaf956abfefed50e57bfe6e2494f38657702782c6aac5f651576f1a', NULL, '2026-11-22 03:17:24')`
	sixRow = `INSERT INTO auth_access_tokens (id, tokenable_id, type, name, hash, abilities, created_at, expires_at) VALUES
		(2, 8, 'auth_token', 'Palantír of Orthanc', 'ba75ca5ddb2a5c88bdb11f197b710b02e005b78be76668237ba63bdb656157e7', '["rings:read"]', 1795335470018, NULL)`
)

// adonisPreparation is the guide's.
const adonisPreparation = `
UPDATE users SET email = lower(trim(email));
`

// adonisHashes are of the password precious-ring-1954.
var adonisHashes = map[string]string{
	"argon2": "$argon2id$v=19$t=3,m=4096,p=1$q83vASNFZ4mrze8BI0VniQ$PfhxLQsDiNqaaBtSFzC/DpDe/KMz8gNpNrRc3Ipjhq4",
	"scrypt": "$scrypt$n=16384,r=8,p=1$XPBlzWSR4SSzrdHzdm2w/A$R+F12S+u7RYKXVFRamUpw0vcg3GBmEj6xI/+u9+aflK7csixNjeQdHo2/HiOKmHJLTHCO4/O3cGpfaSqxK0kaQ",
	"bcrypt": "$bcrypt$v=98$r=10$xLR81H32PbOzzVigM6cGXQ$fzv8ZsDa0eADD7YE7gKsZNJl21uMVW8",
}
