package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
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
	if c.settled || c.sent {
		return ErrHeadersSent
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
	rec := x.fresh()
	rec.Subject, rec.LoggedIn, rec.Data = subject, rec.Created, x.kept(opts)
	if err := x.insert(rec); err != nil {
		return err
	}
	x.asked, x.idErr, x.identity = true, nil, x.identityOf(user)
	c.prove(x.identity)
	return nil
}

// kept returns the values that go over into the session of who logs in.
func (x *Session) kept(opts []LoginOption) map[string]json.RawMessage {
	o := loginOptions{keep: []string{flashName, returnToName}}
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
	if x.key == "" {
		x.present()
	}
	if x.key != "" {
		ctx, cancel := writing(c.Context())
		defer cancel()
		if err := x.s.store.Delete(ctx, x.key); err != nil {
			return unavailable(fmt.Errorf("app: delete the session: %w", err))
		}
	}
	if x.cookie || x.key != "" {
		x.clearCookie()
	}
	x.forget()
	if c.identity == nil || c.identity.of == x {
		c.prove(nil)
	}
	c.fault = nil
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
