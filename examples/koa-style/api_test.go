package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	frodoMail = `"email":"frodo@shire.example","password":"precious-ring-1954"`
	samMail   = `"email":"sam@shire.example","password":"precious-ring-1954"`
)

// An apiToken is an answer with a token.
type apiToken struct {
	ID, Name, Type, Token string
	Scopes                []string
	ExpiresAt             time.Time `json:"expires_at"`
	ExpiresIn             int       `json:"expires_in"`
}

// post sends JSON, with the token unless it is "".
func (v *visitor) post(path, token, body string) (status int, answer string) {
	v.t.Helper()
	status, _, answer = v.send("POST", path, "application/json", body, bearer(token)...)
	return status, answer
}

func bearer(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"Authorization", "Bearer " + token}
}

// issue is post where a token must be answered.
func (v *visitor) issue(path, token, body string) apiToken {
	v.t.Helper()
	_, answer := v.post(path, token, body)
	var issued apiToken
	require.NoError(v.t, json.Unmarshal([]byte(answer), &issued), answer)
	require.Regexp(v.t, `^kahu_[0-9A-Za-z]{71}$`, issued.Token, answer)
	return issued
}

// status is that of a request with the token.
func (v *visitor) status(method, path, token string) int {
	v.t.Helper()
	status, _, _ := v.send(method, path, "", "", bearer(token)...)
	return status
}

func (v *visitor) tokens(token string) (list []listedToken, raw string) {
	v.t.Helper()
	status, _, raw := v.get("/api/tokens", bearer(token)...)
	require.Equal(v.t, 200, status, raw)
	var body struct{ Data []listedToken }
	require.NoError(v.t, json.Unmarshal([]byte(raw), &body))
	return body.Data, raw
}

func TestAPIContract(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base) // one that keeps cookies, and is never given one
		issued, sams := v.loggedIn()
		v.theTokenOpensTheAPI(issued)
		v.tokensAreMadeAndRevoked(issued.Token)
		v.tokensOfOthersAreNone(issued.Token, sams)
		v.aTokenMakesNoStrongerOne(issued.Token)
		v.logoutEndsTheToken(issued.Token)
		v.aCookieIsAsGoodAsAToken()
	})
}

// loggedIn gets tokens by e-mail address and password: frodo's, and sam's at the other place.
func (v *visitor) loggedIn() (issued apiToken, sams string) {
	status, header, body := v.send("POST", "/api/login", "application/json", `{`+frodoMail+`,"name":"laptop"}`)
	require.Equal(v.t, 200, status, body)
	assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	assert.Empty(v.t, header["Set-Cookie"])
	var fields map[string]any
	require.NoError(v.t, json.Unmarshal([]byte(body), &fields))
	assert.Len(v.t, fields, 4)
	assert.Equal(v.t, "bearer", fields["type"])
	assert.Equal(v.t, 2592000., fields["expires_in"])
	require.NoError(v.t, json.Unmarshal([]byte(body), &issued))
	assert.False(v.t, issued.ExpiresAt.IsZero())

	status, body = v.post("/token", "", `{`+samMail+`}`)
	assert.Equal(v.t, 200, status)
	assert.Regexp(v.t, `^{"token":"kahu_\w{71}"}$`, body)
	return issued, secretText.FindString(body)
}

