package accounts_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/passwords"
)

func jsonOf(t testing.TB, body any) io.Reader {
	t.Helper()
	if body == nil {
		return nil
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return bytes.NewReader(text)
}

// likeTheGem is api_guard as its README has it: passwords of twelve characters, and
// changed without the old one.
func likeTheGem(_ *shire, o *accounts.Options) {
	o.Policy = passwords.NewPolicy(passwords.PolicyOptions{MinLength: 8})
	o.InsecureChangeWithoutPassword = true
	o.Format = accounts.Unprocessable(accounts.APIGuard)
}

// TestTheReadmeOfAPIGuard replays the requests of the gem's README, section by section, as
// they stand there, and compares with the answers that stand there.
func TestTheReadmeOfAPIGuard(t *testing.T) {
	s := newShire(t, likeTheGem)
	c := s.caller(t)
	success := func(r *apptest.Response, message string) {
		t.Helper()
		assert.Equal(t, http.StatusOK, r.Status)
		assert.JSONEq(t, `{"status":"success","message":"`+message+`"}`, r.Body)
	}
	tokens := func(r *apptest.Response) {
		t.Helper()
		assert.Equal(t, 2, strings.Count(r.Header.Get("Access-Token"), "."), "a bare JWT")
		assert.NotEmpty(t, r.Header.Get("Refresh-Token"))
		expires, err := strconv.ParseInt(r.Header.Get("Expire-At"), 10, 64)
		require.NoError(t, err)
		assert.Equal(t, s.clock.Now().Add(15*time.Minute).Unix(), expires)
		c.keep(r)
	}

	r := c.send("POST", "/users/sign_up", fields{"email": "user@apiguard.com", "password": "api_password", "password_confirmation": "api_password"})
	success(r, "Signed up successfully")
	tokens(r)

	r = c.send("POST", "/users/sign_in", fields{"email": "user@apiguard.com", "password": "api_password"})
	success(r, "Signed in successfully")
	tokens(r)

	assert.Equal(t, "user@apiguard.com", c.Get("/posts").Body, "a guarded request")

	s.clock.Advance(20 * time.Minute)
	r = c.Get("/posts")
	assert.Equal(t, http.StatusUnauthorized, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Access token expired"}`, r.Body)

	r = c.send("POST", "/users/tokens", nil)
	success(r, "Token refreshed successfully")
	old := c.Header.Clone()
	tokens(r)

	r = c.send("PATCH", "/users/passwords", fields{"password": "api_password_new", "password_confirmation": "api_password_new"})
	success(r, "Password changed successfully")
	before := c.Header.Clone()
	tokens(r)
	after := c.Header
	for _, c.Header = range []http.Header{old, before} {
		assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status, "old access tokens are invalid after a change")
		assert.Equal(t, http.StatusUnauthorized, c.send("POST", "/users/tokens", nil).Status, "and old refresh tokens")
	}
	c.Header = after

	success(c.send("DELETE", "/users/sign_out", nil), "Signed out successfully")
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status)

	tokens(c.send("POST", "/users/sign_in", fields{"email": "user@apiguard.com", "password": "api_password_new"}))
	success(c.send("DELETE", "/users/delete", nil), "Account deleted successfully")
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status)
	assert.Equal(t, http.StatusUnprocessableEntity, c.send("POST", "/users/sign_in", fields{"email": "user@apiguard.com", "password": "api_password_new"}).Status)
}

