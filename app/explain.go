package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Step is what one strategy found in a request.
type Step struct {
	Strategy string     `json:"strategy"`         // "session", "bearer", or the type of one that is no [Describer]
	Looked   string     `json:"looked,omitempty"` // where: "the Authorization header"; "" if it does not say
	Result   StepResult `json:"result"`
	Why      string     `json:"why,omitempty"` // of the user that was proved their subject, otherwise the reason; secrets are left out
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
// found. It asks nobody. What the request holds of secrets, which is every cookie, every
// credential and every value of its query and of its body, is left out of the texts. It is
// for those who run the program: call it in [App].OnEvent or OnError, and do not answer with it.
func (c *Context) Explain() []Step {
	if len(c.steps) == 0 {
		return nil
	}
	secrets := c.secrets()
	all := make([]Step, 0, len(c.steps))
	for _, s := range c.steps {
		all = append(all, s.explain(secrets))
	}
	return all
}

func (s step) explain(secrets []string) Step {
	var e Step
	e.Strategy, e.Looked = describe(s.by)
	switch {
	case s.id != nil:
		e.Result, e.Why = StepProved, s.id.Subject
	case rejects(s.err):
		e.Result, e.Why = StepRejected, s.err.Error()
	case s.err == nil, passes(s.err), errors.Is(s.err, ErrAnonymous):
		e.Result, e.Why = StepPassed, why(s.err)
	case isRedirection(s.err):
		e.Result = StepRedirected
	default:
		e.Result, e.Why = StepFault, s.err.Error()
	}
	e.Why = redact(e.Why, secrets)
	return e
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

func isRedirection(err error) bool {
	_, ok := errors.AsType[*Redirection](err)
	return ok
}

// secrets returns what no explanation may quote, the longest first.
func (c *Context) secrets() []string {
	var all []string
	add := func(text string) {
		if len(text) >= 4 { // shorter ones would blot out words
			all = append(all, text)
		}
	}
	for _, cookie := range c.Request.Cookies() {
		add(cookie.Value)
	}
	for name, values := range c.Request.Header {
		if publicHeaders[name] || strings.HasPrefix(name, "Sec-") {
			continue
		}
		for _, v := range values {
			add(v)
			for field := range strings.FieldsSeq(v) {
				add(field)
			}
		}
	}
	for _, values := range c.Request.URL.Query() {
		for _, v := range values {
			add(v)
		}
	}
	eachText(c.body, add)
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// eachText tells add every text in a body that was read, as JSON or as a form.
func eachText(body []byte, add func(text string)) {
	var value any
	if json.Unmarshal(body, &value) == nil {
		eachString(value, add)
		return
	}
	_ = eachField(body, func(_, text string) error {
		add(text)
		return nil
	})
}

func eachString(value any, add func(text string)) {
	switch v := value.(type) {
	case string:
		add(v)
	case []any:
		for _, inner := range v {
			eachString(inner, add)
		}
	case map[string]any:
		for _, inner := range v {
			eachString(inner, add)
		}
	}
}

// publicHeaders hold no credentials of any strategy.
var publicHeaders = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Content-Length": true, "Content-Type": true, "Origin": true, "Upgrade-Insecure-Requests": true, "User-Agent": true,
}

func redact(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "[redacted]")
	}
	return text
}
