package strategies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/throttle"
)

// attempts counts logins by account and by address.
type attempts struct {
	counter          throttle.Counter
	account, address int64 // limits
	window           time.Duration
	clock            func() time.Time
}

// keys are what one attempt is counted under; address may be "".
type keys struct{ account, address string }

// attemptKeys names the account as it was found, so that an alias does not have
// attempts of its own. Its salted hash tells one account from all others and is the
// same under each of its names. Unknown names are counted alike: whether a name is
// throttled must not say that it exists.
func attemptKeys(found account, name string, address netip.Addr) keys {
	k := keys{account: "login:name:" + name}
	if found.known && found.hash != "" {
		sum := sha256.Sum256([]byte(found.hash))
		k.account = "login:account:" + hex.EncodeToString(sum[:])
	}
	if !address.IsValid() {
		return k
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		// One subscriber has a /64, so single addresses would be no limit at all.
		prefix, _ := address.Prefix(64)
		address = prefix.Addr()
	}
	k.address = "login:address:" + address.String()
	return k
}

// reserve counts the attempt before it is made: many at once must not all find room.
func (a attempts) reserve(ctx context.Context, k keys) error {
	now := a.clock().UTC()
	if k.address != "" {
		if err := a.add(ctx, k.address, a.address, now); err != nil {
			return err
		}
	}
	return a.add(ctx, k.account, a.account, now)
}

func (a attempts) add(ctx context.Context, key string, limit int64, now time.Time) error {
	count, err := a.counter.Add(ctx, key, 1, now, a.window)
	if err != nil {
		return err
	}
	if count.N <= limit {
		return nil
	}
	seconds := max(1, int(math.Ceil(count.Until.Sub(now).Seconds())))
	return &app.Error{
		Status: http.StatusTooManyRequests, Message: "Too many attempts, try again later",
		Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}},
	}
}

// succeeded forgets the account's failures, and takes this attempt back from the
// address, where those of others still count.
func (a attempts) succeeded(ctx context.Context, log *slog.Logger, k keys) {
	ctx = context.WithoutCancel(ctx)
	err := a.counter.Reset(ctx, k.account)
	if err == nil && k.address != "" {
		_, err = a.counter.Add(ctx, k.address, -1, a.clock().UTC(), a.window)
	}
	if err != nil {
		log.WarnContext(ctx, "login attempts were not reset", "error", err)
	}
}

// giveBack takes back a reservation for which no password was checked.
func (a attempts) giveBack(ctx context.Context, log *slog.Logger, k keys) {
	ctx = context.WithoutCancel(ctx)
	for _, key := range []string{k.account, k.address} {
		if key == "" {
			continue
		}
		if _, err := a.counter.Add(ctx, key, -1, a.clock().UTC(), a.window); err != nil {
			log.WarnContext(ctx, "a login attempt was not taken back", "error", err)
		}
	}
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
