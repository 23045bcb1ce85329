package main

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func TestPeopleComeToWhereTheyWantedToGo(t *testing.T) {
	base, _ := start(t, nil)
	for path, want := range map[string]string{
		"/account/sessions":     "/account/sessions",
		"/dashboard?x=1&y=%2F":  "/dashboard?x=1&y=%2F",
		"/ringsofpower":         "/ringsofpower",
		"//evil.example/%0d%0a": "/dashboard",
		"/login":                "/dashboard",
		"/":                     "/dashboard",
	} {
		v := newVisitor(t, base)
		v.get(path, aBrowser...)
		status, location, _ := v.submit("/login", url.Values{"username": {"frodo"}, "password": {"x"}})
		assert.Equal(t, []any{401, ""}, []any{status, location})
		status, location, _ = v.submit("/login", frodosForm)
		assert.Equal(t, []any{303, want}, []any{status, location}, path)
		assert.Equal(t, "/dashboard", v.leads("/login"), "that was once")
	}
	v := newVisitor(t, base)
	status, location, _ := v.submit("/account/sessions/end-all", nil)
	assert.Equal(t, []any{303, "/login"}, []any{status, location})
	status, location, _ = v.submit("/login", frodosForm)
	assert.Equal(t, []any{303, "/dashboard"}, []any{status, location}, "a form is no place to go to")
}

func TestPeopleStayLoggedIn(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base)
		assert.Contains(t, v.page("/login"), `<input type="checkbox" name="remember" value="true"> <span>Stay logged in on this device`)
		_, _, body := v.submit("/login", url.Values{"username": {"frodo"}, "password": {"x"}, "remember": {"true"}})
		assert.Contains(t, body, `name="remember" value="true" checked>`, "what was chosen is kept")

		v.submit("/login", frodosForm)
		v.closes()
		assert.Equal(t, "/login", v.leads("/account"), "who did not choose it does not")

		status, header, _ := v.send("POST", "/login", formType, frodoStays.Encode(), aBrowser...)
		require.Equal(t, 303, status)
		require.Len(t, header["Set-Cookie"], 2)
		assert.Regexp(t, `^remember=kahu_remember_\w+; Path=/; Max-Age=25\d{5}; HttpOnly; SameSite=Lax$`, header["Set-Cookie"][0])
		v.closes()
		assert.Contains(t, v.page("/account/sessions"), "this one</span>")
		status, _, _ = v.submit("/logout", nil)
		assert.Equal(t, 303, status)
		assert.Equal(t, "/login", v.leads("/account"), "logging out ends it")
		for body, want := range map[string]int{strings.Replace(goodAndStays, "true", `"yes"`, 1): 400, strings.Replace(goodAndStays, "true", "false", 1): 201} {
			assert.Equal(t, want, v.login(body))
		}
	})
}

func TestNobodyHasMoreThanTenSessions(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		first := newVisitor(t, base)
		first.submit("/login", frodoStays)
		var v *visitor
		for range maxSessions {
			require.Equal(t, 200, first.status("GET", "/session", ""))
			v = newVisitor(t, base)
			require.Equal(t, 201, v.login(good))
		}
		assert.Len(t, v.ids("/account/sessions"), maxSessions-1)
		assert.Equal(t, 401, first.status("GET", "/session", ""), "the oldest is over, and nothing brings it back")
	})
}

func TestAPasswordThatAnotherProgramChangesEndsSessions(t *testing.T) {
	var db *bun.DB
	v, _ := serve(t, "file:"+filepath.Join(t.TempDir(), "app.db"), func(s *stores) { db = s.db })
	v.submit("/login", frodoStays)
	other := v.stays(anIPad)
	other.closes()
	sam := newVisitor(t, v.base)
	require.Equal(t, 201, sam.login(`{"username":"sam","password":"precious-ring-1954"}`))
	hash, err := quick.Hash(t.Context(), "esquire-of-rohan-3019")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE users SET password_hash = ? WHERE username = 'frodo'", hash)
	require.NoError(t, err)
	for range 2 {
		assert.Equal(t, 401, v.status("GET", "/session", ""))
		assert.Equal(t, 401, other.status("GET", "/session", ""), "to be remembered is over, too")
	}
	assert.Equal(t, 200, sam.status("GET", "/session", ""))
	assert.Equal(t, 201, v.login(`{"username":"frodo","password":"esquire-of-rohan-3019"}`))
}

func TestWhoLogsInIsLogged(t *testing.T) {
	log := new(output)
	before := quiet
	quiet = slog.New(slog.NewTextHandler(log, nil))
	t.Cleanup(func() { quiet = before })
	v, _ := serve(t, "file:"+filepath.Join(t.TempDir(), "app.db"), func(*stores) {})
	v.submit("/login", url.Values{"username": {"frodo"}, "password": {"one-ring-to-find-them"}})
	_, header, _ := v.send("POST", "/login", formType, frodoStays.Encode(), aBrowser...)
	v.stays(anIPad)
	v.submit("/account/sessions/end-others", nil)
	v.submit("/logout", nil)
	v.leads("/account")
	for _, event := range []string{`msg="login failed"`, `msg="session created"`, "msg=login ", `msg="credential issued"`, `msg="session revoked"`, "msg=logout ", `msg="access denied"`} {
		assert.Contains(t, log.String(), event)
	}
	assert.Contains(t, log.String(), "subject=1 ")
	secrets := []string{"one-ring-to-find-them", "precious-ring-1954"}
	for _, line := range header["Set-Cookie"] {
		_, value, _ := strings.Cut(line, "=")
		value, _, _ = strings.Cut(value, ";")
		secrets = append(secrets, value)
	}
	for _, secret := range secrets {
		assert.NotContains(t, log.String(), secret)
	}
}

func TestANewPasswordForgetsEveryDevice(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base)
		v.submit("/login", frodoStays)
		tablet := v.stays(anIPad)
		tablet.closes()
		body := v.sends("/account/password", url.Values{
			"current_password": {"precious-ring-1954"}, "password": {"esquire-of-rohan-3019"}, "password_confirmation": {"esquire-of-rohan-3019"},
		}, "/account")
		assert.Contains(t, body, "Your password was changed.")
		assert.Contains(t, v.page("/account/sessions"), "Nowhere. Who chooses", "this one, too")
		assert.Equal(t, 401, tablet.status("GET", "/session", ""))
		v.closes()
		assert.Equal(t, "/login", v.leads("/account"))
	})
}
