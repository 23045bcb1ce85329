package accounts_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/sqltrace"
)

func TestEveryWrongSignInIsAnsweredAlikeAtThePriceOfOneHash(t *testing.T) {
	s := newShire(t, func(_ *shire, o *accounts.Options) { o.RequireVerified = true })
	ctx := t.Context()
	hash, err := s.hasher.Hash(ctx, password)
	require.NoError(t, err)
	for name, verified := range map[string]bool{"verified": true, "unverified": false, "disabled": true} {
		user, err := s.store.Create(ctx, accounts.NewAccount{Email: name + "@shire.example", Hash: hash, Verified: verified})
		require.NoError(t, err)
		if name == "disabled" {
			_, err = s.store.Disable(ctx, user)
			require.NoError(t, err)
		}
	}
	_, err = s.store.Create(ctx, accounts.NewAccount{Email: "without@shire.example", Verified: true})
	require.NoError(t, err)

	var first *apptest.Response
	for _, wrong := range [][2]string{
		{"unknown", password}, {"verified", "sauron-was-here-99"}, {"without", password}, {"disabled", password}, {"unverified", password},
		{"verified", strings.Repeat("x", 5000)}, {"verified", password + "\x00"},
	} {
		before := s.hashes.Load()
		r := s.caller(t).send("POST", "/users/sign_in", fields{"email": wrong[0] + "@shire.example", "password": wrong[1]})
		assert.EqualValues(t, 1, s.hashes.Load()-before, "hashes for %s", wrong[0])
		if first == nil {
			first = r
			assert.Equal(t, http.StatusUnauthorized, r.Status)
			assert.JSONEq(t, `{"status":"error","error":"Invalid login credentials"}`, r.Body)
		}
		assert.Equal(t, first, r, wrong[0])
	}
	assert.Equal(t, http.StatusOK, s.caller(t).send("POST", "/users/sign_in", fields{"email": "Verified@Shire.example", "password": password}).Status)
}

func TestTooManySignInsAreRefusedInTheFormat(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	var r *apptest.Response
	for range 101 {
		r = c.signIn("sauron-was-here-99")
	}
	assert.Equal(t, http.StatusTooManyRequests, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Too many requests, try again later"}`, r.Body)
	assert.NotEmpty(t, r.Header.Get("Retry-After"))
}

func TestTwoSignUpsWithOneAddressMakeOneAccount(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		s := build(t, db, nil)
		spellings := []string{email, "FRODO@shire.example", " frodo@SHIRE.example", "frodo@shire.example\t"}
		answers := make([]*apptest.Response, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = s.caller(t).send("POST", "/users/sign_up", fields{"email": spellings[i%len(spellings)], "password": password})
			})
		}
		all.Wait()
		made := 0
		for _, r := range answers {
			if r.Status == http.StatusOK {
				made++
				continue
			}
			assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
			assert.JSONEq(t, `{"status":"error","error":"Email has already been taken"}`, r.Body)
		}
		assert.Equal(t, 1, made)
		n, err := db.NewSelect().Table("users").Count(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
	})
}

func TestSpellingsOfOneNameAreOneAccount(t *testing.T) {
	s := newShire(t, nil)
	composed, decomposed := "fr\u00f6do@shire.example", "fro\u0308do@shire.example"
	c := s.caller(t)
	c.keep(c.send("POST", "/users/sign_up", fields{"email": decomposed, "password": password}))
	for _, spelling := range []string{composed, decomposed, "FR\u00d6DO@Shire.Example", " " + composed + " "} {
		assert.Equal(t, http.StatusOK, c.send("POST", "/users/sign_in", fields{"email": spelling, "password": password}).Status)
		assert.Equal(t, http.StatusUnprocessableEntity, c.send("POST", "/users/sign_up", fields{"email": spelling, "password": password}).Status)
	}
	assert.Equal(t, composed, c.Get("/posts").Body)
}

func TestASignUpTakesNothingThatIsNotNamed(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.keep(c.send("POST", "/users/sign_up", map[string]any{
		"email": email, "password": password, "id": 77, "verified_at": "2001-01-01T00:00:00Z", "disabled_at": nil, "password_hash": "x", "admin": true,
	}))
	user, _, err := s.store.ByEmail(t.Context(), email)
	require.NoError(t, err)
	assert.EqualValues(t, 1, user.(*accounts.User).ID)
	assert.True(t, user.(*accounts.User).VerifiedAt.IsZero())
}

func TestBodiesThatCannotBeReadTouchNothing(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	for name, body := range map[string]string{
		"no JSON": `{"email":`, "twice a name": `{"email":"a@b","email":"` + email + `","password":"` + password + `"}`,
		"a number": `{"email":"` + email + `","password":12345678901234567}`, "an array": `[]`, "null": `{"email":null,"password":"x"}`,
	} {
		r := c.Post("/users/sign_up", "application/json", body)
		assert.Equal(t, http.StatusBadRequest, r.Status, name)
	}
	assert.Equal(t, http.StatusUnsupportedMediaType, c.Post("/users/sign_up", "text/plain", "email="+email).Status)
	assert.Equal(t, http.StatusRequestEntityTooLarge, c.Post("/users/sign_up", "application/json", `{"email":"`+strings.Repeat("x", 20<<10)+`"}`).Status)
	for _, address := range []string{"frodo", "@shire.example", "frodo@", "a@b@c", "fro do@shire.example", "frodo@shire.example\x00", strings.Repeat("f", 300) + "@x"} {
		r := c.send("POST", "/users/sign_up", fields{"email": address, "password": password})
		assert.Equal(t, http.StatusUnprocessableEntity, r.Status, address)
		assert.JSONEq(t, `{"status":"error","error":"Email is invalid"}`, r.Body, address)
	}
	n, err := s.db.NewSelect().Table("users").Count(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
}
