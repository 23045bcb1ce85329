package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A jwtPair is an answer with both tokens.
type jwtPair struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Refresh   string `json:"refresh_token"`
	Scope     string
}

// pair posts where tokens must be answered.
func (v *visitor) pair(path, body string, headers ...string) jwtPair {
	v.t.Helper()
	status, header, answer := v.send("POST", path, "application/json", body, headers...)
	require.Equal(v.t, 200, status, answer)
	assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	assert.Empty(v.t, header["Set-Cookie"])
	var fields map[string]any
	require.NoError(v.t, json.Unmarshal([]byte(answer), &fields))
	assert.Len(v.t, fields, 5)
	var p jwtPair
	require.NoError(v.t, json.Unmarshal([]byte(answer), &p))
	assert.Equal(v.t, jwtPair{p.Access, "Bearer", p.ExpiresIn, p.Refresh, "*"}, p)
	assert.InDelta(v.t, 15*60, p.ExpiresIn, 10, "what is left of it, in seconds")
	assert.Regexp(v.t, `^eyJ[\w-]+\.[\w-]+\.[\w-]{86}$`, p.Access, "ES256")
	assert.Regexp(v.t, `^kahu_refresh_\w+$`, p.Refresh)
	return p
}

// refresh posts a refresh token and returns the status and the challenge.
func (v *visitor) refresh(token string) (status int, challenge, answer string) {
	v.t.Helper()
	status, header, answer := v.send("POST", "/jwt/refresh", "application/json", `{"refresh_token":"`+token+`"}`)
	return status, header.Get("WWW-Authenticate"), answer
}

func (v *visitor) devices(token string) []deviceView {
	v.t.Helper()
	status, _, raw := v.get("/jwt/devices", bearer(token)...)
	require.Equal(v.t, 200, status, raw)
	var body struct{ Data []deviceView }
	require.NoError(v.t, json.Unmarshal([]byte(raw), &body))
	assert.NotContains(v.t, raw, "kahu_")
	return body.Data
}

func TestJWTContract(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base)
		pair := v.pair("/jwt/login", `{`+frodoMail+`,"name":"phone"}`)
		sams := v.pair("/jwt/login", `{`+samMail+`}`)
		v.theJWTOpensItsRoutes(pair)
		pair = v.aRefreshTokenIsGoodForOneUse(pair)
		v.devicesAreListedAndEnded(pair, sams)
		v.gatewaysAsk(pair, sams)
		v.logoutEndsBothTokens(pair)
		assert.Equal(t, 200, v.status("GET", "/jwt/me", sams.Access), "nobody else is logged out")
	})
}

func (v *visitor) theJWTOpensItsRoutes(pair jwtPair) {
	status, header, body := v.get("/jwt/me", bearer(pair.Access)...)
	require.Equal(v.t, 200, status, body)
	assert.Empty(v.t, header["Set-Cookie"])
	var me struct {
		Data  userView
		Token accessView
	}
	require.NoError(v.t, json.Unmarshal([]byte(body), &me))
	assert.Equal(v.t, userView{"frodo"}, me.Data)
	assert.Equal(v.t, accessView{me.Token.ID, me.Token.Device, []string{"*"}, me.Token.IssuedAt, me.Token.IssuedAt.Add(15 * time.Minute)}, me.Token)
	assert.NotEmpty(v.t, me.Token.ID)
	assert.Contains(v.t, pair.Refresh, me.Token.Device, "the device is the refresh token's public part")

	parts := strings.Split(pair.Access, ".")
	for name, test := range map[string]struct {
		authorization, challenge string
		status                   int
	}{
		"no token":               {"", `Bearer realm="api"`, 401},
		"another scheme":         {"Basic ZnJvZG86eA==", `Bearer realm="api"`, 401},
		"a malformed header":     {"Bearer a b", `Bearer realm="api", error="invalid_request"`, 400},
		"no signature":           {"Bearer " + parts[0] + "." + parts[1] + ".", `Bearer realm="api", error="invalid_token"`, 401},
		"another signature":      {"Bearer " + parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), `Bearer realm="api", error="invalid_token"`, 401},
		"the refresh token":      {"Bearer " + pair.Refresh, `Bearer realm="api", error="invalid_token"`, 401},
		"a token of other kinds": {"Bearer " + v.issue("/token", "", `{`+frodoMail+`}`).Token, `Bearer realm="api", error="invalid_token"`, 401},
	} {
		status, header, body := v.get("/jwt/me", "Authorization", test.authorization)
		assert.Equal(v.t, test.status, status, name)
		assert.Equal(v.t, test.challenge, header.Get("WWW-Authenticate"), name)
		assert.NotContains(v.t, body, "frodo", name)
	}
	assert.Equal(v.t, 401, v.status("GET", "/api/me", pair.Access), "nor is it one of those")
}

