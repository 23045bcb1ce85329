package openapi_test

import (
	"github.com/stretchr/testify/assert"
)

func (c *client) keepsACookie() {
	c.say(401, "POST", "/session", `{"username":"frodo","password":"wrong"}`)
	c.blunder(400, "POST", "/session", `{"username":"frodo"}`)
	c.blunder(401, "POST", "/session", "")
	for _, kind := range []string{"application/problem+json", "text/html", "text/plain"} {
		a := c.say(401, "POST", "/session", "username=frodo&password=wrong", "Accept", kind)
		assert.Contains(c.t, a.Get("Content-Type"), kind)
	}
	c.say(303, "POST", "/session", "username=frodo&password="+password, asABrowser()...)
	s := c.session(frodo)
	c.say(200, "GET", "/session", "", s...)
	c.say(200, "GET", "/ringsofpower", "", s...)
	c.say(404, "DELETE", "/ringsofpower/99", "", s...)
	c.say(204, "DELETE", "/ringsofpower/4", "", s...)
	c.say(204, "DELETE", "/session", "", s...)
	c.say(204, "DELETE", "/session", "")
	c.say(401, "GET", "/session", "", s...)
}

func (c *client) logsInAProgram() {
	for _, path := range []string{"/token", "/api/login"} {
		c.say(401, "POST", path, wrong)
		c.blunder(400, "POST", path, `{"email":"frodo@shire.example"}`)
		c.blunder(400, "POST", path, `{"email":"frodo@shire.example","password":"`+password+`","expires_in":0}`)
		c.blunder(400, "POST", path, `{"email":"frodo@shire.example","password":"`+password+`","name":7}`)
		c.say(200, "POST", path, "email=frodo@shire.example&password="+password)
		c.say(200, "POST", path, `{"email":"frodo@shire.example","password":"`+password+`","name":"ring","expires_in":60}`)
	}
	t := c.token()
	c.say(200, "GET", "/api/dashboard", "", t...)
	c.say(200, "GET", "/api/me", "", t...)
	c.say(200, "GET", "/api/rings", "", t...)
	c.say(404, "DELETE", "/api/rings/99", "", t...)
	c.say(204, "DELETE", "/api/rings/3", "", t...)
	assert.Equal(c.t, `{"revoked":true}`, c.say(200, "POST", "/api/logout", "", t...).body)
	assert.Equal(c.t, `{"revoked":false}`, c.say(200, "POST", "/api/logout", "", t...).body)
	c.say(200, "POST", "/api/logout", "")
	c.say(401, "GET", "/api/me", "", t...)
}

// token logs a program in and returns the header that says so.
func (c *client) token() []string {
	c.t.Helper()
	return bearer(c.field(c.say(200, "POST", "/api/login", frodoAt), "token"))
}

func (c *client) managesTokens() {
	all := c.token()
	for _, who := range [][]string{all, c.session(frodo)} {
		c.say(201, "POST", "/api/tokens", `{"name":"all","scopes":["*"],"expires_in":3600}`, who...)
		c.say(201, "POST", "/api/tokens", "name=form&scopes=rings:read&scopes=rings:write", who...)
		id := c.field(c.say(201, "POST", "/api/tokens", `{"name":"none"}`, who...), "id")
		c.blunder(400, "POST", "/api/tokens", `{"scopes":["*"]}`, who...)
		c.blunder(400, "POST", "/api/tokens", `{"name":" "}`, who...)
		c.blunder(400, "POST", "/api/tokens", `{"name":"x","scopes":["a b"]}`, who...)
		c.blunder(400, "POST", "/api/tokens", `{"name":"x","expires_in":-1}`, who...)
		c.say(200, "GET", "/api/tokens", "", who...)
		c.say(204, "DELETE", "/api/tokens/"+id, "", who...)
		c.say(404, "DELETE", "/api/tokens/"+id, "", who...)
	}
	a := c.say(201, "POST", "/api/tokens", `{"name":"reader","scopes":["rings:read"]}`, all...)
	reader := bearer(c.field(a, "token"))
	c.say(200, "GET", "/api/me", "", reader...)
	c.say(200, "GET", "/api/rings", "", reader...)
	c.say(403, "DELETE", "/api/rings/1", "", reader...)
	c.say(403, "POST", "/api/tokens", `{"name":"more","scopes":["rings:write"]}`, reader...)
	none := bearer(c.field(c.say(201, "POST", "/api/tokens", `{"name":"none"}`, reader...), "token"))
	c.say(403, "GET", "/api/rings", "", none...)
	c.say(200, "GET", "/api/me", "", none...)
}

