package strategies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prune"
	"github.com/kahu-go/kahu/tokenstores"
)

// A Device is a login that is kept up by refresh tokens, as its user may see it.
type Device struct {
	ID       string    `json:"id"` // JWTClaims.Device of its access tokens
	Name     string    `json:"name"`
	Client   string    `json:"client,omitempty"`
	Scopes   []string  `json:"scopes"`
	Address  string    `json:"address,omitempty"` // where it was last refreshed, or logged in
	Created  time.Time `json:"created_at"`
	LastUsed time.Time `json:"last_used_at"` // when it was last refreshed, or logged in
	Expires  time.Time `json:"expires_at"`   // the latest; sooner if it is not used
}

// Devices returns the devices on which a user is logged in, the last used first.
func (j *JWT) Devices(ctx context.Context, user any) ([]Device, error) {
	subject, err := subjectOf(ctx, j.users, user)
	if err != nil || isNil(j.o.Refresh.Store) {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	rows, err := j.o.Refresh.Store.List(ctx, j.refreshType, subject)
	if err != nil {
		return nil, away("list devices", err)
	}
	var list []Device
	for i := range rows {
		t := &rows[i]
		f, err := decodeFamily(t)
		if err != nil || !t.Live(j.now()) {
			continue
		}
		list = append(list, Device{t.ID, t.Name, f.Client, append([]string{}, t.Scopes...), t.Address, t.Created, t.Used(), t.Expires})
	}
	return list, nil
}

// Revoke ends a device of a user by its id, its access tokens too, and reports whether
// there was one.
func (j *JWT) Revoke(ctx context.Context, user any, id string) (bool, error) {
	subject, err := subjectOf(ctx, j.users, user)
	if err != nil || isNil(j.o.Refresh.Store) {
		return false, err
	}
	t, err := j.deviceOf(ctx, subject, id)
	if err != nil || t == nil {
		return false, err
	}
	return j.endDevice(ctx, t)
}

// deviceOf returns a device of a user, or nil: nobody ends, or keeps, what is not theirs.
func (j *JWT) deviceOf(ctx context.Context, subject, id string) (*tokenstores.Token, error) {
	if !isTokenID(id) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	t, err := j.o.Refresh.Store.Find(ctx, j.refreshType, id)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		return nil, nil
	case err != nil:
		return nil, away("find the device", err)
	case t == nil || t.Subject != subject:
		return nil, nil
	}
	return t, nil
}

// RevokeAll ends all devices of a user but the one with the id keep ("", and one that is not
// the user's: none is kept), and all access tokens that were issued to others, and returns
// how many devices there were. Call it when the password changes, and when an account is
// disabled or deleted. It is [app.ErrCannotEnd] if the options know no way.
func (j *JWT) RevokeAll(ctx context.Context, user any, keep string) (n int, err error) {
	subject, err := subjectOf(ctx, j.users, user)
	if err != nil {
		return 0, err
	}
	switch {
	case isNil(j.o.Refresh.Store) && isNil(j.o.Denylist):
		return 0, fmt.Errorf("strategies: JWTs that no Denylist and no Refresh.Store knows: %w", app.ErrCannotEnd)
	case isNil(j.o.Refresh.Store):
		return 0, j.beginEpoch(ctx, subject, "")
	}
	switch kept, err := j.deviceOf(ctx, subject, keep); {
	case err != nil:
		return 0, err
	case kept == nil:
		keep = ""
	}
	c, cancel := finishing(ctx)
	defer cancel()
	if n, err = j.o.Refresh.Store.DeleteAll(c, j.refreshType, subject, keep); err != nil {
		return n, away("end devices", err)
	}
	if err := j.beginEpoch(ctx, subject, keep); err != nil || keep == "" {
		return n, err
	}
	// Somebody who ended all of them meanwhile has ended this one too: its tokens must not be
	// kept.
	kept, err := j.deviceOf(ctx, subject, keep)
	if err == nil && kept == nil {
		err = j.beginEpoch(ctx, subject, "")
	}
	return n, err
}

// Revocable reports whether the options know a way to end tokens before they expire.
func (j *JWT) Revocable() bool { return !isNil(j.o.Refresh.Store) || !isNil(j.o.Denylist) }

// beginEpoch ends the access tokens of a user. The rows of devices must be gone by now: see
// [JWT.epoch].
func (j *JWT) beginEpoch(ctx context.Context, subject, keep string) error {
	e, err := newEpoch(j.now(), keep)
	if err != nil {
		return err
	}
	until := j.now().Add(j.life())
	return j.deny(ctx, tokenstores.Denial{Key: j.userKey(subject), Mark: e.mark(), Until: until})
}

func (j *JWT) deleteDevice(ctx context.Context, id, subject string) (bool, error) {
	ctx, cancel := finishing(ctx)
	defer cancel()
	there, err := j.o.Refresh.Store.Delete(ctx, j.refreshType, id, subject)
	if err != nil {
		return false, away("end the device", err)
	}
	return there, nil
}

// Prune removes devices and denials that are over, in batches, from the whole stores, and
// returns how many there were.
func (j *JWT) Prune(ctx context.Context) (total int, err error) {
	for _, store := range j.pruned() {
		n, err := pruneAll(ctx, store, j.now)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged and
// do not end it. Run it in a goroutine of its own.
func (j *JWT) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := j.Prune(ctx); err != nil && ctx.Err() == nil {
			j.o.Logger.ErrorContext(ctx, "expired tokens were not removed", "error", err)
		}
	})
}

// A pruner is a store that forgets what is over.
type pruner interface {
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}

func (j *JWT) pruned() (stores []pruner) {
	if !isNil(j.o.Refresh.Store) {
		stores = append(stores, j.o.Refresh.Store)
	}
	if !isNil(j.o.Denylist) {
		stores = append(stores, j.o.Denylist)
	}
	return stores
}
