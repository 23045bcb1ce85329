package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/strategies"
)

// members are the accounts of the users. Who signs up without a username is given one.
type members struct{ *accounts.Table[User] }

func newMembers(db *bun.DB) members {
	return members{accounts.NewTable[User](db, accounts.TableOptions{})}
}

// usernames cannot be e-mail addresses: people log in by either, and must not be able to
// take another's address for a name.
var usernames = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,29}$`)

// Create is the table's, with a username in the one form in which they are stored.
func (m members) Create(ctx context.Context, n accounts.NewAccount) (any, error) {
	if n.Fields["username"] == "" {
		return m.createNamed(ctx, n)
	}
	name, err := strategies.CanonicalName(n.Fields["username"])
	if err != nil || !usernames.MatchString(name) {
		return nil, &accounts.Failure{
			Status: http.StatusUnprocessableEntity, Key: accounts.FieldInvalid, Field: "username", About: []string{"{field}", "username"}, Cause: err,
		}
	}
	return m.create(ctx, n, name)
}

func (m members) create(ctx context.Context, n accounts.NewAccount, name string) (any, error) {
	n.Fields = map[string]string{"username": name}
	return m.Table.Create(ctx, n)
}

// createNamed makes the username of the e-mail address, with something behind it if another
// has that.
func (m members) createNamed(ctx context.Context, n accounts.NewAccount) (user any, err error) {
	base := usernameOf(n.Email)
	name := base
	for range 5 {
		user, err = m.create(ctx, n, name)
		if _, taken := errors.AsType[*accounts.TakenError](err); !taken {
			return user, err
		}
		name = base + "-" + strings.ToLower(rand.Text()[:5])
	}
	return nil, err
}

func usernameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", r) {
			return r
		}
		return -1
	}, local)
	if name = strings.TrimLeft(name, "._-"); name == "" {
		return "hobbit"
	}
	return name[:min(len(name), 24)]
}
