package main

import (
	"context"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/throttle"
)

const formType = "application/x-www-form-urlencoded"

// aBrowser sends what a browser sends that shows pages of this site.
var aBrowser = []string{
	"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site", "same-origin",
	"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
}

// page gets a page and checks what holds for each.
func (v *visitor) page(path string) string {
	v.t.Helper()
	status, header, body := v.get(path, aBrowser...)
	require.Equal(v.t, 200, status, body)
	assert.Equal(v.t, "text/html; charset=utf-8", header.Get("Content-Type"))
	assert.Regexp(v.t, `^default-src 'none'; style-src 'self'; script-src 'self';`, header.Get("Content-Security-Policy"))
	return body
}

func (v *visitor) submit(path string, fields url.Values) (status int, location, body string) {
	v.t.Helper()
	status, header, body := v.send("POST", path, formType, fields.Encode(), aBrowser...)
	return status, header.Get("Location"), body
}

var (
	frodosForm = url.Values{"username": {"frodo"}, "password": {"precious-ring-1954"}}
	secretText = regexp.MustCompile(`kahu_\w{71}`)
)

func TestLoginPage(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	assert.Contains(t, v.page("/"), base+"/api/login", "the commands name the port")
	status, location, _ := v.submit("/dashboard/tokens", nil)
	assert.Equal(t, []any{303, "/login"}, []any{status, location})
	status, header, _ := v.get("/dashboard", aBrowser...)
	assert.Equal(t, 303, status)
	assert.Equal(t, "/login", header.Get("Location"))
	assert.Equal(t, 401, v.status("GET", "/dashboard", ""), "who is no browser is told, not sent")
	assert.Contains(t, v.page("/login"), `<label for="password">`)

	for name, kept := range map[string]string{"frodo": `value="frodo"`, "<b>sauron": `value="&lt;b&gt;sauron"`} {
		status, _, body := v.submit("/login", url.Values{"username": {name}, "password": {"x"}})
		assert.Equal(t, 401, status)
		assert.Contains(t, body, `role="alert">Wrong username or password.`)
		assert.Contains(t, body, "<title>Error: Log in")
		assert.Contains(t, body, kept, "what was typed is kept")
		assert.NotContains(t, body, "checked", "nobody stays logged in unasked")
		assert.NotContains(t, body, "<b>")
	}
	for _, fields := range []url.Values{nil, {"username": {"frodo"}}, {"username": {"frodo"}, "password": {""}}} {
		status, _, body := v.submit("/login", fields)
		assert.Equal(t, 400, status)
		assert.Contains(t, body, "Type your username and your password.")
	}
	status, header, _ = v.send("POST", "/login", formType, frodosForm.Encode(), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(t, 403, status, "another site logs nobody in")
	assert.Empty(t, header["Set-Cookie"])

	status, location, _ = v.submit("/login", frodosForm)
	assert.Equal(t, []any{303, "/dashboard"}, []any{status, location})
	status, header, _ = v.get("/login", aBrowser...)
	assert.Equal(t, []any{303, "/dashboard"}, []any{status, header.Get("Location")}, "who is in need not")
}

// spent is a Counter of attempts that are all spent.
type spent struct{ throttle.Counter }

func (spent) Add(_ context.Context, _ string, _ int64, now time.Time, window time.Duration) (throttle.Count, error) {
	return throttle.Count{N: math.MaxInt32, Until: now.Add(window)}, nil
}

func TestThrottledLoginPage(t *testing.T) {
	v, _ := serve(t, "file:"+filepath.Join(t.TempDir(), "app.db"), func(s *stores) { s.attempts = spent{s.attempts} })
	status, header, body := v.send("POST", "/login", formType, frodosForm.Encode(), aBrowser...)
	assert.Equal(t, 429, status)
	assert.Equal(t, "3600", header.Get("Retry-After"))
	assert.Contains(t, body, "Too many attempts, try again later.")
	assert.Contains(t, body, `value="frodo"`)
}

func TestDashboard(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v, other := newVisitor(t, base), newVisitor(t, base)
		v.submit("/login", frodosForm)
		body := v.page("/dashboard")
		assert.Contains(t, body, `Chrome on Linux <span class="badge">this one</span>`)
		assert.Contains(t, body, `<a href="/account/sessions">`)

		require.Equal(t, 201, other.login(good))
		body = v.page("/dashboard")
		assert.Equal(t, 1, strings.Count(body, "this one</span>"))
		assert.Less(t, strings.Index(body, "Unknown device"), strings.Index(body, "this one"), "the last used first")

		v.devicesAreEndedByTheirOwner()
		v.aTokenIsShownOnce()
		v.formsSayWhatIsWrong()
	})
}

