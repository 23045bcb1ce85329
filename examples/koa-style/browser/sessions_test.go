package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

func TestPeopleEndSessions(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	newTab(t, base, "desktop").endsSessions(newTab(t, base, "desktop-other"))
}

func TestSessionsWithoutJavaScript(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	newTab(t, base, "noscript", withoutScripts).endsSessions(newTab(t, base, "noscript-other", withoutScripts))
}

func TestSessionsOnAPhoneInTheDark(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	phone := chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch)
	newTab(t, base, "phone", phone, dark).endsSessions(newTab(t, base, "phone-other", phone, dark))
}

const (
	sessionCards    = "[aria-labelledby=sessions-title] .card"
	rememberedCards = "[aria-labelledby=remembered-title] .card"
)

// endsSessions logs a second browser in and ends it from the first, and at last the account.
func (b *tab) endsSessions(other *tab) {
	b.staysLoggedIn()
	b.endsTheOther(other)
	b.forgetsADevice(other)
	b.comesBack()
	b.closesTheAccount(other)
}

func (b *tab) staysLoggedIn() {
	b.open("/account/sessions")
	assert.Equal(b.t, "/login", b.path())
	b.fill("#username", "frodo")
	b.fill("#password", "wrong")
	b.do(chromedp.Click(chromedp.CSS("input[name=remember]")))
	b.press(401, "main button")
	assert.True(b.t, ask[bool](b, `document.querySelector("input[name=remember]").checked`))
	b.look("stay-wrong")
	b.fill("#password", "precious-ring-1954")
	b.press(200, "main button")
	assert.Equal(b.t, "/account/sessions", b.path(), "where they wanted to go")
	assert.Equal(b.t, []int{1, 1}, []int{b.count(sessionCards), b.count(rememberedCards)})
	assert.Contains(b.t, b.text(sessionCards), "this one")
	assert.Contains(b.t, b.text(sessionCards), "Chrome on")
	b.look("sessions-one")
}

// logsInElsewhere stays logged in, too.
func (b *tab) logsInElsewhere() {
	b.open("/login")
	b.fill("#username", "frodo")
	b.fill("#password", "precious-ring-1954")
	b.do(chromedp.Click(chromedp.CSS("input[name=remember]")))
	b.press(200, "main button")
	assert.Equal(b.t, "/dashboard", b.path())
}

func (b *tab) endsTheOther(other *tab) {
	other.logsInElsewhere()
	b.open("/dashboard")
	b.press(200, "main a[href='/account/sessions']")
	assert.Equal(b.t, []int{2, 1, 2}, []int{b.count(sessionCards), b.count(sessionCards + " .badge"), b.count(rememberedCards)})
	b.look("sessions-two")
	b.press(200, sessionCards+":not([aria-current]) button")
	assert.Equal(b.t, "The session was ended. Whoever uses that device has to log in again.", b.text("[role=status]"))
	assert.Equal(b.t, []int{1, 1}, []int{b.count(sessionCards), b.count(rememberedCards)}, "the device is forgotten, too")
	b.look("sessions-ended")
	other.open("/account")
	assert.Equal(b.t, "/login", other.path())
}

func (b *tab) forgetsADevice(other *tab) {
	other.logsInElsewhereFromAccount()
	b.open("/account/sessions")
	b.press(200, "form[action='/account/sessions/end-others'] button")
	assert.Equal(b.t, "One other session was ended.", b.text("[role=status]"))
	other.open("/dashboard")
	assert.Equal(b.t, "/login", other.path())
	b.press(200, rememberedCards+" button")
	assert.Contains(b.t, b.text("[role=status]"), "The device was forgotten.")
	assert.Zero(b.t, b.count(rememberedCards))
	b.look("sessions-forgotten")
}

// logsInElsewhereFromAccount fills in the form that the guard of /account leads to.
func (b *tab) logsInElsewhereFromAccount() {
	b.fill("#username", "frodo")
	b.fill("#password", "precious-ring-1954")
	b.press(200, "main button")
	assert.Equal(b.t, "/account", b.path())
}

// comesBack logs out everywhere and in again, and then closes the browser.
func (b *tab) comesBack() {
	b.press(200, "form[action='/account/sessions/end-all'] button")
	assert.Equal(b.t, []string{"/login", "You are logged out everywhere."}, []string{b.path(), b.text("[role=status]")})
	b.logsInElsewhere()
	b.do(forgetSession(b.base))
	b.open("/account")
	assert.Equal(b.t, "/account", b.path(), "they are logged in still")
	assert.Equal(b.t, "frodo", ask[string](b, `document.querySelector(".who").textContent`))
}

// forgetSession removes the cookie that is gone when a browser is closed.
func forgetSession(base string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: "session", URL: base})
		return chromedp.Void{}, err
	}
}

func (b *tab) closesTheAccount(other *tab) {
	b.look("account-sessions")
	b.press(200, "main a[href='/account/close']")
	assert.Equal(b.t, "/confirm", b.path(), "to be remembered is no login")
	b.focuses("#current-password")
	b.look("confirm")
	b.fill("#current-password", "x")
	b.press(422, "main button")
	assert.Equal(b.t, "Current password is invalid.", b.text("#current-password-problem"))
	b.look("confirm-wrong")
	b.fill("#current-password", "precious-ring-1954")
	b.press(200, "main button")
	assert.Equal(b.t, "/account/close", b.path())
	b.look("close")
	b.press(200, "main button")
	assert.Equal(b.t, []string{"/", "Your account was deleted."}, []string{b.path(), b.text("[role=status]")})
	b.open("/account")
	assert.Equal(b.t, "/login", b.path())
	other.open("/account")
	assert.Equal(b.t, "/login", other.path())
}
