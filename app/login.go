package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/rollback"
)

// loginWith gives the client a new session with user in it.
func (x *Session) loginWith(user any, o loginOptions) error {
	c := x.ctx
	if c.settled || c.sent || c.w.overtaken() {
		return ErrHeadersSent
	}
	// Whatever proved the user: another site's page must not choose who is logged in.
	if err := x.refuseCrossSite(); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := writing(c.Context())
	defer cancel()
	// Serialized first: a user that cannot be costs the visitor nothing.
	subject, err := x.s.subject(ctx, user)
	if err != nil {
		return err
	}
	stamp, err := x.s.stampOf(ctx, user, subject)
	if err != nil {
		return err
	}
	if err := x.load(); err != nil {
		return err
	}
	rollback.On(ctx, x.before())
	rec, err := x.admitted(subject, stamp, o)
	if err != nil {
		return err
	}
	if err := x.begin(ctx, rec, user, o); err != nil {
		return err
	}
	x.asked, x.idErr, x.identity = true, nil, x.identityOf(user)
	c.prove(x.identity)
	x.settleFault()
	x.tell(Event{Name: EventLogin, User: user, Subject: subject})
	return nil
}

// admitted returns the record of who logs in.
func (x *Session) admitted(subject, stamp string, o loginOptions) (*SessionRecord, error) {
	if len(x.changed) > 0 && (o.keepAll || len(o.keep) > 0) {
		if err := x.beforeSave(); err != nil {
			return nil, err
		}
	}
	rec := x.fresh()
	rec.Subject, rec.LoggedIn, rec.Data = subject, rec.Created, x.kept(subject, o)
	if !o.loggedIn.IsZero() {
		rec.LoggedIn = loginBefore(rec.Created, o.loggedIn)
	}
	setNote(rec, stampName, stamp)
	x.stay(rec, o.maxAge)
	return rec, nil
}

// begin stores the session of who logs in. Their client is remembered with it, or not at all.
func (x *Session) begin(ctx context.Context, rec *SessionRecord, user any, o loginOptions) error {
	r := x.s.o.Remember
	switch {
	case r == nil && o.remember:
		return fmt.Errorf("app: Login with Remember: SessionOptions.Remember of the kind %q is nil", x.s.o.Kind)
	case r == nil:
		return x.insert(rec, user)
	case o.keepAll: // the same user, at the same client
		handle := noted(x.rec, rememberName)
		if err := x.forgetOthers(ctx, user, handle); err != nil {
			return err
		}
		setNote(rec, rememberName, handle)
		return x.insert(rec, user)
	}
	if err := x.forgetClient(x.key); err != nil { // somebody else may have been logged in
		return err
	}
	if err := x.forgetOthers(ctx, user, ""); err != nil {
		return err
	}
	if !o.remember {
		return x.insert(rec, user)
	}
	return x.beginRemembered(ctx, rec, user)
}

func (x *Session) beginRemembered(ctx context.Context, rec *SessionRecord, user any) error {
	r, cookies := x.s.o.Remember, x.ctx.Header()["Set-Cookie"]
	handle, err := r.Remember(x.ctx, user)
	if err == nil {
		setNote(rec, rememberName, handle)
		err = x.insert(rec, user)
	}
	if err == nil {
		return nil
	}
	// It would let in the client next time, who was just told that they are not logged in.
	x.ctx.Header()["Set-Cookie"] = cookies
	if handle != "" {
		_, revokeErr := r.Revoke(ctx, user, handle)
		err = errors.Join(err, revokeErr)
	}
	return unavailable(err)
}

// before returns what makes the session and the request's identity as they are now, for a
// transaction of the application that does not last.
func (x *Session) before() func() {
	c, session := x.ctx, *x
	cookies, identity, proven, fault := slices.Clone(c.Header()["Set-Cookie"]), c.identity, c.proven, c.fault
	return func() {
		*x, c.identity, c.proven, c.fault = session, identity, proven, fault
		c.Header()["Set-Cookie"] = cookies
	}
}

// settleFault drops the fault that was kept for a user who is not asked for any more, but not
// that of another kind's session.
func (x *Session) settleFault() {
	c := x.ctx
	another := slices.ContainsFunc(c.kinds, func(other *Session) bool { return other != x && other.blamed })
	if x.blamed || x == c.kinds[0] && !another {
		c.fault = nil
	}
	x.blamed = false
}

// kept returns the values that go over into the session of who logs in. What another
// user left is not for them to read.
func (x *Session) kept(subject string, o loginOptions) map[string]json.RawMessage {
	keep := slices.Clone(o.keep)
	if x.rec == nil || x.rec.Subject == "" || x.rec.Subject == subject {
		keep = append(keep, flashName, returnToName)
	}
	data := x.merged()
	maps.DeleteFunc(data, func(name string, _ json.RawMessage) bool {
		return reserved(name) || !o.keepAll && !slices.Contains(keep, name)
	})
	if o.flash != nil {
		x.greet(data, *o.flash)
	}
	return data
}

// greet adds a message for the next page, if there is room: nobody is kept out by messages
// that were never read.
func (x *Session) greet(data map[string]json.RawMessage, f Flash) {
	var all []Flash
	_ = json.Unmarshal(data[flashName], &all)
	raw, _ := json.Marshal(append(all, f)) // strings can be encoded
	if size(data)+len(raw)-len(data[flashName]) <= x.s.o.MaxBytes {
		data[flashName] = raw
	}
}

// fresh returns a record that begins now.
func (x *Session) fresh() *SessionRecord {
	now := x.s.now()
	rec := &SessionRecord{
		Kind: x.s.o.Kind, Created: now, Seen: now, Until: now.Add(x.s.o.Absolute),
		Agent: agent(x.ctx.Request.UserAgent()), Data: map[string]json.RawMessage{},
	}
	rec.IdleUntil = x.s.idleUntil(rec, now)
	if a := x.ctx.Address(); a.IsValid() {
		rec.Address = a.String()
	}
	return rec
}

// insert stores rec under a new id, in place of the row that the client presented.
func (x *Session) insert(rec *SessionRecord, user any) error {
	return x.insertWithin(rec, user, x.s.o.MaxPerUser)
}

func (x *Session) insertWithin(rec *SessionRecord, user any, limit int) error {
	id, err := newID()
	if err != nil {
		return err
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	key := x.s.keyOf(id)
	ended, err := x.s.insert(ctx, key, x.key, rec, limit)
	if err != nil {
		return unavailable(fmt.Errorf("app: store the session: %w", err))
	}
	if err := x.s.forgetOusted(ctx, user, rec, ended); err != nil {
		return errors.Join(err, x.undo(key))
	}
	x.key, x.rec, x.changed = key, rec, nil
	x.setCookie(id)
	x.tell(Event{Name: EventSessionCreated, User: user, Subject: rec.Subject})
	for i := range ended {
		x.tell(Event{Name: EventSessionRevoked, User: user, Subject: rec.Subject, Session: ended[i].Key, Reason: errTooMany})
	}
	return nil
}

// undo ends a session of which the client was not told yet. That before it is gone, too.
func (x *Session) undo(key string) error {
	err := x.end(key)
	x.forget()
	x.unprove()
	return err
}

// agent makes what the client calls itself fit to be stored.
func agent(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "")
	for len(name) > 256 {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}
