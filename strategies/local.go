package strategies

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
)

// maxLogin is how many bytes of a body are read for a name and a password.
const maxLogin = 16 << 10

// patience is how old an account may be when its password has been checked. Waiting for
// a turn to hash can take longer.
const patience = time.Second

// Local proves a user by the name and the password in the request's body, JSON or a
// form of at most 16 KiB; the query string is never read. Make it with [NewLocal].
//
// Every wrong pair gets one answer, 401, at the price of one hash, whether the name is
// unknown, the password is wrong, missing in the database, or the user is disabled
// (ASVS 6.3.8). Attempts are counted before the hash, by account, by name and by address.
// Too many for a name or from an address are answered 429 with Retry-After, the right
// password too, until the window ends. Too many for an account, made under several names
// for it, are answered as a wrong password is, and no password is compared: that a name
// is refused says nothing about what other names it has.
//
// A login reads the user once. If it took longer than a second, it reads again and
// rejects a user who is gone, disabled, or has another hash now. A password that is
// changed within that second can let in one login with the old one, after the change has
// ended the user's sessions.
type Local struct {
	find     func(ctx context.Context, name string) (user any, hash string, err error)
	o        LocalOptions
	attempts attempts
}

var (
	_ app.Strategy  = (*Local)(nil)
	_ app.Describer = (*Local)(nil)
)

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
		find:     func(ctx context.Context, name string) (any, string, error) { return find(ctx, name) },
		o:        o,
		attempts: attempts{o.Attempts, int64(o.AccountLimit), int64(o.AddressLimit), o.Window, o.Timeout, o.Clock, o.Logger},
	}
}

// Authenticate takes the credentials from the body. A body with neither field has no
// credentials, one with a single field is rejected with 400.
func (l *Local) Authenticate(ctx *app.Context) (*app.Identity, error) {
	body, err := ctx.BindStrings(maxLogin, l.o.Username, l.o.Password)
	if err != nil {
		return nil, err
	}
	c := Credentials{Name: body[l.o.Username], Password: body[l.o.Password], Address: l.o.Address(ctx)}
	switch {
	case len(body) == 0:
		return nil, app.ErrNoCredentials
	case c.Name == "" || c.Password == "":
		return nil, &app.Rejection{Status: http.StatusBadRequest, Message: "Send " + l.o.Username + " and " + l.o.Password}
	}
	user, err := l.Verify(ctx.Context(), c)
	if err != nil {
		EmitLogin(ctx, "local", err)
		return nil, err
	}
	return &app.Identity{User: user, Scopes: []string{"*"}, Via: "local"}, nil
}

// Describe names the fields of the body.
func (l *Local) Describe() (name, looksAt string) {
	return "local", "the body's " + l.o.Username + " and " + l.o.Password
}

// Verify returns the user whom the credentials prove. The errors are an
// *[app.Rejection] for a pair that is wrong, an *[app.Error] 429 for too many attempts,
// and an *[app.Error] 503 when too many passwords are being checked, for the faults of
// what it asks, and when ctx ends.
func (l *Local) Verify(ctx context.Context, c Credentials) (user any, err error) {
	began := l.o.Clock()
	name, err := l.o.Canonical(c.Name)
	if err != nil {
		return nil, &app.Rejection{Status: http.StatusBadRequest, Message: "That cannot be a name", Cause: err}
	}
	try := attempt{of: l.attempts}
	if err := try.reserve(ctx, name, c.Address); err != nil {
		return nil, err
	}
	found, err := l.account(ctx, name)
	if err != nil {
		try.giveBack(ctx)
		return nil, err
	}
	if err := l.check(ctx, &try, found, name, c.Password); err != nil {
		return nil, err
	}
	if l.o.Clock().Sub(began) > patience {
		if found, err = l.again(ctx, found, name); err != nil {
			return nil, err
		}
	}
	try.succeeded(ctx)
	l.rehash(ctx, found, c.Password)
	return found.user, nil
}

