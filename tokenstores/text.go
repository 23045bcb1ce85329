package tokenstores

import "github.com/kahu-go/kahu/internal/cell"

// Limits of what is stored, in bytes. Index entries of both databases hold the longest
// names; more is never sent to a database.
const (
	maxName    = 255 // a type, an id, a hash, a name, a successor, a scope
	maxSubject = 1024
	maxJSON    = 1 << 16 // scopes, and meta, each as JSON
	maxAddress = 256
	maxState   = 1 << 12
)

// isName reports whether a stored token can have s for its type, id or hash. Any other
// text names no token, and no query is needed to say so.
func isName(s ...string) bool {
	for _, one := range s {
		if one == "" || !cell.Valid(one, maxName) {
			return false
		}
	}
	return true
}

// isSubject reports whether a stored token can be s's. Nobody, the subject "", has none.
func isSubject(s string) bool { return s != "" && cell.Valid(s, maxSubject) }
