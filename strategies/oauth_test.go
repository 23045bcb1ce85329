package strategies_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// A gateway asks an issuer of tokens about them; nobody else may.
type gateway struct {
	*harbour
	opaque *strategies.Bearer
	keep   *tokenstest.Faulty // of opaque
	own    string             // the credential of the gateway
	router *router.Router
}

func newGateway(t *testing.T, edit ...func(*harbour, *strategies.JWTOptions)) *gateway {
	t.Helper()
	g := &gateway{harbour: newHarbour(t, edit...), keep: tokenstest.NewFaulty(tokenstores.NewMemory()), router: router.New()}
	g.opaque = strategies.NewBearer(g.keep, g.users, strategies.BearerOptions{Clock: g.clock.Now})
	gateways := strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{Type: "gateway", Clock: g.clock.Now, Expiry: strategies.Never})
	g.own = must(gateways.Issue(t.Context(), &hobbit{Name: "gatekeeper"}, strategies.TokenOptions{})).Text()
	g.router.Guard(app.Authenticate(gateways)).Post("/oauth/introspect", strategies.IntrospectionEndpoint(g.jwt, g.opaque))
	g.router.Open().Post("/oauth/revoke", strategies.RevocationEndpoint(g.jwt, g.opaque))
	g.router.Open().Post("/open", strategies.IntrospectionEndpoint(g.jwt))
	return g
}

func (g *gateway) post(path, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Authorization", "Bearer "+g.own)
	return g.under(r, g.router.Layer)
}

const formType, jsonType = "application/x-www-form-urlencoded", "application/json"

func (g *gateway) introspect(token string) *httptest.ResponseRecorder {
	return g.post("/oauth/introspect", formType, url.Values{"token": {token}}.Encode())
}

func (g *gateway) revoke(token, client string) *httptest.ResponseRecorder {
	return g.post("/oauth/revoke", formType, url.Values{"token": {token}, "client_id": {client}}.Encode())
}

func (g *gateway) inactive(t *testing.T, token string, why ...any) {
	t.Helper()
	w := g.introspect(token)
	assert.Equal(t, 200, w.Code, why...)
	assert.JSONEq(t, `{"active":false}`, w.Body.String(), why...)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), why...)
}

func (g *gateway) active(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	w := g.introspect(token)
	require.Equal(t, 200, w.Code)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &claims))
	assert.Equal(t, true, claims["active"])
	return claims
}

// eachGateway runs a test on a gateway for each way to end access tokens.
func eachGateway(t *testing.T, test func(t *testing.T, g *gateway)) {
	t.Helper()
	for name, way := range waysToEnd {
		t.Run(name, func(t *testing.T) { test(t, newGateway(t, way)) })
	}
}

func TestOAuthRequests(t *testing.T) {
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		t.Run(path, func(t *testing.T) {
			g := newGateway(t)
			text := g.issue(t, strategies.PairOptions{}).Access()
			for name, c := range map[string]struct {
				kind, body string
				status     int
			}{
				"a form":                      {formType, "token=" + text, 200},
				"a form with a charset":       {formType + "; charset=utf-8", "token=" + text, 200},
				"JSON":                        {jsonType, `{"token":"` + text + `"}`, 200},
				"a hint, which is not needed": {formType, "token_type_hint=refresh_token&token=" + text, 200},
				"a wrong hint":                {formType, "token_type_hint=nonsense&token=" + text, 200},
				"no token":                    {formType, "x=1", 400},
				"an empty one":                {formType, "token=", 400},
				"no body":                     {formType, "", 400},
				"no body and no type":         {"", "", 400},
				"JSON without one":            {jsonType, `{}`, 400},
				"another case":                {jsonType, `{"Token":"` + text + `"}`, 400},
				"two in a form":               {formType, "token=" + text + "&token=" + text, 400},
				"two in JSON":                 {jsonType, `{"token":"` + text + `","token":"` + text + `"}`, 400},
				"a number":                    {jsonType, `{"token":1}`, 400},
				"an array":                    {jsonType, `{"token":["` + text + `"]}`, 400},
				"no JSON":                     {jsonType, `{"token"`, 400},
				"a bad escape":                {formType, "token=%zz", 400},
				"no UTF-8":                    {formType, "token=%ff", 400},
				"another type":                {"text/plain", "token=" + text, 415},
				"too much":                    {formType, "token=" + strings.Repeat("a", 65<<10), 413},
			} {
				w := g.post(path, c.kind, c.body)
				assert.Equal(t, c.status, w.Code, name)
			}
			for _, body := range []string{"", "x=1", "token="} {
				w := g.post(path, formType, body)
				assert.JSONEq(t, `{"error":"invalid_request"}`, w.Body.String())
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			}
			t.Run("are posted", func(t *testing.T) {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
					r := httptest.NewRequest(method, path+"?token="+text, nil)
					r.Header.Set("Authorization", "Bearer "+g.own)
					assert.Equal(t, 405, g.under(r, g.router.Layer).Code, method)
				}
				w := g.post(path+"?token="+text, formType, "")
				assert.Equal(t, 400, w.Code, "a token in the query is none: it would be in logs")
			})
		})
	}
}

// What cannot be found out is neither live nor dead.
func TestOAuthFaults(t *testing.T) {
	for way, edit := range waysToEnd {
		for i, ask := range []func(g *gateway, p *strategies.TokenPair) int{
			func(g *gateway, p *strategies.TokenPair) int { return g.introspect(p.Access()).Code },
			func(g *gateway, p *strategies.TokenPair) int { return g.introspect(p.Refresh()).Code },
			func(g *gateway, p *strategies.TokenPair) int { return g.revoke(p.Access(), "").Code },
			func(g *gateway, p *strategies.TokenPair) int { return g.revoke(p.Refresh(), "").Code },
		} {
			t.Run(way+strconv.Itoa(i), func(t *testing.T) {
				inTurn(t, func(t *testing.T) (*harbour, deed, func(*testing.T, string)) {
					g := newGateway(t, edit)
					pair := g.issue(t, strategies.PairOptions{})
					return g.harbour, func() int { return ask(g, pair) }, func(t *testing.T, failed string) {
						assert.Equal(t, 200, ask(g, pair), failed)
					}
				})
			})
		}
	}
	t.Run("of the store of opaque tokens, and of users", func(t *testing.T) {
		g := newGateway(t)
		token, pair := must(g.opaque.Issue(t.Context(), ringBearer, strategies.TokenOptions{})), g.issue(t, strategies.PairOptions{})
		g.keep.Fail()
		assert.Equal(t, 503, g.introspect(token.Text()).Code)
		assert.Equal(t, 503, g.revoke(token.Text(), "").Code)
		g.keep.Heal()
		g.users.err = errDown
		for _, text := range []string{pair.Access(), pair.Refresh(), token.Text()} {
			assert.Equal(t, 503, g.introspect(text).Code)
		}
		g.users.err = nil
		g.active(t, token.Text())
	})
}

func TestOAuthEndpointsNeedAuthorities(t *testing.T) {
	for name, endpoint := range map[string]func(...strategies.TokenAuthority) app.Handler{
		"IntrospectionEndpoint": strategies.IntrospectionEndpoint, "RevocationEndpoint": strategies.RevocationEndpoint,
	} {
		assert.PanicsWithValue(t, "strategies: "+name+" needs who issues the tokens", func() { endpoint() })
		assert.PanicsWithValue(t, "strategies: "+name+": an authority is nil", func() { endpoint((*strategies.JWT)(nil)) })
		assert.PanicsWithValue(t, "strategies: "+name+": an authority is nil", func() { endpoint(nil) })
	}
}
