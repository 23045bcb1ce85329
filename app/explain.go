package app

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A Step is what one strategy found in a request.
type Step struct {
	Strategy string     `json:"strategy"`         // "session", "bearer", or the type of one that is no [Describer]
	Looked   string     `json:"looked,omitempty"` // where: "the Authorization header"; "" if it does not say
	Result   StepResult `json:"result"`
	Why      string     `json:"why,omitempty"` // the subject of who was proved, otherwise the reason without secrets
}

// A StepResult is how a step ended.
type StepResult string

// The ways in which a step ends.
const (
	StepProved     StepResult = "proved"
	StepPassed     StepResult = "passed"
	StepRejected   StepResult = "rejected"
	StepRedirected StepResult = "redirected"
	StepFault      StepResult = "fault"
)

func (s Step) String() string {
	text := s.Strategy
	if s.Looked != "" {
		text += " looked at " + s.Looked
	}
	text += ": " + string(s.Result)
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

// A step is kept for Explain, which makes its texts only when it is asked.
type step struct {
	by  any // a Strategy, or the *Sessions
	id  *Identity
	err error
}

func (c *Context) note(by any, id *Identity, err error) {
	c.steps = append(c.steps, step{by, id, err})
}

// Explain says which strategies were asked who sent this request, in order, and what each
// found. It asks nobody. What the request holds of secrets is left out of the reasons: every
// cookie, every credential, and every value of its query and of the body that was read, in each
// encoding that an error is likely to quote. Where that is over 16 KiB, reasons that are not this
// package's own are left out as a whole. It is for those who run the program: call it in
// [App].OnEvent or OnError, and do not answer with it.
func (c *Context) Explain() []Step {
	if len(c.steps) == 0 {
		return nil
	}
	all := make([]Step, len(c.steps))
	var quoting []*string
	for i, s := range c.steps {
		all[i] = s.explain()
		if s.id == nil && all[i].Why != "" && !static(s.err) {
			quoting = append(quoting, &all[i].Why)
		}
	}
	c.redact(shortSecret, quoting...)
	for i := range all {
		all[i].Why = oneLine(all[i].Why)
	}
	return all
}

const shortSecret = 4 // shorter ones would blot out words

func (s step) explain() Step {
	e := Step{Result: resultOf(s.id, s.err)}
	e.Strategy, e.Looked = describe(s.by)
	switch e.Result {
	case StepProved:
		e.Why = s.id.Subject
	case StepPassed:
		e.Why = shortened(why(s.err))
	case StepRejected, StepFault:
		e.Why = shortened(textOf(s.err))
	}
	return e
}

// static reports whether an error says what this package has in its code, and nothing else.
func static(err error) bool {
	switch e := err.(type) {
	case *nobody:
		return e != nil
	case *challenged:
		return e != nil && static(e.error)
	case *Rejection:
		return e != nil && e.Message == "" && static(e.Cause)
	case *Error:
		return e != nil && e.Message == "" && static(e.Cause)
	}
	switch err {
	case nil, ErrNoCredentials, ErrAnonymous, ErrLoginRequired, ErrInvalidCredentials:
		return true
	}
	return false
}

// shortened is a reason, or how long it is if nobody would read it.
func shortened(reason string) string {
	if len(reason) > maxReason {
		return "a reason of " + strconv.Itoa(len(reason)) + " bytes"
	}
	return reason
}

// textOf is what an error says, though it be a nil pointer.
func textOf(err error) string {
	if isNil(err) {
		return fmt.Sprintf("a nil %T", err)
	}
	return err.Error()
}

// resultOf tells the answers of a strategy apart as Ask does. An Error that says 4xx ends the
// question, and is the client's fault nevertheless.
func resultOf(id *Identity, err error) StepResult {
	switch {
	case id != nil:
		return StepProved
	case err == nil, isAnonymous(err), passes(err) && !rejects(err):
		return StepPassed
	case rejects(err):
		return StepRejected
	}
	switch status := replyTo(faultOf(err)).status; {
	case status == http.StatusSeeOther:
		return StepRedirected
	case status < http.StatusInternalServerError:
		return StepRejected
	}
	return StepFault
}

func describe(by any) (name, looksAt string) {
	if d, ok := by.(Describer); ok {
		return d.Describe()
	}
	return strings.TrimLeft(fmt.Sprintf("%T", by), "*"), ""
}

func nameOf(s Strategy) string {
	name, _ := describe(s)
	return name
}

// why is the reason of a strategy that passes, if it gives more than ErrNoCredentials.
func why(err error) string {
	if err == nil || err == ErrNoCredentials {
		return "no credentials"
	}
	return err.Error()
}
