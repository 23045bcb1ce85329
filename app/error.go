package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/kahu-go/kahu/internal/sqlerr"
)

var (
	// ErrNoCredentials is what a Strategy returns if nothing in the request is its
	// own. Answered 401.
	ErrNoCredentials = errors.New("app: no credentials")

	// ErrAnonymous is what a Strategy returns to let the request go on without a user, unless one
	// that was asked before has rejected it. Only the layers listen to it. strategies.Anonymous
	// returns nothing else.
	ErrAnonymous = errors.New("app: the request may go on without a user")

	// ErrInvalidCredentials is what every [Rejection] is.
	ErrInvalidCredentials = errors.New("app: invalid credentials")

	// ErrLoginRequired is what guards return for nobody. Answered 401.
	ErrLoginRequired = errors.New("app: login required")

	// ErrHeadersSent is returned by what has to change a cookie or a session after
	// the headers went out.
	ErrHeadersSent = errors.New("app: the headers were sent already")

	// ErrCannotEnd is returned by [Context.Logout] if the strategy that proved the
	// request is no [Ender]. Answered 500.
	ErrCannotEnd = errors.New("app: what proved this request cannot be ended")
)

// An Error is an error with the answer that it wants. Two readers, two texts: the
// client gets Status and Message, the log gets Cause.
type Error struct {
	Status  int         // 400 to 599; anything else is answered 500
	Message string      // a short title for the client if Status is below 500; "": the status in words
	Header  http.Header // set on the answer, e.g. Retry-After
	Cause   error       // for the log only

	// Expose shows Message and Extensions though Status is 500 or more: "Back at noon".
	Expose bool

	// Extensions are members of the answer beside its title and status, such as which fields
	// are wrong, for clients that accept JSON or problem details (RFC 9457 section 3.2). They
	// are shown as Message is. Those named "type", "title" or "status" are left out.
	Extensions map[string]any
}

func (e *Error) Error() string {
	if e == nil {
		return "app: a nil *Error"
	}
	text := e.Message
	if text == "" {
		text = http.StatusText(e.Status)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%d %s: %v", e.Status, text, e.Cause)
	}
	return fmt.Sprintf("%d %s", e.Status, text)
}

func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Cause
}

// A Rejection is a credential that was there and is wrong. errors.Is says that it
// is [ErrInvalidCredentials], whatever its Status.
type Rejection struct {
	Status  int      // 0: 401
	Code    string   // for a Challenger, e.g. "invalid_token" (RFC 6750 section 3.1)
	Scopes  []string // for a Challenger, with the Code "insufficient_scope": what it takes
	Message string   // a short title for the client; "": the status in words
	Cause   error    // for the log only
}

func (r *Rejection) Error() string {
	if r == nil {
		return "app: a nil *Rejection"
	}
	if r.Cause != nil {
		return fmt.Sprintf("app: rejected: %s: %v", r.Message, r.Cause)
	}
	return "app: rejected: " + r.Message
}

func (r *Rejection) Unwrap() error {
	if r == nil {
		return nil
	}
	return r.Cause
}

func (r *Rejection) Is(target error) bool { return r != nil && target == ErrInvalidCredentials }

// A Redirection is returned by a Strategy whose client has to go elsewhere first.
// Answered 303; 500 if URL is neither a path on this site nor http or https.
type Redirection struct{ URL string }

func (r *Redirection) Error() string {
	if r != nil {
		if _, ok := locationOf(r.URL); ok {
			return "app: go to another place first"
		}
	}
	return "app: a Redirection without a usable URL"
}

// A PanicError is what a recovered panic becomes. Answered 500.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("app: panic: %v", e.Value) }

func (e *PanicError) Unwrap() error {
	if err, ok := e.Value.(error); ok && !isNil(err) {
		return err
	}
	return nil
}

func stack() []byte { return debug.Stack() }

// recovered makes an error of what recover returned.
func recovered(v any) error {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	return &PanicError{Value: v, Stack: stack()}
}

// challenged is an error with the challenges of the strategies that were asked. They
// are answered with its status and no other.
type challenged struct {
	error
	status     int
	challenges []string
}

func (c *challenged) Unwrap() error { return c.error }

// unavailable marks err as a fault of something that we depend on: 503, unless it
// already says what to answer. A bug, which a panic is, stays a 500.
func unavailable(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Status: http.StatusServiceUnavailable, Cause: err}
}

// A reply is how an error is answered.
type reply struct {
	status     int
	title      string // for the client; "": the status in words
	header     http.Header
	extensions map[string]any
}

// replyTo says how err is answered.
func replyTo(err error) reply {
	// A panic first: with whatever error it was, it is a fault.
	if _, ok := errors.AsType[*PanicError](err); ok {
		return reply{status: http.StatusInternalServerError}
	}
	if r := rejection(err); r != nil {
		return r.reply()
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e.reply()
	}
	if r, ok := errors.AsType[*Redirection](err); ok && r != nil {
		if location, ok := locationOf(r.URL); ok {
			return reply{status: http.StatusSeeOther, header: http.Header{"Location": {location}}}
		}
	}
	if errors.Is(err, ErrLoginRequired) {
		return reply{status: http.StatusUnauthorized, title: "Login required"}
	}
	return reply{status: statusOf(err)}
}

func (e *Error) reply() reply {
	r := reply{status: checked(e.Status), header: e.Header}
	if r.status < 500 || e.Expose {
		r.title, r.extensions = e.Message, e.Extensions
	}
	return r
}

func (r *Rejection) reply() reply {
	status := http.StatusUnauthorized
	if r.Status != 0 {
		status = checked(r.Status)
	}
	if status >= 500 {
		return reply{status: status}
	}
	return reply{status: status, title: r.Message}
}

// statusOf is the status of an error that does not say which.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNoCredentials), errors.Is(err, ErrInvalidCredentials), errors.Is(err, ErrAnonymous):
		return http.StatusUnauthorized
	case errors.Is(err, ErrSessionTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case sqlerr.Retryable(err), sqlerr.State(err) == "57014":
		// A database that restarts or is out of reach, or a statement that took too long: no
		// bug of the handler that passed it on.
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func checked(status int) int {
	if status < 400 || status > 599 {
		return http.StatusInternalServerError
	}
	return status
}
