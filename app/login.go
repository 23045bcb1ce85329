package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/rollback"
)

// A LoginOption changes one Login.
type LoginOption func(*loginOptions)

type loginOptions struct {
	keep      []string
	keepAll   bool
	remember  bool
	noSession bool
}

// KeepSession carries the values of these names over into the new session. All others
// are dropped: what a visitor collected is not to become the user's by accident.
func KeepSession(names ...string) LoginOption {
	return func(o *loginOptions) { o.keep = append(o.keep, names...) }
}

// Remember has the client remembered, if yes: when the session is over,
// [SessionOptions].Remember brings its user back. Without a Remember it is an error.
func Remember(yes bool) LoginOption {
	return func(o *loginOptions) { o.remember = yes }
}

// WithoutSession makes the user that of this request, and writes and sets nothing.
func WithoutSession() LoginOption {
	return func(o *loginOptions) { o.noSession = true }
}

func loginOptionsOf(opts []LoginOption) (o loginOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// login gives the client a new session with user in it.
func (x *Session) login(user any, opts []LoginOption) error {
	return x.loginWith(user, loginOptionsOf(opts))
}

func (x *Session) loginWith(user any, o loginOptions) error {
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
	stamp, err := x.s.stampOf(ctx, user, subject)
	if err != nil {
		return err
	}
	if err := x.load(); err != nil {
		return err
	}
	rollback.On(ctx, x.before())
	rec := x.fresh()
	rec.Subject, rec.LoggedIn, rec.Data = subject, rec.Created, x.kept(subject, o)
	bind(rec, stampName, stamp)
	handle, err := x.remembering(user, o)
	if err != nil {
		return err
	}
	bind(rec, rememberName, handle)
	if err := x.insert(rec, user); err != nil {
		return err
	}
	x.asked, x.idErr, x.identity = true, nil, x.identityOf(user)
	c.prove(x.identity)
	x.settleFault()
	x.tell(Event{Name: EventLogin, User: user, Subject: subject})
	return nil
}

// remembering begins to remember the client, or ends what it was remembered by: somebody
// else may have been logged in.
func (x *Session) remembering(user any, o loginOptions) (handle string, err error) {
	r := x.s.o.Remember
	if r == nil {
		if o.remember {
			return "", fmt.Errorf("app: Login with Remember: SessionOptions.Remember of the kind %q is nil", x.s.o.Kind)
		}
		return "", nil
	}
	if o.keepAll { // the same user, at the same client
		_, _ = x.value(rememberName, &handle)
		return handle, nil
	}
	if err := r.Forget(x.ctx); err != nil || !o.remember {
		return "", err
	}
	return r.Remember(x.ctx, user)
}

// value reads what the framework keeps in a session that is loaded.
func (x *Session) value(name string, v any) (bool, error) {
	raw := x.raw(name)
	if raw == nil {
		return false, nil
	}
	return true, json.Unmarshal(raw, v)
}

// bind keeps a text with a session, if there is one.
func bind(rec *SessionRecord, name, text string) {
	if text == "" {
		delete(rec.Data, name)
		return
	}
	raw, _ := json.Marshal(text) // a string can be encoded
	rec.Data[name] = raw
}

// ConfirmLogin is for the page that asks a user who is logged in for the password once more: user
// is who has proved themselves again, and has to be the session's. The login is as new as
// any other, for [RequireRecentLogin] too: it has a new id, and all that the session held. Nobody
// to confirm is [ErrLoginRequired], and another user is answered 403.
func (c *Context) ConfirmLogin(user any) error {
	x, err := c.defaultSession()
	if err != nil {
		return err
	}
	return x.confirm(user)
}

// ConfirmLogin is [Context.ConfirmLogin] for this kind of user.
func (s *Sessions) ConfirmLogin(ctx *Context, user any) error {
	x, err := s.session(ctx)
	if err != nil {
		return err
	}
	return x.confirm(user)
}

func (x *Session) confirm(user any) error {
	id, err := x.identify()
	if err != nil {
		return err
	}
	if id == nil {
		return ErrLoginRequired
	}
	subject, err := x.s.subject(x.ctx.Context(), user)
	if err != nil {
		return err
	}
	if subject != x.rec.Subject {
		return x.ctx.denied(id, &Error{Status: 403, Message: "That is another account", Cause: fmt.Errorf("app: ConfirmLogin of another user")})
	}
	return x.loginWith(user, loginOptions{keepAll: true})
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
func (x *Session) kept(subject string, o loginOptions) map[string]json.RawMessage {
	keep := slices.Clone(o.keep)
	if x.rec == nil || x.rec.Subject == "" || x.rec.Subject == subject {
		keep = append(keep, flashName, returnToName)
	}
	data := x.merged()
	maps.DeleteFunc(data, func(name string, _ json.RawMessage) bool {
		return name == stampName || name == rememberName || !o.keepAll && !slices.Contains(keep, name)
	})
	return data
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
	id, err := newID()
	if err != nil {
		return err
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	key := x.s.keyOf(id)
	ended, err := x.s.insert(ctx, key, x.key, rec)
	if err != nil {
		return unavailable(fmt.Errorf("app: store the session: %w", err))
	}
	x.key, x.rec, x.changed = key, rec, nil
	x.setCookie(id)
	x.tell(Event{Name: EventSessionCreated, User: user, Subject: rec.Subject})
	return x.s.ousted(ctx, x.ctx, user, ended)
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
	if r := x.s.o.Remember; r != nil {
		if err := r.Forget(c); err != nil {
			return unavailable(err)
		}
	}
	keys := x.endable()
	for _, key := range keys {
		if err := x.end(key); err != nil {
			return err
		}
	}
	if len(keys) > 0 {
		x.tellLogout(keys[0])
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

func (x *Session) tellLogout(key string) {
	e := Event{Name: EventLogout, Session: key}
	if x.rec != nil {
		e.Subject = x.rec.Subject
	}
	if x.identity != nil {
		e.User = x.identity.User
	}
	x.tell(e)
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
