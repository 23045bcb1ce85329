package accounts_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/strategies"
)

// A login is all that one account is signed in with.
type login struct {
	phone, tablet  *caller // JWTs of two devices
	browser, other *caller // sessions
	script         *caller // an opaque token
	mailed         string  // a token to reset the password
}

func (s *shire) login(t *testing.T) *login {
	t.Helper()
	l := &login{s.caller(t), s.caller(t), s.caller(t), s.caller(t), s.caller(t), ""}
	l.phone.signUp()
	l.tablet.keep(l.tablet.signIn(password))
	for _, browser := range []*caller{l.browser, l.other} {
		require.Equal(t, http.StatusNoContent, browser.Post("/session", "", "").Status)
	}
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	token, err := s.opaque.Issue(t.Context(), user, strategies.TokenOptions{})
	require.NoError(t, err)
	l.script.Header.Set("Authorization", "Bearer "+token.Text())
	require.Equal(t, http.StatusOK, l.phone.send("POST", "/users/resets", fields{"email": email}).Status)
	l.mailed = s.post.token(t, email, accounts.PurposeReset)
	require.Equal(t, "browser other phone refresh script tablet mail", l.alive(s, t))
	return l
}

// alive says what still works, without using anything up but the refresh token, which is
// renewed.
func (l *login) alive(s *shire, t *testing.T) string {
	t.Helper()
	var alive []string
	check := func(name string, ok bool) {
		if ok {
			alive = append(alive, name)
		}
	}
	check("browser", l.browser.Get("/page").Status == http.StatusOK)
	check("other", l.other.Get("/page").Status == http.StatusOK)
	check("phone", l.phone.Get("/posts").Status == http.StatusOK)
	if r := l.phone.send("POST", "/users/tokens", nil); r.Status == http.StatusOK {
		l.phone.keep(r)
		check("refresh", true)
	}
	check("script", l.script.Get("/api").Status == http.StatusOK)
	check("tablet", l.tablet.Get("/posts").Status == http.StatusOK)
	looked := s.caller(t).send("PATCH", "/users/resets", fields{"token": l.mailed, "password": "short"})
	check("mail", !strings.Contains(looked.Body, "link is not valid"))
	return strings.Join(alive, " ")
}

// TestWhatEndsWhat has the rows of the table in docs/accounts.md.
func TestWhatEndsWhat(t *testing.T) {
	tests := map[string]struct {
		event func(t *testing.T, s *shire, l *login)
		alive string
	}{
		"sign out": {func(t *testing.T, s *shire, l *login) {
			require.Equal(t, http.StatusOK, l.phone.send("DELETE", "/users/sign_out", nil).Status)
		}, "browser other script tablet mail"},
		"password changed by a device": {func(t *testing.T, s *shire, l *login) {
			own := *l.phone
			own.Client = s.caller(t).Client
			own.Header = l.phone.Header.Clone()
			require.Equal(t, http.StatusOK, own.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}).Status)
		}, ""},
		"password changed by a browser": {func(t *testing.T, s *shire, l *login) {
			require.Equal(t, http.StatusNoContent, l.browser.Post("/page/password", "", "").Status)
		}, "browser"},
		"password reset": {func(t *testing.T, s *shire, l *login) {
			require.Equal(t, http.StatusOK, s.caller(t).send("PATCH", "/users/resets", fields{"token": l.mailed, "password": another}).Status)
		}, ""},
		"e-mail address changed": {func(t *testing.T, s *shire, l *login) {
			require.Equal(t, http.StatusOK, l.phone.send("POST", "/users/emails", fields{"email": "underhill@bree.example", "current_password": password}).Status)
			token := s.post.token(t, "underhill@bree.example", accounts.PurposeEmail)
			require.Equal(t, http.StatusOK, s.caller(t).send("PATCH", "/users/emails", fields{"token": token}).Status)
		}, "browser other phone refresh script tablet"},
		"account disabled": {func(t *testing.T, s *shire, l *login) {
			user, _, err := s.store.ByEmail(t.Context(), email)
			require.NoError(t, err)
			require.NoError(t, s.people.EndAll(t.Context(), user))
		}, ""},
		"account deleted": {func(t *testing.T, s *shire, l *login) {
			require.Equal(t, http.StatusOK, l.phone.send("DELETE", "/users/delete", nil).Status)
		}, ""},
	}
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		s := build(t, db, nil)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				for _, table := range []string{"users", "tokens", "sessions"} {
					execute(t, db, "DELETE FROM "+table)
				}
				s.clock.Advance(hourAndMore)
				l := s.login(t)
				test.event(t, s, l)
				assert.Equal(t, test.alive, l.alive(s, t))
			})
		}
	})
}

const hourAndMore = 61 * 60 * 1e9 // so that no count of mails is left

func TestWhatEndsTogetherEndsInOneTransaction(t *testing.T) {
	events := map[string]func(s *shire, l *login) int{
		"a change": func(s *shire, l *login) int {
			return l.phone.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}).Status
		},
		"a reset": func(s *shire, l *login) int {
			return l.phone.send("PATCH", "/users/resets", fields{"token": l.mailed, "password": another}).Status
		},
		"a deletion": func(s *shire, l *login) int { return l.phone.send("DELETE", "/users/delete", nil).Status },
	}
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		s := build(t, db, nil)
		for name, event := range events {
			t.Run(name, func(t *testing.T) {
				for _, table := range []string{"users", "tokens", "sessions"} {
					execute(t, db, "DELETE FROM "+table)
				}
				s.clock.Advance(hourAndMore)
				l := s.login(t)
				trace.Fail(func(c sqltrace.Call) error {
					if c.Kind == sqltrace.Commit {
						return errors.New("the bridge of Khazad-dûm is broken")
					}
					return nil
				})
				assert.GreaterOrEqual(t, event(s, l), 500)
				trace.Fail(nil)
				assert.Equal(t, "browser other phone refresh script tablet mail", l.alive(s, t), "nothing ended")
				assert.Equal(t, http.StatusOK, s.caller(t).signIn(password).Status, "nothing changed")
			})
		}
	})
}

func TestADisabledAccountIsRefusedAtOnce(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	_, err = s.store.Disable(t.Context(), user)
	require.NoError(t, err)
	r := c.Get("/posts")
	assert.Equal(t, http.StatusUnauthorized, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Invalid access token"}`, r.Body)
	assert.Equal(t, http.StatusUnauthorized, c.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}).Status)
	_, err = s.store.Enable(t.Context(), user)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, c.Get("/posts").Status)
}