func (v *visitor) theTokenOpensTheAPI(issued apiToken) {
	status, _, body := v.get("/api/dashboard", bearer(issued.Token)...)
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, `{"hello":"world"}`, body)
	status, header, _ := v.get("/api/dashboard")
	assert.Equal(v.t, 401, status)
	assert.Equal(v.t, `Bearer realm="api"`, header.Get("WWW-Authenticate"))
	status, header, _ = v.get("/api/dashboard", bearer(issued.Token[:75]+"!")...)
	assert.Equal(v.t, 401, status)
	assert.Equal(v.t, `Bearer realm="api", error="invalid_token"`, header.Get("WWW-Authenticate"))
	status, header, _ = v.get("/api/dashboard", "Authorization", "Bearer a b")
	assert.Equal(v.t, 400, status)
	assert.Equal(v.t, `Bearer realm="api", error="invalid_request"`, header.Get("WWW-Authenticate"))

	status, _, body = v.get("/api/me", bearer(issued.Token)...)
	assert.Equal(v.t, 200, status)
	var me struct {
		Data  userView
		Token tokenView
	}
	require.NoError(v.t, json.Unmarshal([]byte(body), &me))
	assert.Equal(v.t, userView{"frodo"}, me.Data)
	require.NotNil(v.t, me.Token.LastUsedAt)
	assert.Equal(v.t, tokenView{me.Token.ID, "laptop", []string{"*"}, me.Token.LastUsedAt}, me.Token)
	assert.Contains(v.t, issued.Token, me.Token.ID, "the id is the token's public part")
}

func (v *visitor) tokensAreMadeAndRevoked(token string) {
	made := v.issue("/api/tokens", token, `{"name":"reader","scopes":["rings:read"],"expires_in":3600}`)
	assert.Equal(v.t, []any{"reader", "bearer", []string{"rings:read"}, 3600}, []any{made.Name, made.Type, made.Scopes, made.ExpiresIn})
	list, raw := v.tokens(token)
	require.Len(v.t, list, 2)
	assert.Equal(v.t, []string{"reader", "laptop"}, []string{list[0].Name, list[1].Name}, "the last used or made first")
	assert.Nil(v.t, list[0].LastUsedAt)
	for _, secret := range []string{made.Token, token, made.Token[27:], "sha256", "hash", "secret"} {
		assert.NotContains(v.t, strings.ToLower(raw), strings.ToLower(secret))
	}

	assert.Equal(v.t, 200, v.status("GET", "/api/rings", made.Token))
	status, header, _ := v.send("DELETE", "/api/rings/2", "", "", bearer(made.Token)...)
	assert.Equal(v.t, 403, status)
	assert.Equal(v.t, `Bearer realm="api", error="insufficient_scope", scope="rings:write"`, header.Get("WWW-Authenticate"))
	bare := v.issue("/api/tokens", token, `{"name":"bare"}`)
	assert.Empty(v.t, bare.Scopes)
	assert.Equal(v.t, 403, v.status("GET", "/api/rings", bare.Token))
	assert.Equal(v.t, 200, v.status("GET", "/api/dashboard", bare.Token))

	assert.Equal(v.t, 204, v.status("DELETE", "/api/tokens/"+made.ID, token))
	assert.Equal(v.t, 401, v.status("GET", "/api/rings", made.Token), "at once")
	assert.Equal(v.t, 404, v.status("DELETE", "/api/tokens/"+made.ID, token))
	assert.Equal(v.t, 404, v.status("DELETE", "/api/tokens/1", token))
	for body, want := range map[string]int{
		`{}`: 400, `{"name":" "}`: 400, `{"name":"x","scopes":["a b"]}`: 400, `{"name":"x","scopes":"*"}`: 400, `{"name":"x","expires_in":0}`: 400,
		`{"name":"x","expires_in":99999999999}`: 400, `{"name":"` + strings.Repeat("x", 201) + `"}`: 400, `{"name":"x\u0000"}`: 400,
	} {
		status, answer := v.post("/api/tokens", token, body)
		assert.Equal(v.t, want, status, "%.60s %s", body, answer)
	}
}

func (v *visitor) tokensOfOthersAreNone(token, sams string) {
	made := v.issue("/api/tokens", token, `{"name":"frodo's"}`)
	assert.Equal(v.t, 404, v.status("DELETE", "/api/tokens/"+made.ID, sams))
	assert.Equal(v.t, 200, v.status("GET", "/api/dashboard", made.Token), "it lives")
	_, raw := v.tokens(sams)
	assert.NotContains(v.t, raw, made.ID)
	assert.Equal(v.t, 204, v.status("DELETE", "/api/tokens/"+made.ID, token))
}

