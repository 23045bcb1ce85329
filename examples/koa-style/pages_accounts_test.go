package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signUpFields are those of the form, for merry.
func signUpFields() url.Values {
	return url.Values{
		"username": {"Merry"}, "email": {"Merry@Shire.example"}, "password": {"brandy-hall-1382"}, "password_confirmation": {"brandy-hall-1382"},
	}
}

// sends submits a form that leads to another page, and returns that.
func (v *visitor) sends(path string, fields url.Values, want string) string {
	v.t.Helper()
	status, location, body := v.submit(path, fields)
	require.Equal(v.t, []any{303, want}, []any{status, location}, body)
	return v.page(location)
}

// secret gets a page with a token in its address, and checks where that could get out.
func (v *visitor) secret(path, token string) {
	v.t.Helper()
	status, header, body := v.get(path+"?token="+token, aBrowser...)
	require.Equal(v.t, 200, status)
	assert.Equal(v.t, "no-referrer", header.Get("Referrer-Policy"))
	assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	assert.Equal(v.t, 1, strings.Count(body, token), "in the hidden field alone")
	assert.Contains(v.t, body, `<input type="hidden" name="token" value="`+token+`">`)
}

func TestAccountPages(t *testing.T) {
	onEachProgram(t, func(t *testing.T, base string, mails func() string) {
		v := newVisitor(t, base)
		v.signsUp()
		v.changesThePassword()
		v.confirmsTheAddress(mails)
		v.changesTheAddress(mails)
		v.resetsThePassword(mails)
		v.deletesTheAccount()
	})
}

