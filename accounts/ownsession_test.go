package accounts_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
)

// bound has sessions that are bound to something that a changed password changes.
func bound(s *shire, o *accounts.Options) {
	s.sessions = app.NewSessions(sessionstores.NewBun(s.db), s.store.Users(), app.SessionOptions{
		Clock: s.clock.Now, Stamp: func(u any) string { return u.(*accounts.User).UpdatedAt.String() },
	})
	o.Sessions = s.sessions
}

func TestTheSessionThatChangesThePasswordGoesOnUnderItsStamp(t *testing.T) {
	const cookie = "__Host-session"
	for name, change := range map[string]func(s *shire, o *accounts.Options){
		"in one transaction": bound,
		"one by one": func(s *shire, o *accounts.Options) {
			bound(s, o)
			o.Transact = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
				s := build(t, db, change)
				l := s.login(t)
				before := l.browser.Cookie(cookie).Value
				s.clock.Advance(time.Second)
				require.Equal(t, http.StatusNoContent, l.browser.Post("/page/password", "", "").Status)
				assert.Equal(t, "browser", l.alive(s, t))
				assert.NotEqual(t, before, l.browser.Cookie(cookie).Value)
				l.browser.SetCookie(cookie, before)
				assert.Empty(t, l.alive(s, t), "the id from before is nobody's")
			})
		})
	}
}

func TestATokenThatChangesThePasswordKeepsTheSessionBesideIt(t *testing.T) {
	s := newShire(t, bound)
	l := s.login(t)
	l.phone.CopyCookies(l.browser.Client)
	s.clock.Advance(time.Second)
	l.phone.keep(l.phone.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}))
	l.browser.CopyCookies(l.phone.Client)
	assert.Equal(t, "browser phone refresh", l.alive(s, t))
}

func TestATokenFromAnotherSiteChangesThePasswordAndKeepsNoSession(t *testing.T) {
	s := newShire(t, bound)
	l := s.login(t)
	l.phone.CopyCookies(l.browser.Client)
	s.clock.Advance(time.Second)
	l.phone.Header.Set("Sec-Fetch-Site", "same-site")
	res := l.phone.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another})
	require.Equal(t, http.StatusOK, res.Status, res.Body)
	l.phone.keep(res)
	assert.Equal(t, email, l.phone.Get("/posts").Body)
	assert.Equal(t, "phone refresh", l.alive(s, t))
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	list, err := s.sessions.List(t.Context(), user)
	require.NoError(t, err)
	assert.Empty(t, list)
}
