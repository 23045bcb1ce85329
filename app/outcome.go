package app

import "errors"

// An Outcome is what strategies say of a request, with nothing done about it: passport's
// authenticate with a callback, as a plain call.
type Outcome struct {
	Identity *Identity // who; nil: nobody is proved
	Refusals []Refusal // what the others said, in the order in which they were asked

	ctx       *Context
	asked     []Strategy
	no        refusal
	anonymous bool
}

// A Refusal is why one strategy did not prove the user.
type Refusal struct {
	Strategy Strategy
	Reason   error // ErrNoCredentials: nothing of its own was there; otherwise a *Rejection
}

// Ask asks the strategies who sent the request, as [Authenticate] does, and leaves all that
// follows to you: the request's identity, the session and the answer stay as they are.
// The error is a fault, or the *[Redirection] of a strategy: return it.
//
//	outcome, err := ctx.Ask(local)
//	if err != nil {
//		return err
//	}
//	if outcome.Identity == nil {
//		return showForm(ctx, outcome.Err())
//	}
//	return ctx.Login(outcome.Identity.User)
func (c *Context) Ask(strategies ...Strategy) (Outcome, error) {
	o := Outcome{ctx: c, no: refusal{why: ErrNoCredentials}}
	if c.self != c {
		return o, ErrCopied
	}
	checkStrategies("Ask", strategies)
	o.asked = choosable(strategies)
	c.asked = o.asked
	for i := range o.asked {
		id, err := c.ask(&o.asked[i])
		s := o.asked[i]
		switch {
		case err == nil:
			o.Identity, err = proven(s, id)
			c.noteAnswer(s, o.Identity, err)
			return o, err
		case isAnonymous(err):
			c.noteAnswer(s, nil, err)
			o.anonymous = true
			return o, nil
		case !rejects(err) && !passes(err):
			c.noteAnswer(s, nil, err)
			return o, faultOf(err)
		case rejects(err) && o.no.by == nil:
			o.no = refusal{err, &o.asked[i]}
		}
		c.noteAnswer(s, nil, err)
		o.Refusals = append(o.Refusals, Refusal{s, err})
	}
	return o, nil
}

// open reports whether nobody is proved, nobody is refused, and a strategy says that this is enough.
func (o Outcome) open() bool { return o.Identity == nil && o.no.by == nil && o.anonymous }

// noteAnswer keeps a strategy's answer for Explain, and tells of it. Sessions do both
// themselves: they are asked without strategies, too.
func (c *Context) noteAnswer(s Strategy, id *Identity, err error) {
	if sessions := sessionsOf(s); sessions != nil && sessions.of(c) != nil {
		return
	}
	c.note(s, id, err)
	switch {
	case !c.listened():
	case id != nil:
		c.Emit(Event{Name: EventUsed, Via: id.Via, User: id.User, Subject: id.Subject, Info: id.Info})
	case rejects(err):
		c.Emit(Event{Name: EventRefused, Via: nameOf(s), Reason: err})
	}
}

// Err returns the error that [Authenticate] answers if nobody is proved, with the challenges of
// all strategies, or nil.
func (o Outcome) Err() error {
	if o.Identity != nil || o.ctx == nil {
		return nil
	}
	if o.no.by == nil {
		for _, s := range o.asked {
			if sessions := sessionsOf(s); sessions != nil {
				return sessions.loginRequired(o.ctx, o.no.challenge(o.ctx, o.asked))
			}
		}
	}
	return o.no.challenge(o.ctx, o.asked)
}

// Accept makes the identity that was proved the request's from now on, as [Authenticate]
// does. If there is none it does nothing.
func (o Outcome) Accept() {
	if o.Identity != nil {
		o.ctx.prove(o.Identity)
	}
}

// Challenges returns those that an error would be answered with, in WWW-Authenticate, such
// as one that [Authenticate] returned.
func Challenges(err error) []string {
	if c, ok := errors.AsType[*challenged](err); ok {
		return append([]string(nil), c.challenges...)
	}
	return nil
}
