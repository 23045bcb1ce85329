package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/bcrypt"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
)

type user struct {
	bun.BaseModel `bun:"table:storm_users"`
	ID            int64 `bun:",pk,autoincrement"`
	Username      string
	PasswordHash  string
}

// serve is one server until ctx ends. It prints where it listens.
func serve(ctx context.Context, o options, address string, out io.Writer) error {
	db, err := database.Open(address)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := prepare(ctx, db, o.cost); err != nil {
		return err
	}
	h, err := newServer(ctx, o, db)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, l.Addr())
	server := &http.Server{Handler: h}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newServer(ctx context.Context, o options, db *bun.DB) (http.Handler, error) {
	switch o.serve {
	case "kahu":
		return kahu(db, passwords.NewBcrypt(passwords.BcryptOptions{Cost: o.cost})), nil
	case "ungated":
		gate := passwords.NewGate(passwords.GateOptions{Concurrent: 1000, InsecurePriority: true})
		return kahu(db, passwords.NewBcrypt(passwords.BcryptOptions{Cost: o.cost, Gate: gate})), nil
	case "nethttp":
		return byHand(ctx, db)
	}
	return nil, fmt.Errorf("there is no server %q", o.serve)
}

// prepare makes the tables, and frodo.
func prepare(ctx context.Context, db *bun.DB, cost int) error {
	if err := sessionstores.Migrate(ctx, db); err != nil {
		return err
	}
	if _, err := db.NewCreateTable().Model((*user)(nil)).IfNotExists().Exec(ctx); err != nil {
		return err
	}
	if _, err := db.NewTruncateTable().Model((*user)(nil)).Exec(ctx); err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("precious-ring-1954"), cost)
	if err != nil {
		return err
	}
	_, err = db.NewInsert().Model(&user{Username: "frodo", PasswordHash: string(hash)}).Exec(ctx)
	return err
}

func kahu(db *bun.DB, hasher passwords.Hasher) *app.App {
	users := serializer.NewTable[user](db, serializer.TableOptions{})
	sessions := app.NewSessions(sessionstores.NewBun(db), users, app.SessionOptions{Cookie: app.SessionCookie{InsecureHTTP: true}})
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{Hasher: hasher})
	r := router.New()
	r.Open().Post("/session", func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		ctx.Status = http.StatusNoContent
		return ctx.Login(id.User)
	})
	r.Guard(app.RequireLogin).Get("/page", app.LoggedIn(func(ctx *app.Context, u *user) error {
		ctx.Body = "hello " + u.Username
		return nil
	}))
	return app.New().Use(sessions.Layer, r.Layer)
}

// byHand is what one writes with net/http alone: a hash where it is needed, a session by one query.
func byHand(ctx context.Context, db *bun.DB) (http.Handler, error) {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS storm_sessions (id bytea PRIMARY KEY, user_id bigint NOT NULL)"); err != nil {
		return nil, err
	}
	find, err := db.DB.PrepareContext(ctx, "SELECT u.username FROM storm_sessions s JOIN storm_users u ON u.id = s.user_id WHERE s.id = $1")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Username, Password string }
		var u user
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		err := db.DB.QueryRowContext(r.Context(), "SELECT id, password_hash FROM storm_users WHERE username = $1", in.Username).Scan(&u.ID, &u.PasswordHash)
		if err != nil || bcrypt.CompareHashAndPassword([]byte(u.PasswordHash), []byte(in.Password)) != nil {
			http.Error(w, "wrong", http.StatusUnauthorized)
			return
		}
		id := rand.Text()
		if _, err := db.DB.ExecContext(r.Context(), "INSERT INTO storm_sessions VALUES ($1, $2)", key(id), u.ID); err != nil {
			http.Error(w, "fault", http.StatusInternalServerError)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: id, HttpOnly: true})
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("session")
		if err != nil {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		var name string
		switch err := find.QueryRowContext(r.Context(), key(c.Value)).Scan(&name); err {
		case nil:
			_, _ = io.WriteString(w, "hello "+name)
		case sql.ErrNoRows:
			http.Error(w, "who?", http.StatusUnauthorized)
		default:
			http.Error(w, "fault", http.StatusInternalServerError)
		}
	})
	return mux, nil
}

func key(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
