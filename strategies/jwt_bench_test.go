package strategies_test

import (
	"crypto"
	"net/http/httptest"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

var benched = []string{"HS256", "HS512", "RS256", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// BenchmarkJWT is a request behind the strategy with everything in memory, and the bare
// library beside it, which looks at less and asks no list and no user.
func BenchmarkJWT(b *testing.B) {
	for _, alg := range benched {
		b.Run(alg, func(b *testing.B) {
			h := newHarbour(b, withKeys(keysFor(b, alg)))
			text := h.issue(b, strategies.PairOptions{}).Access()
			handler := app.New().Use(app.Authenticate(h.jwt), func(ctx *app.Context, _ app.Handler) error { ctx.Status = 204; return nil })
			r := bearing(text)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, r); w.Code != 204 {
					b.Fatal(w.Code)
				}
			}
		})
		b.Run(alg+" of the library", func(b *testing.B) {
			text := newDraft(alg).text()
			public := material()[alg]
			if pair, ok := public.(crypto.Signer); ok {
				public = pair.Public()
			}
			parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithIssuer(shire), jwt.WithAudience(shireAPI), jwt.WithExpirationRequired())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.Parse(text, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJWTRefusals are what anybody can send for nothing.
func BenchmarkJWTRefusals(b *testing.B) {
	for name, text := range map[string]string{
		"garbage": "garbage", "another issuer": draftWith(claim("iss", `"https://mordor.example"`)), "a forged signature": draftWith(key(signer("ES256", attacker()))), "expired": draftWith(claim("exp", seconds(-1))),
	} {
		b.Run(name, func(b *testing.B) {
			h := newHarbour(b)
			b.ReportAllocs()
			for b.Loop() {
				if found, err := h.jwt.Introspect(b.Context(), text); found != nil || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}

func BenchmarkJWTIssue(b *testing.B) {
	for _, alg := range benched {
		b.Run(alg, func(b *testing.B) {
			h := newHarbour(b, withKeys(keysFor(b, alg)))
			b.ReportAllocs()
			for b.Loop() {
				h.issue(b, strategies.PairOptions{NoRefresh: true})
			}
		})
	}
}
