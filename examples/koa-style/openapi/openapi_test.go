package openapi_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What cannot be seen here: a store that is down, two changes of one password at the same
// moment, and the hundred wrong passwords that it takes before one more is refused.
var unseen = map[string]string{
	"GET /healthz 503": "Unavailable",

	"PATCH /users/passwords 409": "AccountConflict", "PATCH /admins/passwords 409": "AccountConflict",
	"PATCH /users/resets 409": "AccountConflict", "PATCH /admins/resets 409": "AccountConflict",
	"POST /account/password 409": "PageAgain", "POST /reset/new 409": "PageAgain", "POST /admins/reset/new 409": "PageAgain",

	"POST /session 429": "TooMany", "POST /token 429": "TooMany", "POST /api/login 429": "TooMany", "POST /jwt/login 429": "TooMany",
	"POST /users/sign_in 429": "AccountTooMany", "POST /admins/sign_in 429": "AccountTooMany",
	"PATCH /users/passwords 429": "AccountTooMany", "PATCH /admins/passwords 429": "AccountTooMany",
	"POST /login 429": "TooMany", "POST /account/password 429": "TooMany", "POST /confirm 429": "TooMany",
}

func TestTheProgramAnswersAsDocumented(t *testing.T) {
	c := newClient(t)
	for _, part := range []struct {
		name string
		test func(c *client)
	}{
		{"operation", (*client).operates},
		{"sessions", (*client).keepsACookie},
		{"tokens of a login", (*client).logsInAProgram},
		{"tokens of the user", (*client).managesTokens},
		{"devices", (*client).logsInDevices},
		{"oauth", (*client).showsTokens},
		{"users", func(c *client) { c.hasAnAccount(users) }},
		{"admins", func(c *client) { c.hasAnAccount(admins) }},
		{"users and admins", (*client).reads},
		{"pages that are open", (*client).looksAround},
		{"pages of an account", (*client).livesOnPages},
		{"pages that mails point to", (*client).followsMails},
		{"nobody", (*client).isNobody},
		{"a forger", (*client).forges},
		{"bodies", (*client).sendsBadBodies},
		{"another site", (*client).comesFromElsewhere},
		{"too many mails", (*client).asksTooOften},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.t = t
			part.test(c)
		})
	}
	c.t = t
	c.sawEverything()
}

// sawEverything reports answers that the document describes and nobody gave.
func (c *client) sawEverything() {
	described := map[string]bool{}
	for _, o := range operations(c.doc) {
		for status, response := range o.Responses.Map() {
			name := o.String() + " " + status
			described[name] = true
			if component, ok := unseen[name]; ok {
				assert.Equal(c.t, "#/components/responses/"+component, response.Ref, name)
				assert.False(c.t, c.seen[name], "%s can be seen", name)
				continue
			}
			assert.True(c.t, c.seen[name], "the document says so, and nobody saw it: %s", name)
		}
	}
	for name := range unseen {
		assert.True(c.t, described[name], "the document does not describe %s", name)
	}
}

func (c *client) operates() {
	c.say(200, "GET", "/healthz", "")
}

// Those who are there from the beginning.
const (
	password = "precious-ring-1954"
	frodo    = `{"username":"frodo","password":"` + password + `"}`
	frodoAt  = `{"email":"frodo@shire.example","password":"` + password + `"}`
	wrong    = `{"email":"frodo@shire.example","password":"wrong"}`
)

func bearer(text string) []string { return []string{"Authorization", "Bearer " + text} }

// session logs in and returns the headers that say so.
func (c *client) session(body string) []string {
	c.t.Helper()
	cookie, _, _ := strings.Cut(c.say(201, "POST", "/session", body).Get("Set-Cookie"), ";")
	return []string{"Cookie", cookie}
}

// asABrowser are headers beside others.
func asABrowser(headers ...string) []string {
	return append([]string{"Accept", "text/html,*/*;q=0.8", "Sec-Fetch-Site", "same-origin"}, headers...)
}
