package strategies_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"sync"
)

const (
	notGood       = "the signature is not good"
	otherAlg      = "it is of another algorithm than the key"
	nothingSigned = "it says that nothing is signed"
)

var (
	attacker   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	retiredKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

func algorithms() []forgery {
	list := rewritten(fewParts, invalid, map[string]func(string) string{
		"alg none and no signature": func(string) string { return unsigned(draftWith(header("alg", `"none"`))) },
		"alg none and no second dot": func(string) string {
			return strings.TrimSuffix(unsigned(draftWith(header("alg", `"none"`))), ".")
		},
	})
	list = append(list, refusedFor("alg is no string", "", map[string]edit{
		"alg is a number": header("alg", "256"), "alg is an array": header("alg", `["ES256"]`), "alg is an object": header("alg", `{"name":"ES256"}`), "alg is true": header("alg", "true"),
	})...)
	list = append(list, refusedFor(otherAlg, "", map[string]edit{
		"alg in lower case": header("alg", `"es256"`), "alg with a space behind": header("alg", `"ES256 "`), "alg with a NUL behind": header("alg", `"ES256\u0000"`),
		"alg of a curve that we do not have": header("alg", `"ES256K"`), "alg of an encryption": header("alg", `"RSA-OAEP"`),
	})...)
	nothing := map[string]edit{"alg is missing": header("alg", ""), "alg is empty": header("alg", `""`)}
	for bits := range 16 { // truly signed, so nothing but the word is wrong
		word := []byte("none")
		for i := range word {
			if bits>>i&1 == 1 {
				word[i] -= 'a' - 'A'
			}
		}
		nothing["alg is "+string(word)] = header("alg", quote(string(word)))
	}
	return append(append(list, refusedFor(nothingSigned, "", nothing)...),
		forgery{"alg is null", "null for a string", header("alg", "null"), nil, "", invalid},
		forgery{"alg under another name for the same", otherAlg, header("alg", `"Ed25519"`), nil, "EdDSA", invalid})
}

func unsigned(good string) string { return good[:strings.LastIndexByte(good, '.')+1] }

// keysOfOthersAlgorithms are signatures by one of our keys, but not in the way that is its own.
func keysOfOthersAlgorithms() []forgery {
	with := func(name, own, alg string, sign func(input string) []byte) forgery {
		return forgery{name, otherAlg, all(header("alg", quote(alg)), key(sign)), nil, own, invalid}
	}
	ec := func(h crypto.Hash) func(input string) []byte { return curveSigner("ES256", h) }
	return []forgery{
		with("PS256 by an RS256 key", "RS256", "PS256", signer("PS256", material()["RS256"])),
		with("RS256 by a PS256 key", "PS256", "RS256", signer("RS256", material()["PS256"])),
		with("RS384 by an RS256 key", "RS256", "RS384", signer("RS384", material()["RS256"])),
		with("RS512 by an RS256 key", "RS256", "RS512", signer("RS512", material()["RS256"])),
		with("PS512 by a PS256 key", "PS256", "PS512", signer("PS512", material()["PS256"])),
		with("ES384 by an ES256 key", "ES256", "ES384", ec(crypto.SHA384)),
		with("ES512 by an ES256 key", "ES256", "ES512", ec(crypto.SHA512)),
		with("ES256 by an ES384 key", "ES384", "ES256", curveSigner("ES384", crypto.SHA256)),
		with("EdDSA with the kid of an ES256 key", "ES256", "EdDSA", signer("EdDSA", material()["EdDSA"])),
		with("HS384 by an HS256 secret", "HS256", "HS384", signer("HS384", material()["HS256"])),
		with("HS512 by an HS256 secret", "HS256", "HS512", signer("HS512", material()["HS256"])),
		{"another hash than the ES256 that it says", notGood, key(ec(crypto.SHA384)), nil, "", invalid},
		{"another curve than the ES256 that it says", notGood, key(curveSigner("ES384", crypto.SHA256)), nil, "", invalid},
		{"the kid of another key of ours", otherAlg, header("kid", quote(kidOf("RS256"))), nil, "", invalid},
		{"the kid of another secret of ours", otherAlg, header("kid", quote(kidOf("HS512"))), nil, "HS256", invalid},
	}
}

// curveSigner signs as no JWT library would: any hash with any curve.
func curveSigner(alg string, h crypto.Hash) func(input string) []byte {
	return func(input string) []byte {
		private := material()[alg].(*ecdsa.PrivateKey)
		hasher := h.New()
		hasher.Write([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, private, hasher.Sum(nil))
		if err != nil {
			panic(err)
		}
		return pairOf((private.Params().BitSize+7)/8, r, s)
	}
}

// pairOf writes r and s in n bytes each.
func pairOf(n int, r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
}

func halves(good []byte) (r, s *big.Int) {
	return new(big.Int).SetBytes(good[:len(good)/2]), new(big.Int).SetBytes(good[len(good)/2:])
}

func signaturesOfCurves() []forgery {
	n, zero, one := elliptic.P256().Params().N, new(big.Int), big.NewInt(1)
	numbers := func(change func(r, s *big.Int) (*big.Int, *big.Int)) edit {
		return signature(func(good []byte) []byte { r, s := change(halves(good)); return pairOf(32, r, s) })
	}
	bytes := func(change func(good []byte) []byte) edit { return signature(change) }
	rows := map[string]edit{
		"r and s are zero":         numbers(func(_, _ *big.Int) (*big.Int, *big.Int) { return zero, zero }), // CVE-2022-21449
		"r is zero":                numbers(func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }),
		"s is zero":                numbers(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }),
		"r and s are the order":    numbers(func(_, _ *big.Int) (*big.Int, *big.Int) { return n, n }),
		"r is the order":           numbers(func(_, s *big.Int) (*big.Int, *big.Int) { return n, s }),
		"s is the order":           numbers(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, n }),
		"r and s are one":          numbers(func(_, _ *big.Int) (*big.Int, *big.Int) { return one, one }),
		"r and s change places":    numbers(func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }),
		"r is one more":            numbers(func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Add(r, one), s }),
		"r and s are all ones":     bytes(func(good []byte) []byte { return slices.Repeat([]byte{255}, 64) }),
		"a signature of one byte":  bytes(func([]byte) []byte { return []byte{0} }),
		"half of the signature":    bytes(func(good []byte) []byte { return good[:32] }),
		"one byte too few":         bytes(func(good []byte) []byte { return good[:63] }),
		"one byte too many":        bytes(func(good []byte) []byte { return append(good, 0) }),
		"a zero before r and s":    bytes(func(good []byte) []byte { return slices.Concat([]byte{0}, good[:32], []byte{0}, good[32:]) }),
		"the signature twice":      bytes(func(good []byte) []byte { return append(good, good...) }),
		"r and s in ASN.1":         bytes(func(good []byte) []byte { r, s := halves(good); return must(asn1.Marshal([]*big.Int{r, s})) }),
		"the signature in hex":     bytes(func(good []byte) []byte { return []byte(hex.EncodeToString(good)) }),
		"one bit of the signature": bytes(func(good []byte) []byte { good[40] ^= 1; return good }),
		"another's signature":      key(signer("ES256", attacker())),
	}
	return refusedFor(notGood, "", rows)
}