func (v *visitor) devicesAreEndedByTheirOwner() {
	assert.Contains(v.t, v.page("/dashboard"), "You have none. Apps on phones")
	app := newVisitor(v.t, v.base)
	var pairs []jwtPair
	for _, name := range []string{"<phone>", "tablet", "laptop"} {
		pairs = append(pairs, app.pair("/jwt/login", `{`+frodoMail+`,"name":"`+name+`"}`))
	}
	body := v.page("/dashboard")
	assert.Contains(v.t, body, "&lt;phone&gt;</h3>")
	assert.NotContains(v.t, body, "kahu_refresh_")
	assert.Less(v.t, strings.Index(body, "laptop</h3>"), strings.Index(body, "tablet</h3>"), "the last used first")

	sams := app.pair("/jwt/login", `{`+samMail+`}`)
	end := func(pair jwtPair) string { return "/dashboard/devices/" + app.devices(pair.Access)[0].ID + "/end" }
	for _, step := range []struct{ path, want string }{
		{end(sams), "That device is gone already."},
		{end(pairs[2]), "The device was logged out. Its tokens work no more."},
		{"/dashboard/devices/x/end", "That device is gone already."},
		{"/dashboard/devices/end-all", "2 devices were logged out."},
	} {
		status, location, _ := v.submit(step.path, nil)
		assert.Equal(v.t, []any{303, "/dashboard"}, []any{status, location})
		assert.Contains(v.t, v.page("/dashboard"), step.want)
	}
	for _, pair := range pairs {
		assert.Equal(v.t, 401, app.status("GET", "/jwt/me", pair.Access))
		status, _, _ := app.refresh(pair.Refresh)
		assert.Equal(v.t, 401, status)
	}
	assert.Equal(v.t, 200, app.status("GET", "/jwt/me", sams.Access), "those of others stay")
	assert.Equal(v.t, 200, v.status("GET", "/session", ""), "and so do sessions")
	status, _, _ := v.send("POST", "/dashboard/devices/end-all", formType, "", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(v.t, 403, status, "another site ends nothing")
}

func (v *visitor) aTokenIsShownOnce() {
	status, header, body := v.send("POST", "/dashboard/tokens", formType,
		url.Values{"name": {"<backup>"}, "scopes": {"rings:read", "rings:write"}, "expiry": {"never"}}.Encode(), aBrowser...)
	require.Equal(v.t, 201, status, body)
	assert.Equal(v.t, "no-store", header.Get("Cache-Control"))
	assert.Empty(v.t, header["Set-Cookie"])
	token := secretText.FindString(body)
	assert.Equal(v.t, 200, v.status("GET", "/api/rings", token))
	body = v.page("/dashboard")
	assert.NotRegexp(v.t, secretText, body)
	assert.Contains(v.t, body, "&lt;backup&gt;</h3>")

	list, _ := v.tokens("")
	require.Len(v.t, list, 1)
	assert.Nil(v.t, list[0].ExpiresAt, "never")
	assert.Equal(v.t, []string{"rings:read", "rings:write"}, list[0].Scopes)
	for _, want := range []string{"The token was revoked.", "That token is gone already."} {
		status, location, _ := v.submit("/dashboard/tokens/"+list[0].ID+"/revoke", nil)
		assert.Equal(v.t, []any{303, "/dashboard"}, []any{status, location})
		assert.Contains(v.t, v.page("/dashboard"), want)
	}
	assert.Equal(v.t, 401, v.status("GET", "/api/rings", token))
}

func (v *visitor) formsSayWhatIsWrong() {
	for problem, fields := range map[string]url.Values{
		"Give the token a name.":            {"name": {" "}, "expiry": {"7"}},
		"A name has at most 50 characters.": {"name": {strings.Repeat("é", 51)}, "expiry": {"7"}},
		"A token cannot have this name.":    {"name": {"a\u202eb"}, "expiry": {"7"}},
		"Choose from what is offered.":      {"name": {"x"}, "expiry": {"8"}},
	} {
		fields["scopes"] = []string{"rings:write"}
		status, _, body := v.submit("/dashboard/tokens", fields)
		assert.Equal(v.t, 400, status, problem)
		assert.Contains(v.t, body, `role="alert">`+problem)
		assert.Contains(v.t, body, `value="rings:write" checked`, "what was chosen is kept")
		assert.NotRegexp(v.t, secretText, body)
	}
	status, _, _ := v.submit("/dashboard/tokens", url.Values{"name": {"x"}, "expiry": {"7"}, "scopes": {"*"}})
	assert.Equal(v.t, 400, status, "a scope that is not offered")
	list, _ := v.tokens("")
	assert.Empty(v.t, list)
}

func TestAssets(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	for name, want := range map[string]string{"style.css": "text/css; charset=utf-8", "copy.js": "text/javascript; charset=utf-8", "ring.svg": "image/svg+xml"} {
		status, header, body := v.get("/assets/" + name)
		assert.Equal(t, 200, status)
		assert.Equal(t, want, header.Get("Content-Type"))
		assert.NotEmpty(t, body)
		status, _, body = v.get("/assets/"+name, "If-None-Match", header.Get("ETag"))
		assert.Equal(t, 304, status)
		assert.Empty(t, body)
	}
	for _, name := range []string{"", "none.css", "..%2fmain.go", "..", "%00"} {
		status, _, _ := v.get("/assets/" + name)
		assert.NotEqual(t, 200, status, name)
	}
}

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1":     "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36":                  "Chrome on Android",
		"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0":                                                        "Firefox on Linux",
		"curl/8.5.0":         "curl",
		"Android":            "Android",
		"":                   "Unknown device",
		"<script>alert(1)":   "Unknown device",
		"Go-http-client/1.1": "Unknown device",
	} {
		assert.Equal(t, want, device(agent), agent)
	}
}
