package strategytest

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"testing"

	"github.com/kahu-go/kahu/app"
)

// A Suite is a strategy with what [Run] has to know of it. Strategy, Good, Wrong and a Send are
// needed; all else may be zero.
type Suite struct {
	// Strategy is what is tested.
	Strategy app.Strategy

	// Good are credentials of two users or more. Wrong are such as have to be rejected: unknown,
	// expired, revoked, of a user who is gone. One at least.
	Good, Wrong []Credential

	// Send puts a secret on a request, for all credentials without a Send of their own. [InHeader]
	// and its like make one. The request is a GET of https://example.com/ before.
	Send func(r *http.Request, secret string)

	// Foreign make requests of a GET of https://example.com/ that have nothing of the strategy's own. Requests
	// without anything, and with credentials of a kind that nobody has, are always tried.
	Foreign []func(r *http.Request)

	// Broken make the same strategy over a source that is down: each calls fault where it would ask
	// one of its sources, and takes the error for that source's. nil: the strategy asks nobody.
	Broken []func(fault Fault) app.Strategy

	// Redirects says that who brings no credentials is sent elsewhere, by an [app.Redirection].
	Redirects bool

	// AnyCase says that letters' case does not matter in a secret, as in codes that people type.
	AnyCase bool

	// Same reports whether got, which was proved, is want, the User of a credential; nil:
	// reflect.DeepEqual.
	Same func(want, got any) bool

	// App is where the strategy is asked, with the keys and layers that it needs; nil: app.New().
	App *app.App
}

// A Credential is what a client sends to prove who it is.
type Credential struct {
	User   any                                  // whom it proves; nil for one that is wrong
	Secret string                               // what nobody else may know of it, 6 bytes or more: a token, a password
	Fresh  func() string                        // makes a new Secret for each request, where one is good for once; nil: Secret is good for many
	Send   func(r *http.Request, secret string) // nil: the Suite's
}

// A Fault is what a source that is down answers. It has the context with which the source was
// asked, and may return only when that ends.
type Fault func(ctx context.Context) error

// Run tests a strategy against the contract of [app.Strategy], and of [app.Challenger],
// [app.Ender], [app.Rechecker] and [app.Describer] if it is one. open is called once for each check, and what it
// opens it closes by t.Cleanup. Run it under the race detector too.
//
//	func TestTickets(t *testing.T) {
//		strategytest.Run(t, func(t testing.TB) strategytest.Suite {
//			return strategytest.Suite{
//				Strategy: NewTickets(find),
//				Send:     strategytest.InHeader("X-Ticket"),
//				Good:     []strategytest.Credential{{User: frodo, Secret: "to the havens"}, {User: sam, Secret: "to Bag End"}},
//				Wrong:    []strategytest.Credential{{Secret: "to Mordor"}},
//			}
//		})
//	}
func Run(t *testing.T, open func(t testing.TB) Suite) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(newKit(t, open(t))) })
	}
}

// A check is one clause of the contract.
type check struct {
	name string
	run  func(k *kit)
}

var checks = []check{
	{"proves each user and says how", proves},
	{"keeps nothing from one request to the next", keepsNothing},
	{"never mixes users who come at once", neverMixes},
	{"passes on what is not its own", passesOn},
	{"rejects what is wrong", rejects},
	{"never proves nobody", neverProvesNobody},
	{"never writes", neverWrites},
	{"withstands hostile secrets", withstandsSecrets},
	{"withstands hostile requests", withstandsRequests},
	{"refuses what other sites make browsers send", refusesOtherSites},
	{"keeps secrets to itself", keepsSecrets},
	{"challenges are well formed", challenges},
	{"ends one credential and no other", ends},
	{"knows later whether it still proves", rechecks},
	{"a fault is a fault", faults},
	{"a request that ends ends the question", endsInTime},
}

// A kit is one check of one Suite.
type kit struct {
	testing.TB
	Suite
}

// leastSecret is how long a secret has to be that is looked for in texts.
const leastSecret = 6

func newKit(t testing.TB, s Suite) *kit {
	t.Helper()
	if s.App == nil {
		s.App = app.New()
		s.App.Logger = slog.New(slog.DiscardHandler) // what failed the check says
	}
	if s.Same == nil {
		s.Same = reflect.DeepEqual
	}
	k := &kit{t, s}
	k.mustBeComplete()
	k.App.Use(ask)
	return k
}

func (k *kit) mustBeComplete() {
	k.Helper()
	switch {
	case isNil(k.Strategy):
		k.Fatal("strategytest: Suite.Strategy is nil")
	case len(k.Good) < 2 || reflect.DeepEqual(k.Good[0].User, k.Good[1].User):
		k.Fatal("strategytest: Suite.Good needs credentials of two users, or nobody could tell whether they are mixed up")
	case len(k.Wrong) == 0:
		k.Fatal("strategytest: Suite.Wrong needs a credential that has to be rejected, such as one that nobody has")
	}
	for i, c := range k.Good {
		k.mustBeCredential("Good", i, c, !isNil(c.User))
	}
	for i, c := range k.Wrong {
		k.mustBeCredential("Wrong", i, c, c.User == nil)
	}
}

func (k *kit) mustBeCredential(list string, i int, c Credential, rightUser bool) {
	k.Helper()
	switch {
	case !rightUser:
		k.Fatalf("strategytest: Suite.%s[%d].User: those that are good have a user, those that are wrong have none", list, i)
	case c.Fresh == nil && len(c.Secret) < leastSecret:
		k.Fatalf("strategytest: Suite.%s[%d].Secret has less than %d bytes: it could not be told from other words", list, i, leastSecret)
	case c.Send == nil && k.Send == nil:
		k.Fatalf("strategytest: Suite.%s[%d] has no Send, nor has the Suite: how does it get on a request?", list, i)
	}
}

// isNil reports whether v is nil or holds a nil pointer, map, slice, func or channel.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return r.IsNil()
	}
	return false
}
