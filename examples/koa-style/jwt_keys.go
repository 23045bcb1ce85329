package main

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kahu-go/kahu/strategies"
)

const makeJWTKey = "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out jwt.pem` makes one"

// readJWTKeys reads the files of the keys, the one that signs first. Only development
// may do without.
func (c *config) readJWTKeys(files string) (err error) {
	var keys []strategies.JWTKey
	switch {
	case files != "":
		keys, err = jwtKeyFiles(files)
	case c.https():
		err = errors.New("JWT_KEY_FILE is missing: " + makeJWTKey)
	default:
		c.warnings = append(c.warnings, "JWT_KEY_FILE is not set: access tokens are good until this program ends")
		keys = make([]strategies.JWTKey, 1)
		keys[0], err = strategies.GenerateJWTKey("new", "ES256")
	}
	if err != nil {
		return err
	}
	for i := range keys {
		if keys[i].ID, err = keyID(keys[i].Key); err != nil {
			return err
		}
	}
	if c.jwtKeys, err = strategies.NewJWTKeys(keys...); err != nil {
		return fmt.Errorf("JWT_KEY_FILE: %w", err)
	}
	return nil
}

func jwtKeyFiles(files string) (keys []strategies.JWTKey, err error) {
	for file := range strings.SplitSeq(files, ",") {
		file = strings.TrimSpace(file)
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("JWT_KEY_FILE: %w", err)
		}
		key, ok := jwtKey(text)
		if !ok {
			return nil, fmt.Errorf("JWT_KEY_FILE: in %s is no key that can sign: it takes one in PEM, of EC on P-256, P-384 or P-521, Ed25519, or RSA with 2048 bits or more; %s", file, makeJWTKey)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// jwtKey reads a key, whose type says the algorithm. For RSA, which is there for those who
// know nothing else, it is the one that everybody knows.
func jwtKey(text []byte) (strategies.JWTKey, bool) {
	for _, algorithm := range []string{"ES256", "ES384", "ES512", "EdDSA", "RS256"} {
		if key, err := strategies.JWTKeyFromPEM("new", algorithm, text); err == nil {
			return key, true
		}
	}
	return strategies.JWTKey{}, false
}

// keyID is made of the public key, so it is the same on every node, and another for
// another key.
func keyID(key any) (string, error) {
	if private, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		key = private.Public()
	}
	public, err := x509.MarshalPKIXPublicKey(key)
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), err
}
