package strategies

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/throttle"
)

// LocalOptions are the options of [NewLocal]. The zero value is safe.
type LocalOptions struct {
	// Username and Password are the names of the body's fields; "": username, password.
	Username, Password string

	// Canonical makes the name that is looked up of the one that was typed, or says that
	// it cannot be a name; nil: [CanonicalName]. Store names in the same form.
	Canonical func(name string) (string, error)

	// Hasher checks passwords; nil: bcrypt at cost 12.
	Hasher passwords.Hasher

	// Rehash stores a new hash of a user whose stored one is weaker than Hasher makes
	// them, in place of old and of nothing else: a password that is changed meanwhile
	// stays changed. It is called after a login that succeeded; its failure is logged and
	// does not fail the login. nil: hashes stay as they are. serializer.Table has it:
	// ReplaceHash.
	Rehash func(ctx context.Context, user any, old, hash string) error

	// Disabled reports whether a user may not log in now; nil: all may.
	Disabled func(user any) bool

	// Attempts counts them; nil: in memory, for one process.
	Attempts throttle.Counter

	// AccountLimit and AddressLimit bound the failed attempts in one Window at one
	// account under all its names, at one name, and from one address (IPv6: its /64);
	// 0: 100 and 1000. Window is one hour if 0. A success forgets the account's and the
	// name's and takes its own back from the address.
	AccountLimit, AddressLimit int
	Window                     time.Duration

	// Address is what attempts are counted by; nil: [app.Context.Address]. For one that
	// is not valid nothing is counted by address.
	//
	// Behind a reverse proxy name it in [app.App].Proxies: otherwise all clients share its
	// address and one AddressLimit, and 1000 wrong logins by anybody keep everybody out for an
	// hour. If no header can be trusted switch this off by returning netip.Addr{}.
	Address func(ctx *app.Context) netip.Addr

	// Timeout bounds each question to find and to Attempts, and together the writes after
	// a success, which go on though the client hangs up; 0: 2 seconds. The wait for a turn
	// to hash is bounded by the request's context and by the Hasher's queue.
	Timeout time.Duration

	// InsecureTellUnknown answers "User not found" or "Password does not match", for
	// clients that depend on it. Everybody can then find out who has an account.
	InsecureTellUnknown bool

	// Logger gets what must not fail a login; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

func (o *LocalOptions) setDefaults() {
	if o.AccountLimit < 0 || o.AddressLimit < 0 || o.Window < 0 || o.Timeout < 0 {
		panic("strategies: LocalOptions: limits, Window and Timeout must not be negative")
	}
	o.Username = cmp.Or(o.Username, "username")
	o.Password = cmp.Or(o.Password, "password")
	o.AccountLimit = cmp.Or(o.AccountLimit, 100)
	o.AddressLimit = cmp.Or(o.AddressLimit, 1000)
	o.Window = cmp.Or(o.Window, time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	if o.Address == nil {
		o.Address = (*app.Context).Address
	}
	if o.Canonical == nil {
		o.Canonical = CanonicalName
	}
	if o.Hasher == nil {
		o.Hasher = passwords.NewBcrypt(passwords.BcryptOptions{})
	}
	if o.Attempts == nil {
		o.Attempts = throttle.NewMemory()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}
