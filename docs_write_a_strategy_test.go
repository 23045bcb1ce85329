package kahu_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies/strategytest"
)

// What follows is what docs/write-a-strategy.md shows; a test compares the two.

// A Ticket is what the harbour knows of one.
type Ticket struct {
	ID     string
	Owner  *User // nil: gone
	Scopes []string
}

// Tickets proves who has a ticket of the harbour's.
type Tickets struct {
	Find   func(ctx context.Context, hash string) (*Ticket, error) // nil, nil: there is none
	Remove func(ctx context.Context, id string) error
}

// Authenticate takes the ticket from the Authorization header.
func (t *Tickets) Authenticate(ctx *app.Context) (*app.Identity, error) {
	scheme, text, _ := strings.Cut(ctx.Request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Ticket") {
		return nil, app.ErrNoCredentials
	}
	id, err := t.prove(ctx.Context(), text)
	if err != nil {
		return nil, err
	}
	id.Deliberate = true
	return id, nil
}

func (t *Tickets) prove(ctx context.Context, text string) (*app.Identity, error) {
	sum := sha256.Sum256([]byte(text))
	ticket, err := t.Find(ctx, hex.EncodeToString(sum[:]))
	if err != nil {
		return nil, fmt.Errorf("find the ticket: %w", err) // 503: nobody knows who this is
	}
	if ticket == nil || ticket.Owner == nil {
		return nil, &app.Rejection{Message: "Unknown ticket"} // 401
	}
	return &app.Identity{User: ticket.Owner, Scopes: ticket.Scopes, Info: ticket, Via: "ticket", Handle: ticket.ID}, nil
}

// Challenge says what would be taken.
func (t *Tickets) Challenge(ctx *app.Context, why error) string {
	return `Ticket realm="havens"`
}

// End ends the ticket that proved the request, and no other.
func (t *Tickets) End(ctx *app.Context, id *app.Identity) error {
	return t.Remove(ctx.Context(), id.Handle)
}

// Describe is for ctx.Explain.
func (t *Tickets) Describe() (name, looksAt string) {
	return "ticket", "the Authorization header"
}

var (
	_ app.Strategy   = (*Tickets)(nil)
	_ app.Challenger = (*Tickets)(nil)
	_ app.Ender      = (*Tickets)(nil)
	_ app.Describer  = (*Tickets)(nil)
)

var ticketCookie = app.Cookie{Name: "__Host-ticket", Unsigned: true}

// TicketCookies takes a ticket from a cookie instead.
type TicketCookies struct{ *Tickets }

var otherSites = http.NewCrossOriginProtection()

// Authenticate refuses what a page of another site made the browser send.
func (t TicketCookies) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, err := ticketCookie.Get(ctx)
	if err != nil {
		return nil, app.ErrNoCredentials // none, or two that differ
	}
	if err := otherSites.Check(ctx.Request); err != nil {
		return nil, &app.Error{Status: 403, Message: "Cross-site request refused", Cause: err}
	}
	id, err := t.prove(ctx.Context(), text) // Deliberate stays false
	if errors.Is(err, app.ErrInvalidCredentials) {
		_ = ticketCookie.Clear(ctx) // or it would be sent for ever; it is set anew at the harbour
	}
	return id, err
}

// End takes the cookie, too.
func (t TicketCookies) End(ctx *app.Context, id *app.Identity) error {
	if err := t.Tickets.End(ctx, id); err != nil {
		return err
	}
	return ticketCookie.Clear(ctx)
}

// Challenge has no scheme of its own.
func (t TicketCookies) Challenge(ctx *app.Context, why error) string {
	return `Cookie realm="havens"`
}

func TestTickets(t *testing.T) {
	strategytest.Run(t, func(t testing.TB) strategytest.Suite {
		h := newHarbour()
		return strategytest.Suite{
			Strategy: &Tickets{Find: h.Find, Remove: h.Remove},
			Send:     strategytest.InAuthorization("Ticket"),
			Good: []strategytest.Credential{
				{User: &User{"frodo"}, Secret: "to the Grey Havens"},
				{User: &User{"sam"}, Secret: "to Bag End"},
			},
			Wrong: []strategytest.Credential{
				{Secret: "to the Black Gate"}, // nobody has it
				{Secret: "to Lake-town"},      // its owner is gone
			},
			Broken: []func(strategytest.Fault) app.Strategy{
				func(fault strategytest.Fault) app.Strategy {
					return &Tickets{
						Find:   func(ctx context.Context, hash string) (*Ticket, error) { return nil, fault(ctx) },
						Remove: func(ctx context.Context, id string) error { return fault(ctx) },
					}
				},
			},
		}
	})
}

