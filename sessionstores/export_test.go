package sessionstores

import "github.com/gorilla/sessions"

// States returns how many sessions a store of Gorilla remembers.
func States(s sessions.Store) int {
	g := s.(*gorilla)
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.states)
}
