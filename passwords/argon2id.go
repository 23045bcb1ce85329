package passwords

import (
	"context"
	"crypto/rand"
	"fmt"
)

const (
	defaultArgon2Memory = 19 << 10 // KiB
	defaultArgon2Time   = 2
	argon2Bytes         = 1024 // of a password; argon2 itself would read more
)

// leastArgon2 are the settings that OWASP's Password Storage Cheat Sheet calls the minimum, and equal to each other.
var leastArgon2 = []argon2Cost{
	{memory: 46 << 10, time: 1}, {memory: 19 << 10, time: 2}, {memory: 12 << 10, time: 3}, {memory: 9 << 10, time: 4}, {memory: 7 << 10, time: 5},
}

// Argon2idOptions configures [NewArgon2id]. The zero value is the default, the minimum of OWASP's Password Storage Cheat Sheet:
// 19 MiB, 2 passes, 1 thread, which takes about a tenth of the time of bcrypt's default. Each hash in work takes its memory, so the
// Gate bounds that too.
type Argon2idOptions struct {
	// Memory is how many KiB are filled, 256 MiB at most; 0: 19456. Time is how often; 0: 2. Together they are at least one of these
	// pairs, which OWASP calls equal: 46 MiB once, 19 MiB twice, 12 MiB 3 times, 9 MiB 4 times, 7 MiB 5 times; and at most 2 GiB.
	Memory, Time int

	// Threads is how many share the work, 64 at most; 0: 1. The hash depends on it. The Gate counts hashes, not threads.
	Threads int

	// InsecureMemory, 8 KiB for each thread to 7167, stands in for Memory where speed matters and secrecy does not: in tests. Time
	// is 1 then if it is 0.
	InsecureMemory int

	// Gate bounds how many hashes are computed at once; nil: one gate that all such hashers of the process share.
	Gate *Gate

	// Observe, if set, is called with the cost of each hash right before it is computed, by the goroutine that computes it: the
	// KiB of memory times the passes. It must not block.
	Observe func(cost int)
}

// Argon2id is a [Hasher] that makes argon2id hashes in the PHC format, $argon2id$v=19$m=…,t=…,p=…$salt$hash, and also checks those of
// other programs: argon2i too, and with m, t and p in any order, because node's argon2 writes another one. Version 16, argon2d and
// hashes with a key or data are not known.
type Argon2id struct {
	cost    argon2Cost
	gate    *Gate
	observe func(cost int)
	decoy   argon2Hash // of nobody's password
}

var (
	_ Hasher   = (*Argon2id)(nil)
	_ Verifier = (*Argon2id)(nil)
)

// NewArgon2id returns an argon2id hasher. It panics if a cost is out of its range, or Memory and InsecureMemory are both set.
func NewArgon2id(o Argon2idOptions) *Argon2id {
	a := &Argon2id{cost: o.chosenCost(), gate: o.Gate, observe: o.Observe}
	if a.gate == nil {
		a.gate = sharedGate()
	}
	if a.observe == nil {
		a.observe = func(int) {}
	}
	// What it would take to match the decoy is unknown to everybody: its key was never computed.
	a.decoy = argon2Hash{kind: "argon2id", cost: a.cost, salt: randomBytes(argon2SaltBytes), key: randomBytes(argon2KeyBytes)}
	return a
}

func (o Argon2idOptions) chosenCost() argon2Cost {
	switch {
	case o.Memory != 0 && o.InsecureMemory != 0:
		panic("passwords: set Memory or InsecureMemory of argon2id, not both")
	case min(o.Memory, o.InsecureMemory, o.Time, o.Threads) < 0:
		panic("passwords: argon2id's Memory, Time and Threads cannot be negative")
	case o.InsecureMemory >= leastArgon2[len(leastArgon2)-1].memory:
		panic(fmt.Sprintf("passwords: argon2id's InsecureMemory is less than 7 MiB, not %d KiB", o.InsecureMemory))
	case o.InsecureMemory != 0:
		o.Memory, o.Time = o.InsecureMemory, max(1, o.Time)
	}
	c := argon2Cost{orDefault(o.Memory, defaultArgon2Memory), orDefault(o.Time, defaultArgon2Time), orDefault(o.Threads, 1)}
	if why := c.refusal(); why != "" {
		panic("passwords: argon2id cannot be so configured: " + why)
	}
	if o.InsecureMemory == 0 && !c.sufficient() {
		panic(fmt.Sprintf("passwords: argon2id with %d KiB and %d passes is guessed too fast: 19456 and 2 are the least, or what OWASP calls equal",
			c.memory, c.time))
	}
	return c
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Hash returns a new argon2id hash of password. More than 1024 bytes are [ErrTooLong].
func (a *Argon2id) Hash(ctx context.Context, password string) (string, error) {
	if err := acceptable(password, argon2Bytes); err != nil {
		return "", err
	}
	made := argon2Hash{kind: "argon2id", cost: a.cost, salt: randomBytes(argon2SaltBytes), key: make([]byte, argon2KeyBytes)}
	if err := a.gate.Do(ctx, func() {
		a.observe(a.cost.work())
		made.key = made.derive(password)
	}); err != nil {
		return "", err
	}
	return made.String(), nil
}

// Verify checks password against hash. A password that Hash would refuse matches nothing. Hashes that are malformed, or would take
// more than 256 MiB, 2 GiB in all passes, or 64 threads, are not computed: see [ErrUnusableHash].
func (a *Argon2id) Verify(ctx context.Context, hash, password string) error {
	var result error
	if err := a.gate.Do(ctx, func() { result = a.verify(hash, password) }); err != nil {
		return err
	}
	return result
}

// Prefixes returns $argon2id$ and $argon2i$.
func (a *Argon2id) Prefixes() []string { return []string{"$argon2id$", "$argon2i$"} }

func (a *Argon2id) verify(text, password string) error {
	stored, refusal := parseArgon2(text)
	if refusal == nil && acceptable(password, argon2Bytes) != nil {
		refusal = ErrMismatch
	}
	if refusal != nil {
		a.matches(a.decoy, password)
		return refusal
	}
	if a.matches(stored, password) {
		return nil
	}
	a.catchUp(stored.cost, password)
	return ErrMismatch
}

// catchUp fills what a cheaper hash left out, so that a wrong password for an account with an old hash takes as long as a wrong
// password for any other.
func (a *Argon2id) catchUp(from argon2Cost, password string) {
	missing := a.cost.work() - from.work()
	if missing < argon2Block*a.cost.threads {
		return // less than the least that argon2 fills
	}
	rest := a.decoy
	rest.cost.time = (missing + a.cost.memory - 1) / a.cost.memory
	rest.cost.memory = missing / rest.cost.time
	a.matches(rest, password)
}

func (a *Argon2id) matches(h argon2Hash, password string) bool {
	a.observe(h.cost.work())
	return h.matches(password[:min(len(password), argon2Bytes)]) // a longer one came here for the time only
}

// NeedsRehash reports whether hash takes less memory or less work in all passes than configured, is not as Hash would write it, or is
// no hash that Verify would accept. What is dearer stays.
func (a *Argon2id) NeedsRehash(hash string) bool {
	h, err := parseArgon2(hash)
	if err != nil || h.kind != "argon2id" || h.String() != hash {
		return true
	}
	return h.cost.memory < a.cost.memory || h.cost.work() < a.cost.work() || len(h.salt) < argon2SaltBytes || len(h.key) < argon2KeyBytes
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}
