package openapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// where is a path of the operation's.
func (o operation) where() string {
	return strings.NewReplacer("{id}", "1", "{handle}", "1", "{name}", "style.css").Replace(o.path)
}

// proofs are headers that prove somebody, by scheme.
func (c *client) proofs() map[string][]string {
	c.t.Helper()
	return map[string][]string{
		"session": c.session(frodo),
		"token":   c.token(),
		"jwt":     bearer(c.field(c.say(200, "POST", "/jwt/login", frodoAt), "access_token")),
		"admin":   bearer(c.say(200, "POST", "/admins/sign_in", `{"email":"`+admins.another+`","password":"`+second+`"}`).Get("Access-Token")),
	}
}

// isNobody asks for all that takes somebody.
func (c *client) isNobody() {
	for _, o := range operations(c.doc) {
		if _, required := o.schemes(); !required {
			continue
		}
		c.blunder(401, o.method, o.where(), "")
		if o.answers(303, "LoginFirst") {
			a := c.blunder(303, o.method, o.where(), "", asABrowser()...)
			assert.Equal(c.t, "/login", a.Get("Location"), o)
		}
	}
}

// forges sends what proves nobody, and what proves somebody of another kind.
func (c *client) forges() {
	proofs := c.proofs()
	for _, o := range operations(c.doc) {
		schemes, required := o.schemes()
		if !required || o.RequestBody != nil {
			continue
		}
		for name, proof := range proofs {
			if slices.Contains(schemes, name) {
				forged := append(slices.Clone(proof[:1]), proof[1]+"x")
				c.say(401, o.method, o.where(), "", forged...)
			} else if name == "session" || slices.Equal(schemes, []string{"session"}) {
				c.blunder(401, o.method, o.where(), "", proof...)
			} else {
				c.say(401, o.method, o.where(), "", proof...)
			}
		}
	}
}

// sendsBadBodies sends to all that reads a body what it cannot read.
func (c *client) sendsBadBodies() {
	proofs := c.proofs()
	for _, o := range operations(c.doc) {
		if o.RequestBody == nil {
			continue
		}
		schemes, _ := o.schemes()
		var proof []string
		if len(schemes) > 0 {
			proof = proofs[schemes[0]]
		}
		for kind := range o.RequestBody.Value.Content {
			malformed := "{"
			if kind != "application/json" {
				malformed = "a=%zz"
			}
			c.send(request{o.method, o.where(), malformed, kind, proof, 400, true})
			c.send(request{o.method, o.where(), strings.Repeat("x", 2<<20), kind, proof, 413, true})
		}
		c.send(request{o.method, o.where(), "one-ring", "text/plain", proof, 415, true})
	}
}

// comesFromElsewhere sends with a session what a page of another site makes a browser send,
// and with tokens what no such page can make it send.
func (c *client) comesFromElsewhere() {
	proofs := c.proofs()
	elsewhere := append(proofs["session"], "Sec-Fetch-Site", "cross-site", "Origin", "https://mordor.example")
	for _, o := range operations(c.doc) {
		schemes, _ := o.schemes()
		forPeople := slices.Contains(o.Tags, "pages") || slices.Contains(schemes, "session") || o.path == "/session"
		if o.method == http.MethodGet || !forPeople {
			continue
		}
		assert.True(c.t, o.answers(403, "CrossSite", "TooMuch"), o)
		body := ""
		if o.path == "/session" && o.method == http.MethodPost {
			body = frodo // it is refused when the session is to be made
		}
		c.send(request{o.method, o.where(), body, "", elsewhere, 403, o.RequestBody != nil && body == ""})
	}
	c.say(404, "DELETE", "/api/tokens/1", "", append(proofs["token"], "Sec-Fetch-Site", "cross-site")...)
	c.say(404, "DELETE", "/jwt/devices/1", "", append(proofs["jwt"], "Sec-Fetch-Site", "cross-site")...)
}

// asksTooOften asks for more mails than one client gets.
func (c *client) asksTooOften() {
	proofs := c.proofs()
	for i := 0; c.asksForAMail(i) != http.StatusTooManyRequests; i++ {
		require.Less(c.t, i, 100)
	}
	const nobody = "email=sauron@mordor.example"
	for _, k := range []kind{users, admins} {
		c.say(429, "POST", k.at+"/resets", nobody)
		c.say(429, "POST", k.at+"/verifications", nobody)
		c.say(429, "POST", k.pages+"/reset", nobody, asABrowser()...)
	}
	c.say(429, "POST", "/users/emails", nobody+"&current_password="+password, proofs["jwt"]...)
	c.say(429, "POST", "/admins/emails", nobody+"&current_password="+second, proofs["admin"]...)
	c.say(429, "POST", "/account/email", nobody+"&current_password="+password, asABrowser(proofs["session"]...)...)
}

// asksForAMail returns the status of the answer.
func (c *client) asksForAMail(i int) int {
	res, err := http.PostForm(c.base+"/users/resets", url.Values{"email": {fmt.Sprintf("orc-%d@mordor.example", i)}})
	require.NoError(c.t, err)
	require.NoError(c.t, res.Body.Close())
	return res.StatusCode
}
