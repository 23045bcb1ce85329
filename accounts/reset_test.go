package accounts_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func TestAPasswordIsResetByMail(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	require.Equal(t, http.StatusOK, c.send("POST", "/users/resets", fields{"email": "Frodo@Shire.example"}).Status)
	token := s.post.token(t, email, accounts.PurposeReset)

	t.Run("what is wrong with the password uses the token not up", func(t *testing.T) {
		for _, wrong := range []string{"", "ring", email} {
			r := c.send("PATCH", "/users/resets", fields{"token": token, "password": wrong})
			assert.Equal(t, http.StatusUnprocessableEntity, r.Status, wrong)
		}
	})
	t.Run("the token is for this alone", func(t *testing.T) {
		assert.Equal(t, http.StatusUnprocessableEntity, c.send("PATCH", "/users/verifications", fields{"token": token}).Status)
		assert.Equal(t, http.StatusUnprocessableEntity, c.send("PATCH", "/users/emails", fields{"token": token}).Status)
	})
	t.Run("it works once", func(t *testing.T) {
		r := c.send("PATCH", "/users/resets", fields{"token": token, "password": another, "password_confirmation": another})
		assert.Equal(t, http.StatusOK, r.Status)
		assert.Empty(t, r.Header.Get("Access-Token"), "nobody is signed in by a mail")
		r = c.send("PATCH", "/users/resets", fields{"token": token, "password": "a-third-one-of-1956"})
		assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
		assert.JSONEq(t, `{"status":"error","error":"The link is not valid any more"}`, r.Body)
		assert.Equal(t, http.StatusOK, c.signIn(another).Status)
		assert.Equal(t, http.StatusUnauthorized, c.signIn(password).Status)
	})
	t.Run("it proved the address", func(t *testing.T) {
		user, _, err := s.store.ByEmail(t.Context(), email)
		require.NoError(t, err)
		assert.True(t, s.store.Status(user).Verified)
	})
}

func TestResetTokensEnd(t *testing.T) {
	tests := map[string]func(s *shire, c *caller, t *testing.T){
		"after an hour": func(s *shire, _ *caller, _ *testing.T) { s.clock.Advance(time.Hour) },
		"when another one is mailed": func(_ *shire, c *caller, _ *testing.T) {
			c.send("POST", "/users/resets", fields{"email": email})
		},
		"when the password changes": func(_ *shire, c *caller, t *testing.T) {
			c.keep(c.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}))
		},
		"when the account is disabled": func(s *shire, _ *caller, t *testing.T) {
			user, _, err := s.store.ByEmail(t.Context(), email)
			require.NoError(t, err)
			_, err = s.store.Disable(t.Context(), user)
			require.NoError(t, err)
		},
		"when the account is deleted": func(_ *shire, c *caller, t *testing.T) {
			require.Equal(t, http.StatusOK, c.send("DELETE", "/users/delete", nil).Status)
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShire(t, nil)
			c := s.caller(t)
			c.signUp()
			c.send("POST", "/users/resets", fields{"email": email})
			token := s.post.token(t, email, accounts.PurposeReset)
			end(s, c, t)
			r := c.send("PATCH", "/users/resets", fields{"token": token, "password": "a-third-one-of-1956"})
			assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
			assert.JSONEq(t, `{"status":"error","error":"The link is not valid any more"}`, r.Body)
		})
	}
}

func TestAResetTokenUsedTwiceAtOnceChangesThePasswordOnce(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		s := build(t, db, nil)
		c := s.caller(t)
		c.signUp()
		c.send("POST", "/users/resets", fields{"email": email})
		token := s.post.token(t, email, accounts.PurposeReset)
		chosen := []string{"one-ring-to-rule-them", "one-ring-to-find-them", "one-ring-to-bring-them", "and-in-the-darkness"}
		statuses := make([]int, len(chosen))
		var all sync.WaitGroup
		for i, p := range chosen {
			all.Go(func() {
				statuses[i] = s.caller(t).send("PATCH", "/users/resets", fields{"token": token, "password": p}).Status
			})
		}
		all.Wait()
		changed := 0
		for i, status := range statuses {
			in := s.caller(t).signIn(chosen[i]).Status == http.StatusOK
			assert.Equal(t, status == http.StatusOK, in, "who was told so, and nobody else, has changed it")
			if in {
				changed++
			}
		}
		assert.Equal(t, 1, changed)
	})
}

func TestAResetForAnUnknownAddressIsAnsweredAndCostsTheSame(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		s := build(t, db, nil)
		s.caller(t).signUp()
		disabled := signUp(t, s.store, "gollum@shire.example")
		_, err := s.store.Disable(t.Context(), disabled)
		require.NoError(t, err)
		ask := func(path, address string) (string, http.Header, sqltrace.Counts, int) {
			before := s.post.count()
			trace.Reset()
			r := s.caller(t).send("POST", path, fields{"email": address})
			require.Equal(t, http.StatusOK, r.Status)
			return r.Body, r.Header, trace.Counts(), s.post.count() - before
		}
		for _, path := range []string{"/users/resets", "/users/verifications"} {
			ask(path, email) // what is prepared once is prepared
			body, header, counts, mails := ask(path, email)
			assert.Equal(t, 1, mails)
			for _, nobody := range []string{"sauron@shire.example", "gollum@shire.example"} {
				b, h, c, m := ask(path, nobody)
				assert.Equal(t, body, b)
				assert.Equal(t, header, h)
				assert.Equal(t, counts, c, "statements for %s", nobody)
				assert.Zero(t, m)
			}
		}
	})
}

func TestMailsAreCounted(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	for i := range 6 {
		r := c.send("POST", "/users/resets", fields{"email": email})
		if i < 5 {
			assert.Equal(t, http.StatusOK, r.Status)
			continue
		}
		assert.Equal(t, http.StatusTooManyRequests, r.Status)
		assert.NotEmpty(t, r.Header.Get("Retry-After"))
	}
	for i := range 6 {
		r := c.send("POST", "/users/resets", fields{"email": "nobody@shire.example"})
		assert.Equal(t, i < 5, r.Status == http.StatusOK, "an address without an account is counted alike")
	}
	s.clock.Advance(time.Hour)
	assert.Equal(t, http.StatusOK, c.send("POST", "/users/resets", fields{"email": email}).Status)
}

func TestAMailerThatFailsIsLoggedAndNotTold(t *testing.T) {
	s := newShire(t, func(_ *shire, o *accounts.Options) { o.Mail.Mailer = brokenMailer{} })
	c := s.caller(t)
	c.signUp()
	known := c.send("POST", "/users/resets", fields{"email": email})
	unknown := c.send("POST", "/users/resets", fields{"email": "nobody@shire.example"})
	assert.Equal(t, known, unknown)
	assert.Contains(t, s.log.String(), "a mail was not sent")
	assert.NotContains(t, s.log.String(), "kahu_once_")
}
