package app

import (
	"context"
	"log/slog"
	"net/netip"
	"reflect"
	"time"
)

// An Event is something that a log of who did what should have (ASVS 16.3.1). It holds no
// secret; User is the application's own value, so log the Subject instead.
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
}

// An EventName says what happened.
type EventName string

// What there is to tell.
const (
	EventLogin          EventName = "login"           // of a session
	EventLoginFailed    EventName = "login failed"    // a name and a password that were wrong
	EventLoginThrottled EventName = "login throttled" // too many of these
	EventLogout         EventName = "logout"

	EventSessionCreated EventName = "session created"
	EventSessionRenewed EventName = "session renewed" // in use, so its idle limit has moved
	EventSessionExpired EventName = "session expired" // and was presented
	EventSessionRevoked EventName = "session revoked" // ended otherwise than by its own logout

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
	if c.app == nil || c.app.OnEvent == nil || c.told(e) {
		return
	}
	if !e.Address.IsValid() {
		e.Address = c.Address()
	}
	if e.Session == "" && len(c.kinds) > 0 {
		e.Session = c.kinds[0].Handle()
	}
	c.app.tell(c, e)
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
	if isNil(about) || !reflect.TypeOf(about).Comparable() {
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

// tell completes an event. ctx is nil outside of a request.
func (a *App) tell(ctx *Context, e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	a.OnEvent(ctx, e)
}

// LogEvents returns an [App].OnEvent that writes each event as one line: its name, and of the
// rest what is known, with the route of the request. Users are named by their Subject, their
// own values are left out. What was refused, denied, throttled or reused is a warning. The
// logger's handler escapes what clients chose, as those of slog do (ASVS 16.4.1).
func LogEvents(to *slog.Logger) func(ctx *Context, e Event) {
	if to == nil {
		panic("app: LogEvents needs a logger")
	}
	return func(ctx *Context, e Event) {
		c, route := context.Background(), ""
		if ctx != nil {
			c, route = ctx.Context(), ctx.Request.Pattern
		}
		attrs := make([]slog.Attr, 0, 9)
		attrs = append(attrs, slog.Time("at", e.Time))
		for _, a := range []slog.Attr{
			slog.String("via", e.Via), slog.String("kind", e.Kind), slog.String("subject", e.Subject),
			slog.String("session", e.Session), slog.String("route", route),
		} {
			if a.Value.String() != "" {
				attrs = append(attrs, a)
			}
		}
		if e.Address.IsValid() {
			attrs = append(attrs, slog.String("address", e.Address.String()))
		}
		if e.Reason != nil {
			attrs = append(attrs, slog.String("reason", e.Reason.Error()))
		}
		to.LogAttrs(c, e.level(), string(e.Name), attrs...)
	}
}

func (e Event) level() slog.Level {
	switch e.Name {
	case EventLoginFailed, EventLoginThrottled, EventRefused, EventReused, EventDenied:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
