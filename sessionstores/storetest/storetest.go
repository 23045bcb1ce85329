// Package storetest is the suite that every [app.SessionStore] must pass. A store
// of your own is tested in one line:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) app.SessionStore { return mystore.New() })
//	}
//
// [Faulty] is a store that fails when told to.
package storetest

import (
	"testing"

	"github.com/kahu-go/kahu/app"
)

type clause struct {
	name string
	test func(t *testing.T, s app.SessionStore)
}

// Run tests what open returns against the contract of [app.SessionStore], and of
// [app.SessionLister] and [app.SessionPruner] if it has them. open is called once
// a clause and returns a store that is empty; what it opens it closes by t.Cleanup.
// Run it under the race detector too.
func Run(t *testing.T, open func(t *testing.T) app.SessionStore) {
	t.Helper()
	for _, group := range [][]clause{findClauses, insertClauses, updateClauses, touchClauses, deleteClauses,
		hostileClauses, contextClauses, concurrencyClauses, listClauses, pruneClauses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
		}
	}
}
