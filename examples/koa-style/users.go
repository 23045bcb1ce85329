package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/passwords"
)

// A User is an account. Username and Email are in the form that
// strategies.CanonicalName gives them.
type User struct {
	bun.BaseModel `bun:"table:users"`

	ID           int64  `bun:",pk,autoincrement"`
	Username     string `bun:",unique,notnull"`
	Email        string `bun:",unique,notnull"`
	PasswordHash string `bun:",notnull" json:"-"`

	// PasswordStamp is a digest of the hash and in no table: sessions are bound to it.
	PasswordStamp string `bun:",scanonly" json:"-"`

	CreatedAt  time.Time `bun:",nullzero" json:"-"`
	UpdatedAt  time.Time `bun:",nullzero" json:"-"`
	VerifiedAt time.Time `bun:",nullzero" json:"-"` // the address was confirmed
	DisabledAt time.Time `bun:",nullzero" json:"-"` // may not log in any more
}

// A userView is what others may see of a User.
type userView struct {
	Username string `json:"username"`
}

// passwordStamp changes with the password, whatever program changes that.
func passwordStamp(user any) string {
	if u, ok := user.(*User); ok && u != nil {
		return u.PasswordStamp
	}
	return ""
}

func view(u *User) map[string]userView { return map[string]userView{"data": {u.Username}} }

const (
	demoPassword = "precious-ring-1954"
	demoAdmin    = "gandalf@istari.example"
)

var demoUsers = []User{
	{Username: "frodo", Email: "frodo@shire.example"},
	{Username: "sam", Email: "sam@shire.example"},
}

// seed makes the tables, the demo accounts and the rings where they are missing.
func seed(ctx context.Context, db *bun.DB) error {
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{})
	if err := makeTables(ctx, db); err != nil {
		return err
	}
	if err := seedUsers(ctx, db, hasher); err != nil {
		return err
	}
	if err := seedAdmin(ctx, db, hasher); err != nil {
		return err
	}
	return seedRings(ctx, db)
}

// makeTables makes the tables, or brings them up to date. Doing it again is harmless.
func makeTables(ctx context.Context, db *bun.DB) error {
	for _, model := range []any{(*User)(nil), (*Ring)(nil)} {
		if _, err := db.NewCreateTable().Model(model).IfNotExists().Exec(ctx); err != nil {
			return err
		}
	}
	for _, column := range []string{"created_at", "updated_at", "verified_at", "disabled_at"} {
		if err := addTime(ctx, db, column); err != nil {
			return err
		}
	}
	return accounts.Migrate(ctx, db, "admins")
}

// addTime adds a column to a table of users that was made before there was one.
func addTime(ctx context.Context, db *bun.DB, column string) error {
	if db.Dialect().Name() == dialect.PG {
		_, err := db.NewRaw("ALTER TABLE users ADD COLUMN IF NOT EXISTS ? timestamptz", bun.Ident(column)).Exec(ctx)
		return err
	}
	there := func() (there bool, err error) {
		err = db.NewRaw("SELECT EXISTS (SELECT 1 FROM pragma_table_info('users') WHERE name = ?)", column).Scan(ctx, &there)
		return there, err
	}
	if there, err := there(); there || err != nil {
		return err
	}
	_, err := db.NewRaw("ALTER TABLE users ADD COLUMN ? timestamp", bun.Ident(column)).Exec(ctx)
	if added, _ := there(); added {
		return nil // by another process, if not by this one
	}
	return err
}

func seedUsers(ctx context.Context, db *bun.DB, hasher passwords.Hasher) error {
	for _, u := range demoUsers {
		there, err := db.NewSelect().Model((*User)(nil)).Where("username = ?", u.Username).Exists(ctx)
		if err != nil || there {
			if err != nil {
				return err
			}
			continue
		}
		if u.PasswordHash, err = hasher.Hash(ctx, demoPassword); err != nil {
			return err
		}
		u.CreatedAt = time.Now().UTC().Truncate(time.Second)
		u.UpdatedAt, u.VerifiedAt = u.CreatedAt, u.CreatedAt
		if _, err := db.NewInsert().Model(&u).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func seedAdmin(ctx context.Context, db *bun.DB, hasher passwords.Hasher) error {
	admins := accounts.NewUsers(db, "admins")
	if _, _, err := admins.ByEmail(ctx, demoAdmin); !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	hash, err := hasher.Hash(ctx, demoPassword)
	if err != nil {
		return err
	}
	_, err = admins.Create(ctx, accounts.NewAccount{Email: demoAdmin, Hash: hash, Verified: true})
	if errors.Is(err, accounts.ErrEmailTaken) {
		return nil // by another process, meanwhile
	}
	return err
}
