package openapi_test

import (
	"strings"

	"github.com/stretchr/testify/assert"
)

// A kind is one kind of account.
type kind struct {
	at      string // the prefix of its routes
	pages   string // the one of its pages
	address string // of an account that is there
	another string // one that it gets
}

var (
	users  = kind{"/users", "", "sam@shire.example", "sam@bywater.example"}
	admins = kind{"/admins", "/admins", "gandalf@istari.example", "gandalf@manwe.example"}
)

const (
	second = "a-wizard-is-never-late"
	third  = "nor-is-he-early-he-arrives"
)

func (k kind) signIn(password string) string {
	return `{"email":"` + k.address + `","password":"` + password + `"}`
}

// hasAnAccount does all that one can do with an account that is there, and with a new one.
func (c *client) hasAnAccount(k kind) {
	c.signsIn(k)
	c.changesThePassword(k)
	c.resetsThePassword(k)
	c.changesTheAddress(k)
	c.confirmsNothing(k)
	c.signsUp(k)
}

func (c *client) signsIn(k kind) {
	c.say(401, "POST", k.at+"/sign_in", k.signIn("wrong"))
	c.blunder(401, "POST", k.at+"/sign_in", `{"email":"`+k.address+`"}`)
	german := c.say(401, "POST", k.at+"/sign_in", k.signIn("wrong"), "Accept-Language", "de")
	assert.Contains(c.t, german.body, "Fehler")
	a := c.say(200, "POST", k.at+"/sign_in", "email="+k.address+"&password="+password)
	who := bearer(a.Get("Access-Token"))
	next := c.say(200, "POST", k.at+"/tokens", "", append(who, "Refresh-Token", a.Get("Refresh-Token"))...)
	who = bearer(next.Get("Access-Token"))
	c.say(401, "POST", k.at+"/tokens", "", who...)
	c.blunder(401, "POST", k.at+"/tokens", "", append(who, "Refresh-Token", "one-ring")...)
	c.say(401, "POST", k.at+"/tokens", `{"refresh_token":"one-ring"}`, who...)
	last := c.say(200, "POST", k.at+"/tokens", `{"refresh_token":"`+next.Get("Refresh-Token")+`"}`, who...)
	who = bearer(last.Get("Access-Token"))
	c.say(200, "DELETE", k.at+"/sign_out", "", who...)
	c.say(401, "DELETE", k.at+"/sign_out", "", who...)
}

func (c *client) changesThePassword(k kind) {
	who := bearer(c.say(200, "POST", k.at+"/sign_in", k.signIn(password)).Get("Access-Token"))
	change := func(current, password, again string) string {
		return `{"current_password":"` + current + `","password":"` + password + `","password_confirmation":"` + again + `"}`
	}
	c.say(422, "PATCH", k.at+"/passwords", change("wrong", second, second), who...)
	c.say(422, "PATCH", k.at+"/passwords", change(password, second, third), who...)
	c.blunder(422, "PATCH", k.at+"/passwords", change(password, "short", "short"), who...)
	c.blunder(422, "PATCH", k.at+"/passwords", `{"password":"`+second+`"}`, who...)
	a := c.say(200, "PATCH", k.at+"/passwords", change(password, second, second), who...)
	c.say(401, "PATCH", k.at+"/passwords", change(second, third, third), who...)
	c.say(200, "DELETE", k.at+"/sign_out", "", bearer(a.Get("Access-Token"))...)
}

func (c *client) resetsThePassword(k kind) {
	reset := func(token, password string) string { return `{"token":"` + token + `","password":"` + password + `"}` }
	c.blunder(422, "POST", k.at+"/resets", `{"email":"nobody"}`)
	c.blunder(422, "POST", k.at+"/resets", `{}`)
	c.say(200, "POST", k.at+"/resets", "email=nobody@shire.example")
	c.say(200, "POST", k.at+"/resets", `{"email":"`+k.address+`"}`)
	token := c.mailed(k.pages + "/reset/new")
	c.blunder(422, "PATCH", k.at+"/resets", reset("one-ring", third))
	c.blunder(422, "PATCH", k.at+"/resets", reset(token, "short"))
	c.say(200, "PATCH", k.at+"/resets", reset(token, third))
	c.say(422, "PATCH", k.at+"/resets", reset(token, second))
}

func (c *client) changesTheAddress(k kind) {
	who := bearer(c.say(200, "POST", k.at+"/sign_in", k.signIn(third)).Get("Access-Token"))
	change := func(address, current string) string {
		return `{"email":"` + address + `","current_password":"` + current + `"}`
	}
	c.say(422, "POST", k.at+"/emails", change(k.another, "wrong"), who...)
	c.blunder(422, "POST", k.at+"/emails", change("nobody", third), who...)
	c.say(200, "POST", k.at+"/emails", change(k.another, third), who...)
	token := c.mailed(k.pages + "/email")
	c.blunder(422, "PATCH", k.at+"/emails", `{"token":""}`)
	c.say(200, "PATCH", k.at+"/emails", `{"token":"`+token+`"}`)
	c.say(422, "PATCH", k.at+"/emails", "token="+token)
}

func (c *client) signsUp(k kind) {
	pippin := `{"email":"pippin@shire.example","password":"` + second + `","password_confirmation":"` + second + `","username":"Pippin"}`
	c.blunder(422, "POST", k.at+"/sign_up", `{"password":"`+second+`"}`)
	c.blunder(422, "POST", k.at+"/sign_up", strings.ReplaceAll(pippin, second, "short"))
	a := c.say(200, "POST", k.at+"/sign_up", pippin)
	c.say(422, "POST", k.at+"/sign_up", pippin)
	c.mailed(k.pages + "/verify")
	c.say(200, "POST", k.at+"/verifications", "email=pippin@shire.example")
	token := c.mailed(k.pages + "/verify")
	c.say(200, "PATCH", k.at+"/verifications", `{"token":"`+token+`"}`)
	c.say(422, "PATCH", k.at+"/verifications", "token="+token)
	c.say(200, "DELETE", k.at+"/delete", "", bearer(a.Get("Access-Token"))...)
	c.say(401, "DELETE", k.at+"/delete", "", bearer(a.Get("Access-Token"))...)
	c.say(200, "POST", k.at+"/sign_up", pippin)
	c.mailsPointTo(k.pages + "/verify")
}

// confirmsNothing asks for mails that nobody needs.
func (c *client) confirmsNothing(k kind) {
	c.blunder(422, "POST", k.at+"/verifications", `{"email":""}`)
	c.say(200, "POST", k.at+"/verifications", `{"email":"nobody@shire.example"}`)
	c.say(200, "POST", k.at+"/verifications", "email="+k.another)
	c.blunder(422, "PATCH", k.at+"/verifications", `{"token":"one-ring"}`)
	c.say(422, "PATCH", k.at+"/verifications", "token=kahu_once_ring")
}

func (c *client) reads() {
	user := c.say(200, "POST", "/users/sign_in", frodoAt)
	admin := c.say(200, "POST", "/admins/sign_in", `{"email":"`+admins.another+`","password":"`+third+`"}`)
	assert.Contains(c.t, c.say(200, "GET", "/posts", "", bearer(user.Get("Access-Token"))...).body, `"kind":"user"`)
	assert.Contains(c.t, c.say(200, "GET", "/posts", "", bearer(admin.Get("Access-Token"))...).body, `"kind":"admin"`)
	c.say(401, "GET", "/posts", "", bearer("one-ring")...)
}
