package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/app"
)

// ErrEmailTaken is what a Store returns if another account has the e-mail address.
var ErrEmailTaken = errors.New("accounts: the e-mail address has been taken")

// A Store keeps the accounts of one kind. [Table] is one, over a table of any Bun model;
// an application whose accounts are elsewhere writes its own. Users are whatever type the
// application has. An account that is gone is sql.ErrNoRows; any other error but those
// named here is a fault. E-mail addresses come as strategies.CanonicalName returns them. It
// is safe for concurrent use.
type Store interface {
	// Users turns users into subjects and back. It must be the same value at each call.
	Users() app.Serializer

	// ByEmail returns the user of an address and the hash of the password, "" if there is
	// none, in one query.
	ByEmail(ctx context.Context, email string) (user any, hash string, err error)

	// Hash returns the hash of a user's password as it is now. In a transaction it keeps
	// others from changing it until the end.
	Hash(ctx context.Context, user any) (string, error)

	// Create stores a new account in one atomic step: ErrEmailTaken if there is one with
	// this address already, a *[TakenError] if another has one of the Fields that is unique,
	// [ErrUnstorable] for a text that does not fit.
	Create(ctx context.Context, n NewAccount) (user any, err error)

	// ReplaceHash stores a hash if the hash still is old, in one atomic step, and reports
	// whether it was.
	ReplaceHash(ctx context.Context, user any, old, hash string) (bool, error)

	// ReplaceEmail stores a verified address if the address still is old, in one atomic step,
	// and reports whether it was: ErrEmailTaken if another account has it.
	ReplaceEmail(ctx context.Context, user any, old, email string) (bool, error)

	// Verify notes that the address is the user's, if it still is this one, in one atomic
	// step, and reports whether it was.
	Verify(ctx context.Context, user any, email string) (bool, error)

	// Delete removes the account. One that is gone is no error.
	Delete(ctx context.Context, user any) error

	// Status describes a user who was loaded. It asks nobody.
	Status(user any) Status
}

// A NewAccount is what [Store].Create stores. It prints without the hash.
type NewAccount struct {
	Email    string
	Hash     string            `json:"-"` // of the password; "": none
	Fields   map[string]string // what else Options.Fields allows
	Verified bool
}

// String keeps the hash out of logs.
func (n NewAccount) String() string { return fmt.Sprintf("new account of %q", n.Email) }

// Format is String for every verb.
func (n NewAccount) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, n.String()) }

// A Status is what there is to know of an account.
type Status struct {
	Email    string
	Verified bool // the address was confirmed
	Disabled bool // may not log in: locked, suspended
}
