package jws

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
)

// A Key is one key for one algorithm, with an id. It prints, and encodes, without the
// key. It is not changed after it was made, and is for concurrent use.
type Key struct {
	id        string
	algorithm *algorithm
	verifying func() any // what the algorithm's method takes; a function, so that no printing of values can show it
	signing   func() any // nil: it only verifies
}

// NewKey takes a copy of a key. material is, for
//
//   - HS256, HS384 and HS512: a []byte of at least 32, 48 or 64 bytes (RFC 7518 section 3.2);
//   - RS256 … PS512: an *rsa.PrivateKey or *rsa.PublicKey of 2048 to 8192 bits;
//   - ES256, ES384 and ES512: an *ecdsa.PrivateKey or *ecdsa.PublicKey on the curve P-256, P-384 or P-521;
//   - EdDSA: an ed25519.PrivateKey or ed25519.PublicKey.
//
// The error says what is wrong with it, without the key. id may be "".
func NewKey(id, algorithm string, material any) (*Key, error) {
	a := algorithms[algorithm]
	switch {
	case a == nil:
		return nil, fmt.Errorf("jws: %q is no algorithm for a key", algorithm)
	case len(id) > maxKeyID || !utf8.ValidString(id):
		return nil, errors.New("jws: an id has at most 256 bytes of UTF-8")
	}
	k := &Key{id: id, algorithm: a}
	if err := k.take(material); err != nil {
		return nil, fmt.Errorf("jws: %s: %w", algorithm, err)
	}
	return k, nil
}

// set keeps the half that verifies, and the one that signs unless that is nil.
func (k *Key) set(verifying, signing any) {
	k.verifying = func() any { return verifying }
	if signing != nil {
		k.signing = func() any { return signing }
	}
}

func (k *Key) take(material any) error {
	switch k.algorithm.kind {
	case "oct":
		return k.takeSecret(material)
	case "RSA":
		return k.takeRSA(material)
	case "EC":
		return k.takeEC(material)
	}
	return k.takeEd25519(material)
}

// ID returns the id, which may be "".
func (k *Key) ID() string { return k.id }

// Algorithm returns the name of the key's one algorithm.
func (k *Key) Algorithm() string { return k.algorithm.name }

// Symmetric reports whether who verifies could sign, too.
func (k *Key) Symmetric() bool { return k.algorithm.kind == "oct" }

// CanSign reports whether it has the private half.
func (k *Key) CanSign() bool { return k.signing != nil }

// SameMaterial reports whether both would verify with the same key, whatever their ids and
// algorithms are.
func (k *Key) SameMaterial(other *Key) bool {
	switch own := k.verifying().(type) {
	case []byte:
		theirs, ok := other.verifying().([]byte)
		return ok && bytes.Equal(own, theirs)
	case interface{ Equal(crypto.PublicKey) bool }:
		return own.Equal(other.verifying())
	}
	return false
}

// VerifyRaw verifies a signature of bytes that are in no message. Any error is
// ErrSignature.
func (k *Key) VerifyRaw(input, signature []byte) error { return k.verify(string(input), signature) }

func (k *Key) verify(input string, signature []byte) error {
	if err := k.algorithm.method.Verify(input, signature, k.verifying()); err != nil {
		return ErrSignature
	}
	return nil
}

func (k *Key) sign(input string) ([]byte, error) {
	if k.signing == nil {
		return nil, errors.New("the key can only verify")
	}
	return k.algorithm.method.Sign(input, k.signing())
}

// String is the key without the key.
func (k Key) String() string {
	if k.algorithm == nil {
		return "no key"
	}
	return fmt.Sprintf("%s key %q", k.algorithm.name, k.id)
}

// Format is String for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON is String. [Key.JWK] is for publishing.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// LogValue is String, for slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
