package kahu_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// A koaClaim is what a line of docs/koa.md says differs, and how the code shows it.
type koaClaim struct {
	says  string
	shown func(t *testing.T)
}

// What the tables say is so, on the wire.
func TestKoaPageIsTrue(t *testing.T) {
	var third []string
	for _, cells := range koaRows(t) {
		third = append(third, cells[2])
	}
	all := strings.Join(third, "\n")
	for _, c := range slices.Concat(koaApplication, koaRequest, koaResponse, koaErrors, koaCookiesClaims, koaRouter, koaSessionClaims, koaPackages) {
		t.Run(strings.Join(words.FindAllString(c.says, 6), " "), func(t *testing.T) {
			assert.Equal(t, 1, strings.Count(all, c.says), "how often the page says: %s", c.says)
			c.shown(t)
		})
	}
}

// koaHand answers one request by h. Headers are name after value.
func koaHand(t *testing.T, h app.Handler, method, target string, headers ...string) *apptest.Response {
	t.Helper()
	a := app.New()
	a.OnError = func(*app.Context, error) {}
	return koaAsk(koaClient(t, a.Use(answering(h))), method, target, headers...)
}

// koaGet answers GET / by h.
func koaGet(t *testing.T, h app.Handler) *apptest.Response {
	t.Helper()
	return koaHand(t, h, "GET", "/")
}

// koaBody answers with a Body.
func koaBody(body any) app.Handler {
	return func(ctx *app.Context) error { ctx.Body = body; return nil }
}

// koaTold answers by h and returns what OnError was told, too.
func koaTold(t *testing.T, h app.Handler) (*apptest.Response, []error) {
	t.Helper()
	var told []error
	a := app.New()
	a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
	return koaClient(t, a.Use(answering(h))).Get("/"), told
}

// koaIn runs f within a request.
func koaIn(t *testing.T, f func(ctx *app.Context), headers ...string) *apptest.Response {
	t.Helper()
	return koaHand(t, func(ctx *app.Context) error { f(ctx); return nil }, "GET", "/", headers...)
}

// koaSays answers with a text.
func koaSays(text string) app.Handler { return koaBody(text) }
