package passwords

import "strings"

// Decoy returns the hash that is computed where there is none.
func (b *Bcrypt) Decoy() string { return b.decoy }

// Gate returns the gate in use.
func (b *Bcrypt) Gate() *Gate { return b.gate }

// Sizes returns how many work at once, and how many more may wait.
func (g *Gate) Sizes() (concurrent, queue int) { return cap(g.turns), cap(g.places) - cap(g.turns) }

// Taken returns how many work or wait.
func (g *Gate) Taken() int { return len(g.places) }

// Gate returns the gate in use.
func (a *Argon2id) Gate() *Gate { return a.gate }

// Decoy returns the hash that is computed where there is none.
func (a *Argon2id) Decoy() string { return a.decoy.String() }

// Cost returns what is configured: KiB, passes, threads.
func (a *Argon2id) Cost() [3]int { return [3]int{a.cost.memory, a.cost.time, a.cost.threads} }

// FromPHC returns a bcrypt hash in bcrypt's own format.
var FromPHC = fromPHC

// Common is the list of common passwords.
func Common() []string { return strings.Fields(commonPasswords) }

// Argon2Work returns what computing a stored hash takes, 0 if it is not computed.
func Argon2Work(text string) int {
	h, err := parseArgon2(text)
	if err != nil {
		return 0
	}
	return h.cost.work()
}

// ScryptWork returns what computing a stored hash takes, 0 if it is not computed.
func ScryptWork(text string) int {
	h, err := parseScrypt(text)
	if err != nil {
		return 0
	}
	return h.work()
}
