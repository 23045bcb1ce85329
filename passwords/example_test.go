package passwords_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/passwords"
)

func Example() {
	ctx := context.Background()
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{Cost: 10}) // 12 if not set
	hash, err := hasher.Hash(ctx, "precious-ring-1954")
	if err != nil {
		fmt.Println(err) // too long, or the server is busy
		return
	}
	fmt.Println(hash[:7])
	fmt.Println(hasher.Verify(ctx, hash, "precious-ring-1954"))
	fmt.Println(hasher.Verify(ctx, hash, "precious"))
	fmt.Println(hasher.Verify(ctx, "", "precious")) // nobody of that name: the same answer, in the same time
	// Output:
	// $2a$10$
	// <nil>
	// passwords: the password does not match
	// passwords: the password does not match
}

// A login replaces hashes that are weaker than what is configured now.
func ExampleHasher_NeedsRehash() {
	ctx := context.Background()
	var hasher passwords.Hasher = passwords.NewBcrypt(passwords.BcryptOptions{Cost: 10})
	stored := "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq" // made by PHP
	if err := hasher.Verify(ctx, stored, "rasmuslerdorf"); err != nil {
		fmt.Println(err)
		return
	}
	if hasher.NeedsRehash(stored) {
		stored, _ = hasher.Hash(ctx, "rasmuslerdorf")
	}
	fmt.Println(stored[:7])
	// Output: $2a$10$
}

// All hashing of a process goes through one gate; what finds it full answers 503 with Retry-After.
func ExampleGate() {
	gate := passwords.NewGate(passwords.GateOptions{Concurrent: 2, Queue: 50})
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{Cost: 10, Gate: gate})
	err := hasher.Verify(context.Background(), "", "precious")
	fmt.Println(errors.Is(err, passwords.ErrBusy), errors.Is(err, passwords.ErrMismatch))
	// Output: false true
}

// Users who come from AdonisJS, node or PHP keep their passwords: the first login replaces the hash.
func ExampleNewAnyOf() {
	ctx := context.Background()
	hasher := passwords.NewAnyOf(
		passwords.NewArgon2id(passwords.Argon2idOptions{}),
		passwords.NewBcrypt(passwords.BcryptOptions{Cost: 10}),
		passwords.NewScrypt(passwords.ScryptOptions{}),
	)
	stored := "$bcrypt$v=98$r=10$xLR81H32PbOzzVigM6cGXQ$fzv8ZsDa0eADD7YE7gKsZNJl21uMVW8" // made by AdonisJS
	if err := hasher.Verify(ctx, stored, "precious-ring-1954"); err != nil {
		fmt.Println(err)
		return
	}
	if hasher.NeedsRehash(stored) {
		stored, _ = hasher.Hash(ctx, "precious-ring-1954")
	}
	fmt.Println(stored[:31])
	fmt.Println(hasher.Verify(ctx, stored, "precious-ring-1954"))
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1$
	// <nil>
}

func ExamplePolicy() {
	policy := passwords.NewPolicy(passwords.PolicyOptions{Words: []string{"Shire Times"}})
	for _, password := range []string{"mellon", "1qaz2wsx3edc4rfv", "frodo.baggins.1954", "a ring to rule them all"} {
		fmt.Println(policy.Check(password, "Frodo Baggins", "frodo@example.com"))
	}
	// Output:
	// passwords: the password is too short: it takes 15 characters
	// passwords: the password is easy to guess: many people have it
	// passwords: the password is easy to guess: it is little more than a name
	// <nil>
}
