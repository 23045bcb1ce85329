package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
)

const smtpURL = "smtp://mail.shire.example"

const good = `{"username":"frodo","password":"precious-ring-1954"}`

// A visitor is a client of the running program.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func newVisitor(t *testing.T, base string) *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t, base, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// send returns the status, the headers and the body.
func (v *visitor) send(method, path, contentType, body string, headers ...string) (int, http.Header, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, v.base+path, strings.NewReader(body))
	require.NoError(v.t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.http.Do(r)
	require.NoError(v.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(v.t, err)
	return res.StatusCode, res.Header, string(b)
}

func (v *visitor) get(path string, headers ...string) (int, http.Header, string) {
	return v.send("GET", path, "", "", headers...)
}

func (v *visitor) login(body string) int {
	status, _, _ := v.send("POST", "/session", "application/json", body)
	return status
}

// onEachServer runs test against the program on each kind of server.
func onEachServer(t *testing.T, test func(t *testing.T, base string)) {
	onEachProgram(t, func(t *testing.T, base string, _ func() string) { test(t, base) })
}

// onEachProgram is onEachServer for tests that read what the program prints.
func onEachProgram(t *testing.T, test func(t *testing.T, base string, printed func() string)) {
	for name, env := range map[string]func(t *testing.T) map[string]string{
		"SQLite":   func(*testing.T) map[string]string { return nil },
		"Postgres": func(t *testing.T) map[string]string { return map[string]string{"DATABASE_URL": pgtest.URL(t)} },
		"Redis":    func(t *testing.T) map[string]string { return map[string]string{"REDIS_URL": redistest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			base, printed := start(t, env(t))
			test(t, base, printed)
		})
	}
}

func TestContract(t *testing.T) {
	onEachServer(t, func(t *testing.T, base string) {
		v := newVisitor(t, base)
		loginRequired := `{"errors":[{"title":"Login required","status":401}]}`

		status, header, body := v.get("/")
		assert.Equal(t, 200, status)
		assert.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
		assert.Contains(t, body, "precious-ring-1954")
		assert.Empty(t, header["Set-Cookie"])

		for _, guarded := range [][2]string{{"GET", "/session"}, {"GET", "/ringsofpower"}, {"DELETE", "/ringsofpower/1"}, {"PUT", "/ringsofpower/1"}, {"OPTIONS", "/ringsofpower"}, {"GET", "/ringsofpower/x/y"}} {
			status, header, body = v.send(guarded[0], guarded[1], "", "")
			assert.Equal(t, 401, status, guarded)
			assert.Equal(t, loginRequired, body, guarded)
			assert.Equal(t, `Cookie realm="session"`, header.Get("WWW-Authenticate"), guarded)
		}

		wrong := map[string]bool{}
		for _, pair := range []string{`{"username":"frodo","password":"x"}`, `{"username":"sauron","password":"x"}`, `{"username":"sam@shire.example","password":"x"}`} {
			status, header, body = v.send("POST", "/session", "application/json", pair)
			assert.Equal(t, 401, status)
			assert.Empty(t, header["Set-Cookie"])
			wrong[body] = true
		}
		assert.Len(t, wrong, 1, "one body for every wrong pair")

		for body, want := range map[string]int{
			`{"username":"frodo"}`: 400, `{"password":"x"}`: 400, `{`: 400, `[]`: 400, good + good: 400,
			`{"username":"frodo","password":"` + strings.Repeat("x", 1<<20) + `"}`: 413,
		} {
			assert.Equal(t, want, v.login(body), "%.40s", body)
		}
		status, _, _ = v.send("POST", "/session", "text/plain", good)
		assert.Equal(t, 415, status)

		status, header, body = v.send("POST", "/session", "application/json", good)
		assert.Equal(t, 201, status)
		assert.Equal(t, `{"data":{"username":"frodo"}}`, body)
		require.Len(t, header["Set-Cookie"], 1)
		assert.Regexp(t, `^session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`, header.Get("Set-Cookie"))

		status, _, body = v.get("/session")
		assert.Equal(t, 200, status)
		assert.Equal(t, `{"data":{"username":"frodo"}}`, body)
		status, _, body = v.get("/ringsofpower")
		assert.Equal(t, 200, status)
		var rings struct{ Data []Ring }
		require.NoError(t, json.Unmarshal([]byte(body), &rings))
		assert.Len(t, rings.Data, 4)
		for path, want := range map[string]int{"/ringsofpower/99": 404, "/ringsofpower/one": 404, "/ringsofpower/1": 204} {
			status, _, _ = v.send("DELETE", path, "", "")
			assert.Equal(t, want, status, path)
		}
		status, _, _ = v.send("DELETE", "/ringsofpower/1", "", "")
		assert.Equal(t, 404, status, "it is destroyed")

		u, _ := url.Parse(base)
		old := v.http.Jar.Cookies(u)
		for range 2 {
			status, _, _ = v.send("DELETE", "/session", "", "")
			assert.Equal(t, 204, status)
		}
		assert.Empty(t, v.http.Jar.Cookies(u))
		v.http.Jar.SetCookies(u, old)
		status, _, _ = v.get("/session")
		assert.Equal(t, 401, status, "the row is gone")

		assert.Equal(t, 201, v.login(`{"username":"Sam@Shire.Example","password":"precious-ring-1954"}`), "by e-mail")
	})
}

func TestBrowser(t *testing.T) {
	base, _ := start(t, nil)
	v := newVisitor(t, base)
	page := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site", "same-origin"}
	status, header, body := v.send("POST", "/session", "application/x-www-form-urlencoded", "username=frodo&password=wrong", page...)
	assert.Equal(t, 401, status)
	assert.Contains(t, header.Get("Content-Type"), "text/html")
	assert.Contains(t, body, "Wrong username or password")
	status, header, _ = v.send("POST", "/session", "application/x-www-form-urlencoded", "username=frodo&password=precious-ring-1954", page...)
	assert.Equal(t, 303, status)
	assert.Equal(t, "/", header.Get("Location"))
	_, _, body = v.get("/")
	assert.Contains(t, body, "logged in as <strong>frodo</strong>")
	assert.Contains(t, body, "The One Ring")
	status, _, _ = v.send("POST", "/logout", "application/x-www-form-urlencoded", "", page...)
	assert.Equal(t, 303, status)
	_, _, body = v.get("/")
	assert.NotContains(t, body, "The One Ring")
	status, header, body = v.get("/session", "Accept", "application/problem+json")
	assert.Equal(t, 401, status)
	assert.Equal(t, "application/problem+json", header.Get("Content-Type"))
	assert.JSONEq(t, `{"type":"about:blank","title":"Login required","status":401}`, body)
	status, header, _ = v.send("POST", "/session", "application/json", good, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	assert.Equal(t, 403, status, "another site logs nobody in")
	assert.Empty(t, header["Set-Cookie"])
}

func TestHealthSaysWhenAStoreIsDown(t *testing.T) {
	t.Run("Postgres", func(t *testing.T) {
		server := pgtest.Start(t)
		base, _ := start(t, map[string]string{"DATABASE_URL": server.URL()})
		v := newVisitor(t, base)
		require.Equal(t, 201, v.login(good))
		server.Stop()
		for _, path := range []string{"/healthz", "/session", "/ringsofpower"} {
			status, header, _ := v.get(path)
			assert.Equal(t, 503, status, path)
			assert.Empty(t, header["Set-Cookie"], path)
		}
		server.Start()
		status, _, _ := v.get("/session")
		assert.Equal(t, 200, status, "logged in as before")
		status, _, _ = v.get("/healthz")
		assert.Equal(t, 200, status)
	})
	t.Run("Redis", func(t *testing.T) {
		server := redistest.Start(t, "--appendonly", "yes")
		base, printed := start(t, map[string]string{"REDIS_URL": server.URL()})
		assert.NotContains(t, printed(), "appendonly")
		v := newVisitor(t, base)
		require.Equal(t, 201, v.login(good))
		server.Stop()
		status, _, _ := v.get("/healthz")
		assert.Equal(t, 503, status)
		status, header, _ := v.get("/session")
		assert.Equal(t, 503, status)
		assert.Empty(t, header["Set-Cookie"])
		server.Start()
		status, _, _ = v.get("/session")
		assert.Equal(t, 200, status, "logged in as before")
	})
}

func TestConfig(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 2)
	for name, test := range map[string]struct {
		env  map[string]string
		want string // in the error; "": none
	}{
		"nothing is needed":          {nil, ""},
		"https without keys":         {map[string]string{"BASE_URL": "https://shire.example"}, "SECRET_KEYS is missing"},
		"https with keys":            {map[string]string{"BASE_URL": "https://shire.example", "SECRET_KEYS": long + "," + strings.ToUpper(long), "JWT_KEY_FILE": keyFile(t, "ES256"), "SMTP_URL": smtpURL}, ""},
		"https without mails":        {map[string]string{"BASE_URL": "https://shire.example", "SECRET_KEYS": long, "JWT_KEY_FILE": keyFile(t, "ES256")}, "SMTP_URL is missing"},
		"mails to a server":          {map[string]string{"SMTP_URL": "smtps://frodo:" + long + "@mail.shire.example:465", "MAIL_FROM": "The Shire <no-reply@shire.example>"}, ""},
		"mails to a web site":        {map[string]string{"SMTP_URL": "https://frodo:" + long + "@mail.shire.example"}, "SMTP_URL is not smtp://"},
		"mails to nowhere":           {map[string]string{"SMTP_URL": "smtp://"}, "SMTP_URL is not smtp://"},
		"mails without a password":   {map[string]string{"SMTP_URL": "smtp://frodo@mail.shire.example"}, "one is missing"},
		"mails to no port":           {map[string]string{"SMTP_URL": smtpURL + ":99999"}, "99999 is no port"},
		"mails from nobody":          {map[string]string{"SMTP_URL": smtpURL, "MAIL_FROM": "the shire"}, "MAIL_FROM"},
		"a key that is too short":    {map[string]string{"SECRET_KEYS": "short"}, "too short"},
		"one short key of two":       {map[string]string{"SECRET_KEYS": long + ",short"}, "secret 2 of 2"},
		"a key of one letter":        {map[string]string{"SECRET_KEYS": strings.Repeat("a", 64)}, "too few different bytes"},
		"an empty key":               {map[string]string{"SECRET_KEYS": ","}, "too short"},
		"a pooler":                   {map[string]string{"DATABASE_POOLER": "1"}, ""},
		"a pooler that is no answer": {map[string]string{"DATABASE_POOLER": "yes"}, "DATABASE_POOLER"},
		"a port that is none":        {map[string]string{"PORT": "http"}, "PORT"},
		"a base URL that is none":    {map[string]string{"BASE_URL": "shire.example"}, "BASE_URL"},
		"a base URL of another use":  {map[string]string{"BASE_URL": "ftp://shire.example"}, "BASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(func(k string) string { return test.env[k] })
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), long)
		})
	}
}

func TestNobodyMakesThemselvesAnAdminWhereOthersCanReachTheProgram(t *testing.T) {
	base, _ := start(t, map[string]string{"BASE_URL": "https://shire.example", "SECRET_KEYS": strings.Repeat("0123456789abcdef", 2), "JWT_KEY_FILE": keyFile(t, "ES256"), "SMTP_URL": smtpURL})
	status, _, _ := newVisitor(t, base).send("POST", "/admins/sign_up", "application/json", `{"email":"sauron@mordor.example","password":"one-ring-to-rule-11"}`)
	assert.Equal(t, 404, status)
}

func TestOverHTTPSTheCookieIsHostBound(t *testing.T) {
	base, _ := start(t, map[string]string{"BASE_URL": "https://shire.example", "SECRET_KEYS": strings.Repeat("0123456789abcdef", 2), "JWT_KEY_FILE": keyFile(t, "ES256"), "SMTP_URL": smtpURL})
	v := newVisitor(t, base)
	_, header, _ := v.send("POST", "/session", "application/json", good)
	assert.Regexp(t, `^__Host-session=[\w-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`, header.Get("Set-Cookie"))
}
