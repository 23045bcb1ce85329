package kahu_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

const day = 24 * time.Hour

var securityOfSessions = []claim{
	{"a session ends that was not used for | 30 minutes", func(t *testing.T, d time.Duration) { sessionEnds(t, d, app.SessionOptions{}) }},
	{"a session ends after its login, used or not, in | 12 hours", func(t *testing.T, d time.Duration) { sessionEnds(t, d, app.SessionOptions{Idle: 2 * day}) }},
	{"use is written at most once in | 1 minute, so a session", useOfASession},
	{"no limit; 10,000 at most can be set", func(t *testing.T, n int) {
		most(t, n, func(n int) { sessionsWith(app.SessionOptions{MaxPerUser: n}) })
	}},
	{"data in a session | 64 KiB | `SessionOptions.MaxBytes`; the stores take 1 MiB at most", dataOfASession},
	{"it is closed; 400 days at most can be set", func(t *testing.T, d time.Duration) {
		most(t, d, func(d time.Duration) { sessionsWith(app.SessionOptions{Cookie: app.SessionCookie{MaxAge: d}}) })
		assert.Zero(t, sessionCookie(t).MaxAge)
	}},
	{"in place of both | 400 days at most | `app.MaxAge`", func(t *testing.T, longest time.Duration) {
		for d, good := range map[time.Duration]bool{longest: true, longest + 1: false} {
			sessions := sessionsWith(app.SessionOptions{})
			err := inRequest(t, func(ctx *app.Context) error {
				return sessions.Layer(ctx, func(ctx *app.Context) error { return ctx.Login(ringbearer, app.MaxAge(d)) })
			})
			assert.Equal(t, good, err == nil)
		}
	}},
	{"id of a session | 256 random bits, of which the store", idAtRest},
	{"5 seconds, and ends after 3 faults in a row", watched},
	{"256 bytes, the rest is cut", agentIsCut},
	{"remembered after a login for | 30 days; 400 days at most", func(t *testing.T, d, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool { return remembered(t, clock, strategies.RememberOptions{}) })
		most(t, longest, func(d time.Duration) { rememberWith(strategies.RememberOptions{Expiry: d}) })
	}},
	{"forgotten if not brought back for | no limit; 2 minutes at least, if set", func(t *testing.T, d time.Duration) {
		least(t, d, func(d time.Duration) { rememberWith(strategies.RememberOptions{IdleLimit: d}) })
	}},
	{"the cookie before the last is good for another | 10 seconds; 1 minute at most", func(t *testing.T, d, longest time.Duration) {
		ends(t, d, func(clock *apptest.Clock) func() bool {
			good := remembered(t, clock, strategies.RememberOptions{})
			require.True(t, good(), "which replaces it")
			return good
		})
		most(t, longest, func(d time.Duration) { rememberWith(strategies.RememberOptions{Grace: d}) })
	}},
}

func sessionsWith(o app.SessionOptions) *app.Sessions {
	return app.NewSessions(sessionstores.NewMemory(), reviewedUsers, o)
}

func rememberWith(o strategies.RememberOptions) *strategies.Remember {
	return strategies.NewRemember(tokenstores.NewMemory(), reviewedUsers, o)
}

func sessionEnds(t *testing.T, d time.Duration, o app.SessionOptions) {
	t.Helper()
	ends(t, d, func(clock *apptest.Clock) func() bool {
		o.Clock = clock.Now
		c := loggedIn(t, sessionstores.NewMemory(), o)
		return func() bool { return c.Get("/me").Status == 204 }
	})
}

func useOfASession(t *testing.T, d time.Duration) {
	ends(t, d, func(clock *apptest.Clock) func() bool {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := loggedIn(t, store, app.SessionOptions{Clock: clock.Now})
		return func() bool {
			require.Equal(t, 204, c.Get("/me").Status)
			return !slices.Contains(store.Calls(), "Touch")
		}
	})
}

func dataOfASession(t *testing.T, session, store int) {
	sessions := sessionsWith(app.SessionOptions{})
	set := func(n int) (err error) {
		statusOf(t, request(t, "/", ""), sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			x, failed := sessions.Session(ctx)
			require.NoError(t, failed)
			err = x.Set("a", json.RawMessage(`"`+strings.Repeat("b", n-len(`{"a":"",}`))+`"`))
			return nil
		})
		return err
	}
	assert.NoError(t, set(session))
	assert.ErrorIs(t, set(session+1), app.ErrSessionTooLarge)

	insert := func(n int) error {
		data := map[string]json.RawMessage{"a": json.RawMessage(`"` + strings.Repeat("b", n-len(`{"a":""}`)) + `"`)}
		now := reviewClock().Now()
		return sessionstores.NewMemory().Insert(t.Context(), "key", "", &app.SessionRecord{Kind: "session", Data: data, Created: now, Seen: now, IdleUntil: now.Add(1), Until: now.Add(1)})
	}
	assert.NoError(t, insert(store))
	assert.Error(t, insert(store+1))
}

func idAtRest(t *testing.T, bits int) {
	c, sessions := visitor(t, sessionstores.NewMemory(), app.SessionOptions{})
	c.Post("/login", "application/json", "")
	id := c.Cookie("__Host-session").Value
	raw, err := base64.RawURLEncoding.DecodeString(id)
	require.NoError(t, err)
	assert.Equal(t, bits, 8*len(raw))
	list, err := sessions.List(t.Context(), ringbearer)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("session\x00" + id))
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), list[0].Handle)
}

func watched(t *testing.T, every time.Duration, faults int) {
	lasts(t, time.Duration(faults)*every, func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		sessions := app.NewSessions(store, reviewedUsers, app.SessionOptions{})
		statusOf(t, request(t, "/", ""), sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			require.NoError(t, ctx.Login(ringbearer))
			open, cancel, err := ctx.WhileLoggedIn(0)
			require.NoError(t, err)
			defer cancel()
			store.Fail("Find")
			before := len(store.Calls())
			<-open.Done()
			assert.ErrorIs(t, context.Cause(open), storetest.ErrFault)
			assert.Len(t, store.Calls()[before:], faults)
			return nil
		})
		synctest.Wait()
	})
}

func agentIsCut(t *testing.T, n int) {
	c, sessions := visitor(t, sessionstores.NewMemory(), app.SessionOptions{})
	c.Header.Set("User-Agent", strings.Repeat("a", n+1))
	c.Post("/login", "application/json", "")
	list, err := sessions.List(t.Context(), ringbearer)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("a", n), list[0].Agent)
}

// remembered logs in and returns whether the cookie from then is good still.
func remembered(t *testing.T, clock *apptest.Clock, o strategies.RememberOptions) func() bool {
	t.Helper()
	o.Clock = clock.Now
	remember := rememberWith(o)
	c := loggedIn(t, sessionstores.NewMemory(), app.SessionOptions{Clock: clock.Now, Remember: remember})
	cookie := c.Cookie("__Host-remember").Value
	by := app.New().Use(app.Authenticate(remember), onPath(map[string]app.Handler{"/": fine}))
	return func() bool {
		other := apptest.NewClient(t, by)
		other.SetCookie("__Host-remember", cookie)
		return other.Get("/").Status == 204
	}
}
