package passwords

// Decoy returns the hash that is computed where there is none.
func (b *Bcrypt) Decoy() string { return b.decoy }

// Gate returns the gate in use.
func (b *Bcrypt) Gate() *Gate { return b.gate }

// Sizes returns how many work at once, and how many more may wait.
func (g *Gate) Sizes() (concurrent, queue int) { return cap(g.turns), cap(g.places) - cap(g.turns) }

// Taken returns how many work or wait.
func (g *Gate) Taken() int { return len(g.places) }
