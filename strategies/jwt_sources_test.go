package strategies_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

func withSources(sources ...strategies.Source) func(*harbour, *strategies.JWTOptions) {
	return func(_ *harbour, o *strategies.JWTOptions) { o.Sources = sources }
}

// whose returns who was let in, how deliberately, and the status.
func (h *harbour) whose(r *http.Request) (name string, deliberate bool, status int) {
	w := h.do(r, func(ctx *app.Context) error {
		id, err := ctx.Identity()
		name, deliberate = id.User.(*hobbit).Name, id.Deliberate
		ctx.Status = 204
		return err
	})
	return name, deliberate, w.Code
}

func TestJWTSourcesAreAskedInOrder(t *testing.T) {
	h := newHarbour(t, withSources(
		strategies.FromHeader("x-token"), strategies.FromCookie("token"), strategies.FromAuthorization(),
		strategies.FromFunc(func(ctx *app.Context) (string, error) { return ctx.Request.URL.Query().Get("token"), nil }),
	))
	text := map[string]string{}
	for _, name := range []string{"frodo", "sam", "merry", "pippin"} {
		pair, err := h.jwt.Issue(t.Context(), &hobbit{Name: name}, strategies.PairOptions{})
		require.NoError(t, err)
		text[name] = pair.Access()
	}
	r := httptest.NewRequest(http.MethodGet, "/?token="+text["pippin"], nil)
	r.Header.Set("X-Token", text["frodo"])
	r.Header.Set("Cookie", "a=b; token="+text["sam"])
	r.Header.Set("Authorization", "Bearer "+text["merry"])
	for _, step := range []struct {
		name       string
		deliberate bool
		take       string
	}{{"frodo", true, "X-Token"}, {"sam", false, "Cookie"}, {"merry", true, "Authorization"}, {"pippin", false, "none"}} {
		name, deliberate, status := h.whose(r)
		assert.Equal(t, 204, status, step.name)
		assert.Equal(t, step.name, name)
		assert.Equal(t, step.deliberate, deliberate, name)
		r.Header.Del(step.take)
	}
	r.Header.Set("X-Token", "garbage")
	_, _, status := h.whose(r)
	assert.Equal(t, 401, status, "what is found first decides")
	_, _, status = h.whose(httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, 401, status)
}

func TestJWTBareHeaders(t *testing.T) {
	strict, lax := newHarbour(t), newHarbour(t, withSources(strategies.FromAuthorizationOrBare()))
	text := strict.issue(t, strategies.PairOptions{}).Access()
	laxText := lax.issue(t, strategies.PairOptions{}).Access()
	for _, header := range []string{laxText, "Bearer " + laxText} {
		name, deliberate, status := lax.whose(withHeader("Authorization", header))
		assert.Equal(t, []any{"frodo", true, 204}, []any{name, deliberate, status})
	}
	_, _, status := strict.whose(withHeader("Authorization", text))
	assert.Equal(t, 401, status)
	for header, want := range map[string]int{"Bearer": 400, "Basic " + laxText: 401, "": 401} {
		_, _, status := lax.whose(withHeader("Authorization", header))
		assert.Equal(t, want, status, header)
	}
}

func TestJWTHeadersAndCookiesThatAreThereTwice(t *testing.T) {
	h := newHarbour(t, withSources(strategies.FromHeader("X-Token"), strategies.FromCookie("token")))
	one, two := h.issue(t, strategies.PairOptions{}).Access(), h.issue(t, strategies.PairOptions{}).Access()
	for name, test := range map[string]struct {
		header string
		values []string
		want   int
	}{
		"a header": {"X-Token", []string{one}, 204}, "a header twice alike": {"X-Token", []string{one, one}, 204}, "two headers": {"X-Token", []string{one, two}, 400}, "an empty header": {"X-Token", []string{""}, 401},
		"a header with a scheme": {"X-Token", []string{"Bearer " + one}, 401}, "an empty header and another": {"X-Token", []string{"", one}, 400},
		"a cookie": {"Cookie", []string{"token=" + one}, 204}, "a cookie twice alike": {"Cookie", []string{"token=" + one + "; token=" + one}, 204}, "two cookies": {"Cookie", []string{"token=" + one + "; token=" + two}, 400},
		"an empty cookie": {"Cookie", []string{"token="}, 401}, "another cookie": {"Cookie", []string{"Token=" + one}, 401},
	} {
		w := h.do(withHeader(test.header, test.values...), func(ctx *app.Context) error { ctx.Status = 204; return nil })
		assert.Equal(t, test.want, w.Code, name)
		if test.want == 400 {
			assert.Equal(t, badHeader, w.Header().Get("WWW-Authenticate"), name)
		}
	}
}

