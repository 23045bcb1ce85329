// Package passwords turns passwords into hashes and checks them: bcrypt by default, argon2id beside it, slow on purpose, with a
// gate that keeps a flood of logins from taking all processors. [NewAnyOf] moves from one kind of hash to another, and takes
// over those of other programs, while nobody has to choose a new password. A [Policy] says which new passwords are good enough.
//
// A password is its exact bytes. Nothing is trimmed, folded or normalized, and text that is not valid UTF-8 is as good as any:
// what was hashed is what matches.
package passwords

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Hasher makes hashes of passwords and checks passwords against them. It is safe for use by several goroutines.
type Hasher interface {
	// Hash returns the text to store for password: it names its algorithm, cost and salt, and no two are alike.
	// Errors: [ErrTooLong], [ErrNUL], [ErrBusy], and the error of ctx if that ends while waiting for a turn.
	Hash(ctx context.Context, password string) (string, error)

	// Verify returns nil if hash was made of password, and [ErrMismatch] if not. The error of a stored hash that is refused
	// wraps [ErrUnusableHash] too. [ErrBusy], or ctx's error while waiting for a turn, says nothing about the password.
	//
	// A caller that found no user, or one without a password, passes an empty hash: it never matches, and takes as long as a
	// hash of the configured cost. So does every other no, and the time says nothing about what was wrong; but a hash of a higher
	// cost than configured takes its own time, and a wrong password for it can be told from an unknown user.
	Verify(ctx context.Context, hash, password string) error

	// NeedsRehash reports whether hash is weaker than what Hash makes now, or not of its kind. The time to replace it is right
	// after Verify returned nil, while the password is at hand.
	NeedsRehash(hash string) bool
}

// A Verifier checks passwords against hashes of the kinds it knows; [NewAnyOf] takes them. Every type of this package that has
// Verify is one. It is safe for use by several goroutines.
type Verifier interface {
	// Prefixes returns what the hashes that it knows begin with, such as "$2b$".
	Prefixes() []string

	// Verify is as in [Hasher].
	Verify(ctx context.Context, hash, password string) error
}

var (
	// ErrMismatch says that the password is not the one of the hash.
	ErrMismatch = errors.New("passwords: the password does not match")

	// ErrUnusableHash says that a stored hash is malformed, or so costly that computing it would be an attack. It is a fault of
	// what is stored: log it, and answer as for any [ErrMismatch], which is always wrapped beside it. Its text never has the
	// hash in it.
	ErrUnusableHash = errors.New("the stored hash is not usable")

	// ErrTooLong says that a new password has more bytes than the algorithm reads, or than the policy allows. The limit is in the
	// text of what wraps it. Answer it with a 422 or 400 that tells the limit.
	ErrTooLong = errors.New("passwords: the password is too long")

	// ErrNUL says that a new password contains a NUL byte.
	ErrNUL = errors.New("passwords: the password contains a NUL byte")

	// ErrBusy says that so many wait for a hash that another would wait too long. Over HTTP it is a 503 with Retry-After,
	// alike for every account.
	ErrBusy = errors.New("passwords: too many hashes are being computed")
)

// acceptable refuses what bcrypt cannot tell apart: everything after byte 72 is ignored, and since the key is repeated with
// NULs between, "ring" and "ring\x00ring" are one password to it. The other kinds of hash could do with NUL, but then what one of
// them takes would be no password any more after a move to bcrypt.
func acceptable(password string, limit int) error {
	if len(password) > limit {
		return fmt.Errorf("%w: at most %d bytes count", ErrTooLong, limit)
	}
	if strings.IndexByte(password, 0) >= 0 {
		return ErrNUL
	}
	return nil
}

// unusable is the error for a stored hash that is not computed.
func unusable(why string) error {
	return fmt.Errorf("%w: %w: %s", ErrMismatch, ErrUnusableHash, why)
}
