// Package storetest is the suite that every [accounts.Store] must pass. A store of your own
// is tested in one line:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) accounts.Store { return mystore.New() })
//	}
//
// [Memory] is a small one that passes it.
package storetest

import (
	"testing"

	"github.com/kahu-go/kahu/accounts"
)

type clause struct {
	name string
	test func(t *testing.T, s accounts.Store)
}

// Run tests what open returns against the contract of [accounts.Store]. open is called once
// a clause and returns a store without accounts; what it opens it closes by t.Cleanup. A
// store that says of each address that it is confirmed need not remember which are. Run it
// under the race detector too.
func Run(t *testing.T, open func(t *testing.T) accounts.Store) {
	t.Helper()
	for _, group := range [][]clause{createClauses, hashClauses, emailClauses, deleteClauses, hostileClauses, contextClauses, concurrencyClauses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
		}
	}
}
