package jws

import (
	"crypto/elliptic"

	"github.com/golang-jwt/jwt/v5"
)

// An algorithm is one of RFC 7518 section 3.1 or RFC 8037 section 3.1, and what its keys
// must be.
type algorithm struct {
	name   string
	kind   string // kty
	method jwt.SigningMethod
	secret int            // bytes, for oct
	curve  elliptic.Curve // for EC
	crv    string         // for EC and OKP
}

// algorithms are all that there are. "none" is not among them.
var algorithms = byName(
	algorithm{name: "HS256", kind: "oct", method: jwt.SigningMethodHS256, secret: 32},
	algorithm{name: "HS384", kind: "oct", method: jwt.SigningMethodHS384, secret: 48},
	algorithm{name: "HS512", kind: "oct", method: jwt.SigningMethodHS512, secret: 64},
	algorithm{name: "RS256", kind: "RSA", method: jwt.SigningMethodRS256},
	algorithm{name: "RS384", kind: "RSA", method: jwt.SigningMethodRS384},
	algorithm{name: "RS512", kind: "RSA", method: jwt.SigningMethodRS512},
	algorithm{name: "PS256", kind: "RSA", method: strictPSS(jwt.SigningMethodPS256)},
	algorithm{name: "PS384", kind: "RSA", method: strictPSS(jwt.SigningMethodPS384)},
	algorithm{name: "PS512", kind: "RSA", method: strictPSS(jwt.SigningMethodPS512)},
	algorithm{name: "ES256", kind: "EC", method: jwt.SigningMethodES256, curve: elliptic.P256(), crv: "P-256"},
	algorithm{name: "ES384", kind: "EC", method: jwt.SigningMethodES384, curve: elliptic.P384(), crv: "P-384"},
	algorithm{name: "ES512", kind: "EC", method: jwt.SigningMethodES512, curve: elliptic.P521(), crv: "P-521"},
	algorithm{name: "EdDSA", kind: "OKP", method: jwt.SigningMethodEdDSA, crv: "Ed25519"},
)

func byName(all ...algorithm) map[string]*algorithm {
	named := map[string]*algorithm{}
	for _, a := range all {
		named[a.name] = &a
	}
	return named
}

// strictPSS is m with the one length of salt that RFC 7518 section 3.5 allows; the
// library verifies every length.
func strictPSS(m *jwt.SigningMethodRSAPSS) *jwt.SigningMethodRSAPSS {
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: m.Options}
}

// size is the number of bytes of a coordinate.
func (a *algorithm) size() int { return (a.curve.Params().BitSize + 7) / 8 }

// Asymmetric reports whether an algorithm has public keys. It is false for a name of none.
func Asymmetric(name string) bool {
	a := algorithms[name]
	return a != nil && a.kind != "oct"
}
