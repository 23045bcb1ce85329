package app

import "time"

// An Event is something that a log of who did what should have (ASVS 16.3.1).
type Event struct {
	Name   EventName
	Time   time.Time // UTC
	Via    string    // the strategy or guard
	User   any       // nil: nobody, or not known
	Info   any       // the credential, without its secret, as in Identity.Info
	Reason error     // why something was refused
}

// An EventName says what happened.
type EventName string

// What the guards of tokens tell of.
const (
	EventIssued    EventName = "credential issued"
	EventUsed      EventName = "credential used"
	EventRefused   EventName = "credential refused"
	EventRevoked   EventName = "credential revoked"
	EventRefreshed EventName = "credential refreshed"
	EventReused    EventName = "credential reused" // one that was good for one use: somebody may have stolen it
)

// Emit tells [App].OnEvent. Strategies call it.
func (c *Context) Emit(e Event) {
	if c.app == nil || c.app.OnEvent == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	c.app.OnEvent(c, e)
}
