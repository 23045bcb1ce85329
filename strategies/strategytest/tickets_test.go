package strategytest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies/strategytest"
)

type hobbit struct{ Name string }

var frodo, sam = &hobbit{"Frodo"}, &hobbit{"Sam"}

// tickets is a strategy that does everything right, until a test replaces a part of it.
type tickets struct {
	source    *tickSource
	prove     func(ctx *app.Context) (*app.Identity, error)
	challenge func(why error) string
	end       func(ctx context.Context, id *app.Identity) error
	recheck   func(ctx context.Context, id *app.Identity) error
	name      string
}

// A tickSource has the tickets.
type tickSource struct {
	mu    sync.Mutex
	good  map[string]*hobbit
	fault strategytest.Fault
}

func (s *tickSource) find(ctx context.Context, text string) (*hobbit, error) {
	if s.fault != nil {
		return nil, s.fault(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.good[text], nil
}

func (s *tickSource) remove(ctx context.Context, handle string) error {
	if s.fault != nil {
		return s.fault(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, who := range s.good {
		if who.Name == handle {
			delete(s.good, text)
		}
	}
	return nil
}

func newTickets() *tickets {
	x := &tickets{source: &tickSource{good: map[string]*hobbit{"to the Grey Havens": frodo, "to Bag End": sam}}, name: "ticket"}
	x.prove = x.proveRightly
	x.challenge = func(error) string { return `Ticket realm="havens"` }
	x.end = func(ctx context.Context, id *app.Identity) error { return x.source.remove(ctx, id.Handle) }
	x.recheck = x.recheckRightly
	return x
}

func (x *tickets) recheckRightly(ctx context.Context, id *app.Identity) error {
	if x.source.fault != nil {
		return x.source.fault(ctx)
	}
	x.source.mu.Lock()
	defer x.source.mu.Unlock()
	for _, who := range x.source.good {
		if who.Name == id.Handle {
			return nil
		}
	}
	return &app.Rejection{Cause: errUnknownTicket}
}

func (x *tickets) Recheck(ctx context.Context, id *app.Identity) error { return x.recheck(ctx, id) }

func (x *tickets) Authenticate(ctx *app.Context) (*app.Identity, error) { return x.prove(ctx) }
func (x *tickets) Challenge(_ *app.Context, why error) string           { return x.challenge(why) }
func (x *tickets) End(ctx *app.Context, id *app.Identity) error         { return x.end(ctx.Context(), id) }
func (x *tickets) Describe() (name, looksAt string)                     { return x.name, "the Authorization header" }

// ticket is the text of the request's, "" for none.
func ticket(ctx *app.Context) string {
	scheme, text, _ := strings.Cut(ctx.Request.Header.Get("Authorization"), " ")
	if scheme != "Ticket" {
		return ""
	}
	return text
}

var errUnknownTicket = errors.New("there is no such ticket")

func (x *tickets) proveRightly(ctx *app.Context) (*app.Identity, error) {
	text := ticket(ctx)
	if text == "" {
		return nil, app.ErrNoCredentials
	}
	who, err := x.source.find(ctx.Context(), text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find the ticket: %w", err)
	case who == nil:
		return nil, &app.Rejection{Message: "Unknown ticket", Cause: errUnknownTicket}
	}
	return &app.Identity{User: who, Scopes: []string{"*"}, Via: "ticket", Handle: who.Name, Deliberate: true}, nil
}

// after replaces what prove answers.
func (x *tickets) after(change func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error)) {
	right := x.prove
	x.prove = func(ctx *app.Context) (*app.Identity, error) {
		id, err := right(ctx)
		return change(ctx, id, err)
	}
}

// suiteOf returns a Suite of tickets, the strategy and those that are broken alike changed by spoil.
func suiteOf(spoil func(x *tickets)) func(testing.TB) strategytest.Suite {
	return func(testing.TB) strategytest.Suite {
		x := newTickets()
		spoil(x)
		return strategytest.Suite{
			Strategy: x,
			Send:     strategytest.InAuthorization("Ticket"),
			Good:     []strategytest.Credential{{User: frodo, Secret: "to the Grey Havens"}, {User: sam, Secret: "to Bag End"}},
			Wrong:    []strategytest.Credential{{Secret: "to the Black Gate"}},
			Broken: []func(strategytest.Fault) app.Strategy{func(fault strategytest.Fault) app.Strategy {
				down := newTickets()
				down.source.fault = fault
				spoil(down)
				return down
			}},
		}
	}
}

func TestRunTakesAStrategyThatKeepsTheContract(t *testing.T) {
	strategytest.Run(t, suiteOf(func(*tickets) {}))
}