func (v *visitor) aRefreshTokenIsGoodForOneUse(pair jwtPair) jwtPair {
	next := v.pair("/jwt/refresh", `{"refresh_token":"`+pair.Refresh+`"}`)
	assert.NotEqual(v.t, pair.Refresh, next.Refresh)
	assert.NotEqual(v.t, pair.Access, next.Access)
	assert.Equal(v.t, 200, v.status("GET", "/jwt/me", next.Access))
	again := v.pair("/jwt/refresh", `{"refresh_token":"`+pair.Refresh+`"}`)
	assert.Equal(v.t, next.Refresh, again.Refresh, "an answer that was lost, within 10 seconds")

	last := v.pair("/jwt/refresh", `{"refresh_token":"`+next.Refresh+`"}`)
	for _, wrong := range []string{"x", pair.Access, last.Refresh[:len(last.Refresh)-1] + "!", swapped(last.Refresh)} {
		status, challenge, answer := v.refresh(wrong)
		assert.Equal(v.t, 401, status, wrong)
		assert.Equal(v.t, `Bearer realm="api", error="invalid_token"`, challenge)
		assert.Equal(v.t, `{"errors":[{"title":"Invalid refresh token","status":401}]}`, answer)
	}
	for _, body := range []string{`{}`, ``, `{"refresh_token":""}`, `{"refresh_token":1}`, `{"refresh_token":null}`, `{`, `[]`} {
		status, answer := v.post("/jwt/refresh", "", body)
		assert.Equal(v.t, 400, status, "%s %s", body, answer)
	}
	assert.Equal(v.t, 200, v.status("GET", "/jwt/me", last.Access), "garbage ends nothing")

	// The first token was used twice over: somebody has stolen it, or its successor.
	status, challenge, _ := v.refresh(pair.Refresh)
	assert.Equal(v.t, 401, status)
	assert.Equal(v.t, `Bearer realm="api", error="invalid_token"`, challenge)
	for _, access := range []string{pair.Access, next.Access, last.Access} {
		assert.Equal(v.t, 401, v.status("GET", "/jwt/me", access), "the device is ended")
	}
	status, _, _ = v.refresh(last.Refresh)
	assert.Equal(v.t, 401, status)
	return v.pair("/jwt/login", `{`+frodoMail+`,"name":"phone"}`)
}

func (v *visitor) devicesAreListedAndEnded(pair, sams jwtPair) {
	tablet := v.pair("/jwt/login", `{`+frodoMail+`}`, "User-Agent", "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Version/17.0 Safari/604.1")
	v.pair("/jwt/login", `{`+frodoMail+`,"name":" "}`)
	list := v.devices(pair.Access)
	require.Len(v.t, list, 3)
	assert.Equal(v.t, []string{"Unknown device", "Safari on iPad", "phone"}, []string{list[0].Name, list[1].Name, list[2].Name}, "the last used first")
	phone := list[2]
	assert.True(v.t, phone.This)
	assert.Equal(v.t, []any{false, false}, []any{list[0].This, list[1].This})
	assert.Equal(v.t, []any{"127.0.0.1", []string{"*"}}, []any{phone.Address, phone.Scopes})
	assert.Equal(v.t, phone.Created.Add(90*24*time.Hour), phone.Expires)

	assert.Equal(v.t, 404, v.status("DELETE", "/jwt/devices/"+phone.ID, sams.Access), "another user's is none")
	assert.Equal(v.t, 404, v.status("DELETE", "/jwt/devices/1", pair.Access))
	assert.Equal(v.t, 204, v.status("DELETE", "/jwt/devices/"+list[1].ID, pair.Access))
	assert.Equal(v.t, 404, v.status("DELETE", "/jwt/devices/"+list[1].ID, pair.Access))
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", tablet.Access), "at once")
	status, _, _ := v.refresh(tablet.Refresh)
	assert.Equal(v.t, 401, status)

	laptop := v.pair("/jwt/login", `{`+frodoMail+`,"name":"laptop"}`)
	status, _, body := v.send("DELETE", "/jwt/devices", "", "", bearer(pair.Access)...)
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, `{"ended":2}`, body)
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", laptop.Access))
	require.Len(v.t, v.devices(pair.Access), 1, "the one that asks stays")
	for _, method := range []string{"GET", "DELETE"} {
		assert.Equal(v.t, 401, v.status(method, "/jwt/devices", laptop.Access))
	}
}

