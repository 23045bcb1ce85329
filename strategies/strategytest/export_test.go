package strategytest

import (
	"testing"
	"time"
)

// CheckNames are the subtests of Run.
func CheckNames() (names []string) {
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// RunCheck runs one of them.
func RunCheck(t testing.TB, name string, open func(t testing.TB) Suite) {
	for _, c := range checks {
		if c.name == name {
			c.run(newKit(t, open(t)))
			return
		}
	}
	t.Fatalf("there is no check %q", name)
}

// SetPatience shortens the wait for a strategy that does not stop.
func SetPatience(t *testing.T, d time.Duration) {
	before := patience
	patience = d
	t.Cleanup(func() { patience = before })
}

var WellFormed = wellFormed
