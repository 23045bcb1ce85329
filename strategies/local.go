package strategies

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/throttle"
)

// Local proves a user by the name and the password in the request's body, JSON or a
// form; the query string is never read. Make it with [NewLocal].
//
// Every wrong pair gets one answer, 401, at the price of one hash, whether the name is
// unknown, the password is wrong, missing in the database, or the user is disabled
// (ASVS 6.3.8). Attempts are counted before the hash, by account and by address; too
// many are answered 429 with Retry-After, the right password too, until the window ends.
type Local struct {
	find func(ctx context.Context, name string) (user any, hash string, err error)
	o    LocalOptions
	gate attempts
}

var _ app.Strategy = (*Local)(nil)

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
	// account and from one address (IPv6: its /64); 0: 100 and 1000. Window is one hour
	// if 0. A success forgets the account's and takes its own back from the address.
	AccountLimit, AddressLimit int
	Window                     time.Duration

	// InsecureTellUnknown answers "User not found" or "Password does not match", for
	// clients that depend on it. Everybody can then find out who has an account.
	InsecureTellUnknown bool

	// Logger gets what must not fail a login; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// NewLocal makes the strategy. find returns the user of a name and the hash of the
// password, in one query; sql.ErrNoRows, or a nil user, means that there is none, any
// other error is a fault. serializer.Table has it: ByNameWithHash. NewLocal panics
// without find and for limits that are negative.
func NewLocal[U any](find func(ctx context.Context, name string) (user U, hash string, err error), o LocalOptions) *Local {
	if find == nil {
		panic("strategies: NewLocal needs a way to find users")
	}
	o.setDefaults()
	return &Local{
		find: func(ctx context.Context, name string) (any, string, error) { return find(ctx, name) },
		o:    o,
		gate: attempts{o.Attempts, int64(o.AccountLimit), int64(o.AddressLimit), o.Window, o.Clock},
	}
}

func (o *LocalOptions) setDefaults() {
	if o.AccountLimit < 0 || o.AddressLimit < 0 || o.Window < 0 {
		panic("strategies: LocalOptions: limits and Window must not be negative")
	}
	setDefault(&o.Username, "username")
	setDefault(&o.Password, "password")
	setDefault(&o.AccountLimit, 100)
	setDefault(&o.AddressLimit, 1000)
	setDefault(&o.Window, time.Hour)
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

func setDefault[T comparable](v *T, unset T) {
	if *v == *new(T) {
		*v = unset
	}
}

// Authenticate takes the credentials from the body. A body with neither field has no
// credentials, one with a single field is rejected with 400.
func (l *Local) Authenticate(ctx *app.Context) (*app.Identity, error) {
	var body map[string]any
	if err := ctx.Bind(&body); err != nil {
		return nil, err
	}
	name, hasName := body[l.o.Username]
	password, hasPassword := body[l.o.Password]
	if !hasName && !hasPassword {
		return nil, app.ErrNoCredentials
	}
	c := Credentials{Address: ctx.Address()}
	c.Name, _ = name.(string)
	c.Password, _ = password.(string)
	if c.Name == "" || c.Password == "" {
		return nil, &app.Rejection{Status: http.StatusBadRequest, Message: "Send " + l.o.Username + " and " + l.o.Password}
	}
	user, err := l.Verify(ctx.Context(), c)
	if err != nil {
		return nil, err
	}
	return &app.Identity{User: user, Scopes: []string{"*"}, Via: "local"}, nil
}

// Credentials are a name, a password, and the address they came from, which may be
// left out where there is none.
type Credentials struct {
	Name, Password string
	Address        netip.Addr
}

// String keeps the password out of logs.
func (c Credentials) String() string { return "credentials of " + c.Name }

// GoString is String.
func (c Credentials) GoString() string { return c.String() }

// Verify returns the user whom the credentials prove. The errors are an
// *[app.Rejection] for a pair that is wrong, an *[app.Error] 429 for too many attempts
// and 503 when too many passwords are being checked, and faults.
func (l *Local) Verify(ctx context.Context, c Credentials) (user any, err error) {
	name, err := l.o.Canonical(c.Name)
	if err != nil {
		return nil, &app.Rejection{Status: http.StatusBadRequest, Message: "That cannot be a name", Cause: err}
	}
	found, err := l.account(ctx, name)
	if err != nil {
		return nil, err
	}
	keys := attemptKeys(found, name, c.Address)
	if err := l.gate.reserve(ctx, keys); err != nil {
		return nil, err
	}
	err = l.o.Hasher.Verify(ctx, found.hash, c.Password)
	switch {
	case errors.Is(err, passwords.ErrUnusableHash):
		l.o.Logger.ErrorContext(ctx, "a stored password hash cannot be used", "error", err)
		return nil, l.reject(found)
	case errors.Is(err, passwords.ErrMismatch):
		return nil, l.reject(found)
	case err != nil:
		// Nothing was tried, so nothing is counted.
		l.gate.giveBack(ctx, l.o.Logger, keys)
		return nil, busy(err)
	case !found.known || l.o.Disabled != nil && l.o.Disabled(found.user):
		return nil, l.reject(found)
	}
	l.gate.succeeded(ctx, l.o.Logger, keys)
	l.rehash(ctx, found, c.Password)
	return found.user, nil
}

// An account is what a name was resolved to.
type account struct {
	user  any
	hash  string
	known bool
}

func (l *Local) account(ctx context.Context, name string) (account, error) {
	user, hash, err := l.find(ctx, name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return account{}, nil
	case err != nil:
		return account{}, err
	case isNil(user):
		return account{}, nil
	}
	return account{user, hash, true}, nil
}

func (l *Local) reject(found account) error {
	r := &app.Rejection{Message: "Wrong " + l.o.Username + " or " + l.o.Password}
	if l.o.InsecureTellUnknown {
		r.Message = "User not found"
		if found.known {
			r.Message = "Password does not match"
		}
	}
	return r
}

// busy says what the client may do about a password that was not checked.
func busy(err error) error {
	if errors.Is(err, passwords.ErrBusy) {
		return &app.Error{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}, Cause: err}
	}
	return err
}

// rehash stores a hash as strong as Hasher makes them now.
func (l *Local) rehash(ctx context.Context, found account, password string) {
	if l.o.Rehash == nil || !l.o.Hasher.NeedsRehash(found.hash) {
		return
	}
	hash, err := l.o.Hasher.Hash(ctx, password)
	if err == nil {
		err = l.o.Rehash(ctx, found.user, found.hash, hash)
	}
	if err != nil {
		l.o.Logger.WarnContext(ctx, "a password hash could not be renewed", "error", err)
	}
}
