// Package storetest is the suite that every [tokenstores.Store] must pass. A store of
// your own is tested in one line:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) tokenstores.Store { return mystore.New() })
//	}
//
// [RunDenylist] does the same for a [tokenstores.Denylist]. [Faulty] is a store that fails
// when told to, and [FaultyDenylist] such a list.
package storetest

import (
	"testing"

	"github.com/kahu-go/kahu/tokenstores"
)

type clause struct {
	name string
	test func(t *testing.T, s tokenstores.Store)
}

// Run tests what open returns against the contract of [tokenstores.Store], and of
// [tokenstores.UserJoiner] if it is one. open is called once a clause and returns a store
// that is empty; what it opens it closes by t.Cleanup. Run it under the race detector too.
func Run(t *testing.T, open func(t *testing.T) tokenstores.Store) {
	t.Helper()
	for _, group := range [][]clause{findClauses, insertClauses, touchClauses, rotateClauses, renewClauses, deleteClauses, listClauses,
		deleteAllClauses, pruneClauses, hostileClauses, contextClauses, concurrencyClauses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
		}
	}
}
