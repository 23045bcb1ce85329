package accounts_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

type brokenMailer struct{}

func (brokenMailer) Send(context.Context, accounts.Mail) error {
	return errors.New("the pony is in the stable")
}

func TestAnAddressIsConfirmedByMail(t *testing.T) {
	s := newShire(t, func(_ *shire, o *accounts.Options) { o.RequireVerified = true })
	c := s.caller(t)
	r := c.send("POST", "/users/sign_up", fields{"email": email, "password": password})
	assert.Equal(t, http.StatusOK, r.Status)
	assert.Empty(t, r.Header.Get("Access-Token"), "nobody is signed in before")
	assert.Equal(t, http.StatusUnauthorized, c.signIn(password).Status)

	first := s.post.token(t, email, accounts.PurposeVerify)
	require.Equal(t, http.StatusOK, c.send("POST", "/users/verifications", fields{"email": email}).Status)
	second := s.post.token(t, email, accounts.PurposeVerify)
	assert.Equal(t, http.StatusUnprocessableEntity, c.send("PATCH", "/users/verifications", fields{"token": first}).Status, "the last mail counts")
	assert.Equal(t, http.StatusOK, c.send("PATCH", "/users/verifications", fields{"token": second}).Status)
	assert.Equal(t, http.StatusUnprocessableEntity, c.send("PATCH", "/users/verifications", fields{"token": second}).Status)
	c.keep(c.signIn(password))
	assert.Equal(t, email, c.Get("/posts").Body)

	before := s.post.count()
	assert.Equal(t, http.StatusOK, c.send("POST", "/users/verifications", fields{"email": email}).Status)
	assert.Equal(t, before, s.post.count(), "what is confirmed needs no mail")
}

func TestAConfirmationEndsAfterADay(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	s.clock.Advance(24 * time.Hour)
	r := c.send("PATCH", "/users/verifications", fields{"token": s.post.token(t, email, accounts.PurposeVerify)})
	assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
}

func TestAnAddressIsChangedByPasswordAndMail(t *testing.T) {
	const fresh = "underhill@bree.example"
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	for name, current := range map[string]string{"no password": "", "a wrong one": "sauron-was-here-99"} {
		r := c.send("POST", "/users/emails", fields{"email": fresh, "current_password": current})
		assert.Equal(t, http.StatusUnprocessableEntity, r.Status, name)
	}
	before := s.post.count()
	r := c.send("POST", "/users/emails", fields{"email": "Underhill@Bree.example", "current_password": password})
	require.Equal(t, http.StatusOK, r.Status)
	assert.Equal(t, before+2, s.post.count(), "the new address and the old one are told")
	assert.Equal(t, http.StatusUnauthorized, c.send("POST", "/users/sign_in", fields{"email": fresh, "password": password}).Status, "nothing has changed yet")

	token := s.post.token(t, fresh, accounts.PurposeEmail)
	assert.Equal(t, http.StatusOK, c.send("PATCH", "/users/emails", fields{"token": token}).Status)
	assert.Equal(t, http.StatusUnprocessableEntity, c.send("PATCH", "/users/emails", fields{"token": token}).Status)
	assert.Equal(t, http.StatusOK, c.send("POST", "/users/sign_in", fields{"email": fresh, "password": password}).Status)
	assert.Equal(t, http.StatusUnauthorized, c.signIn(password).Status)
	assert.Equal(t, fresh, c.Get("/posts").Body, "who is signed in stays so")
	user, _, err := s.store.ByEmail(t.Context(), fresh)
	require.NoError(t, err)
	assert.True(t, s.store.Status(user).Verified)
}

func TestANewAddressThatIsTakenIsToldToItsOwnerAlone(t *testing.T) {
	s := newShire(t, nil)
	sam := s.caller(t)
	sam.keep(sam.send("POST", "/users/sign_up", fields{"email": "sam@shire.example", "password": password}))
	c := s.caller(t)
	c.signUp()
	free := c.send("POST", "/users/emails", fields{"email": "free@shire.example", "current_password": password})
	taken := c.send("POST", "/users/emails", fields{"email": "sam@shire.example", "current_password": password})
	assert.Equal(t, free, taken)
	r := c.send("PATCH", "/users/emails", fields{"token": s.post.token(t, "sam@shire.example", accounts.PurposeEmail)})
	assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Email has already been taken"}`, r.Body)
	assert.Equal(t, email, c.Get("/posts").Body)
}

func TestOfTwoWhoWantOneAddressOneGetsIt(t *testing.T) {
	const wanted = "mayor@shire.example"
	s := newShire(t, nil)
	var tokens []string
	for _, who := range []string{email, "sam@shire.example"} {
		c := s.caller(t)
		c.keep(c.send("POST", "/users/sign_up", fields{"email": who, "password": password}))
		require.Equal(t, http.StatusOK, c.send("POST", "/users/emails", fields{"email": wanted, "current_password": password}).Status)
		tokens = append(tokens, s.post.token(t, wanted, accounts.PurposeEmail))
	}
	statuses := make([]int, len(tokens))
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() { statuses[i] = s.caller(t).send("PATCH", "/users/emails", fields{"token": token}).Status })
	}
	all.Wait()
	assert.ElementsMatch(t, []int{http.StatusOK, http.StatusUnprocessableEntity}, statuses)
}
