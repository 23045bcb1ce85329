package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/rollback"
)

// A LoginOption changes one Login.
type LoginOption func(*loginOptions)

type loginOptions struct{ keep []string }

// KeepSession carries the values of these names over into the new session. All others
// are dropped: what a visitor collected is not to become the user's by accident.
func KeepSession(names ...string) LoginOption {
	return func(o *loginOptions) { o.keep = append(o.keep, names...) }
}

// login gives the client a new session with user in it.
func (x *Session) login(user any, opts []LoginOption) error {
	c := x.ctx
	if c.settled || c.sent || c.w.overtaken() {
		return ErrHeadersSent
	}
	// Whatever proved the user: another site's page must not choose who is logged in.
	if err := x.refuseCrossSite(); err != nil {
		return err
	}
	ctx, cancel := writing(c.Context())
	defer cancel()
	// Serialized first: a user that cannot be costs the visitor nothing.
	subject, err := x.s.subject(ctx, user)
	if err != nil {
		return err
	}
	if err := x.load(); err != nil {
		return err
	}
	rollback.On(ctx, x.before())
	rec := x.fresh()
	rec.Subject, rec.LoggedIn, rec.Data = subject, rec.Created, x.kept(subject, opts)
	if err := x.insert(rec); err != nil {
		return err
	}
	x.asked, x.idErr, x.identity = true, nil, x.identityOf(user)
	c.prove(x.identity)
	x.settleFault()
	return nil
}

// before returns what makes the session and the request's identity as they are now, for a transaction of the application that does not last.
func (x *Session) before() func() {
	c, session := x.ctx, *x
	cookies, identity, proven, fault := slices.Clone(c.Header()["Set-Cookie"]), c.identity, c.proven, c.fault
	return func() {
		*x, c.identity, c.proven, c.fault = session, identity, proven, fault
		c.Header()["Set-Cookie"] = cookies
	}
}

// settleFault drops the fault that was kept for a user who is not asked for any more.
func (x *Session) settleFault() {
	if x == x.ctx.kinds[0] {
		x.ctx.fault = nil
	}
}

// kept returns the values that go over into the session of who logs in. What another
// user left is not for them to read.
func (x *Session) kept(subject string, opts []LoginOption) map[string]json.RawMessage {
	var o loginOptions
	if x.rec == nil || x.rec.Subject == "" || x.rec.Subject == subject {
		o.keep = []string{flashName, returnToName}
	}
	for _, opt := range opts {
		opt(&o)
	}
	data := x.merged()
	for name := range data {
		if !slices.Contains(o.keep, name) {
			delete(data, name)
		}
	}
	return data
}

// fresh returns a record that begins now.
func (x *Session) fresh() *SessionRecord {
	now := x.s.now()
	rec := &SessionRecord{
		Kind: x.s.o.Kind, Created: now, Seen: now, Until: now.Add(x.s.o.Absolute),
		Agent: agent(x.ctx.Request.UserAgent()),
	}
	rec.IdleUntil = x.s.idleUntil(rec, now)
	if a := x.ctx.Address(); a.IsValid() {
		rec.Address = a.String()
	}
	return rec
}

// insert stores rec under a new id, in place of the row that the client presented.
func (x *Session) insert(rec *SessionRecord) error {
	id, err := newID()
	if err != nil {
		return err
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	key := x.s.keyOf(id)
	if err := x.s.store.Insert(ctx, key, x.key, rec); err != nil {
		return unavailable(fmt.Errorf("app: store the session: %w", err))
	}
	x.key, x.rec, x.changed = key, rec, nil
	x.setCookie(id)
	return nil
}

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
	for _, key := range x.endable() {
		if err := x.end(key); err != nil {
			return err
		}
	}
	if x.cookie || x.key != "" {
		x.clearCookie()
	}
	x.forget()
	x.settleFault()
	if id := c.identity; id != nil && id.of == x || id == nil && x == c.kinds[0] {
		c.prove(nil)
	}
	return nil
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
	if err := x.s.store.Delete(ctx, key); err != nil {
		return unavailable(fmt.Errorf("app: delete the session: %w", err))
	}
	return nil
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
