package main

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatCannotBeUndoneAsksForThePassword(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v, other := newVisitor(t, base), newVisitor(t, base)
		require.Equal(t, 201, other.login(good))
		v.submit("/login", frodoStays)
		v.page("/account/close")
		v.closes()
		assert.Equal(t, "/confirm", v.leads("/account/close"), "to be remembered is no login")
		status, location, _ := v.submit("/account/close", nil)
		assert.Equal(t, []any{303, "/confirm"}, []any{status, location})
		assert.Equal(t, 401, v.status("POST", "/account/close", ""))

		body := v.page("/confirm")
		assert.Contains(t, body, `value="frodo" autocomplete="username"`)
		assert.Contains(t, body, `autocomplete="current-password"`)
		for _, wrong := range []url.Values{nil, {"current_password": {"x"}}} {
			status, _, body := v.submit("/confirm", wrong)
			assert.Equal(t, 422, status)
			assert.Contains(t, body, `id="current-password-problem" role="alert">Current password is invalid.`)
			assert.Contains(t, body, "<title>Error: Is it you?")
		}
		right := url.Values{"current_password": {"precious-ring-1954"}}
		status, _, _ = v.send("POST", "/confirm", formType, right.Encode(), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		assert.Equal(t, 403, status, "another site confirms nothing")
		assert.Equal(t, "/confirm", v.leads("/account/close"))
		assert.Contains(t, v.sends("/confirm", right, "/account/close"), "Delete my account")
		assert.Contains(t, v.page("/account/sessions"), "Chrome on Linux</h3>", "it is remembered as before")

		assert.Contains(t, v.sends("/account/close", nil, "/"), "Your account was deleted.")
		assert.Equal(t, 401, other.status("GET", "/session", ""))
		assert.Equal(t, "/login", v.leads("/account"))
		assert.Equal(t, 401, v.login(good))
		assert.Equal(t, "/login", v.leads("/confirm"), "there is nobody to ask")
	})
}

func TestThePasswordIsAskedForOnlySoOften(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	v.submit("/login", frodosForm)
	for range 20 {
		status, _, _ := v.submit("/confirm", url.Values{"current_password": {"x"}})
		require.Equal(t, 422, status)
	}
	for _, password := range []string{"x", "precious-ring-1954"} {
		status, header, body := v.send("POST", "/confirm", formType, url.Values{"current_password": {password}}.Encode(), aBrowser...)
		assert.Equal(t, 429, status)
		assert.Regexp(t, `^\d+$`, header.Get("Retry-After"))
		assert.Contains(t, body, `role="alert">Too many requests, try again later.`)
	}
}
