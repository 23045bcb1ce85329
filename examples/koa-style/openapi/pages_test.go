package openapi_test

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

func (c *client) looksAround() {
	s := c.session(frodo)
	for _, path := range []string{"/", "/login", "/signup", "/reset", "/reset/sent", "/admins/reset", "/admins/reset/sent"} {
		c.say(200, "GET", path, "", asABrowser()...)
	}
	c.say(200, "GET", "/", "", s...)
	c.say(303, "GET", "/login", "", s...)
	c.say(303, "GET", "/signup", "", s...)
	c.say(303, "POST", "/logout", "", asABrowser(s...)...)
	c.say(303, "POST", "/logout", "")

	css := c.say(200, "GET", "/assets/style.css", "")
	c.say(304, "GET", "/assets/style.css", "", "If-None-Match", css.Get("ETag"))
	c.say(404, "GET", "/assets/one-ring.png", "")
	for _, m := range regexp.MustCompile(`"/assets/[^"]+"`).FindAllString(c.say(200, "GET", "/", "").body, -1) {
		c.say(200, "GET", m[1:len(m)-1], "")
	}
}

// form encodes pairs of names and values.
func form(pairs ...string) string {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f.Encode()
}

func (c *client) livesOnPages() {
	signUp := form("username", "merry", "email", "merry@shire.example", "password", second, "password_confirmation", second)
	c.blunder(422, "POST", "/signup", "username=merry", asABrowser()...)
	s := c.cookie(c.say(303, "POST", "/signup", signUp, asABrowser()...))
	c.mailed("/verify")
	c.say(422, "POST", "/signup", signUp, asABrowser()...)
	c.say(401, "POST", "/login", form("username", "merry", "password", "wrong"), asABrowser()...)
	c.blunder(400, "POST", "/login", "username=merry", asABrowser()...)
	c.usesTheDashboard(s)
	c.endsSessions(s)
	c.usesTheAccount(c.cookie(c.say(303, "POST", "/login", form("username", "merry", "password", second), asABrowser()...)))
}

// cookie returns what an answer sets.
func (c *client) cookie(a answer) []string {
	c.t.Helper()
	m := regexp.MustCompile(`\bsession=[\w-]{43}`).FindString(strings.Join(a.Header["Set-Cookie"], "\n"))
	require.NotEmpty(c.t, m)
	return asABrowser("Cookie", m)
}

func (c *client) usesTheDashboard(s []string) {
	c.say(200, "GET", "/dashboard", "", s...)
	a := c.say(201, "POST", "/dashboard/tokens", "name=laptop&scopes=rings:read&expiry=30", s...)
	id := regexp.MustCompile(`/dashboard/tokens/([^/"]+)/revoke`).FindStringSubmatch(a.body)
	require.NotNil(c.t, id)
	c.blunder(400, "POST", "/dashboard/tokens", "name=&expiry=30", s...)
	c.blunder(400, "POST", "/dashboard/tokens", "name=x&expiry=8", s...)
	c.blunder(400, "POST", "/dashboard/tokens", "name=x&expiry=7&scopes=rings:forge", s...)
	c.say(303, "POST", "/dashboard/tokens/"+id[1]+"/revoke", "", s...)
	c.say(303, "POST", "/dashboard/tokens/"+id[1]+"/revoke", "", s...)
	c.say(303, "POST", "/dashboard/devices/none/end", "", s...)
	c.say(303, "POST", "/dashboard/devices/end-all", "", s...)
}

func (c *client) usesTheAccount(s []string) {
	c.say(200, "GET", "/account", "", s...)
	c.say(422, "POST", "/account/password", form("current_password", "wrong", "password", third, "password_confirmation", third), s...)
	s = c.cookie(c.say(303, "POST", "/account/password", form("current_password", second, "password", third, "password_confirmation", third), s...))
	c.say(303, "POST", "/account/verification", "", s...)
	c.mailsPointTo("/verify")
	c.say(422, "POST", "/account/email", form("email", "merry@buckland.example", "current_password", "wrong"), s...)
	c.say(303, "POST", "/account/email", form("email", "merry@buckland.example", "current_password", third), s...)
	c.mailsPointTo("/email")
	c.closesTheAccount(form("username", "merry", "password", third, "remember", "true"))
}

