package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
)

// How long a mail may take, and how often to look for it.
const (
	patience = 20 * time.Second
	tick     = 10 * time.Millisecond
)

const pippin = `"email":"pippin@shire.example","password":"second-breakfast-11"`

// apiGuard sends JSON as a client of api_guard does, with the tokens of an answer.
func (v *visitor) apiGuard(method, path, body string, tokens http.Header) (int, http.Header, string) {
	v.t.Helper()
	headers := []string{}
	if tokens != nil {
		headers = append(headers, "Authorization", "Bearer "+tokens.Get("Access-Token"), "Refresh-Token", tokens.Get("Refresh-Token"))
	}
	return v.send(method, path, "application/json", body, headers...)
}

// signed is apiGuard where tokens must be answered.
func (v *visitor) signed(method, path, body, message string, tokens http.Header) http.Header {
	v.t.Helper()
	status, header, answer := v.apiGuard(method, path, body, tokens)
	require.Equal(v.t, 200, status, answer)
	assert.JSONEq(v.t, `{"status":"success","message":"`+message+`"}`, answer)
	assert.Regexp(v.t, `^eyJ[\w-]+\.[\w-]+\.[\w-]{86}$`, header.Get("Access-Token"))
	assert.Regexp(v.t, `^kahu_refresh_\w+$`, header.Get("Refresh-Token"))
	assert.Regexp(v.t, `^\d{10}$`, header.Get("Expire-At"))
	assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	assert.Len(v.t, header["Set-Cookie"], map[bool]int{true: 1}[path == "/users/passwords"], "a session that changes the password gets a new id, and nothing else begins or ends one")
	return header
}

// says checks an answer without tokens.
func (v *visitor) says(want int, text, method, path, body string, tokens http.Header) {
	v.t.Helper()
	status, header, answer := v.apiGuard(method, path, body, tokens)
	assert.Equal(v.t, want, status, path)
	field := map[bool]string{true: `{"status":"success","message":"`, false: `{"status":"error","error":"`}[want == 200]
	assert.JSONEq(v.t, field+text+`"}`, answer, path)
	assert.Empty(v.t, header.Get("Access-Token"))
	if want == 401 {
		assert.Regexp(v.t, `^Bearer realm="api"`, header.Get("WWW-Authenticate"))
	}
}

func TestAccountsContract(t *testing.T) {
	onEachProgram(t, func(t *testing.T, base string, mails func() string) {
		v := newVisitor(t, base)
		v.aChangedPasswordEndsEverything(v.thePostsAreForUsersAndAdmins(v.anAccountIsMade()))
		v.aMailResetsThePassword(mails)
		v.adminsAreApart()
		v.theAccountIsDeleted()
	})
}

func (v *visitor) anAccountIsMade() http.Header {
	tokens := v.signed("POST", "/users/sign_up", `{`+pippin+`,"password_confirmation":"second-breakfast-11"}`, "Signed up successfully", nil)
	v.says(422, "Email has already been taken", "POST", "/users/sign_up", `{"email":" Pippin@SHIRE.example","password":"second-breakfast-11"}`, nil)
	for body, text := range map[string]string{
		`{}`: "Email can't be blank", `{"email":"x","password":"y"}`: "Email is invalid",
		`{"email":"merry@shire.example","password":"short"}`:                                                "Password is too short (minimum is 15 characters)",
		`{"email":"merry@shire.example","password":"second-breakfast-11","username":"@"}`:                   "username is invalid",
		`{"email":"merry@shire.example","password":"second-breakfast-11","username":"frodo@shire.example"}`: "username is invalid",
		`{"email":"merry@shire.example","password":"second-breakfast-11","username":" FRODO "}`:             "username has already been taken",
	} {
		v.says(422, text, "POST", "/users/sign_up", body, nil)
	}
	require.Equal(v.t, 201, v.login(`{"username":"pippin","password":"second-breakfast-11"}`), "the pages and /session know the account")
	v.signed("POST", "/users/sign_up", `{"email":"frodo@mordor.example","password":"second-breakfast-11"}`, "Signed up successfully", nil)
	return tokens
}