// check compares the password, if the account may be tried; otherwise it does as if.
func (l *Local) check(ctx context.Context, try *attempt, found account, name, password string) error {
	room, err := try.reserveAccount(ctx, found, name)
	if err != nil {
		return err
	}
	hash, why := found.hash, l.barred(found, room)
	if why != nil {
		hash = "" // which costs what a mismatch costs, whatever the password
	}
	err = l.o.Hasher.Verify(ctx, hash, password)
	switch {
	case errors.Is(err, passwords.ErrUnusableHash):
		l.o.Logger.ErrorContext(ctx, "a stored password hash cannot be used", "error", err)
		return l.reject(found, err)
	case errors.Is(err, passwords.ErrMismatch), err == nil && hash == "":
		return l.reject(found, cmp.Or(why, errWrongPassword))
	case err != nil:
		try.giveBack(ctx) // nothing was compared, so nothing is counted
		return unavailable("check the password", err)
	}
	return nil
}

// An account is what a name was resolved to.
type account struct {
	user  any
	hash  string
	known bool
}

func (l *Local) account(ctx context.Context, name string) (account, error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	defer cancel()
	user, hash, err := l.find(ctx, name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return account{}, nil
	case err != nil:
		return account{}, unavailable("find the user", err)
	case isNil(user):
		return account{}, nil
	}
	return account{user, hash, true}, nil
}

// again returns the account as it is now, if what was checked still holds.
func (l *Local) again(ctx context.Context, found account, name string) (account, error) {
	now, err := l.account(ctx, name)
	if err == nil && (now.hash != found.hash || !now.known || l.disabled(now)) {
		err = l.reject(found, errChangedMeanwhile)
	}
	return now, err
}

func (l *Local) disabled(a account) bool {
	return a.known && l.o.Disabled != nil && l.o.Disabled(a.user)
}

// Why a pair is wrong, for the log alone.
var (
	errUnknownName      = errors.New("there is no such account")
	errNoPassword       = errors.New("the account has no password")
	errDisabled         = errors.New("the account is disabled")
	errExhausted        = errors.New("too many attempts at the account, under several names")
	errWrongPassword    = errors.New("the password is wrong")
	errChangedMeanwhile = errors.New("the account was changed while the password was checked")
)

// barred returns why no password lets anybody in, or nil.
func (l *Local) barred(found account, room bool) error {
	switch {
	case !found.known:
		return errUnknownName
	case !room:
		return errExhausted
	case l.disabled(found):
		return errDisabled
	case found.hash == "":
		return errNoPassword
	}
	return nil
}

func (l *Local) reject(found account, why error) error {
	r := &app.Rejection{Message: "Wrong " + l.o.Username + " or " + l.o.Password, Cause: why}
	if l.o.InsecureTellUnknown {
		r.Message = "User not found"
		if found.known {
			r.Message = "Password does not match"
		}
	}
	return r
}

// unavailable is the answer to a fault of what a login asks, unless it says itself what
// to answer.
func unavailable(what string, err error) error {
	if _, ok := errors.AsType[*app.Error](err); ok {
		return err
	}
	e := &app.Error{Status: http.StatusServiceUnavailable, Cause: fmt.Errorf("strategies: %s: %w", what, err)}
	if errors.Is(err, passwords.ErrBusy) {
		e.Header = http.Header{"Retry-After": {"1"}}
	}
	return e
}

// rehash stores a hash as strong as Hasher makes them now.
func (l *Local) rehash(ctx context.Context, found account, password string) {
	if l.o.Rehash == nil || !l.o.Hasher.NeedsRehash(found.hash) {
		return
	}
	hash, err := l.o.Hasher.Hash(ctx, password)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Timeout)
		defer cancel()
		err = l.o.Rehash(ctx, found.user, found.hash, hash)
	}
	if err != nil {
		l.o.Logger.WarnContext(ctx, "a password hash could not be renewed", "error", err)
	}
}