// endsSessions ends others in each way, and at last the one that asks.
func (c *client) endsSessions(s []string) {
	merry := `{"username":"merry","password":"` + second + `"`
	c.say(201, "POST", "/session", merry+`}`)
	c.say(201, "POST", "/session", merry+`,"remember":true}`)
	c.blunder(400, "POST", "/session", merry+`,"remember":"yes"}`)
	page := c.say(200, "GET", "/account/sessions", "", s...)
	for _, action := range []string{"/account/sessions/[^/]+/end", "/account/remembered/[^/]+/forget"} {
		path := regexp.MustCompile(`"(` + action + `)"`).FindStringSubmatch(page.body)
		require.NotNil(c.t, path, action)
		c.say(303, "POST", path[1], "", s...)
	}
	c.say(303, "POST", "/account/sessions/end-others", "", s...)
	c.say(303, "POST", "/account/sessions/end-all", "", s...)
	c.say(303, "GET", "/account/sessions", "", s...)
}

// closesTheAccount as somebody who stays logged in and comes back.
func (c *client) closesTheAccount(login string) {
	a := c.say(303, "POST", "/login", login, asABrowser()...)
	kept := regexp.MustCompile(`remember=\w+`).FindString(a.Header["Set-Cookie"][0])
	require.NotEmpty(c.t, kept)
	a = c.blunder(303, "GET", "/account/close", "", asABrowser("Cookie", kept)...)
	require.Equal(c.t, "/confirm", a.Get("Location"))
	s := c.cookie(a)
	c.say(200, "GET", "/confirm", "", s...)
	c.say(401, "GET", "/account/close", "", s[len(s)-2:]...)
	c.say(422, "POST", "/confirm", "current_password=wrong", s...)
	a = c.say(303, "POST", "/confirm", "current_password="+third, s...)
	require.Equal(c.t, "/account/close", a.Get("Location"))
	s = c.cookie(a)
	c.say(200, "GET", "/account/close", "", s...)
	c.say(303, "POST", "/account/close", "", s...)
}

// mailsPointTo opens the page of the next mail, and sends its form.
func (c *client) mailsPointTo(page string) {
	token := c.mailed(page)
	c.say(200, "GET", page+"?token="+token, "", asABrowser()...)
	c.say(303, "POST", page, "token="+token, asABrowser()...)
	c.say(422, "POST", page, "token="+token, asABrowser()...)
}

func (c *client) followsMails() {
	for _, k := range []kind{users, admins} {
		c.blunder(422, "POST", k.pages+"/reset", "email=nobody", asABrowser()...)
		c.say(303, "POST", k.pages+"/reset", "email=nobody@shire.example", asABrowser()...)
		c.say(303, "POST", k.pages+"/reset", "email="+k.another, asABrowser()...)
		token := c.mailed(k.pages + "/reset/new")
		for _, page := range []string{"/reset/new", "/verify", "/email"} {
			c.say(200, "GET", k.pages+page+"?token="+token, "", asABrowser()...)
			c.blunder(400, "GET", k.pages+page, "", asABrowser()...)
			c.blunder(422, "POST", k.pages+page, "token=one-ring", asABrowser()...)
		}
		c.blunder(422, "POST", k.pages+"/reset/new", form("token", token, "password", "short", "password_confirmation", "short"), asABrowser()...)
		c.say(303, "POST", k.pages+"/reset/new", form("token", token, "password", second, "password_confirmation", second), asABrowser()...)
	}
	c.say(200, "POST", "/admins/sign_in", `{"email":"`+admins.another+`","password":"`+second+`"}`)
	c.changesAnAdminsAddress()
}

// changesAnAdminsAddress there and back again, by the pages.
func (c *client) changesAnAdminsAddress() {
	for _, address := range []string{admins.address, admins.another} {
		other := map[string]string{admins.address: admins.another, admins.another: admins.address}[address]
		who := bearer(c.say(200, "POST", "/admins/sign_in", `{"email":"`+other+`","password":"`+second+`"}`).Get("Access-Token"))
		c.say(200, "POST", "/admins/emails", `{"email":"`+address+`","current_password":"`+second+`"}`, who...)
		c.mailsPointTo("/admins/email")
	}
}
