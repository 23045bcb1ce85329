package jws_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/jws"
)

var measured = []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"}

// token is an access token such as are usual.
func token(b *testing.B, algorithm string) string {
	b.Helper()
	text, err := jws.Sign(newKey(b, "2024-05", algorithm), "at+jwt", []byte(
		`{"iss":"https://issuer.example","aud":"https://api.example","sub":"0190a5b4-7c3e-7d3a-9a58-0123456789ab","iat":1700000000,"exp":32503680000,"jti":"N0c2bPbVJRkBYp1YdqXm4w","scope":"read write"}`))
	require.NoError(b, err)
	return text
}

// Parse and verify, without the claims.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range measured {
		b.Run(algorithm, func(b *testing.B) {
			text, k := token(b, algorithm), publicKey(b, "2024-05", algorithm)
			b.ReportAllocs()
			for b.Loop() {
				m, err := jws.Parse(text)
				if err == nil {
					err = m.Verify(k)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The same by the library alone, as strict as it can be.
func BenchmarkBareLibrary(b *testing.B) {
	for _, algorithm := range measured {
		for _, c := range []struct {
			name    string
			options []jwt.ParserOption
		}{
			{"", []jwt.ParserOption{jwt.WithoutClaimsValidation()}},
			{"WithClaims", []jwt.ParserOption{
				jwt.WithIssuer("https://issuer.example"), jwt.WithAudience("https://api.example"), jwt.WithExpirationRequired(),
				jwt.WithTimeFunc(func() time.Time { return time.Unix(1700000001, 0) }),
			}},
		} {
			b.Run(algorithm+c.name, func(b *testing.B) {
				text := token(b, algorithm)
				_, material := halves(algorithm)
				parser := jwt.NewParser(append(c.options, jwt.WithValidMethods([]string{algorithm}), jwt.WithStrictDecoding())...)
				key := func(*jwt.Token) (any, error) { return material, nil }
				b.ReportAllocs()
				for b.Loop() {
					if _, err := parser.ParseWithClaims(text, &jwt.RegisteredClaims{}, key); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
