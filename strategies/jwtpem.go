package strategies

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// JWTKeyFromPEM reads one key that is not encrypted: "PRIVATE KEY" (PKCS #8), "RSA PRIVATE
// KEY", "EC PRIVATE KEY" or "PUBLIC KEY" (PKIX). It is an error if there is more than one,
// other text beside it, and if the key is not one of [NewJWTKeys]. The error does not have
// the key in it.
func JWTKeyFromPEM(id, algorithm string, text []byte) (JWTKey, error) {
	material, err := fromPEM(text)
	if err != nil {
		return JWTKey{}, fmt.Errorf("strategies: JWT key %q: %w", id, err)
	}
	k := JWTKey{ID: id, Algorithm: algorithm, Key: material}
	if _, err := newJWTKey(k); err != nil {
		return JWTKey{}, err
	}
	return k, nil
}

func fromPEM(text []byte) (any, error) {
	text = bytes.TrimSpace(text)
	block, rest := pem.Decode(text)
	switch {
	case block == nil || !bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return nil, errors.New("there is no PEM block, or text before it")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("there is something behind the first PEM block")
	case len(block.Headers) > 0 || block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the PEM block is encrypted, or has headers")
	}
	material, err := fromDER(block)
	if err != nil {
		return nil, fmt.Errorf("the PEM block %q cannot be read", block.Type) // the cause may quote the key
	}
	return material, nil
}

func fromDER(block *pem.Block) (any, error) {
	if rest, err := asn1.Unmarshal(block.Bytes, new(asn1.RawValue)); err != nil || len(rest) > 0 {
		return nil, errors.New("not one value") // which not all that follow look at
	}
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	return nil, errors.New("of another type")
}

// GenerateJWTKey makes a key of fresh random bits: RSA with 3072, a secret as long as its
// hash. Making RSA keys takes seconds. It is an error for an ID or Algorithm that [NewJWTKeys] does not
// know.
func GenerateJWTKey(id, algorithm string) (JWTKey, error) {
	material, err := generate(algorithm)
	if err != nil {
		return JWTKey{}, fmt.Errorf("strategies: JWT key %q: %w", id, err)
	}
	k := JWTKey{ID: id, Algorithm: algorithm, Key: material}
	if _, err := newJWTKey(k); err != nil {
		return JWTKey{}, err
	}
	return k, nil
}

func generate(algorithm string) (any, error) {
	switch algorithm {
	case "HS256":
		return randomSecret(32)
	case "HS384":
		return randomSecret(48)
	case "HS512":
		return randomSecret(64)
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, 3072) // 128 bits of strength, as the others have
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%q is no algorithm", algorithm)
}

func randomSecret(n int) ([]byte, error) {
	secret := make([]byte, n)
	_, err := rand.Read(secret)
	return secret, err
}
