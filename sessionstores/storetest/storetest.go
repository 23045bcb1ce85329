// Package storetest is the suite that every [app.SessionStore] must pass. A store
// of your own is tested in one line, under the race detector too:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) app.SessionStore { return mystore.New() })
//	}
//
// The clauses are named as sentences. What they ask of a store, and what breaks without it:
//
//   - Find is nil, nil for a key that is not there and an error for every fault, a context
//     that has ended included: what looks like nothing logs somebody out.
//   - All fields come back as they were, whatever their bytes, times in UTC to the
//     microsecond. No clock but the caller's is asked: the suite lives in another year.
//   - Insert never takes over a key and removes old with it or not at all: a login leaves
//     one session, never the visitor's beside the user's.
//   - Update writes onto the version that it knows or says [app.ErrSessionChanged], so that no
//     parallel request is overwritten; and [app.ErrSessionGone] without a row, so that a session
//     that was logged out never comes back.
//   - Touch leaves the version alone and never goes back: it may be late, and is no change.
//   - Delete of what is gone is no error: a logout can be repeated.
//   - Nothing is shared with the caller, whose maps change.
//   - All of it holds for many callers at once.
//
// These are optional. Each is tested if the store has it:
//
//   - [app.SessionLister]: the list of a user's devices, and LogoutAll and LogoutOthers.
//     Kinds and subjects that are nearly alike are told apart, and nobody, the subject "", is
//     no user: else one person ends the sessions of others.
//   - [app.SessionLimiter]: [app.SessionOptions].MaxPerUser. 50 logins at once leave exactly
//     as many sessions as a user may have, and each that was ended is returned once, since its
//     client must not be remembered either.
//   - [app.SessionMover]: [app.Session.Regenerate]. A session that was ended is not moved, and one
//     that is being moved is ended with the others of its user.
//   - [app.SessionPruner]: in batches, by the caller's clock, so that expired rows do not pile up.
//
// An [app.UserJoiner] is not tested: which users it can load is its own affair. Nor can the
// suite damage a row, lose an answer or stop a server. Find of what cannot be read wraps
// [app.ErrSessionDamaged], and other methods treat it as any other row: else one damaged row
// is an outage for its user. Where a client repeats calls whose answers were lost, an Insert of the
// same record under its key is no error while nobody has used it.
//
// A store that embeds another also has the optional interfaces of that one, which then go
// past its own methods: embed the interface [app.SessionStore] as the example does, and add
// those that it has by hand.
//
// [Faulty] is a store that fails when told to, for tests of what uses stores.
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
// [app.SessionLister], [app.SessionLimiter], [app.SessionMover] and [app.SessionPruner] if it has them. open is
// called once a clause and returns a store that is empty; what it opens it closes by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) app.SessionStore) {
	t.Helper()
	for _, group := range [][]clause{findClauses, insertClauses, updateClauses, touchClauses, deleteClauses,
		hostileClauses, contextClauses, concurrencyClauses, listClauses, limitClauses, moveClauses, pruneClauses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
		}
	}
}
