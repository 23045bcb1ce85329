package strategies_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A forgery is a good token but for one thing.
type forgery struct {
	name   string
	reason string // what is logged
	edit   edit
	after  func(good string) string // what is done to the text, after edit
	alg    string                   // "": ES256
	want   verdict
}

// A verdict is how a forgery is answered.
type verdict int

const (
	invalid   verdict = iota // 401 invalid_token
	foreign                  // passed on: 401, nothing to find wrong
	malformed                // 400: no token can stand in a header like that
)

func (f forgery) draft() *draft {
	if f.alg == "" {
		return newDraft("ES256")
	}
	return newDraft(f.alg)
}

func (f forgery) text() string {
	d := f.draft()
	if f.edit != nil {
		f.edit(d)
	}
	text := d.text()
	if f.after != nil {
		text = f.after(text)
	}
	return text
}

// retired signed until a second ago.
var retired = strategies.JWTKey{ID: "retired", Algorithm: "RS512", Until: landing.Add(-time.Second)}

// besieged returns a harbour of key pairs and one of secrets: they cannot be together.
func besieged(t *testing.T) (pairs, secrets *harbour) {
	t.Helper()
	var list []strategies.JWTKey
	for _, alg := range []string{"ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"} {
		list = append(list, strategies.JWTKey{ID: kidOf(alg), Algorithm: alg, Key: material()[alg]})
	}
	last := retired
	last.Key = retiredKey()
	keys, err := strategies.NewJWTKeys(append(list, last)...)
	require.NoError(t, err)
	return newHarbour(t, withKeys(keys)), newHarbour(t, withKeys(keysFor(t, "HS256", "HS384", "HS512")))
}

func withKeys(keys *strategies.JWTKeys) func(*harbour, *strategies.JWTOptions) {
	return func(_ *harbour, o *strategies.JWTOptions) { o.Keys = keys }
}

func forgeries(lure string) []forgery {
	var list []forgery
	for _, some := range [][]forgery{
		algorithms(), publicKeysAsSecrets(), keysOfOthersAlgorithms(), signaturesOfCurves(), signaturesOfRSA(), signaturesOfEdwards(), signaturesOfSecrets(),
		splices(), headersToObey(), keysThatComeAlong(lure), kids(), types(), parts(), base64s(), jsons("header", headed), jsons("claims", paid), names(), depths(),
		expiries(), dates(), audiences(), issuers(), subjects(), ids(), otherClaims(), othersTokens(),
	} {
		list = append(list, some...)
	}
	return list
}

// Each is refused for its own reason, which is logged and not told, and without a question
// to a store or anybody else; the good token beside it is let in.
func TestJWTRefusesForgedTokens(t *testing.T) {
	lure := offline(t)
	pairs, secrets := besieged(t)
	list, named, answers := forgeries(lure), map[string]bool{}, map[string]bool{}
	require.GreaterOrEqual(t, len(list), 150)
	for _, f := range list {
		require.False(t, named[f.name], "two are called %q", f.name)
		named[f.name] = true
		t.Run(f.name, func(t *testing.T) {
			h := pairs
			if strings.HasPrefix(f.alg, "HS") {
				h = secrets
			}
			require.Equal(t, 200, h.send(f.draft().text()).Code, "the good one: %s", h.log.String())
			text := f.text()
			require.NotEqual(t, f.draft().text(), text)
			w := h.attack(t, f, text)
			if f.want == invalid {
				answers[fmt.Sprint(w.Code, w.Header(), w.Body.String())] = true
			}
		})
	}
	assert.LessOrEqual(t, len(answers), 1, "all are answered alike")
}

