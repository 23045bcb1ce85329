package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// ErrSessionTooLarge is returned by [Session.Set] if the session would hold more than
// [SessionOptions].MaxBytes. Answered 413.
var ErrSessionTooLarge = errors.New("app: the session holds too much")

// A Session is the session of one request. It holds values as JSON under names, of
// which yours begin with a letter. Changes are kept with the request and saved once,
// before the headers; an answer of 5xx saves none. Changes that other requests made
// meanwhile to other names are kept; of the same name the last saved wins.
//
// Like its Context it belongs to one goroutine.
type Session struct {
	s   *Sessions
	ctx *Context

	key     string         // of rec, or of what the client presented
	rec     *SessionRecord // what is stored; nil: nothing
	cookie  bool           // the client presented some cookie of this name
	loaded  bool
	loadErr error
	changed map[string]json.RawMessage // not saved yet; nil: deleted

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
		x.ctx.fault = err
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
	x.loadErr = x.find()
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
	case err != nil:
		return unavailable(fmt.Errorf("app: load the session: %w", err))
	case rec == nil || rec.Kind != x.s.o.Kind:
		x.why = errNoRow
	case !live(rec, x.s.now()):
		x.why = errExpired
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

// Get decodes the value of name into v, a pointer, and reports whether there is one.
func (x *Session) Get(name string, v any) (bool, error) {
	if err := x.usable(); err != nil {
		return false, err
	}
	raw := x.raw(name)
	if raw == nil {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("app: session value %q: %w", name, err)
	}
	return true, nil
}

func (x *Session) raw(name string) json.RawMessage {
	if raw, ok := x.changed[name]; ok {
		return raw
	}
	if x.rec == nil {
		return nil
	}
	return x.rec.Data[name]
}

// Set keeps v, anything that encodes as JSON, under name. Setting what is there
// already is no change. The errors are [ErrHeadersSent], [ErrSessionTooLarge], and
// those of encoding.
func (x *Session) Set(name string, v any) error {
	if name == "" {
		return errors.New("app: a session value needs a name")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("app: session value %q: %w", name, err)
	}
	return x.set(name, raw)
}

// Delete removes the value of name.
func (x *Session) Delete(name string) error { return x.set(name, nil) }

func (x *Session) set(name string, raw json.RawMessage) error {
	if x.ctx.settled || x.ctx.sent {
		return ErrHeadersSent
	}
	if err := x.usable(); err != nil {
		return err
	}
	if bytes.Equal(raw, x.raw(name)) {
		return nil
	}
	total := size(x.merged())
	before, had := x.changed[name]
	if x.changed == nil {
		x.changed = map[string]json.RawMessage{}
	}
	x.changed[name] = raw
	after := size(x.merged())
	if after <= x.s.o.MaxBytes || after < total {
		return nil
	}
	if delete(x.changed, name); had {
		x.changed[name] = before
	}
	return fmt.Errorf("%w: over %d bytes", ErrSessionTooLarge, x.s.o.MaxBytes)
}

// merged returns what is stored with the changes on top.
func (x *Session) merged() map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	if x.rec != nil {
		maps.Copy(data, x.rec.Data)
	}
	for name, raw := range x.changed {
		if raw == nil {
			delete(data, name)
		} else {
			data[name] = raw
		}
	}
	return data
}

// size is about what data takes as JSON.
func size(data map[string]json.RawMessage) int {
	n := len("{}")
	for name, raw := range data {
		n += len(name) + len(raw) + len(`"":,`)
	}
	return n
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
