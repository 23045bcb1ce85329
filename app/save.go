package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kahu-go/kahu/internal/rollback"
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
	before, status, body := c.Header()["Set-Cookie"], c.Status, c.Body
	defer func() { c.Status, c.Body = status, body }() // the answer is made already
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
	if !x.loaded || x.loadErr != nil || x.skipped {
		return nil
	}
	return x.write(false)
}

// Save writes the changes now, and that the session is in use, or else stores a new one
// without values, with its cookie. It is as if it were done by Login: an answer of 5xx
// does not undo it. What is changed afterwards is saved at the end of the request. After
// Logout only a session with new values is stored. A session that was ended meanwhile
// stays so, and its changes are dropped, those that follow too if somebody was logged in.
//
// The errors are 503 for a store that fails, [ErrHeadersSent], [ErrSessionTooLarge],
// and those of [SessionOptions].BeforeSave, which must not call it.
func (x *Session) Save() error {
	if err := x.writable(); err != nil {
		return err
	}
	rollback.On(x.ctx.Context(), x.before())
	return x.write(true)
}

// SkipSave keeps the end of the request from saving anything, even that the session was
// used. Save, Regenerate, Login and Logout write at once and are not concerned.
func (x *Session) SkipSave() { x.skipped = true }

var errSaving = errors.New("app: SessionOptions.BeforeSave cannot save the session itself")

// writable returns why the session cannot be written now.
func (x *Session) writable() error {
	switch c := x.ctx; {
	case x.saving:
		return errSaving
	case c.settled || c.sent || c.w.overtaken():
		return ErrHeadersSent
	}
	return x.usable()
}

// write saves the data if it is worth that; force: a new session without any is.
func (x *Session) write(force bool) error {
	if !x.worth(force) {
		return x.touch(force)
	}
	if err := x.beforeSave(); err != nil {
		return err
	}
	switch {
	case !x.worth(force): // the hook has taken it all back
		return nil
	case x.rec != nil:
		return x.update()
	}
	rec := x.fresh()
	rec.Data = x.merged()
	return x.insert(rec, nil)
}

// worth reports whether there is data to be saved.
func (x *Session) worth(force bool) bool {
	switch {
	case x.rec != nil:
		return len(x.changed) > 0
	case x.gone:
		return false
	}
	return force && !x.ended || len(x.changed) > 0 && len(x.merged()) > 0
}

// update writes the changes onto what is stored. If another request saved meanwhile
// they are applied again to what it left; if the session was ended they are dropped.
func (x *Session) update() error {
	ctx, cancel := x.savingContext()
	defer cancel()
	for {
		rec := x.used(x.merged())
		if n := size(rec.Data); n > x.s.o.MaxBytes && n > size(x.rec.Data) {
			return ErrSessionTooLarge // by what another request left
		}
		err := x.s.store.Update(ctx, x.key, rec)
		switch {
		case err == nil:
			x.updated(rec)
			return nil
		case errors.Is(err, ErrSessionGone):
			x.lose()
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

// updated notes what was written.
func (x *Session) updated(rec *SessionRecord) {
	extended := rec.Seen.Sub(x.rec.Seen) >= touchEvery
	x.rec, x.changed = rec, nil
	if !extended {
		return
	}
	x.tell(Event{Name: EventSessionRenewed, Subject: rec.Subject})
	if x.rolls() {
		x.sendAgain()
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
		x.lose()
	default:
		x.rec = rec
	}
	return nil
}

// lose forgets a session that another request has ended. What this one sets from now on may be of
// who was logged in: it is dropped, too, and begins no session that others at this client would see.
func (x *Session) lose() {
	x.gone = x.rec.Subject != ""
	x.forget()
}