// refusedFor are forgeries with one reason, of one key.
func refusedFor(reason, alg string, rows map[string]edit) []forgery {
	var list []forgery
	for name, e := range rows {
		if alg != "" {
			name = alg + ": " + name
		}
		list = append(list, forgery{name, reason, e, nil, alg, invalid})
	}
	slices.SortFunc(list, func(a, b forgery) int { return strings.Compare(a.name, b.name) })
	return list
}

func signaturesOfRSA() []forgery {
	own, other := material()["RS256"].(*rsa.PrivateKey), material()["PS256"].(*rsa.PrivateKey)
	pkcs1 := func(h crypto.Hash, sum func(input string) []byte) edit {
		return key(func(input string) []byte { return must(rsa.SignPKCS1v15(rand.Reader, own, h, sum(input))) })
	}
	sha := func(input string) []byte { sum := sha256.Sum256([]byte(input)); return sum[:] }
	rows := map[string]edit{
		"one byte too few":    signature(func(good []byte) []byte { return good[:255] }),
		"a zero byte before":  signature(func(good []byte) []byte { return append([]byte{0}, good...) }),
		"all zero":            signature(func(good []byte) []byte { return make([]byte, 256) }),
		"one":                 signature(func(good []byte) []byte { return append(make([]byte, 255), 1) }),
		"the modulus":         signature(func(good []byte) []byte { return own.N.Bytes() }),
		"hashed with SHA-1":   pkcs1(crypto.SHA1, func(input string) []byte { sum := sha1.Sum([]byte(input)); return sum[:] }),
		"without a hash":      pkcs1(0, sha),
		"another's signature": key(signer("RS256", other)),
		"padded as PSS":       key(signer("PS256", own)),
	}
	salted := func(salt int) edit {
		return key(func(input string) []byte {
			return must(rsa.SignPSS(rand.Reader, other, crypto.SHA256, sha(input), &rsa.PSSOptions{SaltLength: salt}))
		})
	}
	return append(refusedFor(notGood, "RS256", rows), refusedFor(notGood, "PS256", map[string]edit{
		"a shorter salt": salted(20), "no salt": salted(0), "the longest salt": salted(rsa.PSSSaltLengthAuto), "padded as PKCS #1": key(signer("RS256", other)),
	})...)
}

