package main

import (
	"context"

	"github.com/uptrace/bun"

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
}

// A userView is what others may see of a User.
type userView struct {
	Username string `json:"username"`
}

func view(u *User) map[string]userView { return map[string]userView{"data": {u.Username}} }

const demoPassword = "precious-ring-1954"

var accounts = []User{
	{Username: "frodo", Email: "frodo@shire.example"},
	{Username: "sam", Email: "sam@shire.example"},
}

// seed makes the tables, the demo accounts and the rings where they are missing.
func seed(ctx context.Context, db *bun.DB) error {
	for _, model := range []any{(*User)(nil), (*Ring)(nil)} {
		if _, err := db.NewCreateTable().Model(model).IfNotExists().Exec(ctx); err != nil {
			return err
		}
	}
	if err := seedUsers(ctx, db); err != nil {
		return err
	}
	return seedRings(ctx, db)
}

func seedUsers(ctx context.Context, db *bun.DB) error {
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{})
	for _, u := range accounts {
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
		if _, err := db.NewInsert().Model(&u).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
