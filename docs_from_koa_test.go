package kahu_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
)

// What follows is what docs/from-koa.md shows; a test compares the two.

// KoaSessions bring over who is logged in to the old application.
type KoaSessions struct {
	DB     *bun.DB
	Users  app.Serializer
	Cookie string   // koa.sid; with koa-session koa.sess
	Prefix string   // of the ids in the table: koa:sess:; with koa-session none
	Keys   []string // app.keys
}

// Layer logs in, once, whoever has a cookie that Koa signed and its row.
func (k *KoaSessions) Layer(ctx *app.Context, next app.Handler) error {
	id, ok := k.presented(ctx.Request)
	if !ok {
		return next(ctx)
	}
	known, err := ctx.Identity()
	if err == nil && known == nil {
		err = k.bring(ctx, id)
	}
	if err != nil {
		return err
	}
	return next(ctx)
}

// bring removes the old session and begins a new one, or does neither.
func (k *KoaSessions) bring(ctx *app.Context, id string) error {
	before := ctx.Context()
	defer ctx.SetContext(before)
	return database.Transact(before, k.DB, func(c context.Context) error {
		ctx.SetContext(c)
		user, err := k.take(c, id)
		if err != nil || user == nil {
			return err
		}
		return ctx.Login(user)
	})
}

// take removes a session that has not expired and returns its user, nil if there is none.
func (k *KoaSessions) take(ctx context.Context, id string) (any, error) {
	var session []byte
	err := database.Tx(ctx, k.DB).QueryRowContext(ctx, "DELETE FROM session WHERE id = ? AND expiry > to_timestamp(?) RETURNING session",
		k.Prefix+id, time.Now().Unix()).Scan(&session)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var old struct {
		Passport struct {
			User json.RawMessage `json:"user"` // what serializeUser made of the user
		} `json:"passport"`
	}
	if err := json.Unmarshal(session, &old); err != nil || old.Passport.User == nil {
		return nil, err
	}
	user, err := k.Users.Deserialize(ctx, strings.Trim(string(old.Passport.User), `"`))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return user, err
}

// presented returns what the cookie says if one of the keys signed it, as keygrip does.
func (k *KoaSessions) presented(r *http.Request) (id string, ok bool) {
	cookie, err := r.Cookie(k.Cookie)
	if err != nil {
		return "", false
	}
	signature, err := r.Cookie(k.Cookie + ".sig")
	if err != nil {
		return "", false
	}
	for _, key := range k.Keys {
		mac := hmac.New(sha1.New, []byte(key))
		mac.Write([]byte(k.Cookie + "=" + cookie.Value))
		if hmac.Equal([]byte(base64.RawURLEncoding.EncodeToString(mac.Sum(nil))), []byte(signature.Value)) {
			return cookie.Value, true
		}
	}
	return "", false
}

// RevokeAll ends the old sessions of a user: call it wherever a password changes.
func (k *KoaSessions) RevokeAll(ctx context.Context, user any, _ string) (int, error) {
	subject, err := k.Users.Serialize(ctx, user)
	if err != nil {
		return 0, err
	}
	result, err := database.Tx(ctx, k.DB).ExecContext(ctx, "DELETE FROM session WHERE session->'passport'->>'user' = ?", subject)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

func koaSnippet(db *bun.DB, secretKey string) (*app.App, *KoaSessions) {
	mountDoom := nothing
	type User struct {
		bun.BaseModel `bun:"table:users"`

		ID       int64 `bun:",pk,autoincrement"`
		Username string
	}

	users := serializer.NewTable[User](db, serializer.TableOptions{Hash: "password"})
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{Rehash: users.ReplaceHash})
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{
		Idle: 24 * time.Hour, Absolute: 24 * time.Hour, // as Koa's maxAge; the defaults are shorter
		Cookie: app.SessionCookie{MaxAge: 24 * time.Hour},
	})
	old := &KoaSessions{DB: db, Users: users, Cookie: "koa.sid", Prefix: "koa:sess:", Keys: []string{secretKey}}

	r := router.New()
	r.Open().Post("/", func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err // 401 {"errors":[{"title":…,"status":401}]}
		}
		if err := ctx.Login(id.User); err != nil {
			return err
		}
		ctx.Status, ctx.Body = 201, map[string]any{"data": map[string]string{"username": id.User.(*User).Username}}
		return nil
	})
	r.Open().Delete("/", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	})
	r.Guard(app.RequireLogin).Delete("/ringsofpower/{id}", mountDoom)

	a := app.New()
	a.Use(sessions.Layer, old.Layer, r.Layer)
	r.Guard(app.RequireLogin).Get("/me", func(ctx *app.Context) error {
		ctx.Body = ctx.User().(*User).Username
		return nil
	})
	return a, old
}

// What koa-generic-session 2.3.1, koa-passport 6.0.0 and keygrip 1.1.0 made, with the table of koa-pg-session 2.0.1, and bcryptjs 3.0.3.
const (
	koaKey     = "the old secret key of the shire"
	koaID      = "vOhHvnN5FcEuduejFgdVpIFuoNDVegOC"
	koaSigned  = "x0fd_QPaUc7SDGoDQ47UI8SYpeI"
	koaCookies = "koa.sid=" + koaID + "; koa.sid.sig=" + koaSigned
	koaTables  = `CREATE TABLE session (id TEXT NOT NULL PRIMARY KEY, expiry timestamp NOT NULL, session JSON);
		CREATE TABLE users (id serial PRIMARY KEY, username text UNIQUE, password text NOT NULL)`
	koaUser = `INSERT INTO users VALUES (7, 'Frodo', '$2b$10$4lyInTbJnM5lrKuI2ggNa.GPs2Na41MUNpRKkrLRX0TszYAP9ZwN6')`
	koaRow  = `INSERT INTO session (id, session, expiry) VALUES ('koa:sess:` + koaID + `',
		'{"cookie":{"httpOnly":true,"path":"/","overwrite":true,"signed":true,"maxAge":86400000},"passport":{"user":7}}', to_timestamp(?))`
)

// koaPreparation is the guide's.
const koaPreparation = `
UPDATE users SET username = lower(username);
`