func (v *visitor) signsUp() {
	v.page("/signup")
	for name, test := range map[string]struct {
		field, value, id, problem string
	}{
		"no address":           {"email", "", "email", "Email can&#39;t be blank."},
		"a taken address":      {"email", " FRODO@shire.example", "email", "Email has already been taken."},
		"a taken name":         {"username", "Frodo", "username", "Username has already been taken."},
		"an address as a name": {"username", "sam@shire.example", "username", "Username is invalid."},
		"another password":     {"password_confirmation", "x", "password-again", "Password confirmation doesn&#39;t match Password."},
		"a common password":    {"password", "", "password", "Password can&#39;t be blank."},
	} {
		fields := signUpFields()
		fields.Set(test.field, test.value)
		status, _, body := v.submit("/signup", fields)
		assert.Equal(v.t, 422, status, name)
		assert.Contains(v.t, body, `id="`+test.id+`-problem" role="alert">`+test.problem, name)
		assert.Contains(v.t, body, "<title>Error: Sign up")
		assert.NotContains(v.t, body, "brandy-hall", "no password is shown again")
	}
	status, header, _ := v.send("POST", "/signup", formType, signUpFields().Encode(), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(v.t, 403, status, "another site signs nobody up")
	assert.Empty(v.t, header["Set-Cookie"])

	body := v.sends("/signup", signUpFields(), "/dashboard")
	assert.Contains(v.t, body, "Welcome. A mail is on its way to you")
	assert.Contains(v.t, body, `<span class="who">merry</span>`)
	assert.Contains(v.t, body, "You have none. Apps on phones", "a browser has no tokens")
	status, header, _ = v.get("/signup", aBrowser...)
	assert.Equal(v.t, []any{303, "/dashboard"}, []any{status, header.Get("Location")})
}

func (v *visitor) changesThePassword() {
	other := newVisitor(v.t, v.base)
	require.Equal(v.t, 201, other.login(`{"username":"merry","password":"brandy-hall-1382","remember":true}`))
	token := other.issue("/token", "", `{"email":"merry@shire.example","password":"brandy-hall-1382"}`).Token
	fields := url.Values{"current_password": {"x"}, "password": {"esquire-of-rohan-3019"}, "password_confirmation": {"esquire-of-rohan-3019"}}
	status, _, body := v.submit("/account/password", fields)
	assert.Equal(v.t, 422, status)
	assert.Contains(v.t, body, `id="current-password-problem" role="alert">Current password is invalid.`)
	assert.Equal(v.t, 1, strings.Count(body, `role="alert"`), "in one form of two")
	assert.Equal(v.t, 200, other.status("GET", "/session", ""))

	fields.Set("current_password", "brandy-hall-1382")
	assert.Contains(v.t, v.sends("/account/password", fields, "/account"), "Your password was changed.")
	assert.Equal(v.t, 401, other.status("GET", "/session", ""), "and nothing brings it back")
	assert.Contains(v.t, v.page("/account/sessions"), "You are logged in nowhere else.")
	assert.Equal(v.t, 401, other.status("GET", "/api/me", token))
	assert.Contains(v.t, v.page("/dashboard"), "You have none. Apps on phones", "a browser has no tokens")
}

func (v *visitor) confirmsTheAddress(mails func() string) {
	assert.Contains(v.t, v.page("/account"), "It is not confirmed yet.")
	first := v.tokenIn(mails, "merry@shire.example", "/verify")
	assert.Contains(v.t, v.sends("/account/verification", nil, "/account"), "A mail is on its way to you.")
	token := first
	require.Eventually(v.t, func() bool {
		token = v.tokenIn(mails, "merry@shire.example", "/verify")
		return token != first
	}, patience, tick)
	v.secret("/verify", token)
	v.secret("/verify", token) // which is what programs that read mails do
	for token, problem := range map[string]string{first: "The link is not valid any more.", "": "The link is not valid any more."} {
		status, _, body := v.submit("/verify", url.Values{"token": {token}})
		assert.Equal(v.t, 422, status)
		assert.Contains(v.t, body, problem)
		assert.NotContains(v.t, body, `name="token"`)
	}
	status, _, body := v.get("/verify", aBrowser...)
	assert.Equal(v.t, 400, status)
	assert.Contains(v.t, body, "The link is not complete")
	assert.Contains(v.t, v.page("/account"), "It is not confirmed yet.", "looking confirms nothing")
	assert.Contains(v.t, v.sends("/verify", url.Values{"token": {token}}, "/"), "Your address is confirmed.")
	assert.Contains(v.t, v.page("/account"), "and confirmed.")
}

func (v *visitor) changesTheAddress(mails func() string) {
	fields := url.Values{"email": {"merry@rohan.example"}, "current_password": {"x"}}
	status, _, body := v.submit("/account/email", fields)
	assert.Equal(v.t, 422, status)
	assert.Contains(v.t, body, `id="email-password-problem" role="alert">Current password is invalid.`)
	assert.Contains(v.t, body, `value="merry@rohan.example"`, "what was typed is kept")
	fields.Set("current_password", "esquire-of-rohan-3019")
	assert.Contains(v.t, v.sends("/account/email", fields, "/account"), "A mail is on its way to the new address.")
	assert.Contains(v.t, v.page("/account"), "merry@shire.example</strong>")
	token := v.tokenIn(mails, "merry@rohan.example", "/email")
	v.secret("/email", token)
	assert.Contains(v.t, v.sends("/email", url.Values{"token": {token}}, "/"), "Your account has the new address.")
	assert.Contains(v.t, v.page("/account"), "merry@rohan.example</strong>")
}

func (v *visitor) resetsThePassword(mails func() string) {
	known := v.sends("/reset", url.Values{"email": {"merry@rohan.example"}}, "/reset/sent")
	assert.Equal(v.t, known, v.sends("/reset", url.Values{"email": {"sauron@mordor.example"}}, "/reset/sent"), "nobody is told who has an account")
	status, _, body := v.submit("/reset", url.Values{"email": {"x"}})
	assert.Equal(v.t, 422, status)
	assert.Contains(v.t, body, `id="email-problem" role="alert">Email is invalid.`)

	token := v.tokenIn(mails, "merry@rohan.example", "/reset/new")
	v.secret("/reset/new", token)
	fields := url.Values{"token": {token}, "password": {"short"}, "password_confirmation": {"short"}}
	status, header, body := v.send("POST", "/reset/new", formType, fields.Encode(), aBrowser...)
	assert.Equal(v.t, 422, status)
	assert.Contains(v.t, body, `id="password-problem" role="alert">Password is too short (minimum is 15 characters).`)
	assert.Contains(v.t, body, `value="`+token+`"`, "it is good for another try")
	assert.Equal(v.t, "no-referrer", header.Get("Referrer-Policy"))
	fields["password"], fields["password_confirmation"] = []string{"brandy-hall-1382"}, []string{"brandy-hall-1382"}
	status, _, body = v.submit("/admins/reset/new", fields)
	assert.Equal(v.t, 422, status, "an admin's password is another kind's")
	assert.Contains(v.t, body, "The link is not valid any more.")

	assert.Contains(v.t, v.sends("/reset/new", fields, "/login"), "Your password was changed.")
	assert.Equal(v.t, 401, v.status("GET", "/session", ""))
	status, _, body = v.submit("/reset/new", fields)
	assert.Equal(v.t, 422, status)
	assert.Contains(v.t, body, `<a href="/reset">Ask for another mail</a>`)
	v.sends("/login", url.Values{"username": {"merry@rohan.example"}, "password": {"brandy-hall-1382"}}, "/dashboard")
}

func (v *visitor) deletesTheAccount() {
	assert.Contains(v.t, v.page("/account"), `<a href="/account/close">`)
	assert.Contains(v.t, v.page("/account/close"), "<strong>merry</strong>", "whose password was typed just now")
	status, _, _ := v.send("POST", "/account/close", formType, "", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(v.t, 403, status, "another site deletes nothing")
	assert.Contains(v.t, v.sends("/account/close", nil, "/"), "Your account was deleted.")
	status, header, _ := v.get("/account", aBrowser...)
	assert.Equal(v.t, []any{303, "/login"}, []any{status, header.Get("Location")})
	status, _, _ = v.submit("/login", url.Values{"username": {"merry"}, "password": {"brandy-hall-1382"}})
	assert.Equal(v.t, http.StatusUnauthorized, status)
}

func TestAnAdminResetsThePassword(t *testing.T) {
	base, mails := start(t, nil)
	v := newVisitor(t, base)
	v.sends("/admins/reset", url.Values{"email": {demoAdmin}}, "/admins/reset/sent")
	token := v.tokenIn(mails, demoAdmin, "/admins/reset/new")
	v.secret("/admins/reset/new", token)
	fields := url.Values{"token": {token}, "password": {"the-white-3019-ta"}, "password_confirmation": {"the-white-3019-ta"}}
	assert.Contains(t, v.sends("/admins/reset/new", fields, "/"), "Your password was changed.")
	v.signed("POST", "/admins/sign_in", `{"email":"gandalf@istari.example","password":"the-white-3019-ta"}`, "Signed in successfully", nil)
}
