package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Authenticate returns a layer that lets in only who one of the strategies proves.
// They are asked in this order. One that has no opinion ([ErrNoCredentials]) or
// rejects passes the question on; a fault and a [Redirection] end it. If nobody
// proves the user the first rejection is answered, or 401, with the challenges of all.
//
// What is proved is the identity of everything below, whatever it was above. It does
// not touch the session. Authenticate panics without a strategy or with a nil one.
// [AuthenticateWith] is for logins by a form.
func Authenticate(strategies ...Strategy) Middleware {
	strategies = mustStrategies("Authenticate", strategies)
	return func(ctx *Context, next Handler) error {
		return ctx.authenticated(strategies, false, next)
	}
}

// Identify returns a layer that finds out who sent the request, as [Authenticate]
// does, and lets in those too who sent no credentials at all. Wrong ones are answered
// as Authenticate answers them.
func Identify(strategies ...Strategy) Middleware {
	strategies = mustStrategies("Identify", strategies)
	return func(ctx *Context, next Handler) error {
		return ctx.authenticated(strategies, true, next)
	}
}

// authenticated runs next for who is proved, and if nobody has to be for who sent nothing.
func (c *Context) authenticated(strategies []Strategy, optional bool, next Handler) error {
	o, err := c.Ask(strategies...)
	switch {
	case err != nil:
		return err
	case o.Identity != nil:
		o.Accept()
	case o.open() || optional && o.no.by == nil:
	case o.no.by == nil:
		return c.denied(nil, o.Err())
	default: // the strategy has told of it
		return o.Err()
	}
	return next(c)
}

// Authenticate does what the layer of this name does, in the middle of a handler: it
// returns the identity that one of the strategies proves, which is the request's from
// now on, or the error to return, with all challenges. errors.Is tells a rejection
// ([ErrInvalidCredentials]) and no credentials ([ErrNoCredentials]) from a fault.
// [ErrAnonymous] of a strategy counts as no credentials here.
func (c *Context) Authenticate(strategies ...Strategy) (*Identity, error) {
	o, err := c.Ask(strategies...)
	if err != nil {
		return nil, err
	}
	if err := o.Err(); err != nil {
		return nil, err
	}
	o.Accept()
	return o.Identity, nil
}

// Challenged returns what a strategy refused outside of [Context.Authenticate], such as a
// token in a body, with its challenge: return it. What is no refusal is returned as it is.
func (c *Context) Challenged(why error, by Strategy) error {
	if !rejects(why) && !passes(why) {
		return why
	}
	asked := []Strategy{by}
	no := refusal{why: why}
	if rejects(why) {
		no.by = &asked[0]
	}
	return no.challenge(c, asked)
}

// mustStrategies returns a copy of its own of what is to be asked.
func mustStrategies(name string, strategies []Strategy) []Strategy {
	checkStrategies(name, strategies)
	return slices.Clone(strategies)
}

func checkStrategies(name string, strategies []Strategy) {
	if len(strategies) == 0 {
		panic("app: " + name + " needs a strategy")
	}
	for i, s := range strategies {
		if isNil(s) {
			panic(fmt.Sprintf("app: %s: strategy %d is nil", name, i))
		}
	}
}

// A refusal is why nobody is let in, and the strategy that says so, if one does.
type refusal struct {
	why error
	by  *Strategy // one of those that were asked; strategies themselves may not be comparable
}

func rejects(err error) bool { return rejection(err) != nil }

// rejection returns the Rejection that err is, or nil. An Error around one says what to answer
// instead, such as 429; an Error that caused one is for the log.
func rejection(err error) *Rejection {
	r, _ := errors.AsType[*Rejection](err)
	e, ok := errors.AsType[*Error](err)
	if r == nil || !ok {
		return r
	}
	if inner, _ := errors.AsType[*Error](r.Cause); inner != e {
		return nil
	}
	return r
}

// passes reports whether a strategy has no opinion. An Error that has ErrNoCredentials
// for its cause says what to answer, so it has one.
func passes(err error) bool {
	_, opinion := errors.AsType[*Error](err)
	return !opinion && errors.Is(err, ErrNoCredentials)
}

// isAnonymous reports whether a strategy lets the request go on without a user, which neither a
// Rejection nor an Error does that has ErrAnonymous for its cause.
func isAnonymous(err error) bool {
	_, opinion := errors.AsType[*Error](err)
	return !opinion && !rejects(err) && errors.Is(err, ErrAnonymous)
}

// proven checks what a strategy calls a success.
func proven(s Strategy, id *Identity) (*Identity, error) {
	if id == nil || isNil(id.User) {
		return nil, fmt.Errorf("app: %T returned no user and no error", s)
	}
	own := *id
	own.by = s
	return &own, nil
}

// faultOf returns what ends the question: a Redirection or a fault of the server. A
// strategy's Error may say 4xx (a body that is too large), anything else is a fault.
func faultOf(err error) error {
	if _, ok := errors.AsType[*Redirection](err); ok {
		return err
	}
	return unavailable(err)
}

// challenge adds to the refusal what the strategies want to see next time: to a 401
// all of them, to another status the one that refused, which alone hears why.
func (r refusal) challenge(ctx *Context, strategies []Strategy) error {
	challenges := r.challenges(ctx, strategies)
	if len(challenges) == 0 {
		return r.why
	}
	return &challenged{r.why, replyTo(r.why).status, challenges}
}

func (r refusal) challenges(ctx *Context, strategies []Strategy) (challenges []string) {
	status := replyTo(r.why).status
	for i, s := range strategies {
		c, ok := s.(Challenger)
		refused := &strategies[i] == r.by
		if !ok || status != http.StatusUnauthorized && !refused {
			continue
		}
		why := ErrNoCredentials
		if refused {
			why = r.why
		}
		if v := c.Challenge(ctx, why); v != "" && !hasControl(v) && !slices.Contains(challenges, v) {
			challenges = append(challenges, v)
		}
	}
	return challenges
}