func ticketSnippet(h *harbour, bearer app.Strategy, ships, board, weather app.Handler) *router.Router {
	tickets := &Tickets{Find: h.Find, Remove: h.Remove}

	r := router.New()
	r.Guard(app.Authenticate(tickets)).Get("/ships", ships)
	r.Guard(app.Authenticate(tickets, bearer), app.RequireScopes("ships:board")).Post("/ships/{id}/board", board)
	r.Optional(app.Identify(tickets)).Get("/weather", weather)
	r.Open().Post("/session", func(ctx *app.Context) error {
		id, err := ctx.Authenticate(tickets)
		if err != nil {
			return err
		}
		ctx.Status = 204
		return ctx.Login(id.User)
	})
	r.Guard(app.Authenticate(tickets)).Delete("/ticket", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout() // calls End
	})
	return r
}

func ticketParts(r *router.Router, harbours map[string]*Tickets, tickets *Tickets, ships app.Handler,
	shipOf func(context.Context, *Ticket) (any, error), connect func(ctx context.Context, user, account any) error) {
	atHarbour := app.Choose(func(ctx *app.Context) (app.Strategy, error) {
		tickets, known := harbours[ctx.Param("harbour")]
		if !known {
			return nil, ctx.Throw(404, "")
		}
		return tickets, nil
	})
	r.Guard(app.Authenticate(atHarbour)).Get("/harbours/{harbour}/ships", ships)

	withShip := app.WithInfo(tickets, func(ctx context.Context, id *app.Identity) (any, error) {
		return shipOf(ctx, id.Info.(*Ticket))
	})
	r.Guard(app.Authenticate(withShip)).Get("/ship", func(ctx *app.Context) error {
		id, err := ctx.Identity()
		if err != nil {
			return err
		}
		ctx.Body = id.Info // the ship
		return nil
	})

	r.Guard(app.RequireLogin, app.Authorize(tickets)).Post("/me/ticket", func(ctx *app.Context) error {
		ctx.Status = 204
		return connect(ctx.Context(), ctx.User(), ctx.Account().User)
	})
}

func explainSnippet(a *app.App, log func(...any)) {
	a.InsecureExplain = true // in development: in the log, and on the page of a 401

	a.OnEvent = func(ctx *app.Context, e app.Event) {
		if e.Name == app.EventRefused {
			log(ctx.Explain()) // [ticket looked at the Authorization header: rejected: …]
		}
	}
}

func TestMyStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) app.SessionStore { return openMyStore(t) })
}

// What follows is not shown.

func openMyStore(*testing.T) app.SessionStore { return sessionstores.NewMemory() }

// A harbour has tickets by their hashes.
type harbour struct {
	mu      sync.Mutex
	tickets map[string]*Ticket
}

func newHarbour() *harbour {
	h := &harbour{tickets: map[string]*Ticket{}}
	for text, owner := range map[string]*User{"to the Grey Havens": {"frodo"}, "to Bag End": {"sam"}, "to Lake-town": nil} {
		sum := sha256.Sum256([]byte(text))
		h.tickets[hex.EncodeToString(sum[:])] = &Ticket{ID: fmt.Sprint("ticket ", len(h.tickets)), Owner: owner, Scopes: []string{"ships:board"}}
	}
	return h
}

func (h *harbour) Find(_ context.Context, hash string) (*Ticket, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tickets[hash], nil
}

func (h *harbour) Remove(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for hash, ticket := range h.tickets {
		if ticket.ID == id {
			delete(h.tickets, hash)
		}
	}
	return nil
}

