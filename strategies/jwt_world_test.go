package strategies_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

const (
	shire      = "https://shire.example"
	shireAPI   = "https://api.shire.example"
	wantsToken = `Bearer realm="api"`
	badToken   = wantsToken + `, error="invalid_token"`
	badHeader  = wantsToken + `, error="invalid_request"`
)

// landing is when the clocks of these tests start, between two seconds.
var landing = time.Date(3018, 9, 23, 12, 0, 0, 600_000_000, time.UTC)

// material is one private key or secret for each algorithm; those of one family of RSA
// share theirs, so no two of them can be in one set.
var material = sync.OnceValue(func() map[string]any {
	keys := map[string]any{}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		keys[alg] = must(ecdsa.GenerateKey(curve, rand.Reader))
	}
	for _, family := range []string{"RS", "PS"} {
		key := must(rsa.GenerateKey(rand.Reader, 2048))
		keys[family+"256"], keys[family+"384"], keys[family+"512"] = key, key, key
	}
	for alg, n := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		secret := make([]byte, n)
		must(rand.Read(secret))
		keys[alg] = secret
	}
	_, keys["EdDSA"], _ = ed25519.GenerateKey(rand.Reader)
	return keys
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keysFor returns a set of keys, each with its algorithm's name in its ID.
func keysFor(t testing.TB, algorithms ...string) *strategies.JWTKeys {
	t.Helper()
	var list []strategies.JWTKey
	for _, alg := range algorithms {
		list = append(list, strategies.JWTKey{ID: kidOf(alg), Algorithm: alg, Key: material()[alg]})
	}
	keys, err := strategies.NewJWTKeys(list...)
	require.NoError(t, err)
	return keys
}

func kidOf(alg string) string { return "key-" + alg }

// A crew is a Serializer that counts whom it was asked for, and on what terms.
type crew struct {
	people
	asked   int
	bounded bool
}

func (c *crew) Deserialize(ctx context.Context, subject string) (any, error) {
	c.asked++
	_, c.bounded = ctx.Deadline()
	return c.people.Deserialize(ctx, subject)
}

type pairGuard = strategies.Guard[*strategies.TokenPair, strategies.PairOptions]

// A harbour is an API behind JWTs, with everything that is behind those.
type harbour struct {
	store    *tokenstest.Faulty
	denylist *tokenstest.FaultyDenylist
	users    *crew
	clock    *apptest.Clock
	log      bytes.Buffer
	events   []app.Event
	jwt      *strategies.JWT
	guard    *pairGuard
	reached  int // how often a handler behind the strategy was
}

// newHarbour opens one with a denylist and refresh tokens, unless edit wants it otherwise.
func newHarbour(t testing.TB, edit ...func(h *harbour, o *strategies.JWTOptions)) *harbour {
	t.Helper()
	h := &harbour{
		store: tokenstest.NewFaulty(tokenstores.NewMemory()), denylist: tokenstest.NewFaultyDenylist(tokenstores.NewMemoryDenylist()),
		users: &crew{}, clock: apptest.NewClock(landing),
	}
	o := strategies.JWTOptions{
		Issuer: shire, Audience: shireAPI, Denylist: h.denylist, Refresh: strategies.RefreshOptions{Store: h.store},
		Clock: h.clock.Now, Logger: slog.New(slog.NewTextHandler(&h.log, nil)),
	}
	for _, f := range edit {
		f(h, &o)
	}
	if o.Keys == nil && o.Remote == nil {
		o.Keys = keysFor(t, "ES256")
	}
	h.jwt = strategies.NewJWT(h.users, o)
	h.guard = strategies.NewGuard("jwt", h.jwt, strategies.GuardOptions{})
	return h
}

// issue logs frodo in.
func (h *harbour) issue(t testing.TB, o strategies.PairOptions) *strategies.TokenPair {
	t.Helper()
	pair, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
	require.NoError(t, err)
	return pair
}

// send asks for what only a token opens.
func (h *harbour) send(text string) *httptest.ResponseRecorder {
	return h.do(withHeader("Authorization", "Bearer "+text), fine)
}

// do runs a handler behind the strategy.
func (h *harbour) do(r *http.Request, handler app.Handler) *httptest.ResponseRecorder {
	return h.under(r, app.Authenticate(h.jwt), func(ctx *app.Context, _ app.Handler) error {
		h.reached++
		return handler(ctx)
	})
}

// under runs layers and notes what the App tells.
func (h *harbour) under(r *http.Request, layers ...app.Middleware) *httptest.ResponseRecorder {
	a := app.New().Use(layers...)
	a.OnEvent = func(_ *app.Context, e app.Event) { h.events = append(h.events, e) }
	a.Logger = slog.New(slog.NewTextHandler(&h.log, nil))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// logout is what a route for it does.
func (h *harbour) logout(text string) *httptest.ResponseRecorder {
	return h.do(withHeader("Authorization", "Bearer "+text), func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	})
}

// questions counts what went to the stores and the Serializer.
func (h *harbour) questions() int {
	return len(h.store.Calls()) + len(h.denylist.Calls()) + h.users.asked
}

func withHeader(name string, values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, shireAPI+"/", nil)
	r.Header[name] = values
	return r
}

// letsIn and refuses say what became of a token.
func (h *harbour) letsIn(t testing.TB, text string, why ...any) {
	t.Helper()
	assert.Equal(t, 200, h.send(text).Code, why...)
}

func (h *harbour) refuses(t testing.TB, text, reason string, why ...any) {
	t.Helper()
	h.log.Reset()
	w := h.send(text)
	assert.Equal(t, 401, w.Code, why...)
	assert.Equal(t, []string{badToken}, w.Header()["Www-Authenticate"], why...)
	assert.Contains(t, h.log.String(), reason, why...)
	assert.False(t, strings.Contains(w.Body.String(), reason), why...)
}
