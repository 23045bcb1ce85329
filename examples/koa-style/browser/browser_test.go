package browser_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPeopleManageTheirSessionsAndTokens(t *testing.T) {
	t.Parallel()
	base, printed := start(t)
	b := newTab(t, base, "desktop", mayCopy)
	token := b.visit()
	assert.NotContains(t, printed(), token)
}

func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	b := newTab(t, base, "noscript", withoutScripts)
	b.scripts = false
	b.visit()
}

func TestOnAPhoneInTheDark(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	b := newTab(t, base, "phone", mayCopy, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch), dark)
	b.visit()
}

// mayCopy lets pages write to the clipboard, as people at a window may.
func mayCopy(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-write"}, Setting: browser.PermissionSettingGranted,
	})
	return chromedp.Void{}, err
}

func withoutScripts(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return chromedp.Void{}, err
}

func dark(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	return chromedp.Void{}, err
}

// visit does all that can be done on the pages. It returns the token that was made.
func (b *tab) visit() string {
	b.logsIn()
	token := b.makesAToken()
	b.revokesIt(token)
	b.endsDevices()
	b.logsOutTheOthers()
	b.press(200, "header form button")
	assert.Equal(b.t, "/", b.path())
	b.open("/dashboard")
	assert.Equal(b.t, "/login", b.path(), "nobody is logged in any more")
	return token
}

func (b *tab) logsIn() {
	b.open("/")
	assert.Contains(b.t, b.text("main"), b.base+"/api/dashboard")
	b.look("home")
	b.press(200, "nav a[href='/login']")
	b.look("login")
	b.fill("#username", "frodo")
	b.fill("#password", "wrong")
	b.press(401, "main button")
	assert.Equal(b.t, "Wrong username or password.", b.text("[role=alert]"))
	assert.Equal(b.t, "frodo", ask[string](b, `document.querySelector("#username").value`))
	assert.Equal(b.t, "login-problem", ask[string](b, `document.querySelector("[aria-invalid]").getAttribute("aria-describedby")`))
	b.look("login-wrong")
	b.fill("#password", "precious-ring-1954")
	b.press(200, "main button")
	assert.Equal(b.t, "/dashboard", b.path())
	assert.Contains(b.t, b.text("[aria-labelledby=sessions-title] .card"), "this one")
	b.look("dashboard-new")
}

func (b *tab) makesAToken() string {
	b.fill("#name", "backup script")
	b.do(chromedp.Click(chromedp.CSS("input[value='rings:read']")))
	b.press(201, "[aria-labelledby=create-title] button")
	token := b.text("#new-token")
	require.Regexp(b.t, `^kahu_[0-9A-Za-z]{71}$`, token)
	b.look("token")
	if b.scripts {
		b.copies()
	} else {
		assert.Zero(b.t, b.count("[data-copies]:not([hidden])"), "no button that does nothing")
	}
	assert.Equal(b.t, 200, call(b, "/api/dashboard", token))
	assert.Equal(b.t, 200, call(b, "/api/rings", token))
	b.open("/dashboard")
	assert.NotContains(b.t, ask[string](b, "document.documentElement.outerHTML"), token, "it is shown once")
	card := b.text("[aria-labelledby=tokens-title] .card")
	for _, part := range []string{"backup script", "rings:read", "Last used", "Expires"} {
		assert.Contains(b.t, card, part)
	}
	assert.NotContains(b.t, card, "never", "it was used, and it expires")
	return token
}

// copies presses the copy button, which only a script shows.
func (b *tab) copies() {
	b.do(chromedp.Click(chromedp.CSS("[data-copies]")), chromedp.WaitVisible(chromedp.CSS("#copy-status:not(:empty)")))
	assert.Equal(b.t, "Copied.", b.text("#copy-status"))
}

func (b *tab) revokesIt(token string) {
	b.look("dashboard")
	b.press(200, "[aria-labelledby=tokens-title] .card button")
	assert.Equal(b.t, "/dashboard", b.path())
	assert.Equal(b.t, "The token was revoked. It works no more.", b.text("[role=status]"))
	assert.Zero(b.t, b.count("[aria-labelledby=tokens-title] .card"))
	assert.Equal(b.t, 401, call(b, "/api/dashboard", token))
	b.look("revoked")
}

func (b *tab) endsDevices() {
	const devices = "[aria-labelledby=devices-title] "
	assert.Contains(b.t, b.text(devices), "You have none.")
	const tabletAgent = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1"
	phone, tablet, script := device(b, "Frodo’s phone", "app"), device(b, "", tabletAgent), device(b, "", "curl/8.5.0")
	b.open("/dashboard")
	assert.Equal(b.t, 3, b.count(devices+".card"))
	card := b.text(devices + ".card:last-child")
	for _, part := range []string{"Frodo’s phone", "127.0.0.1", "Last used", "Logged in", "Expires"} {
		assert.Contains(b.t, card, part)
	}
	b.look("devices")
	b.press(200, devices+".card:last-child button")
	assert.Equal(b.t, "The device was logged out. Its tokens work no more.", b.text("[role=status]"))
	assert.Equal(b.t, []int{401, 200, 200}, []int{call(b, "/jwt/me", phone), call(b, "/jwt/me", tablet), call(b, "/jwt/me", script)})
	assert.Contains(b.t, b.text(devices), "Safari on iPad")
	b.press(200, devices+"> form button")
	assert.Equal(b.t, "2 devices were logged out.", b.text("[role=status]"))
	assert.Zero(b.t, b.count(devices+".card, "+devices+"button"))
	assert.Equal(b.t, []int{401, 401}, []int{call(b, "/jwt/me", tablet), call(b, "/jwt/me", script)})
	b.look("devices-ended")
}

// device logs an app in elsewhere and returns its access token.
func device(b *tab, name, agent string) string {
	b.t.Helper()
	body := `{"email":"frodo@shire.example","password":"precious-ring-1954","name":"` + name + `"}`
	r, err := http.NewRequest("POST", b.base+"/jwt/login", strings.NewReader(body))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", agent)
	res, err := (&http.Client{Timeout: 20 * time.Second}).Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	var pair struct {
		Access string `json:"access_token"`
	}
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&pair))
	require.Equal(b.t, 200, call(b, "/jwt/me", pair.Access))
	return pair.Access
}

func (b *tab) logsOutTheOthers() {
	other := loggedInAs(b, "frodo", "precious-ring-1954")
	b.open("/dashboard")
	assert.Equal(b.t, 2, b.count("[aria-labelledby=sessions-title] .card"))
	assert.Equal(b.t, 1, b.count("[aria-labelledby=sessions-title] .badge"))
	b.look("sessions")
	b.press(200, "[aria-labelledby=sessions-title] a")
	b.press(200, "form[action='/account/sessions/end-others'] button")
	assert.Equal(b.t, []string{"/account/sessions", "One other session was ended."}, []string{b.path(), b.text("[role=status]")})
	assert.Equal(b.t, 1, b.count("[aria-labelledby=sessions-title] .card"))
	assert.Equal(b.t, 401, status(b, other, b.base+"/session", ""))
	b.open("/")
	b.look("home-logged-in")
}

// call is the status that a program with the token gets.
func call(b *tab, path, token string) int {
	return status(b, &http.Client{Timeout: 20 * time.Second}, b.base+path, token)
}

func status(b *tab, client *http.Client, address, token string) int {
	b.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	require.NoError(b.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	require.NoError(b.t, err)
	require.NoError(b.t, res.Body.Close())
	return res.StatusCode
}