// TestErrorsOfAPIGuard has each error that the gem answers, with its status and its words.
func TestErrorsOfAPIGuard(t *testing.T) {
	s := newShire(t, likeTheGem)
	c := s.caller(t)
	signedUp := c.signUp()
	access, refresh := "Bearer "+signedUp.Header.Get("Access-Token"), signedUp.Header.Get("Refresh-Token")
	stranger := s.caller(t)
	stranger.keep(stranger.send("POST", "/users/sign_up", fields{"email": "sam@shire.example", "password": password}))

	tests := map[string]struct {
		method, path         string
		authorization, token string
		body                 fields
		status               int
		message              string
	}{
		"a sign-up without an address":         {"POST", "/users/sign_up", "", "", fields{"password": password}, 422, "Email can't be blank"},
		"a sign-up with a taken address":       {"POST", "/users/sign_up", "", "", fields{"email": email, "password": password, "password_confirmation": password}, 422, "Email has already been taken"},
		"a sign-up with one in capitals":       {"POST", "/users/sign_up", "", "", fields{"email": " FRODO@Shire.Example ", "password": password}, 422, "Email has already been taken"},
		"a sign-up with two passwords":         {"POST", "/users/sign_up", "", "", fields{"email": "pippin@shire.example", "password": password, "password_confirmation": "x"}, 422, "Password confirmation doesn't match Password"},
		"a sign-up without a password":         {"POST", "/users/sign_up", "", "", fields{"email": "pippin@shire.example"}, 422, "Password can't be blank"},
		"a sign-up with a short password":      {"POST", "/users/sign_up", "", "", fields{"email": "pippin@shire.example", "password": "ring"}, 422, "Password is too short (minimum is 8 characters)"},
		"a sign-in with a wrong password":      {"POST", "/users/sign_in", "", "", fields{"email": email, "password": "sauron"}, 422, "Invalid login credentials"},
		"a sign-in with an unknown address":    {"POST", "/users/sign_in", "", "", fields{"email": "gollum@shire.example", "password": password}, 422, "Invalid login credentials"},
		"a sign-in without an address":         {"POST", "/users/sign_in", "", "", fields{"password": password}, 422, "Invalid login credentials"},
		"a request without a token":            {"GET", "/posts", "", "", nil, 401, "Access token is missing in the request"},
		"a request with a scheme alone":        {"GET", "/posts", "Bearer ", "", nil, 401, "Access token is missing in the request"},
		"a request with another scheme":        {"GET", "/posts", "Basic xyz", "", nil, 401, "Invalid access token"},
		"a request with garbage":               {"GET", "/posts", "Bearer garbage", "", nil, 401, "Invalid access token"},
		"a refresh without an access token":    {"POST", "/users/tokens", "", refresh, nil, 401, "Access token is missing in the request"},
		"a refresh with a forged access token": {"POST", "/users/tokens", access + "x", refresh, nil, 401, "Invalid access token"},
		"a refresh without a refresh token":    {"POST", "/users/tokens", access, "", nil, 401, "Refresh token is missing in the request"},
		"a refresh with an unknown token":      {"POST", "/users/tokens", access, "Iy9s0S4Lf7Xh9MbFFBdxkw", nil, 401, "Invalid refresh token"},
		"a refresh with a stranger's token":    {"POST", "/users/tokens", access, stranger.Header.Get("Refresh-Token"), nil, 401, "Invalid refresh token"},
		"a change with two passwords":          {"PATCH", "/users/passwords", access, "", fields{"password": another, "password_confirmation": "x"}, 422, "Password confirmation doesn't match Password"},
		"a change with nothing":                {"PATCH", "/users/passwords", access, "", fields{}, 422, "Password can't be blank"},
		"a change with what is not named":      {"PATCH", "/users/passwords", access, "", fields{"user": another}, 422, "Password can't be blank"},
		"a change by nobody":                   {"PATCH", "/users/passwords", "", "", fields{"password": another}, 401, "Access token is missing in the request"},
		"a sign-out by nobody":                 {"DELETE", "/users/sign_out", "", "", nil, 401, "Access token is missing in the request"},
		"a sign-out with garbage":              {"DELETE", "/users/sign_out", "Bearer garbage", "", nil, 401, "Invalid access token"},
		"a deletion by nobody":                 {"DELETE", "/users/delete", "", "", nil, 401, "Access token is missing in the request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := s.caller(t)
			for header, value := range map[string]string{"Authorization": test.authorization, "Refresh-Token": test.token} {
				if value != "" {
					c.Header.Set(header, value)
				}
			}
			var body any
			if test.body != nil {
				body = test.body
			}
			r := c.send(test.method, test.path, body)
			assert.Equal(t, test.status, r.Status)
			assert.JSONEq(t, `{"status":"error","error":"`+test.message+`"}`, r.Body)
			assert.Equal(t, "no-store", r.Header.Get("Cache-Control"))
			assert.Equal(t, test.status == 401, strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer "), "each 401 has a challenge")
			assert.Empty(t, r.Header.Get("Access-Token"))
		})
	}
	t.Run("whatever was refused, nothing was ended", func(t *testing.T) {
		c.Header.Set("Authorization", access)
		assert.Equal(t, email, c.Get("/posts").Body)
		assert.Equal(t, "sam@shire.example", stranger.Get("/posts").Body)
	})
}

