package passwords

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"

	"golang.org/x/crypto/scrypt"
)

const (
	scryptBytes      = 1024      // of a password
	mostScryptMemory = 256 << 10 // KiB
	mostScryptWork   = 1 << 20   // KiB: some two seconds
)

// ScryptOptions configures [NewScrypt]. The zero value is the default.
type ScryptOptions struct {
	// Gate bounds how many hashes are computed at once; nil: one gate that all such hashers of the process share.
	Gate *Gate

	// Observe, if set, is called with the cost of each hash right before it is computed, by the goroutine that computes it: the
	// KiB that are filled, 128·n·r·p bytes. It must not block.
	Observe func(cost int)
}

// Scrypt is a [Verifier] for the hashes that AdonisJS makes unless told otherwise, $scrypt$n=16384,r=8,p=1$salt$hash. It makes none:
// give it to [NewAnyOf].
type Scrypt struct {
	gate    *Gate
	observe func(cost int)
	decoy   scryptHash
}

var _ Verifier = (*Scrypt)(nil)

// NewScrypt returns a verifier of scrypt hashes.
func NewScrypt(o ScryptOptions) *Scrypt {
	s := &Scrypt{gate: o.Gate, observe: o.Observe}
	if s.gate == nil {
		s.gate = sharedGate()
	}
	if s.observe == nil {
		s.observe = func(int) {}
	}
	s.decoy = scryptHash{n: 1 << 14, r: 8, p: 1, salt: randomBytes(16), key: randomBytes(64)}
	return s
}

// Prefixes returns $scrypt$.
func (s *Scrypt) Prefixes() []string { return []string{"$scrypt$"} }

// Verify checks password against hash. NUL and more than 1024 bytes match nothing. Hashes that are malformed, or would take more than
// 256 MiB or some seconds, are not computed: see [ErrUnusableHash]. What is refused costs a hash of AdonisJS' default cost.
func (s *Scrypt) Verify(ctx context.Context, hash, password string) error {
	var result error
	if err := s.gate.Do(ctx, func() { result = s.verify(hash, password) }); err != nil {
		return err
	}
	return result
}

func (s *Scrypt) verify(text, password string) error {
	stored, refusal := parseScrypt(text)
	if refusal == nil && acceptable(password, scryptBytes) != nil {
		refusal = ErrMismatch
	}
	if refusal != nil {
		s.matches(s.decoy, password)
		return refusal
	}
	if !s.matches(stored, password) {
		return ErrMismatch
	}
	return nil
}

func (s *Scrypt) matches(h scryptHash, password string) bool {
	s.observe(h.work())
	password = password[:min(len(password), scryptBytes)]
	key, err := scrypt.Key([]byte(password), h.salt, h.n, h.r, h.p, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

type scryptHash struct {
	n, r, p   int
	salt, key []byte
}

func (h scryptHash) work() int { return h.n * h.r * h.p / 8 }

var phcScrypt = regexp.MustCompile(`^\$scrypt\$n=([1-9][0-9]{0,6}),r=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})` +
	`\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{86,171})$`) // 8 to 64 bytes of salt, 64 to 128 of key

// parseScrypt returns a hash that may be computed, or why it may not.
func parseScrypt(text string) (scryptHash, error) {
	if text == "" {
		return scryptHash{}, ErrMismatch
	}
	part := phcScrypt.FindStringSubmatch(text)
	if part == nil {
		return scryptHash{}, unusable("it is no scrypt hash as AdonisJS makes them")
	}
	var h scryptHash
	for i, number := range []*int{&h.n, &h.r, &h.p} {
		*number, _ = strconv.Atoi(part[i+1]) // seven digits at most
	}
	switch {
	case h.n < 2 || bits.OnesCount(uint(h.n)) != 1:
		return scryptHash{}, unusable("its n is no power of two")
	case int64(h.n)*int64(h.r)/8 > mostScryptMemory, int64(h.n)*int64(h.r)*int64(h.p)/8 > mostScryptWork:
		return scryptHash{}, unusable(fmt.Sprintf("n=%d, r=%d, p=%d take too much", h.n, h.r, h.p))
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(part[4]); err != nil {
		return scryptHash{}, unusable("its salt is no base64")
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(part[5]); err != nil {
		return scryptHash{}, unusable("its key is no base64")
	}
	return h, nil
}