func signaturesOfEdwards() []forgery {
	own := material()["EdDSA"].(ed25519.PrivateKey)
	with := func(o *ed25519.Options) edit {
		return key(func(input string) []byte {
			message := []byte(input)
			if o.Hash != 0 {
				sum := sha512.Sum512(message)
				message = sum[:]
			}
			return must(own.Sign(rand.Reader, message, o))
		})
	}
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	return refusedFor(notGood, "EdDSA", map[string]edit{
		"one byte too few": signature(func(good []byte) []byte { return good[:63] }),
		"all zero":         signature(func([]byte) []byte { return make([]byte, 64) }),
		"the neutral point and zero": signature(func([]byte) []byte {
			return append([]byte{1}, make([]byte, 63)...)
		}),
		"S and the order": signature(func(good []byte) []byte { // the same point, written otherwise
			s := slices.Clone(good[32:])
			slices.Reverse(s)
			sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
			slices.Reverse(sum)
			return append(good[:32], sum...)
		}),
		"with a context": with(&ed25519.Options{Context: "JWT"}),
		"hashed before":  with(&ed25519.Options{Hash: crypto.SHA512}),
		"another's signature": key(func(input string) []byte {
			return ed25519.Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), []byte(input))
		}),
	})
}

// splices are good signatures, of something else.
func splices() []forgery {
	swap := func(i int, part func(good string) string) func(string) string {
		return func(good string) string {
			p := strings.Split(good, ".")
			p[i] = part(p[i])
			return strings.Join(p, ".")
		}
	}
	replaced := func(old, new string) func(string) string {
		return func(part string) string { return encoded(strings.Replace(decodedPart(part), old, new, 1)) }
	}
	of := func(sign func(input string) string) edit {
		return func(d *draft) {
			good := d.sign
			d.sign = func(input string) []byte { return good(sign(input)) }
		}
	}
	return []forgery{
		{"a scope that is exchanged afterwards", notGood, nil, swap(1, replaced("rings:read", "*")), "", invalid},
		{"a subject that is exchanged afterwards", notGood, nil, swap(1, replaced("frodo", "sauron")), "", invalid},
		{"an expiry that is exchanged afterwards", notGood, nil, swap(1, replaced(seconds(900), seconds(9000))), "", invalid},
		{"a space that is put into the claims afterwards", notGood, nil, swap(1, replaced(":", ": ")), "", invalid},
		{"a claim that is put behind the others afterwards", notGood, nil, swap(1, replaced("}", `,"admin":true}`)), "", invalid},
		{"a header that is exchanged afterwards", notGood, nil, swap(0, replaced("{", `{"x":1,`)), "", invalid},
		{"members of the header that change places", notGood, nil, swap(0, func(string) string { return encoded(`{"kid":"key-ES256","alg":"ES256","typ":"at+jwt"}`) }), "", invalid},
		{"the signature of another token", notGood, nil, swap(2, func(string) string { return strings.Split(anotherToken(), ".")[2] }), "", invalid},
		{"the claims of another token", notGood, nil, swap(1, func(string) string { return strings.Split(anotherToken(), ".")[1] }), "", invalid},
		{"a signature of the claims alone", notGood, of(func(input string) string { return strings.Split(input, ".")[1] }), nil, "", invalid},
		{"a signature of what is not encoded", notGood, of(decodedInput), nil, "", invalid},
		{"a signature of nothing", notGood, of(func(string) string { return "" }), nil, "", invalid},
		{"a signature with the dot behind", notGood, of(func(input string) string { return input + "." }), nil, "", invalid},
	}
}

func anotherToken() string {
	d := newDraft("ES256")
	claim("sub", `"sam"`)(d)
	return d.text()
}