func TestTicketsInACookie(t *testing.T) {
	strategytest.Run(t, func(testing.TB) strategytest.Suite {
		h := newHarbour()
		return strategytest.Suite{
			Strategy: TicketCookies{&Tickets{Find: h.Find, Remove: h.Remove}},
			Send:     strategytest.InCookie("__Host-ticket"),
			Good:     []strategytest.Credential{{User: &User{"frodo"}, Secret: "to the Grey Havens"}, {User: &User{"sam"}, Secret: "to Bag End"}},
			Wrong:    []strategytest.Credential{{Secret: "to the Black Gate"}, {Secret: "to Lake-town"}},
			Broken: []func(strategytest.Fault) app.Strategy{func(fault strategytest.Fault) app.Strategy {
				return TicketCookies{&Tickets{
					Find:   func(ctx context.Context, _ string) (*Ticket, error) { return nil, fault(ctx) },
					Remove: func(ctx context.Context, _ string) error { return fault(ctx) },
				}}
			}},
		}
	})
}

// The routes of the guide answer as it says.
func TestWriteAStrategy(t *testing.T) {
	h := newHarbour()
	hello := func(ctx *app.Context) error {
		name := "stranger"
		if u, ok := app.User[*User](ctx); ok {
			name = u.Username
		}
		ctx.Body = name
		return nil
	}
	var connected []any
	r := ticketSnippet(h, APIKey{}, hello, hello, hello)
	tickets := &Tickets{Find: h.Find, Remove: h.Remove}
	ticketParts(r, map[string]*Tickets{"mithlond": tickets}, tickets, hello,
		func(_ context.Context, ticket *Ticket) (any, error) { return "the ship of " + ticket.ID, nil },
		func(_ context.Context, user, account any) error {
			connected = append(connected, user.(*User).Username, account.(*User).Username)
			return nil
		})
	users := &everybody{}
	a := app.New()
	var explained []string
	explainSnippet(a, func(steps ...any) { explained = append(explained, fmt.Sprint(steps...)) })
	a.Use(app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{}).Layer, r.Layer)

	send := func(c *apptest.Client, method, path, ticket string) *apptest.Response {
		r := c.NewRequest(method, path, nil)
		if ticket != "" {
			strategytest.InAuthorization("Ticket")(r, ticket)
		}
		return c.Do(r)
	}
	c := apptest.NewClient(t, a)
	for _, test := range []struct {
		method, path, ticket string
		status               int
		body                 string
	}{
		{"GET", "/ships", "", 401, ""},
		{"GET", "/ships", "to the Black Gate", 401, ""},
		{"GET", "/ships", "to Bag End", 200, "sam"},
		{"POST", "/ships/1/board", "to Bag End", 200, "sam"},
		{"GET", "/weather", "", 200, "stranger"},
		{"GET", "/weather", "to Bag End", 200, "sam"},
		{"GET", "/weather", "to the Black Gate", 401, ""},
		{"GET", "/harbours/mithlond/ships", "to Bag End", 200, "sam"},
		{"GET", "/harbours/umbar/ships", "to Bag End", 404, ""},
		{"POST", "/me/ticket", "to Bag End", 401, ""},
		{"POST", "/session", "to the Grey Havens", 204, ""},
		{"POST", "/me/ticket", "to Bag End", 204, ""},
		{"DELETE", "/ticket", "to Bag End", 204, ""},
		{"GET", "/ships", "to Bag End", 401, ""},
		{"GET", "/ships", "to the Grey Havens", 200, "frodo"},
	} {
		res := send(c, test.method, test.path, test.ticket)
		require.Equal(t, test.status, res.Status, "%s %s with %q: %s", test.method, test.path, test.ticket, res.Body)
		if test.body != "" {
			assert.Equal(t, test.body, res.Body)
		}
	}
	assert.Equal(t, `Ticket realm="havens"`, send(c, "GET", "/ships", "").Header.Get("WWW-Authenticate"))
	assert.Contains(t, send(c, "GET", "/ship", "to the Grey Havens").Body, "the ship of ticket")
	assert.Equal(t, []any{"frodo", "sam"}, connected, "the user is still frodo, the account is sam's")
	require.NotEmpty(t, explained)
	assert.Contains(t, explained[0], "ticket looked at the Authorization header: rejected")
	assert.NotContains(t, strings.Join(explained, ""), "Black Gate")
}

// everybody is a Serializer of all names.
type everybody struct{}

func (*everybody) Serialize(_ context.Context, user any) (string, error) {
	return user.(*User).Username, nil
}

func (*everybody) Deserialize(_ context.Context, name string) (any, error) { return &User{name}, nil }