func (c *client) logsInDevices() {
	c.say(401, "POST", "/jwt/login", wrong)
	c.blunder(400, "POST", "/jwt/login", `{"password":"x"}`)
	c.blunder(400, "POST", "/jwt/login", `{"email":["x"],"password":"x"}`)
	other := c.say(200, "POST", "/jwt/login", "email=frodo@shire.example&password="+password)
	pair := c.say(200, "POST", "/jwt/login", `{"email":"frodo@shire.example","password":"`+password+`","name":"phone"}`)
	next := c.say(200, "POST", "/jwt/refresh", `{"refresh_token":"`+c.field(pair, "refresh_token")+`"}`)
	c.blunder(400, "POST", "/jwt/refresh", `{"refresh_token":""}`)
	c.say(401, "POST", "/jwt/refresh", `{"refresh_token":"one-ring"}`)
	this := bearer(c.field(next, "access_token"))
	c.say(200, "GET", "/jwt/me", "", this...)
	c.say(200, "GET", "/jwt/devices", "", this...)
	c.say(404, "DELETE", "/jwt/devices/none", "", this...)
	id := c.field(c.say(200, "GET", "/jwt/me", "", bearer(c.field(other, "access_token"))...), "device")
	c.say(204, "DELETE", "/jwt/devices/"+id, "", this...)
	c.say(401, "GET", "/jwt/me", "", bearer(c.field(other, "access_token"))...)
	c.say(200, "DELETE", "/jwt/devices", "", this...)
	assert.Equal(c.t, `{"revoked":true}`, c.say(200, "POST", "/jwt/logout", "", this...).body)
	assert.Equal(c.t, `{"revoked":false}`, c.say(200, "POST", "/jwt/logout", "", this...).body)
	c.say(200, "POST", "/jwt/logout", "")
	c.say(401, "POST", "/jwt/refresh", "refresh_token="+c.field(next, "refresh_token"))
}

func (c *client) showsTokens() {
	c.say(200, "GET", "/.well-known/jwks.json", "")
	pair := c.say(200, "POST", "/jwt/login", frodoAt)
	access, refresh := c.field(pair, "access_token"), c.field(pair, "refresh_token")
	opaque := c.token()
	for _, who := range [][]string{bearer(access), opaque} {
		for _, text := range []string{access, refresh, opaque[1][len("Bearer "):]} {
			assert.Contains(c.t, c.say(200, "POST", "/oauth/introspect", "token="+text, who...).body, `"active":true`)
		}
		assert.Equal(c.t, `{"active":false}`, c.say(200, "POST", "/oauth/introspect", `{"token":"one-ring"}`, who...).body)
		assert.Equal(c.t, `{"error":"invalid_request"}`, c.blunder(400, "POST", "/oauth/introspect", "", who...).body)
	}
	c.blunder(401, "POST", "/oauth/introspect", "token="+access)
	assert.Equal(c.t, `{"error":"invalid_request"}`, c.blunder(400, "POST", "/oauth/revoke", `{"token":""}`).body)
	c.say(200, "POST", "/oauth/revoke", "token=one-ring")
	c.say(200, "POST", "/oauth/revoke", "token="+refresh+"&client_id=shire")
	c.say(401, "GET", "/jwt/me", "", bearer(access)...)
}