func (v *visitor) gatewaysAsk(pair, sams jwtPair) {
	_, answer := v.ask("/oauth/introspect", sams.Access, pair.Access)
	var found struct {
		Active                               bool
		Scope, Sub, Aud, Iss, Sid, Jti, Type string
		Exp, Iat                             int64
	}
	require.NoError(v.t, json.Unmarshal([]byte(answer), &found))
	assert.True(v.t, found.Active)
	assert.Equal(v.t, []string{"*", "1", found.Iss, "http://127.0.0.1"}, []string{found.Scope, found.Sub, found.Aud, found.Iss[:16]})
	assert.Equal(v.t, int64(900), found.Exp-found.Iat)
	opaque := v.issue("/token", "", `{`+frodoMail+`}`)
	for _, live := range []string{pair.Refresh, opaque.Token} {
		_, answer = v.ask("/oauth/introspect", opaque.Token, live)
		assert.Contains(v.t, answer, `"active":true`)
	}
	status, header, _ := v.send("POST", "/oauth/introspect", formType, "token="+pair.Access)
	assert.Equal(v.t, 401, status, "nobody may try tokens out")
	assert.Contains(v.t, header.Values("WWW-Authenticate"), `Bearer realm="api"`)
	for _, endpoint := range []string{"/oauth/introspect", "/oauth/revoke"} {
		status, _, answer = v.send("POST", endpoint, formType, "", bearer(sams.Access)...)
		assert.Equal(v.t, 400, status)
		assert.Equal(v.t, `{"error":"invalid_request"}`, answer)
	}

	lost := v.pair("/jwt/login", `{`+frodoMail+`,"name":"lost"}`)
	for _, ended := range []string{opaque.Token, lost.Refresh, lost.Access, "x"} {
		status, answer := v.ask("/oauth/revoke", "", ended)
		assert.Equal(v.t, []any{200, ""}, []any{status, answer})
		_, answer = v.ask("/oauth/introspect", sams.Access, ended)
		assert.Equal(v.t, `{"active":false}`, answer)
	}
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", lost.Access), "with its refresh token")
	assert.Equal(v.t, 401, v.status("GET", "/api/me", opaque.Token))

	status, header, keys := v.get("/.well-known/jwks.json")
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, "application/jwk-set+json", header.Get("Content-Type"))
	assert.Regexp(v.t, `^{"keys":\[{[^{}]*"alg":"ES256"[^{}]*}\]}$`, keys)
	assert.NotContains(v.t, keys, `"d":`)
}

// ask posts a token as a form, as gateways do.
func (v *visitor) ask(path, token, about string) (status int, answer string) {
	v.t.Helper()
	status, header, answer := v.send("POST", path, formType, url.Values{"token": {about}}.Encode(), bearer(token)...)
	if status == 200 {
		assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	}
	return status, answer
}

func (v *visitor) logoutEndsBothTokens(pair jwtPair) {
	require.Equal(v.t, 201, v.login(good))
	forged := pair.Access[:len(pair.Access)-86] + strings.Repeat("A", 86)
	for _, test := range []struct{ token, want string }{
		{"", `{"revoked":false}`}, {forged, `{"revoked":false}`}, {pair.Refresh, `{"revoked":false}`}, {pair.Access, `{"revoked":true}`}, {pair.Access, `{"revoked":false}`},
	} {
		status, body := v.post("/jwt/logout", test.token, "")
		assert.Equal(v.t, 200, status)
		assert.Equal(v.t, test.want, body)
	}
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", pair.Access))
	status, _, _ := v.refresh(pair.Refresh)
	assert.Equal(v.t, 401, status)
	assert.Equal(v.t, 200, v.status("GET", "/session", ""), "the session stays")
}

func TestJWTLoginRefuses(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	wrong := map[string]bool{}
	for body, want := range map[string]int{
		`{"email":"frodo@shire.example","password":"x"}`: 401, `{"email":"sauron@mordor.example","password":"x"}`: 401,
		`{}`: 400, ``: 400, `{"email":"frodo@shire.example"}`: 400, `{"password":"x"}`: 400, `{"email":1,"password":"x"}`: 400,
		`{` + frodoMail + `,"name":1}`: 400, `{` + frodoMail + `,"name":"` + strings.Repeat("x", 201) + `"}`: 400, `{` + frodoMail + `,"name":"\u202e"}`: 400,
	} {
		status, answer := v.post("/jwt/login", "", body)
		assert.Equal(t, want, status, "%.60s %s", body, answer)
		assert.NotContains(t, answer, "kahu_")
		if want == 401 {
			wrong[answer] = true
		}
	}
	assert.Len(t, wrong, 1, "one body for every wrong pair")
}
