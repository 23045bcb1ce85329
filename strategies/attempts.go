package strategies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/throttle"
)

// attempts counts logins by account, by name and by address.
type attempts struct {
	counter          throttle.Counter
	account, address int64 // limits
	window, timeout  time.Duration
	clock            func() time.Time
	log              *slog.Logger
}

// An attempt is one login, counted before it is made: many at once must not all find room.
type attempt struct {
	of       attempts
	address  reservation // of no key if there is no address
	accounts []reservation
}

// A reservation is a place in the window that ends at until.
type reservation struct {
	key   string
	until time.Time
}

// reserve counts what was sent, before anything is known about it: too many are refused
// alike, whether the name exists or not.
func (a *attempt) reserve(ctx context.Context, name string, address netip.Addr) error {
	if key := addressKey(address); key != "" {
		count, err := a.of.add(ctx, key)
		if err != nil {
			return err
		}
		a.address = reservation{key, count.Until}
		if count.N > a.of.address {
			return a.of.tooMany(count)
		}
	}
	count, err := a.add(ctx, "login:name:"+name)
	if err == nil && count.N > a.of.account {
		err = a.of.tooMany(count)
	}
	return err
}

// reserveAccount counts the account under all its names, and reports whether its
// password may be tried. Unknown names cost one question as well.
func (a *attempt) reserveAccount(ctx context.Context, found account, name string) (room bool, err error) {
	count, err := a.add(ctx, accountKey(found, name))
	return err == nil && count.N <= a.of.account, err
}

// add counts a reservation that a success forgets. If that fails nothing will be tried.
func (a *attempt) add(ctx context.Context, key string) (throttle.Count, error) {
	count, err := a.of.add(ctx, key)
	if err != nil {
		a.giveBack(ctx)
		return count, err
	}
	a.accounts = append(a.accounts, reservation{key, count.Until})
	return count, nil
}

// succeeded forgets the failures of the account and the name, and takes this attempt
// back from the address, where those of others still count.
func (a *attempt) succeeded(ctx context.Context) {
	ctx, cancel := a.of.writing(ctx)
	defer cancel()
	for _, r := range a.accounts {
		if err := a.of.counter.Reset(ctx, r.key); err != nil {
			a.of.log.WarnContext(ctx, "login attempts were not reset", "error", err)
		}
	}
	a.of.takeBack(ctx, a.address)
}

// giveBack takes back what was reserved for a password that was not checked.
func (a *attempt) giveBack(ctx context.Context) {
	ctx, cancel := a.of.writing(ctx)
	defer cancel()
	for _, r := range append(a.accounts, a.address) {
		a.of.takeBack(ctx, r)
	}
}

func (a attempts) add(ctx context.Context, key string) (throttle.Count, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	count, err := a.counter.Add(ctx, key, 1, a.clock().UTC(), a.window)
	if err != nil {
		return count, unavailable("count the attempt", err)
	}
	return count, nil
}

func (a attempts) takeBack(ctx context.Context, r reservation) {
	if r.key == "" {
		return
	}
	if err := a.counter.TakeBack(ctx, r.key, 1, r.until); err != nil {
		a.log.WarnContext(ctx, "a login attempt was not taken back", "error", err)
	}
}

// writing bounds what has to be written though the client hangs up.
func (a attempts) writing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
}

func (a attempts) tooMany(count throttle.Count) error {
	return &app.Error{
		Status: http.StatusTooManyRequests, Message: "Too many attempts, try again later",
		Header: http.Header{"Retry-After": {count.RetryAfter(a.clock())}},
	}
}

// accountKey names the account as it was found. Its salted hash tells one account from
// all others and is the same under each of its names.
func accountKey(found account, name string) string {
	if found.hash == "" {
		return "login:nobody:" + name
	}
	sum := sha256.Sum256([]byte(found.hash))
	return "login:account:" + hex.EncodeToString(sum[:])
}

// addressKey is "" for an address that is not valid.
func addressKey(address netip.Addr) string {
	client := throttle.Client(address)
	if client == "" {
		return ""
	}
	return "login:address:" + client
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
