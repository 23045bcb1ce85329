package browser_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds a whole test in the browser, which takes some seconds.
const patience = 2 * time.Minute

// A tab is a fresh browser with one page.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	name string // of the screenshots

	scripts bool // those of the pages run

	mu       sync.Mutex
	problems []string
}

// chromium returns the path of the browser, or ends the test without one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("KAHU_REQUIRE_SERVERS") == "1" {
		t.Fatal("chromium is not installed (KAHU_REQUIRE_SERVERS=1)")
	}
	t.Skip("chromium is not installed")
	return ""
}

// newTab starts a browser for the site at base, until the test ends.
func newTab(t *testing.T, base, name string, setup ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1100, 800), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Nothing but this machine is to be asked for anything.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until it is gone
	b := &tab{t: t, ctx: ctx, base: base, name: name, scripts: true}
	b.do(setup...)
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	return b
}

// anonymousReset is what Chromium says of a form for a new password by a link in a mail,
// which does not know whose it is. Other forms are looked at by faults.
const anonymousReset = "Password forms should have (optionally hidden) username fields"

// listen notes what the browser complains about: what its policy forbids, what a
// script throws. Statuses of 400 and more are for the tests to judge.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork && !strings.Contains(e.Entry.Text, anonymousReset) {
			b.problems = append(b.problems, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Text)
	}
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problems
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// focuses waits until the page has its autofocus, which the browser sets when it draws.
func (b *tab) focuses(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector + ":focus")))
}

// open goes to a page.
func (b *tab) open(path string) {
	b.t.Helper()
	b.arrives(200, chromedp.Navigate(b.base+path))
}

// press clicks on what leads to another page, and checks the status of that.
func (b *tab) press(status int64, selector string) {
	b.t.Helper()
	b.arrives(status, chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) arrives(status int64, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	res, err := chromedp.RunResponse(b.ctx, steps...)
	require.NoError(b.t, err)
	require.Equal(b.t, status, res.Status, res.URL)
	assert.NotContains(b.t, res.URL, "kahu_", "a token must not be in an address")
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// text is what people can read of the first element.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(ask[string](b, `document.querySelector("`+selector+`")?.innerText ?? ""`))
}

// path is where the browser is.
func (b *tab) path() string { return ask[string](b, "location.pathname") }

func (b *tab) count(selector string) int {
	return ask[int](b, `document.querySelectorAll("`+selector+`").length`)
}

// ask evaluates an expression in the page, also where the page's own scripts are off.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return answer
}
