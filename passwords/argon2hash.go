package passwords

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/argon2"
)

const (
	argon2SaltBytes = 16
	argon2KeyBytes  = 32
	argon2Block     = 8 // KiB that a thread fills at least (RFC 9106, section 3.1)

	mostArgon2Memory  = 256 << 10 // KiB
	mostArgon2Work    = 2 << 20   // KiB in all passes: about a second
	mostArgon2Threads = 64
)

// argon2Cost is what an argon2 hash takes: KiB, passes, threads.
type argon2Cost struct{ memory, time, threads int }

// work is what the time is proportional to: the KiB that are filled in all passes.
func (c argon2Cost) work() int { return c.memory * c.time }

// refusal says why such a hash is not computed, or nothing.
func (c argon2Cost) refusal() string {
	switch {
	case c.threads > mostArgon2Threads:
		return fmt.Sprintf("%d threads are more than %d", c.threads, mostArgon2Threads)
	case c.memory < argon2Block*c.threads:
		return fmt.Sprintf("%d KiB are less than %d for each of %d threads", c.memory, argon2Block, c.threads)
	case c.memory > mostArgon2Memory:
		return fmt.Sprintf("%d KiB are more than %d", c.memory, mostArgon2Memory)
	case c.time > mostArgon2Work/c.memory: // not work(), which could overflow
		return fmt.Sprintf("%d passes over %d KiB are more than %d KiB", c.time, c.memory, mostArgon2Work)
	}
	return ""
}

// sufficient reports whether it takes no less than one of OWASP's settings.
func (c argon2Cost) sufficient() bool {
	for _, least := range leastArgon2 {
		if c.memory >= least.memory && c.time >= least.time {
			return true
		}
	}
	return false
}

// argon2Hash is a hash as it is stored.
type argon2Hash struct {
	kind      string // argon2id or argon2i
	cost      argon2Cost
	salt, key []byte
}

var phcArgon2 = regexp.MustCompile(`^\$(argon2id?)\$v=19\$([mtp])=([1-9][0-9]{0,6}),([mtp])=([1-9][0-9]{0,6}),([mtp])=([1-9][0-9]{0,6})` +
	`\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$`) // 8 to 64 bytes of salt, 16 to 64 of key

// parseArgon2 returns a hash that may be computed, or why it may not.
func parseArgon2(text string) (argon2Hash, error) {
	if text == "" {
		return argon2Hash{}, ErrMismatch
	}
	part := phcArgon2.FindStringSubmatch(text)
	if part == nil {
		return argon2Hash{}, unusable("it is no argon2id or argon2i hash of version 19")
	}
	number := map[string]int{}
	for i := 2; i < 8; i += 2 {
		number[part[i]], _ = strconv.Atoi(part[i+1]) // seven digits at most
	}
	if len(number) != 3 {
		return argon2Hash{}, unusable("one of its parameters is there twice")
	}
	h := argon2Hash{kind: part[1], cost: argon2Cost{number["m"], number["t"], number["p"]}}
	if why := h.cost.refusal(); why != "" {
		return argon2Hash{}, unusable(why)
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(part[8]); err != nil {
		return argon2Hash{}, unusable("its salt is no base64")
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(part[9]); err != nil {
		return argon2Hash{}, unusable("its key is no base64")
	}
	return h, nil
}

// String returns the hash as it is stored.
func (h argon2Hash) String() string {
	return fmt.Sprintf("$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", h.kind, argon2.Version, h.cost.memory, h.cost.time, h.cost.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

func (h argon2Hash) derive(password string) []byte {
	time, memory, threads := uint32(h.cost.time), uint32(h.cost.memory), uint8(h.cost.threads)
	if h.kind == "argon2i" {
		return argon2.Key([]byte(password), h.salt, time, memory, threads, uint32(len(h.key)))
	}
	return argon2.IDKey([]byte(password), h.salt, time, memory, threads, uint32(len(h.key)))
}

func (h argon2Hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password), h.key) == 1
}
