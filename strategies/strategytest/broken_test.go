package strategytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies/strategytest"
)

var brokenStrategies = map[string][]struct {
	name  string
	spoil func(x *tickets)
	says  string
}{
	"proves each user and says how": {
		{"a user for another", whenProved(func(_ *app.Context, id *app.Identity) { id.User = sam }), "somebody else"},
		{"no name", whenProved(func(_ *app.Context, id *app.Identity) { id.Via = "" }), "Identity.Via is empty"},
		{"a secret in Info", whenProved(func(ctx *app.Context, id *app.Identity) { id.Info = map[string]any{"was": ticket(ctx)} }), "Identity.Info shows the secret"},
		{"a secret deep in Info", whenProved(func(ctx *app.Context, id *app.Identity) { id.Info = []*struct{ Was string }{{ticket(ctx)}} }), "Identity.Info shows the secret"},
		{"a secret for a handle", whenProved(func(ctx *app.Context, id *app.Identity) { id.Handle = ticket(ctx) }), "Identity.Handle shows the secret"},
		{"one handle for all", whenProved(func(_ *app.Context, id *app.Identity) { id.Handle = "ticket" }), "have one Identity.Handle"},
		{"no proof", whenProved(func(_ *app.Context, id *app.Identity) { id.User = (*hobbit)(nil) }), "no error and the user *strategytest_test.hobbit(nil)"},
		{"no name to explain", func(x *tickets) { x.name = "" }, "Describe returns no name"},
	},
	"keeps nothing from one request to the next": {
		{"the last user for who sends nothing", remembering, "an empty request after Good[0]: got a proof of &{Name:Frodo}, want ErrNoCredentials"},
		{"a ticket for one journey", onlyOnce, "Good[0] for the second time"},
	},
	"never mixes users who come at once": {{"a user in a field", sharing, "two requests at once got into each other's way"}},
	"passes on what is not its own": {
		{"no ticket is a wrong ticket", whenever(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
			if errors.Is(err, app.ErrNoCredentials) {
				err = &app.Rejection{}
			}
			return id, err
		}), "an empty request: got a Rejection"},
		{"no ticket is sent elsewhere", whenever(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
			if errors.Is(err, app.ErrNoCredentials) {
				err = &app.Redirection{URL: "/harbour"}
			}
			return id, err
		}), "got a Redirection"},
		{"a body that nobody can read again", doing(func(ctx *app.Context) { _, _ = io.ReadAll(ctx.Request.Body) }), "read bodies by ctx.Bind"},
	},
	"rejects what is wrong": {
		{"everybody comes in", whenRejected(func(*app.Context) (*app.Identity, error) { return &app.Identity{User: sam}, nil }), "this lets anybody in"},
		{"a wrong ticket is no ticket", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, app.ErrNoCredentials }), "nobody would notice"},
		{"the sentinel alone", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, app.ErrInvalidCredentials }), "return &app.Rejection{}"},
		{"a nil Rejection", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, (*app.Rejection)(nil) }), "got a fault"},
		{"an error of one's own", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, errUnknownTicket }), "the client is wrong here, not the server"},
		{"a status of the server's", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, &app.Rejection{Status: 500} }), "Rejection.Status is 500"},
	},
	"never proves nobody": {
		{"a typed nil", whenRejected(func(*app.Context) (*app.Identity, error) { return &app.Identity{User: (*hobbit)(nil)}, nil }), "a typed nil in an any is not nil"},
		{"no user", whenRejected(func(*app.Context) (*app.Identity, error) { return &app.Identity{}, nil }), "no error and the user"},
		{"nothing at all", whenRejected(func(*app.Context) (*app.Identity, error) { return nil, nil }), "no error and no identity"},
	},
	"never writes": {
		{"a status", doing(func(ctx *app.Context) { ctx.Status = 401 }), "set ctx.Status to 401"},
		{"a body", doing(func(ctx *app.Context) { ctx.Body = "no" }), "set ctx.Body to a string"},
		{"a header", doing(func(ctx *app.Context) { ctx.Header().Set("X-User", "frodo") }), "set the header X-User"},
		{"a challenge of its own", doing(func(ctx *app.Context) { ctx.Header().Set("WWW-Authenticate", "Ticket") }), "set the header Www-Authenticate"},
		{"an answer", doing(func(ctx *app.Context) { ctx.Writer().WriteHeader(401) }), "sent the headers"},
		{"a login", doing(func(ctx *app.Context) { _ = ctx.Login(frodo, app.WithoutSession()) }), "changed who is logged in"},
	},
	"withstands hostile secrets": {
		{"any case", reading(known(strings.EqualFold)), `as "TO THE gREY hAVENS": got a proof`},
		{"the beginning", reading(known(func(good, text string) bool { return strings.HasPrefix(text, good) })), "byte for byte"},
		{"a part of it", reading(known(strings.Contains)), "byte for byte"},
		{"up to a NUL", reading(func(text string) string { text, _, _ = strings.Cut(text, "\x00"); return text }), `as "to the Grey Havens\x00": got a proof`},
		{"a panic", reading(func(text string) string { return text[:2] + text[2:] }), "nothing that a client sends may panic"},
		{"a fault", whenRejected(func(ctx *app.Context) (*app.Identity, error) {
			if strings.Contains(ticket(ctx), "\xff") {
				return nil, errors.New("invalid byte sequence for encoding UTF8")
			}
			return nil, &app.Rejection{}
		}), "anybody could fill the log"},
	},
	"withstands hostile requests": {
		{"a panic over a header", doing(func(ctx *app.Context) { _ = strings.SplitN(ctx.Request.Header.Get("Authorization"), "t", 3)[2] }), "nothing that a client sends may panic"},
		{"a panic over a body", doing(func(ctx *app.Context) {
			var in struct{ A string }
			if err := ctx.Bind(&in); err != nil {
				panic(err)
			}
		}), "a body of the type"},
		{"somebody else", whenRejected(func(ctx *app.Context) (*app.Identity, error) {
			if strings.Contains(ticket(ctx), ",") {
				return &app.Identity{User: sam, Via: "ticket"}, nil
			}
			return nil, &app.Rejection{}
		}), "somebody whose credential was not sent"},
	},
	"keeps secrets to itself": {
		{"in a Cause", whenRejected(func(ctx *app.Context) (*app.Identity, error) {
			return nil, &app.Rejection{Cause: fmt.Errorf("no ticket %q", ticket(ctx))}
		}), "the error quotes the secret"},
		{"in a Message", whenRejected(func(ctx *app.Context) (*app.Identity, error) {
			return nil, &app.Rejection{Message: "No ticket " + ticket(ctx)}
		}), "it is answered, and shown on pages"},
		{"in a challenge", func(x *tickets) {
			whenRejected(func(ctx *app.Context) (*app.Identity, error) {
				text := ticket(ctx)
				x.challenge = func(error) string { return `Ticket was="` + text + `"` }
				return nil, &app.Rejection{}
			})(x)
		}, "the challenge quotes the secret"},
		{"in a fault", whenever(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
			if err != nil && !errors.Is(err, app.ErrInvalidCredentials) && !errors.Is(err, app.ErrNoCredentials) {
				err = fmt.Errorf("find %s: %w", ticket(ctx), err)
			}
			return id, err
		}), "Good[0] and Broken[0]: the error quotes the secret"},
	},
	"challenges are well formed": {
		{"a line end", challenging(func(error) string { return "Ticket realm=\"a\"\r\nX: 1" }), "has a control character"},
		{"two at once", challenging(func(error) string { return `Ticket realm="a", Basic realm="b"` }), "has no parameter at"},
		{"a quote that is not closed", challenging(func(error) string { return `Ticket realm="a` }), "no quoted string"},
		{"words about it", challenging(func(why error) string {
			if errors.Is(why, app.ErrInvalidCredentials) {
				return "Ticket rejected: " + why.Error()
			}
			return "Ticket"
		}), "has no parameter at"},
		{"a panic", challenging(func(why error) string { return why.(*app.Rejection).Message }), "got a panic"},
	},
	"ends one credential and no other": {
		{"a logout that ends nothing", func(x *tickets) { x.end = func(context.Context, *app.Identity) error { return nil } }, "who has a copy is still in"},
		{"a logout of everybody", func(x *tickets) {
			x.end = func(ctx context.Context, _ *app.Identity) error {
				return errors.Join(x.source.remove(ctx, "Frodo"), x.source.remove(ctx, "Sam"))
			}
		}, "Good[1] after the logout of Good[0]: got a Rejection"},
		{"a logout that fails", func(x *tickets) { x.end = func(context.Context, *app.Identity) error { return errUnknownTicket } }, "ctx.Logout of Good[0]"},
		{"a fault for what has ended", func(x *tickets) {
			whenRejected(func(*app.Context) (*app.Identity, error) { return nil, errUnknownTicket })(x)
		}, "want a Rejection"},
	},
	"knows later whether it still proves": {
		{"it never does", rechecking(func(error) error { return &app.Rejection{} }), "connections that are open would be closed"},
		{"it always does", rechecking(func(error) error { return nil }), "connections would stay open for who is logged out"},
		{"a fault is an end", rechecking(func(err error) error {
			if err != nil {
				err = &app.Rejection{Cause: err}
			}
			return err
		}), "nobody knows whether it is over"},
	},
	"a fault is a fault": {
		{"a rejection", whenDown(func(err error) (*app.Identity, error) { return nil, &app.Rejection{Cause: err} }), "everybody would be logged out"},
		{"a pass", whenDown(func(err error) (*app.Identity, error) { return nil, fmt.Errorf("%w: %w", app.ErrNoCredentials, err) }), "everybody would be logged out"},
		{"a proof", whenDown(func(error) (*app.Identity, error) { return &app.Identity{User: sam}, nil }), "and is let in"},
		{"nobody", whenDown(func(error) (*app.Identity, error) { return &app.Identity{}, nil }), "and is let in"},
		{"the client's error", whenDown(func(err error) (*app.Identity, error) { return nil, &app.Error{Status: 404, Cause: err} }), "which is answered 503"},
		{"a source that is not asked", func(x *tickets) { x.prove = func(*app.Context) (*app.Identity, error) { return nil, errUnknownTicket } }, "without a call of fault"},
		{"a logout that hides it", func(x *tickets) {
			x.end = func(ctx context.Context, id *app.Identity) error { _ = x.source.remove(ctx, id.Handle); return nil }
		}, "End returned no error"},
	},
	"a request that ends ends the question": {
		{"a context of its own", detached, "ask the source with ctx.Context()"},
		{"a rejection", whenDown(func(err error) (*app.Identity, error) { return nil, &app.Rejection{Cause: err} }), "whether this credential is good nobody found out"},
		{"a pass", whenDown(func(error) (*app.Identity, error) { return nil, app.ErrNoCredentials }), "whether this credential is good nobody found out"},
	},
}

func TestEachCheckFindsWhatItIsFor(t *testing.T) {
	strategytest.SetPatience(t, 50*time.Millisecond)
	for _, check := range strategytest.CheckNames() {
		if check == "refuses what other sites make browsers send" {
			continue // TestRunKnowsWhatBrowsersSend
		}
		require.NotEmpty(t, brokenStrategies[check], "no strategy is broken for %q", check)
		t.Run(check, func(t *testing.T) {
			for _, broken := range brokenStrategies[check] {
				t.Run(broken.name, func(t *testing.T) {
					assert.Contains(t, failuresOf(t, check, suiteOf(broken.spoil)), broken.says)
				})
			}
		})
	}
}
