package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// idleUntil is when a session used now ends if it is not used again.
func (s *Sessions) idleUntil(r *SessionRecord, now time.Time) time.Time {
	if maxAgeOf(r) > 0 {
		return r.Until
	}
	return earlier(now.Add(s.o.Idle), r.Until)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// touch extends the idle limit, at most once a minute unless it is forced.
func (x *Session) touch(force bool) error {
	if x.rec == nil {
		x.sweep()
		return nil
	}
	extended := x.s.now().Sub(x.rec.Seen) >= touchEvery
	if !extended && !force {
		return nil
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	rec := x.used(x.rec.Data)
	if err := x.s.store.Touch(ctx, x.key, rec.Seen, rec.IdleUntil); err != nil {
		return unavailable(fmt.Errorf("app: extend the session: %w", err))
	}
	x.rec = rec
	if !extended {
		return nil
	}
	x.tell(Event{Name: EventSessionRenewed, Subject: rec.Subject})
	return x.roll(ctx)
}

// sweep deletes what the client presented and has expired, if nothing has taken its place. A fault
// is nobody's but ours, and pruning will come by.
func (x *Session) sweep() {
	if !x.expired || x.key == "" {
		return
	}
	x.expired = false
	if err := x.end(x.key); err != nil {
		x.ctx.report(err)
	}
}

// used returns the record with other data and used now.
func (x *Session) used(data map[string]json.RawMessage) *SessionRecord {
	rec := *x.rec
	rec.Data, rec.Seen = data, x.s.now()
	rec.IdleUntil = x.s.idleUntil(&rec, rec.Seen)
	return &rec
}

// roll sends the cookie of a session that was extended once more, so that the browser
// keeps it for longer. Touch does not say whether there was a session: another id, that
// a login has given meanwhile, is not to be overwritten by a dead one.
func (x *Session) roll(ctx context.Context) error {
	if !x.rolls() {
		return nil
	}
	if err := x.reload(ctx); err != nil {
		return err
	}
	x.sendAgain()
	return nil
}

func (x *Session) rolls() bool { return x.s.o.Cookie.Rolling && maxAgeOf(x.rec) == 0 }

func (x *Session) sendAgain() {
	if id, _ := x.s.presented(x.ctx.Request); id != "" && x.s.keyOf(id) == x.key {
		x.setCookie(id)
	}
}
