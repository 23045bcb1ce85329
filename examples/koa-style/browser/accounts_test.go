package browser_test

import (
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPeopleManageTheirAccounts(t *testing.T) {
	t.Parallel()
	base, printed := start(t)
	newTab(t, base, "desktop", mayCopy).lives(printed)
}

func TestAccountsWithoutJavaScript(t *testing.T) {
	t.Parallel()
	base, printed := start(t)
	newTab(t, base, "noscript", withoutScripts).lives(printed)
}

func TestAccountsOnAPhoneInTheDark(t *testing.T) {
	t.Parallel()
	base, printed := start(t)
	newTab(t, base, "phone", mayCopy, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch), dark).lives(printed)
}

const (
	first  = "brandy-hall-1382"
	second = "esquire-of-rohan-3019"
	third  = "master-of-buckland-11"
)

// lives is what becomes of an account, from its first day to its last.
func (b *tab) lives(mails func() string) {
	b.signsUp()
	b.changesThePassword()
	b.confirmsTheAddress(mails)
	b.resetsThePassword(mails)
	b.changesTheAddress(mails)
	b.deletesTheAccount()
}

func (b *tab) signsUp() {
	b.open("/login")
	b.press(200, "main a[href='/signup']")
	b.look("signup")
	b.fill("#username", "Frodo")
	b.fill("#email", "merry@shire.example")
	b.fill("#password", first)
	b.fill("#password-again", first)
	b.press(422, "main button")
	assert.Equal(b.t, "Username has already been taken.", b.text("#username-problem"))
	b.focuses("#username")
	assert.Equal(b.t, "username-hint username-problem", ask[string](b, `document.querySelector("[aria-invalid]").getAttribute("aria-describedby")`))
	b.look("signup-wrong")
	b.write("#username", "Merry")
	b.fill("#password", first)
	b.fill("#password-again", first)
	b.press(200, "main button")
	assert.Equal(b.t, "/dashboard", b.path())
	assert.Contains(b.t, b.text("[role=status]"), "Welcome.")
	assert.Contains(b.t, b.text("[aria-labelledby=devices-title]"), "You have none.")
	b.look("signed-up")
}

func (b *tab) changesThePassword() {
	other := loggedInAs(b, "merry", first)
	b.press(200, "nav a[href='/account']")
	assert.Contains(b.t, b.text("[aria-labelledby=email-title]"), "merry@shire.example. It is not confirmed yet.")
	b.look("account")
	b.fill("#current-password", "x")
	b.fill("#password", second)
	b.fill("#password-again", second)
	b.press(422, "[aria-labelledby=password-title] button")
	assert.Equal(b.t, "Current password is invalid.", b.text("#current-password-problem"))
	b.look("account-wrong")
	b.fill("#current-password", first)
	b.fill("#password", second)
	b.fill("#password-again", second)
	b.press(200, "[aria-labelledby=password-title] button")
	assert.Equal(b.t, "/account", b.path())
	assert.Contains(b.t, b.text("[role=status]"), "Your password was changed.")
	assert.Equal(b.t, 401, status(b, other, b.base+"/session", ""))
	b.look("password-changed")
}

func (b *tab) resetsThePassword(mails func() string) {
	other := loggedInAs(b, "merry", second)
	b.press(200, "header form button")
	b.open("/login")
	b.press(200, "main a[href='/reset']")
	b.look("reset")
	b.fill("#email", "merry@shire.example")
	b.press(200, "main button")
	assert.Equal(b.t, "/reset/sent", b.path())
	b.look("reset-sent")

	b.follow(mailed(b, mails, 1, "merry@shire.example", "/reset/new"))
	b.look("reset-new")
	b.fill("#password", "ring")
	b.fill("#password-again", "ring")
	b.press(422, "main button")
	assert.Contains(b.t, b.text("#password-problem"), "Password is too short")
	b.look("reset-new-wrong")
	b.fill("#password", third)
	b.fill("#password-again", third)
	b.press(200, "main button")
	assert.Equal(b.t, "/login", b.path())
	assert.Contains(b.t, b.text("[role=status]"), "Your password was changed.")
	assert.Equal(b.t, 401, status(b, other, b.base+"/session", ""))
	b.look("reset-done")
	b.fill("#username", "merry@shire.example")
	b.fill("#password", third)
	b.press(200, "main button")
	assert.Equal(b.t, "/dashboard", b.path())
}

