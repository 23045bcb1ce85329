package jws

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// Every key is copied, so that nobody can change it after it was checked.

var (
	errNil    = errors.New("the key is nil")
	errHalves = errors.New("the private half is not that of the public one")
)

func wrongType(material any, want string) error {
	if material == nil {
		return errNil
	}
	return fmt.Errorf("the key is a %T, it takes %s", material, want)
}

func (k *Key) takeSecret(material any) error {
	secret, ok := material.([]byte)
	switch {
	case !ok:
		return wrongType(material, "a []byte")
	case len(secret) < k.algorithm.secret:
		return fmt.Errorf("the secret has %d bytes, it takes at least %d", len(secret), k.algorithm.secret)
	}
	own := bytes.Clone(secret)
	k.set(own, own)
	return nil
}

func (k *Key) takeRSA(material any) error {
	switch key := material.(type) {
	case *rsa.PrivateKey:
		return k.takeRSAPrivate(key)
	case *rsa.PublicKey:
		if key == nil {
			return errNil
		}
		if err := checkRSA(key); err != nil {
			return err
		}
		k.set(&rsa.PublicKey{N: new(big.Int).Set(key.N), E: key.E}, nil)
		return nil
	}
	return wrongType(material, "an *rsa.PrivateKey or *rsa.PublicKey")
}

func (k *Key) takeRSAPrivate(key *rsa.PrivateKey) error {
	if key == nil || key.D == nil {
		return errNil
	}
	if err := checkRSA(&key.PublicKey); err != nil {
		return err
	}
	if len(key.Primes) != 2 {
		return fmt.Errorf("the RSA key has %d primes, it takes 2", len(key.Primes))
	}
	// Validate trusts what is precomputed, so it is asked about a copy that has nothing.
	own := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Set(key.N), E: key.E},
		D:         new(big.Int).Set(key.D),
	}
	for _, prime := range key.Primes {
		if prime == nil || prime.Sign() <= 0 {
			return errors.New("the RSA key has no primes")
		}
		own.Primes = append(own.Primes, new(big.Int).Set(prime))
	}
	own.Precompute()
	if own.Validate() != nil {
		return errors.New("the RSA key contradicts itself")
	}
	k.set(&own.PublicKey, own)
	return nil
}

// checkRSA refuses what is too short (RFC 7518 section 3.3), or so long that a signature
// costs too much, and public keys that no generator makes.
func checkRSA(key *rsa.PublicKey) error {
	switch {
	case key.N == nil || key.N.Sign() <= 0:
		return errors.New("the RSA key has no modulus")
	case key.N.BitLen() < 2048 || key.N.BitLen() > 8192:
		return fmt.Errorf("the RSA key has %d bits, it takes 2048 to 8192", key.N.BitLen())
	case key.N.Bit(0) == 0:
		return errors.New("the RSA modulus is even")
	case key.E < 3 || key.E%2 == 0 || key.E > math.MaxInt32:
		return errors.New("the RSA exponent is not odd, under 3 or over 31 bits")
	case hasROCA(key.N):
		return errors.New("the RSA key comes from a faulty generator (CVE-2017-15361)")
	}
	return nil
}

// hasROCA reports whether a modulus has the fingerprint of CVE-2017-15361: its remainder
// by each of these primes is a power of 65537. For other moduli that is so once in 2^27.
func hasROCA(n *big.Int) bool {
	for _, prime := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		rest := new(big.Int).Mod(n, big.NewInt(prime)).Int64()
		if !isPower(rest, 65537%prime, prime) {
			return false
		}
	}
	return true
}

// isPower reports whether n is a power of base modulo prime.
func isPower(n, base, prime int64) bool {
	power := int64(1)
	for range prime {
		if power == n {
			return true
		}
		power = power * base % prime
	}
	return false
}

func (k *Key) takeEC(material any) error {
	switch key := material.(type) {
	case *ecdsa.PrivateKey:
		return k.takeECPrivate(key)
	case *ecdsa.PublicKey:
		own, err := k.copyEC(key)
		if err == nil {
			k.set(own, nil)
		}
		return err
	}
	return wrongType(material, "an *ecdsa.PrivateKey or *ecdsa.PublicKey")
}

// copyEC takes a public key if it is a point on the algorithm's curve.
func (k *Key) copyEC(key *ecdsa.PublicKey) (*ecdsa.PublicKey, error) {
	switch {
	//lint:ignore SA1019 Bytes would panic
	case key == nil || key.Curve == nil || key.X == nil || key.Y == nil:
		return nil, errNil
	case key.Curve != k.algorithm.curve:
		return nil, fmt.Errorf("the key is not on the curve %s", k.algorithm.crv)
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, errors.New("the key is no point on its curve")
	}
	return ecdsa.ParseUncompressedPublicKey(k.algorithm.curve, point)
}

func (k *Key) takeECPrivate(key *ecdsa.PrivateKey) error {
	//lint:ignore SA1019 Bytes would panic
	if key == nil || key.D == nil {
		return errNil
	}
	public, err := k.copyEC(&key.PublicKey)
	if err != nil {
		return err
	}
	scalar, err := key.Bytes()
	if err != nil {
		return errors.New("the private half is out of range")
	}
	own, err := ecdsa.ParseRawPrivateKey(k.algorithm.curve, scalar)
	switch {
	case err != nil:
		return errors.New("the private half is out of range")
	case !own.PublicKey.Equal(public):
		return errHalves
	}
	k.set(public, own)
	return nil
}

func (k *Key) takeEd25519(material any) error {
	switch key := material.(type) {
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return fmt.Errorf("the private key has %d bytes, it takes %d", len(key), ed25519.PrivateKeySize)
		}
		own := ed25519.NewKeyFromSeed(key.Seed())
		if !own.Equal(key) {
			return errHalves
		}
		k.set(own.Public(), own)
		return nil
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("the public key has %d bytes, it takes %d", len(key), ed25519.PublicKeySize)
		}
		k.set(ed25519.PublicKey(bytes.Clone(key)), nil)
		return nil
	}
	return wrongType(material, "an ed25519.PrivateKey or ed25519.PublicKey")
}
