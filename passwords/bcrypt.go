package passwords

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

const (
	defaultCost = 12
	lowestCost  = 10 // OWASP Password Storage Cheat Sheet, ASVS 11.4.2
	highestCost = 16 // some seconds; each step above doubles that
	bcryptBytes = 72 // that bcrypt reads
)

// BcryptOptions configures [NewBcrypt]. The zero value is the default.
type BcryptOptions struct {
	// Cost is the work factor, 10 to 16; each step doubles the time. 0: 12, about a quarter of a second. Raise it at will: old hashes
	// are checked, and renewed at the next login. Lower it only with the hashes renewed that are above it: they keep their time.
	Cost int

	// InsecureCost, 4 to 9, stands in for Cost where speed matters and secrecy does not: in tests.
	InsecureCost int

	// Gate bounds how many hashes are computed at once; nil: one gate that all such hashers of the process share.
	Gate *Gate

	// Observe, if set, is called with the cost of each hash right before it is computed, by the goroutine that computes it: for
	// metrics, and for tests that count. It must not block.
	Observe func(cost int)
}

// Bcrypt is a [Hasher] that makes bcrypt hashes ($2a$) and also checks those of other programs: $2b$ and $2y$, and those that
// AdonisJS writes as $bcrypt$v=98$r=10$….
type Bcrypt struct {
	cost    int
	gate    *Gate
	observe func(cost int)
	decoy   string        // a hash of nobody's password
	suffix  func() string // what is hashed behind the password: see Devise. A function, because it is never printed
}

var (
	_ Hasher   = (*Bcrypt)(nil)
	_ Verifier = (*Bcrypt)(nil)
)

// NewBcrypt returns a bcrypt hasher. It panics if a cost is out of its range or both are set.
func NewBcrypt(o BcryptOptions) *Bcrypt {
	b := &Bcrypt{cost: o.chosenCost(), gate: o.Gate, observe: o.Observe, suffix: func() string { return "" }}
	if b.gate == nil {
		b.gate = sharedGate()
	}
	if b.observe == nil {
		b.observe = func(int) {}
	}
	b.decoy = newDecoy(b.cost)
	return b
}

func (o BcryptOptions) chosenCost() int {
	switch {
	case o.Cost != 0 && o.InsecureCost != 0:
		panic("passwords: set Cost or InsecureCost of bcrypt, not both")
	case o.InsecureCost != 0 && (o.InsecureCost < bcrypt.MinCost || o.InsecureCost >= lowestCost):
		panic(fmt.Sprintf("passwords: bcrypt's InsecureCost is 4 to 9, not %d", o.InsecureCost))
	case o.InsecureCost != 0:
		return o.InsecureCost
	case o.Cost == 0:
		return defaultCost
	case o.Cost < lowestCost || o.Cost > highestCost:
		panic(fmt.Sprintf("passwords: bcrypt's Cost is 10 to 16, not %d: less is guessed too fast, more lets a few logins take all processors", o.Cost))
	}
	return o.Cost
}

// Hash returns a new bcrypt hash of password. More than 72 bytes are [ErrTooLong], because bcrypt would not look at the rest.
func (b *Bcrypt) Hash(ctx context.Context, password string) (string, error) {
	if err := acceptable(password, bcryptBytes); err != nil {
		return "", err
	}
	var hash []byte
	var failed error
	if err := b.gate.Do(ctx, func() {
		b.observe(b.cost)
		hash, failed = bcrypt.GenerateFromPassword([]byte(password), b.cost)
	}); err != nil {
		return "", err
	}
	return string(hash), failed
}

// Verify checks password against hash. A password that Hash would refuse matches nothing. Hashes that are malformed or of a cost
// above 16 are not computed: see [ErrUnusableHash].
func (b *Bcrypt) Verify(ctx context.Context, hash, password string) error {
	var result error
	if err := b.gate.Do(ctx, func() { result = b.verify(hash, password) }); err != nil {
		return err
	}
	return result
}

// Prefixes returns $2a$, $2b$, $2y$ and $bcrypt$.
func (b *Bcrypt) Prefixes() []string { return []string{"$2a$", "$2b$", "$2y$", phcBcryptPrefix} }

func (b *Bcrypt) verify(hash, password string) error {
	hash = fromPHC(hash)
	cost, refusal := costOf(hash)
	if refusal == nil && acceptable(password, bcryptBytes) != nil {
		refusal = ErrMismatch
	}
	if refusal != nil {
		b.matches(b.decoy, b.cost, password)
		return refusal
	}
	if b.matches(hash, cost, password) {
		return nil
	}
	b.catchUp(cost, password)
	return ErrMismatch
}

// catchUp computes what a hash of a lower cost left out, so that a wrong password for an account with an old hash takes as
// long as a wrong password for any other: 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) rounds are 2^cost.
func (b *Bcrypt) catchUp(from int, password string) {
	for cost := from; cost < b.cost; cost++ {
		b.matches(withCost(b.decoy, cost), cost, password)
	}
}

func (b *Bcrypt) matches(hash string, cost int, password string) bool {
	b.observe(cost)
	password += b.suffix()
	password = password[:min(len(password), bcryptBytes)] // what was longer without the suffix came here for the time only
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// NeedsRehash reports whether hash is of a lower cost than configured, or no hash that Verify would accept. A higher cost stays.
func (b *Bcrypt) NeedsRehash(hash string) bool {
	cost, err := costOf(hash)
	return err != nil || cost < b.cost
}

var bcryptHash = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// costOf returns the cost of a hash that may be computed, or why it may not.
func costOf(hash string) (int, error) {
	if hash == "" {
		return 0, ErrMismatch
	}
	part := bcryptHash.FindStringSubmatch(hash)
	if part == nil {
		return 0, unusable("it is no bcrypt hash")
	}
	cost, _ := strconv.Atoi(part[1]) // two digits
	if cost < bcrypt.MinCost || cost > highestCost {
		return 0, unusable(fmt.Sprintf("its cost is %d, not 4 to 16", cost))
	}
	return cost, nil
}

// newDecoy makes a hash of random bytes. It is made at the lowest cost and then marked with the real one: what it would take to
// match it is unknown to everybody, computing it costs the same, and the program starts at once.
func newDecoy(cost int) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), bcrypt.MinCost)
	if err != nil {
		panic(fmt.Sprintf("passwords: making a decoy: %v", err))
	}
	return withCost(string(hash), cost)
}

// withCost replaces the two digits after "$2a$".
func withCost(hash string, cost int) string {
	return fmt.Sprintf("%s%02d%s", hash[:4], cost, hash[6:])
}
