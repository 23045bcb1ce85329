package jws

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/kahu-go/kahu/internal/strictjson"
)

// A webKey is a JSON Web Key: RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2.
type webKey struct {
	Kind       string   `json:"kty"`
	Use        string   `json:"use,omitempty"`
	Operations []string `json:"key_ops,omitempty"`
	Algorithm  string   `json:"alg,omitempty"`
	ID         string   `json:"kid,omitempty"`

	Curve string `json:"crv,omitempty"`
	X     octets `json:"x,omitempty"`
	Y     octets `json:"y,omitempty"`

	N octets `json:"n,omitempty"`
	E octets `json:"e,omitempty"`

	D      octets          `json:"d,omitempty"`
	P      octets          `json:"p,omitempty"`
	Q      octets          `json:"q,omitempty"`
	Others json.RawMessage `json:"oth,omitempty"`

	Secret octets `json:"k,omitempty"`
}

// octets are bytes in base64url.
type octets []byte

func (o octets) MarshalText() ([]byte, error) { return encoding.AppendEncode(nil, o), nil }

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = decode(string(text))
	return err
}

// number reads a Base64urlUInt, which has no leading zeros (RFC 7518 section 2).
func (o octets) number(name string) (*big.Int, error) {
	if len(o) == 0 || o[0] == 0 {
		return nil, fmt.Errorf("%s is no number without leading zeros", name)
	}
	return new(big.Int).SetBytes(o), nil
}

// maxJWK is more than any key takes, its certificates included.
const maxJWK = 64 << 10

// ParseJWK reads one JSON Web Key (RFC 7517), which may have its private half. It is an
// error if the key is not for signatures, and whenever [NewKey] would refuse it. The key
// has one of the allowed algorithms; none allowed: any. If it does not say which, it is the
// only one of them that its type has, and an error if there are several. The error does not
// have the key in it.
func ParseJWK(raw []byte, allowed ...string) (*Key, error) {
	k, err := parseJWK(raw, allowed)
	if err != nil {
		return nil, fmt.Errorf("jws: JWK: %w", err)
	}
	return k, nil
}

func parseJWK(raw []byte, allowed []string) (*Key, error) {
	if len(raw) > maxJWK {
		return nil, errors.New("it is longer than 64 KiB")
	}
	var w webKey
	if err := strictjson.Decode(raw, &w); err != nil {
		return nil, err
	}
	if err := w.checkUse(); err != nil {
		return nil, err
	}
	a, err := w.algorithm(allowed)
	if err != nil {
		return nil, err
	}
	material, err := w.material(a)
	if err != nil {
		return nil, err
	}
	k, err := NewKey(w.ID, a.name, material)
	if err == nil && w.Operations != nil && !slices.Contains(w.Operations, "sign") {
		k.signing = nil
	}
	return k, err
}

// checkUse wants the key to be for signatures: RFC 7517 sections 4.2 and 4.3.
func (w *webKey) checkUse() error {
	if w.Use != "" && w.Use != "sig" {
		return errors.New("its use is not sig")
	}
	if w.Operations == nil {
		return nil
	}
	sorted := slices.Sorted(slices.Values(w.Operations))
	switch {
	case len(slices.Compact(sorted)) != len(w.Operations):
		return errors.New("its key_ops has one twice")
	case !slices.Contains(w.Operations, "verify") && !slices.Contains(w.Operations, "sign"):
		return errors.New("its key_ops has neither verify nor sign")
	}
	return nil
}

// algorithm returns what the key says, or the only one that it can be.
func (w *webKey) algorithm(allowed []string) (*algorithm, error) {
	var fitting []*algorithm
	for name, a := range algorithms {
		isAllowed := len(allowed) == 0 || slices.Contains(allowed, name)
		if isAllowed && a.kind == w.Kind && a.crv == w.Curve && (w.Algorithm == "" || w.Algorithm == name) {
			fitting = append(fitting, a)
		}
	}
	switch len(fitting) {
	case 0:
		return nil, errors.New("its type and algorithm are not among those that can be used")
	case 1:
		return fitting[0], nil
	}
	return nil, errors.New("it does not say its algorithm, and its type has several")
}

// material returns what NewKey takes, and leaves it to check that.
func (w *webKey) material(a *algorithm) (any, error) {
	switch a.kind {
	case "oct":
		return []byte(w.Secret), nil
	case "RSA":
		return w.rsaKey()
	case "EC":
		return w.ecKey(a)
	}
	return w.ed25519Key()
}

func (w *webKey) rsaKey() (any, error) {
	n, err := w.N.number("n")
	if err != nil {
		return nil, err
	}
	e, err := w.E.number("e")
	if err != nil {
		return nil, err
	}
	if e.BitLen() > 31 {
		return nil, errors.New("e has over 31 bits")
	}
	public := rsa.PublicKey{N: n, E: int(e.Int64())}
	if w.D == nil {
		return &public, nil
	}
	private := &rsa.PrivateKey{PublicKey: public, Primes: make([]*big.Int, 2)}
	if w.Others != nil {
		return nil, errors.New("it has more than two primes")
	}
	if private.D, err = w.D.number("d"); err != nil {
		return nil, err
	}
	if private.Primes[0], err = w.P.number("p"); err != nil {
		return nil, err
	}
	private.Primes[1], err = w.Q.number("q")
	return private, err
}

// ecKey wants all numbers in the full length: RFC 7518 section 6.2.
func (w *webKey) ecKey(a *algorithm) (any, error) {
	if len(w.X) != a.size() || len(w.Y) != a.size() {
		return nil, errors.New("a coordinate is not of its curve's length")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(a.curve, slices.Concat([]byte{4}, w.X, w.Y))
	if err != nil {
		return nil, errors.New("it is no point on its curve")
	}
	if w.D == nil {
		return public, nil
	}
	private, err := ecdsa.ParseRawPrivateKey(a.curve, w.D)
	switch {
	case err != nil:
		return nil, errors.New("d is out of range, or not of its curve's length")
	case !private.PublicKey.Equal(public):
		return nil, errHalves
	}
	return private, nil
}

func (w *webKey) ed25519Key() (any, error) {
	if w.D == nil {
		return ed25519.PublicKey(w.X), nil
	}
	return ed25519.PrivateKey(slices.Concat(w.D, w.X)), nil
}

// JWK returns the public half for publishing, and false for a symmetric key.
func (k *Key) JWK() (json.RawMessage, bool) {
	w := webKey{Kind: k.algorithm.kind, Use: "sig", Algorithm: k.algorithm.name, ID: k.id, Curve: k.algorithm.crv}
	switch key := k.verifying().(type) {
	case *rsa.PublicKey:
		w.N, w.E = key.N.Bytes(), big.NewInt(int64(key.E)).Bytes()
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil, false
		}
		w.X, w.Y = point[1:1+k.algorithm.size()], point[1+k.algorithm.size():]
	case ed25519.PublicKey:
		w.X = octets(key)
	default:
		return nil, false
	}
	raw, err := json.Marshal(w)
	return raw, err == nil
}