func (v *visitor) thePostsAreForUsersAndAdmins(tokens http.Header) http.Header {
	const list = `{"data":[{"id":1,"title":"A long-expected party"},{"id":2,"title":"The shadow of the past"},{"id":3,"title":"Three is company"}],"asked_by":`
	admin := v.signed("POST", "/admins/sign_in", `{"email":"gandalf@istari.example","password":"precious-ring-1954"}`, "Signed in successfully", nil)
	for want, tokens := range map[string]http.Header{
		`{"kind":"user","email":"pippin@shire.example"}`:    tokens,
		`{"kind":"admin","email":"gandalf@istari.example"}`: admin,
	} {
		status, _, body := v.apiGuard("GET", "/posts", "", tokens)
		assert.Equal(v.t, 200, status)
		assert.JSONEq(v.t, list+want+`}`, body)
	}
	v.says(401, "Access token is missing in the request", "GET", "/posts", "", nil)
	v.says(401, "Invalid access token", "GET", "/posts", "", http.Header{"Access-Token": {"x"}})
	assert.Equal(v.t, 200, v.status("GET", "/jwt/me", tokens.Get("Access-Token")), "it is a JWT as those of /jwt are")
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", admin.Get("Access-Token")), "an admin is no user")
	v.says(401, "Invalid access token", "DELETE", "/users/delete", "", admin)
	v.says(401, "Invalid access token", "DELETE", "/admins/delete", "", tokens)

	next := v.signed("POST", "/users/tokens", "", "Token refreshed successfully", tokens)
	v.says(200, "Signed out successfully", "DELETE", "/users/sign_out", "", next)
	v.says(401, "Invalid access token", "GET", "/posts", "", next)
	v.says(401, "Invalid refresh token", "POST", "/users/tokens", "", next)
	v.says(401, "Invalid login credentials", "POST", "/users/sign_in", `{"email":"pippin@shire.example","password":"x"}`, nil)
	v.says(401, "Invalid login credentials", "POST", "/users/sign_in", `{"email":"gandalf@istari.example","password":"precious-ring-1954"}`, nil)
	return v.signed("POST", "/users/sign_in", `{`+pippin+`}`, "Signed in successfully", nil)
}

func (v *visitor) aChangedPasswordEndsEverything(tokens http.Header) {
	phone := v.pair("/jwt/login", `{`+pippin+`}`)
	program := v.issue("/token", "", `{`+pippin+`}`).Token
	browser := newVisitor(v.t, v.base)
	require.Equal(v.t, 201, browser.login(`{"username":"pippin","password":"second-breakfast-11","remember":true}`))
	const change = `"password":"elevenses-at-eleven"`
	v.says(422, "Current password is invalid", "PATCH", "/users/passwords", `{`+change+`}`, tokens)
	v.says(422, "Current password is invalid", "PATCH", "/users/passwords", `{"current_password":"x",`+change+`}`, tokens)
	next := v.signed("PATCH", "/users/passwords", `{"current_password":"second-breakfast-11",`+change+`}`, "Password changed successfully", tokens)

	v.says(401, "Invalid access token", "GET", "/posts", "", tokens)
	assert.Equal(v.t, 401, v.status("GET", "/jwt/me", phone.Access), "devices")
	status, _, _ := v.refresh(phone.Refresh)
	assert.Equal(v.t, 401, status)
	assert.Equal(v.t, 401, v.status("GET", "/api/me", program), "tokens of programs")
	v.says(401, "Invalid login credentials", "POST", "/users/sign_in", `{`+pippin+`}`, nil)
	status, _, _ = v.apiGuard("GET", "/posts", "", next)
	assert.Equal(v.t, 200, status)
	assert.Equal(v.t, 401, browser.status("GET", "/session", ""), "sessions, and what brings them back")
	assert.Equal(v.t, 200, v.status("GET", "/session", ""), "but the one that asks")
}

// tokenIn waits for a mail to an address, and returns the last token that it has.
func (v *visitor) tokenIn(mails func() string, to, page string) (token string) {
	v.t.Helper()
	link := regexp.MustCompile(`To: ` + regexp.QuoteMeta(to) + `\n[^-]*` + regexp.QuoteMeta(v.base+page) + `\?token=(\w+)\n`)
	require.Eventually(v.t, func() bool {
		found := link.FindAllStringSubmatch(mails(), -1)
		if len(found) == 0 {
			return false
		}
		token = found[len(found)-1][1]
		return true
	}, patience, tick)
	return token
}

func (v *visitor) aMailResetsThePassword(mails func() string) {
	const sent = "If there is such an account, a mail is on its way"
	for _, who := range []string{"sauron@mordor.example", "gandalf@istari.example", "pippin@shire.example"} {
		v.says(200, sent, "POST", "/users/resets", `{"email":"`+who+`"}`, nil)
	}
	verify := v.tokenIn(mails, "pippin@shire.example", "/verify")
	token := v.tokenIn(mails, "pippin@shire.example", "/reset/new")
	assert.NotContains(v.t, mails(), "To: sauron@mordor.example")
	assert.NotContains(v.t, mails(), "To: gandalf@istari.example")

	v.says(422, "The link is not valid any more", "PATCH", "/users/verifications", `{"token":"`+verify+`"}`, nil)
	reset := `{"token":"` + token + `","password":"second-breakfast-11"}`
	v.says(422, "The link is not valid any more", "PATCH", "/admins/resets", reset, nil)
	v.says(200, "Password changed successfully", "PATCH", "/users/resets", reset, nil)
	v.says(422, "The link is not valid any more", "PATCH", "/users/resets", reset, nil)
	v.signed("POST", "/users/sign_in", `{`+pippin+`}`, "Signed in successfully", nil)
}