// attack sends a forgery, in a header and as what the endpoints for tokens take.
func (h *harbour) attack(t *testing.T, f forgery, text string) *httptest.ResponseRecorder {
	t.Helper()
	h.log.Reset()
	questions, reached := h.questions(), h.reached
	w := h.under(withHeader("Authorization", "Bearer "+text), func(ctx *app.Context, next app.Handler) error {
		err := app.Authenticate(h.jwt)(ctx, func(ctx *app.Context) error { h.reached++; return fine(ctx) })
		assert.Error(t, err)
		assert.Nil(t, ctx.User())
		claims, ok := strategies.Claims[map[string]any](ctx)
		assert.False(t, ok)
		assert.Nil(t, claims)
		return err
	})
	assert.Equal(t, map[verdict]int{invalid: 401, foreign: 401, malformed: 400}[f.want], w.Code)
	assert.Equal(t, []string{map[verdict]string{invalid: badToken, foreign: wantsToken, malformed: badHeader}[f.want]}, w.Header()["Www-Authenticate"])
	assert.Contains(t, h.log.String(), f.reason)
	assert.Equal(t, f.want != invalid, f.reason == "", "only what is invalid is logged")
	h.tellsNothing(t, text)
	assert.Equal(t, reached, h.reached, "a handler was reached")
	assert.Equal(t, questions, h.questions(), "it cost a question")

	found, err := h.jwt.Introspect(t.Context(), text)
	assert.NoError(t, err)
	assert.Nil(t, found)
	if found == nil && f.reason != "the token has expired" { // which may be ended by who has it
		ours, err := h.jwt.RevokeText(t.Context(), text, "")
		assert.NoError(t, err)
		assert.False(t, ours, "it can end the token that it was made from")
	}
	return w
}

// tellsNothing looks for the parts of a token in the log.
func (h *harbour) tellsNothing(t *testing.T, text string) {
	t.Helper()
	for part := range strings.SplitSeq(text, ".") {
		if len(part) > 20 {
			assert.NotContains(t, h.log.String(), part)
		}
	}
}

// offline fails the test if anybody asks the network, and returns a URL that waits for it.
func offline(t *testing.T) (lure string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a URL of the token was asked") }))
	t.Cleanup(server.Close)
	before := http.DefaultTransport
	http.DefaultTransport = cutOff{t}
	t.Cleanup(func() { http.DefaultTransport = before })
	return server.URL
}

type cutOff struct{ t *testing.T }

func (f cutOff) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("the network was asked for %s", r.URL)
	return nil, errDown
}

// R62: who cannot sign is not told what is wrong beside that.
func TestJWTLooksAtTheSignatureBeforeTheClaims(t *testing.T) {
	h := newHarbour(t)
	for name, e := range map[string]edit{
		"expired": claim("exp", seconds(-1)), "not valid yet": claim("nbf", seconds(60)), "from the future": claim("iat", seconds(60)),
		"for another": claim("aud", `"https://mordor.example"`), "of nobody": claim("sub", ""), "of another kind": claim("kahu", `{"kind":"admin"}`),
		"of another type": header("typ", `"JWT"`), "without an id": claim("jti", ""),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDraft("ES256")
			all(e, key(signer("ES256", attacker())))(d)
			h.refuses(t, d.text(), "the signature is not good")
			assert.NotContains(t, h.log.String(), "expired")
			assert.Equal(t, 1, strings.Count(h.log.String(), "reason="))
		})
	}
	assert.Zero(t, h.questions())
}

// R63: what is too long is not read.
func TestJWTBoundsWhatATextCosts(t *testing.T) {
	h := newHarbour(t)
	for name, text := range map[string]string{
		"dots": strings.Repeat(".", 100_000), "letters": strings.Repeat("a", 1<<20), "braces": strings.Repeat(encoded("{"), 100_000),
	} {
		const rounds = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			found, err := h.jwt.Introspect(t.Context(), text)
			require.NoError(t, err)
			require.Nil(t, found)
		}
		runtime.ReadMemStats(&after)
		assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/rounds, uint64(4<<10), "bytes for %s", name)
		assert.Less(t, (after.Mallocs-before.Mallocs)/rounds, uint64(50), "allocations for %s", name)
	}
}
