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
func Authenticate(strategies ...Strategy) Middleware {
	mustStrategies("Authenticate", strategies)
	return func(ctx *Context, next Handler) error {
		if _, err := ctx.Authenticate(strategies...); err != nil {
			return err
		}
		return next(ctx)
	}
}

// Authenticate does what the layer of this name does, in the middle of a handler: it
// returns the identity that one of the strategies proves, which is the request's from
// now on, or the error to return, with all challenges. errors.Is tells a rejection
// ([ErrInvalidCredentials]) and no credentials ([ErrNoCredentials]) from a fault.
func (c *Context) Authenticate(strategies ...Strategy) (*Identity, error) {
	id, no, err := ask(c, strategies)
	if err != nil {
		return nil, err
	}
	if id == nil {
		return nil, no.challenge(c, strategies)
	}
	c.prove(id)
	return id, nil
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

// Identify returns a layer that finds out who sent the request, as [Authenticate]
// does, and lets in those too who sent no credentials at all. Wrong ones are answered
// as Authenticate answers them.
func Identify(strategies ...Strategy) Middleware {
	mustStrategies("Identify", strategies)
	return func(ctx *Context, next Handler) error {
		id, no, err := ask(ctx, strategies)
		switch {
		case err != nil:
			return err
		case id != nil:
			ctx.prove(id)
		case no.by != nil:
			return no.challenge(ctx, strategies)
		}
		return next(ctx)
	}
}

func mustStrategies(name string, strategies []Strategy) {
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

// ask returns who sent the request, or else why nobody is known, or a fault.
func ask(ctx *Context, strategies []Strategy) (*Identity, refusal, error) {
	no := refusal{why: ErrNoCredentials}
	if ctx.self != ctx {
		return nil, no, ErrCopied
	}
	ctx.asked = strategies
	for i, s := range strategies {
		id, err := s.Authenticate(ctx)
		switch {
		case err == nil:
			id, err = proven(s, id)
			return id, no, err
		case !rejects(err) && !passes(err):
			return nil, no, faultOf(err)
		case rejects(err) && no.by == nil:
			no = refusal{err, &strategies[i]}
		}
	}
	return nil, no, nil
}

func rejects(err error) bool {
	r, ok := errors.AsType[*Rejection](err)
	return ok && r != nil
}

// passes reports whether a strategy has no opinion. An Error that has ErrNoCredentials
// for its cause says what to answer, so it has one.
func passes(err error) bool {
	_, opinion := errors.AsType[*Error](err)
	return !opinion && errors.Is(err, ErrNoCredentials)
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
	status, _, _ := outcome(r.why)
	var challenges []string
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
	if len(challenges) == 0 {
		return r.why
	}
	return &challenged{r.why, status, challenges}
}
