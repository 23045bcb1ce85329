package strategytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/kahu-go/kahu/app"
)

// An answer is what a strategy said to one request, and what it did meanwhile.
type answer struct {
	kind      kind
	id        *app.Identity
	err       error
	panicked  any
	writes    []string    // what it did and must not
	challenge string      // if it is a Challenger, and refused
	header    http.Header // of the response
}

// A kind is how app understands an answer.
type kind string

const (
	proved     kind = "a proof"
	nobody     kind = "neither a user nor an error"
	passed     kind = "ErrNoCredentials"
	anonymous  kind = "ErrAnonymous"
	rejected   kind = "a Rejection"
	redirected kind = "a Redirection"
	refused    kind = "an Error of the client's" // 4xx, such as a body that is too large
	fault      kind = "a fault"
	panicked   kind = "a panic"
)

// kindOf is what app made of the answer of the one strategy that was asked.
func kindOf(id *app.Identity, err error, o app.Outcome, fails error) kind {
	switch {
	case err == nil && (id == nil || isNil(id.User)):
		return nobody
	case o.Identity != nil:
		return proved
	case fails == nil && len(o.Refusals) == 0:
		return anonymous
	case fails == nil && errors.Is(o.Refusals[0].Reason, app.ErrInvalidCredentials):
		return rejected
	case fails == nil:
		return passed
	}
	if _, elsewhere := errors.AsType[*app.Redirection](fails); elsewhere {
		return redirected
	}
	if e, ok := errors.AsType[*app.Error](fails); ok && e.Status >= 400 && e.Status < 500 {
		return refused
	}
	return fault
}

// String says it in the words of a failed test.
func (a *answer) String() string {
	switch {
	case a.kind == panicked:
		return fmt.Sprintf("a panic: %v", a.panicked)
	case a.kind == proved:
		return fmt.Sprintf("a proof of %+v", a.id.User)
	case a.kind == nobody && a.id != nil:
		return fmt.Sprintf("no error and the user %T(nil)", a.id.User)
	case a.kind == nobody:
		return "no error and no identity"
	}
	return fmt.Sprintf("%s (%v)", a.kind, a.err)
}

// A question is what ask does for a request.
type question struct {
	do    func(ctx *app.Context) error
	asked bool
}

type questionKey struct{}

// ask is the last layer of the Suite's App.
func ask(ctx *app.Context, next app.Handler) error {
	q, ok := ctx.Context().Value(questionKey{}).(*question)
	if !ok {
		return next(ctx)
	}
	q.asked = true
	return q.do(ctx)
}

// ask asks the Suite's strategy.
func (k *kit) ask(r *http.Request) *answer { return k.askOf(k.Strategy, r) }

func (k *kit) askOf(s app.Strategy, r *http.Request) *answer {
	a := &answer{}
	k.within(r, a, func(ctx *app.Context) error {
		before := noteState(ctx)
		a.ask(s, ctx)
		a.writes = before.changes(ctx)
		if a.kind == redirected {
			return a.err
		}
		return nil
	})
	if a.kind == redirected && a.header.Get("Location") == "" {
		a.kind, a.err = fault, errors.New("a Redirection to what is neither a path on this site nor http nor https")
	}
	return a
}

// within runs do where the strategy is asked, and keeps the answer's headers.
func (k *kit) within(r *http.Request, a *answer, do func(ctx *app.Context) error) {
	q := &question{do: do}
	w := httptest.NewRecorder()
	k.App.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), questionKey{}, q)))
	if !q.asked {
		a.kind, a.err = fault, errors.New("a layer of Suite.App did not let the request through")
	}
	a.header = w.Header()
}

func (a *answer) ask(s app.Strategy, ctx *app.Context) {
	defer func() {
		if v := recover(); v != nil {
			a.kind, a.panicked = panicked, v
		}
	}()
	w := &witness{Strategy: s}
	o, err := ctx.Ask(w)
	a.id, a.err, a.kind = w.id, w.err, kindOf(w.id, w.err, o, err)
	c, ok := s.(app.Challenger)
	switch {
	case ok && a.kind == passed:
		a.challenge = c.Challenge(ctx, app.ErrNoCredentials)
	case ok && a.kind == rejected:
		a.challenge = c.Challenge(ctx, a.err)
	}
}

// A witness hears what a strategy says to app.
type witness struct {
	app.Strategy
	id  *app.Identity
	err error
}

func (w *witness) Authenticate(ctx *app.Context) (*app.Identity, error) {
	w.id, w.err = w.Strategy.Authenticate(ctx)
	return w.id, w.err
}

// A state is what a strategy must leave as it is.
type state struct {
	status int
	body   any
	sent   bool
	header http.Header
	id     *app.Identity
}

func noteState(ctx *app.Context) state {
	id, _ := ctx.Identity()
	return state{ctx.Status, ctx.Body, ctx.Sent(), ctx.Header().Clone(), id}
}

func (before state) changes(ctx *app.Context) (all []string) {
	now := noteState(ctx)
	if now.status != before.status {
		all = append(all, fmt.Sprintf("set ctx.Status to %d", now.status))
	}
	if before.body == nil && now.body != nil {
		all = append(all, fmt.Sprintf("set ctx.Body to a %T", now.body))
	}
	if now.sent && !before.sent {
		all = append(all, "sent the headers")
	}
	if now.id != before.id {
		all = append(all, "changed who is logged in")
	}
	for _, name := range slices.Sorted(maps.Keys(now.header)) {
		own := name == "Set-Cookie" || name == "Vary"
		if !own && !slices.Equal(now.header[name], before.header[name]) {
			all = append(all, "set the header "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before.header)) {
		if _, there := now.header[name]; !there {
			all = append(all, "removed the header "+name)
		}
	}
	return all
}
