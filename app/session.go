package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Session is the session of one request. It holds values as JSON under names, which
// begin with a letter. Changes are kept with the request and saved once, before the
// headers, unless [Session.Save] does it sooner; an answer of 5xx saves none. Changes
// that other requests made meanwhile to other names are kept; of the same name the last
// saved wins.
//
// Like its Context it belongs to one goroutine. Where it is printed, logged or encoded
// as JSON, it shows neither values nor the id.
type Session struct {
	s   *Sessions
	ctx *Context

	key     string         // of rec, or of what the client presented
	rec     *SessionRecord // what is stored; nil: nothing
	cookie  bool           // the client presented some cookie of this name
	loaded  bool
	loadErr error
	changed map[string]json.RawMessage // not saved yet; nil: deleted

	saving  bool // BeforeSave is asked
	skipped bool // the end of the request saves nothing
	ended   bool // by its own logout
	gone    bool // by another request: what is set now is not for whoever comes next
	expired bool // what the client presented has
	blamed  bool // the request's fault is that of using it

	refused error // the request comes from another site
	why     error // there is no user, which passes

	asked    bool // identity is known
	identity *Identity
	idErr    error
}

// Session returns the session of the request, the first in the stack, and loads it
// if this is the first time that somebody asks. A visitor without one gets an empty
// one, which costs nothing until something is set. An error is a fault, or 403 for an
// unsafe request from another site.
func (c *Context) Session() (*Session, error) {
	x, err := c.defaultSession()
	if err != nil {
		return nil, err
	}
	return x.ready()
}

// ready returns the session and whether it can be used. Who drops the error gets it
// again with each use, and it is answered.
func (x *Session) ready() (*Session, error) { return x, x.load() }

// usable keeps the fault for those who drop errors.
func (x *Session) usable() error {
	err := x.load()
	if err != nil && x.ctx.fault == nil {
		x.ctx.fault, x.blamed = err, true
	}
	return err
}

// errInterrupted stands until a question is answered, so that a panic which somebody
// recovers from is no answer.
var errInterrupted = unavailable(errors.New("app: the session's store or Serializer panicked"))

// load asks the store for what the cookie names, once.
func (x *Session) load() error {
	if err := x.checkOrigin(); err != nil {
		return err
	}
	if x.loaded {
		return x.loadErr
	}
	x.loaded, x.loadErr = true, errInterrupted
	if x.loadErr = x.find(); x.loadErr == nil && x.rec != nil && x.s.o.Valid != nil {
		x.loadErr = x.validate()
	}
	return x.loadErr
}

func (x *Session) find() error {
	x.present()
	if x.key == "" {
		x.why = errNoCookie
		if x.cookie {
			x.why = errUnusableCookie
		}
		return nil
	}
	ctx, cancel := x.s.reading(x.ctx.Context())
	defer cancel()
	rec, err := x.s.store.Find(ctx, x.key)
	switch {
	case errors.Is(err, ErrSessionDamaged):
		x.ctx.report(err)
		x.why = &nobody{err.Error()}
		x.tell(Event{Name: EventSessionInvalid, Reason: err})
	case err != nil:
		return unavailable(fmt.Errorf("app: load the session: %w", err))
	case rec == nil || rec.Kind != x.s.o.Kind:
		x.why = errNoRow
		x.tell(Event{Name: EventSessionMissed})
	case !live(rec, x.s.now()):
		x.why, x.expired = errExpired, true
		x.tell(Event{Name: EventSessionExpired, Subject: rec.Subject, Session: x.key})
	default:
		x.rec = rec
	}
	return nil
}

// A nobody is why a session proves no user.
type nobody struct{ why string }

func (n *nobody) Error() string        { return n.why }
func (n *nobody) Is(target error) bool { return target == ErrNoCredentials }

var (
	errNoCookie       = &nobody{"no cookie"}
	errUnusableCookie = &nobody{"a cookie that cannot be one of ours, or several that differ"}
	errNoRow          = &nobody{"the store has no such session"}
	errExpired        = &nobody{"the session has expired"}
	errNobody         = &nobody{"a session that nobody is logged in to"}
	errUserGone       = &nobody{"the user is gone"}
	errStampChanged   = &nobody{"what the session was bound to has changed"}
	errElsewhere      = &nobody{"it was ended from elsewhere"}
	errTooMany        = &nobody{"the user has newer sessions than may be kept"}
	errTwin           = &nobody{"its client has a newer one"}
	errInvalid        = &nobody{"SessionOptions.Valid says that it is not"}
)

// tell tells of this session.
func (x *Session) tell(e Event) {
	if !x.ctx.listened() {
		return
	}
	if e.Session == "" {
		e.Session = x.key
	}
	x.s.tell(x.ctx, e)
}

// present notes what the client presented.
func (x *Session) present() {
	id, any := x.s.presented(x.ctx.Request)
	x.cookie = any
	if id != "" {
		x.key = x.s.keyOf(id)
	}
}

func live(r *SessionRecord, now time.Time) bool {
	return now.Before(r.IdleUntil) && now.Before(r.Until)
}

// forget makes the session that of a visitor without one.
func (x *Session) forget() {
	x.key, x.rec, x.changed = "", nil, nil
	x.loaded, x.loadErr = true, nil
	x.asked, x.identity, x.idErr = true, nil, nil
}

// askedSession reports whether the answer may depend on a session cookie.
func (c *Context) askedSession() bool {
	for _, x := range c.kinds {
		if x.loaded {
			return true
		}
	}
	return false
}