// Because browsers send cookies by themselves, other sites must not use them.
func TestJWTCookiesAreNotForOtherSites(t *testing.T) {
	h := newHarbour(t, withSources(strategies.FromCookie("token", "https://rohan.example"), strategies.FromAuthorization()))
	text := h.issue(t, strategies.PairOptions{}).Access()
	for _, test := range []struct {
		name, method, site, origin string
		want                       int
	}{
		{"a page of ours", "POST", "same-origin", shireAPI, 204},
		{"no browser", "POST", "", "", 204},
		{"a page of another site", "POST", "cross-site", "https://mordor.example", 403},
		{"a page of a sibling", "DELETE", "same-site", "https://evil.shire.example", 403},
		{"an old browser with a foreign origin", "PUT", "", "https://mordor.example", 403},
		{"a page without an origin", "POST", "cross-site", "null", 403},
		{"a trusted origin", "POST", "cross-site", "https://rohan.example", 204},
		{"a link of another site", "GET", "cross-site", "", 204},
	} {
		r := httptest.NewRequest(test.method, shireAPI+"/", nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Origin": test.origin, "Cookie": "token=" + text} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		_, deliberate, status := h.whose(r)
		assert.Equal(t, test.want, status, test.name)
		assert.False(t, deliberate)
		r.Header.Del("Cookie")
		r.Header.Set("Authorization", "Bearer "+text)
		_, deliberate, status = h.whose(r)
		assert.Equal(t, []any{true, 204}, []any{deliberate, status}, "%s, with what no page can send", test.name)
	}
}

func TestSourcesThatCannotBe(t *testing.T) {
	for name, make := range map[string]func(){
		"a header without a name": func() { strategies.FromHeader("") }, "a header with a space": func() { strategies.FromHeader("X Token") }, "the header of cookies": func() { strategies.FromHeader("cookie") },
		"a header beyond ASCII": func() { strategies.FromHeader("É") }, "a cookie without a name": func() { strategies.FromCookie("") }, "a cookie with a semicolon": func() { strategies.FromCookie("a;b") },
		"an origin with a path": func() { strategies.FromCookie("a", "https://rohan.example/x") }, "an origin without a scheme": func() { strategies.FromCookie("a", "rohan.example") }, "no function": func() { strategies.FromFunc(nil) },
	} {
		assert.Panics(t, make, name)
	}
}

// What an application's own source says is wrong is answered as it says.
func TestJWTSourcesOfTheApplication(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{"nothing": {nil, 401}, "no credentials": {app.ErrNoCredentials, 401}, "a rejection": {&app.Rejection{Status: 400}, 400}, "a fault": {errDown, 503}} {
		h := newHarbour(t, withSources(strategies.FromFunc(func(*app.Context) (string, error) { return "", test.err })))
		_, _, status := h.whose(withHeader("X"))
		assert.Equal(t, test.want, status, name)
	}
	h := newHarbour(t, withSources(strategies.FromFunc(func(ctx *app.Context) (string, error) {
		return strings.TrimPrefix(ctx.Request.Header.Get("Sec-Websocket-Protocol"), "token."), nil
	})))
	name, _, _ := h.whose(withHeader("Sec-Websocket-Protocol", "token."+h.issue(t, strategies.PairOptions{}).Access()))
	assert.Equal(t, "frodo", name)
}
