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
