package apptest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// teller tells the events that the query's "tell" names.
func teller() *app.App {
	return app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		for _, name := range ctx.Request.URL.Query()["tell"] {
			ctx.Emit(app.Event{Name: app.EventName(name), Via: "palantir", Subject: "frodo", Reason: errors.New("seen by " + ctx.Request.URL.Path)})
		}
		ctx.Status = 204
		return nil
	})
}

func TestRecord(t *testing.T) {
	a := teller()
	var before []app.EventName
	a.OnEvent = func(ctx *app.Context, e app.Event) {
		require.NotNil(t, ctx)
		before = append(before, e.Name)
	}
	events := apptest.Record(a)
	assert.Empty(t, events.All())
	assert.Empty(t, events.Names())

	apptest.NewClient(t, a).Get("/sauron?tell=login&tell=logout")
	assert.Equal(t, []app.EventName{app.EventLogin, app.EventLogout}, events.Names())
	assert.Equal(t, events.Names(), before, "the App's own OnEvent is told as before")
	all := events.All()
	require.Len(t, all, 2)
	assert.Equal(t, "frodo", all[0].Subject)
	assert.EqualError(t, all[1].Reason, "seen by /sauron")
	all[0].Name = "changed"
	assert.Equal(t, before, events.Names(), "which are its own")
	assert.Len(t, events.Take(), 2)
	assert.Empty(t, events.All(), "what was taken is gone")

	apptest.NewClient(t, a).Get("/?tell=login")
	assert.Equal(t, []app.EventName{app.EventLogin}, events.Names(), "and what comes is there")
	events.Reset()
	assert.Empty(t, events.Take())
}

func TestRecordManyRequestsAtOnce(t *testing.T) {
	a := teller()
	events := apptest.Record(a)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { apptest.NewClient(t, a).Get("/?tell=login&tell=logout") })
		all.Go(func() { events.All() })
	}
	all.Wait()
	assert.Len(t, events.Names(), 40)
}

func TestExpectIsExact(t *testing.T) {
	const in, out, failed = app.EventLogin, app.EventLogout, app.EventLoginFailed
	for name, test := range map[string]struct {
		told string // queries of the teller
		want []app.EventName
		diff string // "": as expected
	}{
		"nothing is nothing":         {"", nil, ""},
		"the same in the same order": {"tell=login&tell=logout", []app.EventName{in, out}, ""},
		"twice is twice":             {"tell=login&tell=login", []app.EventName{in, in}, ""},
		"one too many":               {"tell=login", nil, "  + login (via palantir, of frodo): seen by /\n"},
		"one too few":                {"", []app.EventName{in}, "  - login\n"},
		"twice is not once":          {"tell=login&tell=login", []app.EventName{in}, "    login (via palantir, of frodo): seen by /\n  + login (via palantir, of frodo): seen by /\n"},
		"another order":              {"tell=logout&tell=login", []app.EventName{in, out}, "  - login\n    logout (via palantir, of frodo): seen by /\n  + login (via palantir, of frodo): seen by /\n"},
		"another between what is the same": {"tell=login&tell=ring&tell=logout", []app.EventName{in, failed, out},
			"    login (via palantir, of frodo): seen by /\n  - login failed\n  + ring (via palantir, of frodo): seen by /\n    logout (via palantir, of frodo): seen by /\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := teller()
			events := apptest.Record(a)
			apptest.NewClient(t, a).Get("/?" + test.told)
			if test.diff == "" {
				got := events.Expect(t, test.want...)
				assert.Len(t, got, len(test.want))
				events.Expect(t) // they were taken
				return
			}
			f := &failing{TB: t}
			assert.PanicsWithError(t, errStopped.Error(), func() { events.Expect(f, test.want...) })
			assert.Equal(t, "apptest: other events than expected (- is missing, + is too much):\n"+test.diff, f.why)
			events.Expect(t) // they were taken all the same
		})
	}
}

func ExampleRecord() {
	t := &failing{} // in a test, its own t
	defer t.cleanup()
	sessions := app.NewSessions(sessionstores.NewMemory(), users, app.SessionOptions{})
	shire := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
		if ctx.Request.URL.Path == "/logout" {
			return ctx.Logout()
		}
		return app.RequireLogin(ctx, func(ctx *app.Context) error { return nil })
	})
	events := apptest.Record(shire)
	client := apptest.NewClient(t, shire)

	apptest.ActAs(t, client, sessions, "frodo")
	client.Post("/logout", "", "")
	for _, e := range events.Expect(t, app.EventLogout) {
		fmt.Println(e.Name, "of", e.Subject)
	}
	client.Get("/rings")
	for _, e := range events.Expect(t, app.EventDenied) {
		fmt.Println(e.Name, "to", e.Address)
	}
	// Output:
	// logout of frodo
	// access denied to 192.0.2.1
}
