package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// A sessionSummary is what may be shown of a session: neither values nor the id, nor who.
type sessionSummary struct {
	Kind   string `json:"kind"`
	Loaded bool   `json:"loaded"`
	New    bool   `json:"new"`    // nothing is stored
	Values int    `json:"values"` // how many
}

// summary asks no store.
func (x Session) summary() (s sessionSummary) {
	if x.s == nil {
		return s
	}
	s.Kind, s.Loaded, s.New = x.s.o.Kind, x.loaded && x.loadErr == nil, x.rec == nil
	for name := range x.merged() {
		if !reserved(name) {
			s.Values++
		}
	}
	return s
}

// Format prints the kind and how many values there are, with every verb.
func (x Session) Format(f fmt.State, _ rune) {
	s := x.summary()
	_, _ = fmt.Fprintf(f, "session of kind %q with %d values", s.Kind, s.Values)
}

// LogValue logs what MarshalJSON encodes.
func (x Session) LogValue() slog.Value {
	s := x.summary()
	return slog.GroupValue(slog.String("kind", s.Kind), slog.Bool("loaded", s.Loaded), slog.Bool("new", s.New), slog.Int("values", s.Values))
}

// MarshalJSON encodes the kind, whether it was loaded, whether it is new, and how many
// values there are. It asks no store.
func (x Session) MarshalJSON() ([]byte, error) { return json.Marshal(x.summary()) }
