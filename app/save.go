package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// settle decides once, before the first header: the fault that was kept, or the
// sessions saved. An answer of 5xx saves nothing, nor does one that comes too late. It
// says so again until that is answered.
func (c *Context) settle(status int) error {
	if c.settled {
		return c.refusal
	}
	c.settled = true
	switch {
	case c.fault != nil:
		c.refusal = c.fault
	case status >= 500:
	case c.w.overtaken():
		c.reportUnsaved()
	default:
		c.refusal = c.saveSessions()
	}
	return c.refusal
}

var errUnsaved = errors.New("app: the session was changed and not saved: the answer was begun above, or past the writer that a layer was given")

// reportUnsaved tells of changes that came too late.
func (c *Context) reportUnsaved() {
	for _, x := range c.kinds {
		if len(x.changed) > 0 {
			c.report(&Error{Status: http.StatusInternalServerError, Cause: errUnsaved})
			return
		}
	}
}

// saveSessions saves each kind's. If one cannot be saved no cookie of any goes out. The stack is
// behind us, so nobody else would answer a panic of a store or of OnEvent.
func (c *Context) saveSessions() error {
	before := c.Header()["Set-Cookie"]
	for _, x := range c.kinds {
		if err := c.protect(func(*Context) error { return x.save() }); err != nil {
			c.Header()["Set-Cookie"] = before
			return err
		}
	}
	return nil
}

// save writes what changed, or from time to time that the session is in use.
func (x *Session) save() error {
	if !x.loaded || x.loadErr != nil {
		return nil
	}
	if len(x.changed) == 0 {
		return x.touch()
	}
	if x.rec != nil {
		return x.update()
	}
	data := x.merged()
	if len(data) == 0 {
		return nil
	}
	rec := x.fresh()
	rec.Data = data
	return x.insert(rec, nil)
}

// idleUntil is when a session used now ends if it is not used again.
func (s *Sessions) idleUntil(r *SessionRecord, now time.Time) time.Time {
	if until := now.Add(s.o.Idle); until.Before(r.Until) {
		return until
	}
	return r.Until
}

// touch extends the idle limit, at most once a minute.
func (x *Session) touch() error {
	if x.rec == nil {
		return nil
	}
	now := x.s.now()
	if now.Sub(x.rec.Seen) < touchEvery {
		return nil
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	if err := x.s.store.Touch(ctx, x.key, now, x.s.idleUntil(x.rec, now)); err != nil {
		return unavailable(fmt.Errorf("app: extend the session: %w", err))
	}
	x.tell(Event{Name: EventSessionRenewed, Subject: x.rec.Subject})
	return nil
}

// update writes the changes onto what is stored. If another request saved meanwhile
// they are applied again to what it left; if the session was ended they are dropped.
func (x *Session) update() error {
	ctx, cancel := x.savingContext()
	defer cancel()
	for {
		rec := *x.rec
		rec.Data = x.merged()
		if n := size(rec.Data); n > x.s.o.MaxBytes && n > size(x.rec.Data) {
			return ErrSessionTooLarge // by what another request left
		}
		rec.Seen = x.s.now()
		rec.IdleUntil = x.s.idleUntil(&rec, rec.Seen)
		err := x.s.store.Update(ctx, x.key, &rec)
		switch {
		case err == nil:
			renewed := rec.Seen.Sub(x.rec.Seen) >= touchEvery
			x.rec, x.changed = &rec, nil
			if renewed {
				x.tell(Event{Name: EventSessionRenewed, Subject: rec.Subject})
			}
			return nil
		case errors.Is(err, ErrSessionGone):
			x.forget()
			return nil
		case !errors.Is(err, ErrSessionChanged):
			return unavailable(fmt.Errorf("app: save the session: %w", err))
		case ctx.Err() != nil:
			return unavailable(fmt.Errorf("app: save the session: %w", ctx.Err()))
		}
		if err := x.reload(ctx); err != nil || x.rec == nil {
			return err
		}
	}
}

// savingContext bounds the merging by the request's deadline too, if it has one.
func (x *Session) savingContext() (context.Context, context.CancelFunc) {
	ctx, cancel := writing(x.ctx.Context())
	if deadline, ok := x.ctx.Context().Deadline(); ok {
		bounded, stop := context.WithDeadline(ctx, deadline)
		return bounded, func() { stop(); cancel() }
	}
	return ctx, cancel
}

// reload reads what another request saved.
func (x *Session) reload(ctx context.Context) error {
	rec, err := x.s.store.Find(ctx, x.key)
	switch {
	case err != nil:
		return unavailable(fmt.Errorf("app: save the session: %w", err))
	case rec == nil:
		x.forget()
	default:
		x.rec = rec
	}
	return nil
}
