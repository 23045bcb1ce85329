package app

import (
	"net/netip"
	"reflect"
	"time"
)

// An Event is something that a log of who did what should have (ASVS 16.3.1). It holds no
// secret of ours. User and Info are the application's own values: where an Event is printed,
// logged or encoded as JSON they are left out, and so is what the Reason quotes of the request's
// long secrets, as by [LogEvents]. The Reason itself may quote them.
type Event struct {
	Name    EventName
	Time    time.Time  // UTC
	Via     string     // the strategy or guard
	Kind    string     // of the session, if it is about one
	User    any        // nil: nobody, or not known
	Subject string     // the user as a Serializer writes it; "": nobody, or not known
	Info    any        // the credential, without its secret, as in Identity.Info
	Address netip.Addr // of the client; invalid: not known, or not within a request
	Session string     // the hash of the session's id, as [SessionInfo].Handle; "": none, or all of the user's
	Reason  error      // why something was refused or ended

	told error  // the Reason when it was told of,
	text string // and what it says without the secrets of the request
}

// An EventName says what happened.
type EventName string

// What there is to tell.
const (
	EventLogin          EventName = "login"           // of a session
	EventLoginFailed    EventName = "login failed"    // a name and a password that were wrong
	EventLoginThrottled EventName = "login throttled" // too many of these
	EventLogout         EventName = "logout"

	EventSessionCreated     EventName = "session created"
	EventSessionRenewed     EventName = "session renewed"     // in use, so its idle limit has moved; at most once a minute
	EventSessionRegenerated EventName = "session regenerated" // it has a new id, which Session is of
	EventSessionMissed      EventName = "session missed"      // the store does not have the id: it was ended, or is made up
	EventSessionExpired     EventName = "session expired"     // and was presented
	EventSessionInvalid     EventName = "session invalid"     // and was presented: damaged, or refused by [SessionOptions].Valid
	EventSessionRevoked     EventName = "session revoked"     // ended otherwise than by its own logout

	EventIssued    EventName = "credential issued"
	EventUsed      EventName = "credential used"
	EventRefused   EventName = "credential refused"
	EventRevoked   EventName = "credential revoked"
	EventRefreshed EventName = "credential refreshed"
	EventReused    EventName = "credential reused" // one that was good for one use: somebody may have stolen it

	EventDenied EventName = "access denied" // by a guard, or because another site asked
)

// Emit tells [App].OnEvent. Strategies call it. What is not said of the time, the address and
// the session is filled in. Within a request the use of one credential is told once, and so
// is what was refused for one reason.
func (c *Context) Emit(e Event) {
	if !c.listened() || c.told(e) {
		return
	}
	if !e.Address.IsValid() {
		e.Address = c.Address()
	}
	if e.Time.IsZero() && len(c.kinds) > 0 {
		e.Time = c.kinds[0].s.now()
	}
	if e.Session == "" && e.Kind == "" { // what is about sessions says which, or means all
		e.Session = c.handle()
	}
	c.app.tell(c, e)
}

// listened reports whether there is somebody to tell.
func (c *Context) listened() bool { return c.app != nil && c.app.OnEvent != nil }

// handle names the session that proved the request, or the first in the stack.
func (c *Context) handle() string {
	switch id := c.identity; {
	case id != nil && id.of != nil:
		return id.of.Handle()
	case len(c.kinds) > 0:
		return c.kinds[0].Handle()
	}
	return ""
}

// told reports whether this was told already, and notes it.
func (c *Context) told(e Event) bool {
	about := any(e.Reason)
	if e.Name == EventUsed {
		about = e.Info
	}
	switch e.Name {
	case EventUsed, EventRefused, EventLoginFailed, EventReused, EventDenied:
	default:
		return false
	}
	if isNil(about) || !canCompare(about) {
		return false
	}
	for _, before := range c.events {
		if before == about {
			return true
		}
	}
	c.events = append(c.events, about)
	return false
}

func canCompare(v any) bool { return reflect.ValueOf(v).Comparable() }

// same reports whether a and b are one thing; those that cannot be compared are not.
func same(a, b any) bool { return canCompare(a) && canCompare(b) && a == b }

// tell completes an event. ctx is nil outside of a request. What the Reason may say is settled
// now: listeners may keep the event for longer than there is a request.
func (a *App) tell(ctx *Context, e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	if e.Reason != nil {
		e.told, e.text = e.Reason, e.why(ctx)
	}
	a.OnEvent(ctx, e)
}