func TestTokensInTheHeaderAsAPIGuardTakesThem(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	token := c.signUp().Header.Get("Access-Token")
	for _, header := range []string{"Bearer " + token, token, "Bearer Bearer " + token, "x Bearer " + token} {
		c.Header.Set("Authorization", header)
		assert.Equal(t, email, c.Get("/posts").Body, strings.ReplaceAll(header, token, "…"))
	}
	c.Header.Set("Authorization", "bearer "+token)
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status, "the scheme is in one case, and the rest is then no token")
}

func TestRefreshTakesTheTokenInTheBodyToo(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	refresh := c.signUp().Header.Get("Refresh-Token")
	c.Header.Del("Refresh-Token")
	c.keep(c.send("POST", "/users/tokens", fields{"refresh_token": refresh}))
	assert.Equal(t, email, c.Get("/posts").Body)
}

// TestAReusedRefreshTokenEndsTheDevice and the tests below pin what the gem gets wrong.
func TestAReusedRefreshTokenEndsTheDevice(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	stolen := c.Header.Clone()
	c.keep(c.send("POST", "/users/tokens", nil))
	s.clock.Advance(time.Minute)

	thief := s.caller(t)
	thief.Header = stolen
	r := thief.send("POST", "/users/tokens", nil)
	assert.Equal(t, http.StatusUnauthorized, r.Status)
	assert.JSONEq(t, `{"status":"error","error":"Invalid refresh token"}`, r.Body)
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status, "the access token of the device has ended")
	assert.Equal(t, http.StatusUnauthorized, c.send("POST", "/users/tokens", nil).Status, "and so has its last refresh token")
}

func TestSigningOutEndsTheRefreshTokenToo(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	other := s.caller(t)
	other.keep(other.signIn(password))
	require.Equal(t, http.StatusOK, c.send("DELETE", "/users/sign_out", nil).Status)
	assert.Equal(t, http.StatusUnauthorized, c.Get("/posts").Status)
	assert.Equal(t, http.StatusUnauthorized, c.send("POST", "/users/tokens", nil).Status)
	assert.Equal(t, email, other.Get("/posts").Body, "other devices stay signed in")
}

func TestAPasswordIsChangedByWhoKnowsTheOldOne(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.signUp()
	for name, current := range map[string]string{"no password": "", "a wrong one": "sauron-was-here-99"} {
		r := c.send("PATCH", "/users/passwords", fields{"current_password": current, "password": another})
		assert.Equal(t, http.StatusUnprocessableEntity, r.Status, name)
		assert.JSONEq(t, `{"status":"error","error":"Current password is invalid"}`, r.Body, name)
	}
	assert.Equal(t, email, c.Get("/posts").Body, "nothing was ended")
	c.keep(c.send("PATCH", "/users/passwords", fields{"current_password": password, "password": another}))
	assert.Equal(t, http.StatusUnauthorized, c.signIn(password).Status)
	assert.Equal(t, http.StatusOK, c.signIn(another).Status)
}