// confirmsTheAddress asks for another mail, because the changed password has ended the link
// in the one of the sign-up.
func (b *tab) confirmsTheAddress(mails func() string) {
	b.follow(mailed(b, mails, 1, "merry@shire.example", "/verify"))
	b.press(422, "main button")
	assert.Equal(b.t, "The link is not valid any more.", b.text("main [role=alert]"))
	b.look("verify-over")
	b.open("/account")
	b.press(200, "[aria-labelledby=email-title] button.quiet")
	assert.Equal(b.t, "A mail is on its way to you.", b.text("[role=status]"))
	b.follow(mailed(b, mails, 2, "merry@shire.example", "/verify"))
	b.look("verify")
	b.press(200, "main button")
	assert.Equal(b.t, "Your address is confirmed.", b.text("[role=status]"))
	b.open("/account")
	assert.Contains(b.t, b.text("[aria-labelledby=email-title]"), "merry@shire.example, and confirmed.")
}

func (b *tab) changesTheAddress(mails func() string) {
	b.open("/account")
	b.fill("#email", "merry@rohan.example")
	b.fill("#email-password", third)
	b.press(200, "[aria-labelledby=email-title] .fields button")
	assert.Contains(b.t, b.text("[role=status]"), "A mail is on its way to the new address.")
	b.follow(mailed(b, mails, 1, "merry@rohan.example", "/email"))
	b.look("email")
	b.press(200, "main button")
	assert.Equal(b.t, "Your account has the new address.", b.text("[role=status]"))
	b.open("/account")
	assert.Contains(b.t, b.text("[aria-labelledby=email-title]"), "merry@rohan.example, and confirmed.")
	b.look("account-confirmed")
}

func (b *tab) deletesTheAccount() {
	b.press(200, "[aria-labelledby=delete-title] a")
	assert.Equal(b.t, "/account/close", b.path(), "the password was typed a moment ago")
	b.press(200, "main button")
	assert.Equal(b.t, []string{"/", "Your account was deleted."}, []string{b.path(), b.text("[role=status]")})
	b.look("deleted")
	b.open("/account")
	assert.Equal(b.t, "/login", b.path())
}

// mailed waits for the nth mail to an address that the program prints, and returns the link
// in it.
func mailed(b *tab, mails func() string, nth int, to, page string) (link string) {
	b.t.Helper()
	letter := regexp.MustCompile(`To: ` + regexp.QuoteMeta(to) + `\n[^-]*(` + regexp.QuoteMeta(b.base+page) + `\?token=\w+)\n`)
	require.Eventually(b.t, func() bool {
		found := letter.FindAllStringSubmatch(mails(), -1)
		if len(found) < nth {
			return false
		}
		link = found[nth-1][1]
		return true
	}, 20*time.Second, 20*time.Millisecond)
	return link
}

// follow opens a link of a mail, and checks that nothing but its form knows the token.
func (b *tab) follow(link string) {
	b.t.Helper()
	res, err := chromedp.RunResponse(b.ctx, chromedp.Navigate(link))
	require.NoError(b.t, err)
	require.Equal(b.t, int64(200), res.Status)
	_, token, _ := strings.Cut(link, "token=")
	assert.Equal(b.t, 1, ask[int](b, `document.documentElement.outerHTML.split("`+token+`").length - 1`))
	assert.Equal(b.t, token, ask[string](b, `document.querySelector("main form input[name=token]").value`))
}

// write fills a field that has something in it.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	b.do(chromedp.Clear(chromedp.CSS(selector)))
	b.fill(selector, text)
}

// loggedInAs is a browser elsewhere.
func loggedInAs(b *tab, username, password string) *http.Client {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	res, err := client.Post(b.base+"/session", "application/json", strings.NewReader(`{"username":"`+username+`","password":"`+password+`"}`))
	require.NoError(b.t, err)
	require.NoError(b.t, res.Body.Close())
	require.Equal(b.t, 201, res.StatusCode)
	return client
}