func (v *visitor) adminsAreApart() {
	v.signed("POST", "/admins/sign_up", `{`+pippin+`}`, "Signed up successfully", nil)
	const gandalf = `{"email":"gandalf@istari.example","password":"precious-ring-1954"}`
	tokens := v.signed("POST", "/admins/sign_in", gandalf, "Signed in successfully", nil)
	frodo := v.signed("POST", "/users/sign_in", `{`+frodoMail+`}`, "Signed in successfully", nil)
	tokens = v.signed("POST", "/admins/tokens", "", "Token refreshed successfully", tokens)
	v.says(401, "Invalid refresh token", "POST", "/users/tokens", "", http.Header{"Access-Token": frodo["Access-Token"], "Refresh-Token": tokens["Refresh-Token"]})
	v.says(200, "Account deleted successfully", "DELETE", "/admins/delete", "", tokens)
	v.says(401, "Invalid login credentials", "POST", "/admins/sign_in", gandalf, nil)
	status, _, _ := v.apiGuard("GET", "/posts", "", frodo)
	assert.Equal(v.t, 200, status, "user 1 is not admin 1")
}

func (v *visitor) theAccountIsDeleted() {
	tokens := v.signed("POST", "/users/sign_in", `{`+pippin+`}`, "Signed in successfully", nil)
	require.Equal(v.t, 201, v.login(`{"username":"pippin","password":"second-breakfast-11"}`))
	v.says(200, "Account deleted successfully", "DELETE", "/users/delete", "", tokens)
	assert.Equal(v.t, 401, v.status("GET", "/session", ""))
	v.says(401, "Invalid access token", "GET", "/posts", "", tokens)
	v.says(401, "Invalid login credentials", "POST", "/users/sign_in", `{`+pippin+`}`, nil)
}

func TestUsernames(t *testing.T) {
	for email, want := range map[string]string{
		"frodo@shire.example": "frodo", "f.r+ing@shire.example": "f.ring", "-_.x@shire.example": "x", "ödön@shire.example": "dn",
		"+@shire.example": "hobbit", strings.Repeat("a", 60) + "@shire.example": strings.Repeat("a", 24),
	} {
		name := usernameOf(email)
		assert.Equal(t, want, name)
		assert.Regexp(t, usernames, name+"-abcde")
	}
}

// TestAnOldTableOfUsersIsBroughtUpToDate begins with the table as it was before there were
// times in it.
func TestAnOldTableOfUsersIsBroughtUpToDate(t *testing.T) {
	for name, test := range map[string]struct{ url, table string }{
		"SQLite": {"file:" + filepath.Join(t.TempDir(), "app.db"),
			`CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, username VARCHAR NOT NULL, email VARCHAR NOT NULL, password_hash VARCHAR NOT NULL, UNIQUE (username), UNIQUE (email))`},
		"Postgres": {pgtest.URL(t),
			`CREATE TABLE users (id BIGSERIAL NOT NULL, username VARCHAR NOT NULL, email VARCHAR NOT NULL, password_hash VARCHAR NOT NULL, PRIMARY KEY (id), UNIQUE (username), UNIQUE (email))`},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(test.url)
			require.NoError(t, err)
			defer db.Close()
			for _, statement := range []string{test.table, `INSERT INTO users (username, email, password_hash) VALUES ('bilbo', 'bilbo@shire.example', 'x')`} {
				_, err = db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			for range 2 {
				require.NoError(t, makeTables(t.Context(), db))
			}
			m := newMembers(db)
			require.NoError(t, m.Check(t.Context()))
			bilbo, _, err := m.ByEmail(t.Context(), "bilbo@shire.example")
			require.NoError(t, err)
			assert.Equal(t, accounts.Status{Email: "bilbo@shire.example"}, m.Status(bilbo))
			for _, email := range []string{"bilbo@bree.example", "bilbo@rivendell.example"} {
				u, err := m.Create(t.Context(), accounts.NewAccount{Email: email})
				require.NoError(t, err)
				assert.Regexp(t, `^bilbo-\w{5}$`, u.(*User).Username, "another has the name")
			}
		})
	}
}