func (v *visitor) aTokenMakesNoStrongerOne(token string) {
	weak := v.issue("/api/tokens", token, `{"name":"weak","scopes":["rings:read"],"expires_in":600}`).Token
	for scopes, want := range map[string]int{`["rings:read"]`: 201, `[]`: 201, `["rings:write"]`: 403, `["rings:read","rings:write"]`: 403, `["*"]`: 403} {
		status, answer := v.post("/api/tokens", weak, `{"name":"child","scopes":`+scopes+`}`)
		assert.Equal(v.t, want, status, scopes)
		if want == 403 {
			assert.NotContains(v.t, answer, "kahu_")
		}
	}
	for _, asked := range []string{"", `,"expires_in":86400`} {
		child := v.issue("/api/tokens", weak, `{"name":"child"`+asked+`}`)
		assert.LessOrEqual(v.t, child.ExpiresIn, 600, "it does not outlive the one that it was made with")
	}
}

func (v *visitor) logoutEndsTheToken(token string) {
	forged := token[:30] + strings.Repeat("0", 46)
	status, body := v.post("/api/logout", forged, "")
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, `{"revoked":false}`, body)
	assert.Equal(v.t, 200, v.status("GET", "/api/dashboard", token), "a forged one ends nothing")
	for _, want := range []string{`{"revoked":true}`, `{"revoked":false}`} {
		status, body = v.post("/api/logout", token, "")
		assert.Equal(v.t, 200, status)
		assert.Equal(v.t, want, body)
		assert.Equal(v.t, 401, v.status("GET", "/api/dashboard", token))
	}
	_, body = v.post("/api/logout", "", "")
	assert.Equal(v.t, `{"revoked":false}`, body)
}

func (v *visitor) aCookieIsAsGoodAsAToken() {
	assert.Equal(v.t, 401, v.status("GET", "/api/tokens", ""))
	require.Equal(v.t, 201, v.login(good))
	status, header, _ := v.send("POST", "/api/tokens", "application/json", `{"name":"evil"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(v.t, 403, status, "for another site it is not")
	assert.Empty(v.t, header["Set-Cookie"])
	made := v.issue("/api/tokens", "", `{"name":"by cookie","scopes":["*"],"expires_in":31536000}`)
	assert.Equal(v.t, 31536000, made.ExpiresIn)
	assert.Equal(v.t, 401, v.status("GET", "/api/dashboard", ""), "where only a token is taken the cookie is nothing")
	status, _ = v.post("/api/logout", made.Token, "")
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, 200, v.status("GET", "/session", ""), "the session stays")
	_, raw := v.tokens("")
	assert.NotContains(v.t, raw, made.ID)
}

func TestAPILoginRefuses(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	for body, want := range map[string]int{
		`{"email":"frodo@shire.example","password":"x"}`: 401, `{"email":"sauron@mordor.example","password":"x"}`: 401,
		`{}`: 400, `{"email":"frodo@shire.example"}`: 400, `{"password":"x"}`: 400, `{"email":1,"password":"x"}`: 400, ``: 400,
		`{` + frodoMail + `,"expires_in":0}`: 400, `{` + frodoMail + `,"expires_in":-1}`: 400, `{` + frodoMail + `,"expires_in":"60"}`: 400,
		`{` + frodoMail + `,"expires_in":1.5}`: 400, `{` + frodoMail + `,"expires_in":1e400}`: 400, `{` + frodoMail + `,"expires_in":9223372036854775807}`: 400,
		`{` + frodoMail + `,"expires_in":9223372037}`: 400, `{` + frodoMail + `,"name":"\u202e"}`: 400,
	} {
		status, answer := v.post("/api/login", "", body)
		assert.Equal(t, want, status, body)
		assert.NotContains(t, answer, "kahu_")
	}
	for body, want := range map[string]int{`{"email":"frodo@shire.example","password":"x"}`: 401, `{}`: 400} {
		status, answer := v.post("/token", "", body)
		assert.Equal(t, want, status, body)
		assert.NotContains(t, answer, "kahu_")
	}
	issued := v.issue("/api/login", "", `{`+frodoMail+`,"expires_in":60}`)
	assert.Equal(t, 60, issued.ExpiresIn)
}
