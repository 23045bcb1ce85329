package app

import (
	"context"

	"github.com/kahu-go/kahu/internal/rollback"
)

// logout deletes the row, then the cookie: if the row cannot be deleted the client
// keeps the cookie and can try again.
func (x *Session) logout() error {
	c := x.ctx
	if c.settled || c.sent {
		return ErrHeadersSent
	}
	if err := x.checkOrigin(); err != nil {
		return err
	}
	rollback.On(c.Context(), x.before())
	keys := x.endable()
	if x.s.o.Remember != nil {
		if err := x.forgetClient(keys...); err != nil {
			return err
		}
	}
	var events []Event
	for _, key := range keys {
		if e, ok := x.leaving(key); ok {
			events = append(events, e)
		}
		if err := x.end(key); err != nil {
			return err
		}
	}
	if x.cookie || x.key != "" {
		x.clearCookie()
	}
	x.forget()
	x.ended, x.gone = true, false
	x.settleFault()
	x.unprove()
	for _, e := range events {
		x.tell(e)
	}
	return nil
}

// leaving says who leaves with a session, if somebody listens. Only then is one looked up that is
// not loaded, and what is no session is none that ends.
func (x *Session) leaving(key string) (e Event, ok bool) {
	if !x.ctx.listened() {
		return e, false
	}
	rec := x.rec
	if rec == nil {
		ctx, cancel := x.s.reading(context.WithoutCancel(x.ctx.Context()))
		defer cancel()
		found, err := x.s.store.Find(ctx, key)
		if err != nil { // that it ends is what counts
			return Event{Name: EventLogout, Session: key}, true
		}
		rec = found
	}
	if rec == nil || rec.Kind != x.s.o.Kind || rec.Subject == "" || !live(rec, x.s.now()) {
		return e, false
	}
	e = Event{Name: EventLogout, Session: key, Subject: rec.Subject, User: rec.User}
	if x.identity != nil {
		e.User = x.identity.User
	}
	return e, true
}

// endable returns the keys of what this client may be logged in by: the session, or
// what its cookies name, of which there may be several that contradict each other.
func (x *Session) endable() []string {
	if x.rec != nil {
		return []string{x.key}
	}
	ids, any := x.s.presentedIDs(x.ctx.Request)
	x.cookie = any
	var keys []string
	for _, id := range ids {
		keys = append(keys, x.s.keyOf(id))
	}
	return keys
}

func (x *Session) end(key string) error {
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	return x.s.delete(ctx, key)
}

// unprove makes nobody of the request's user if that was this session's.
func (x *Session) unprove() {
	c := x.ctx
	if id := c.identity; id != nil && id.of == x || id == nil && x == c.kinds[0] {
		c.prove(nil)
	}
}
