package strategies_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/kahu-go/kahu/internal/jws"
)

// headersToObey are what a header may ask of its reader, all truly signed.
func headersToObey() []forgery {
	var list []forgery
	for name, values := range map[string][]string{
		"crit": {`["exp"]`, `["b64"]`, `["kid"]`, `[]`, "null", `"exp"`},
		"b64":  {"false", "true"}, "zip": {`"DEF"`}, "enc": {`"A128GCM"`}, "cty": {`"JWT"`},
	} {
		for _, value := range values {
			list = append(list, forgery{"the header says " + name + " " + value, name + " is refused", header(name, value), nil, "", invalid})
		}
	}
	unencoded := func(good string) string { // RFC 7797: the claims as they are, and signed so
		d := newDraft("ES256")
		d.header = append(d.header, member{"b64", "false"}, member{"crit", `["b64"]`})
		input := encoded(d.header.String()) + "." + strings.ReplaceAll(d.claims.String(), ".", "")
		return signed(strings.ReplaceAll(input, ",", ""), d.sign)
	}
	return append(list, forgery{"claims that are not encoded", "no base64url", nil, unencoded, "", invalid})
}

// keysThatComeAlong are a header's keys, and where it says that they are.
func keysThatComeAlong(lure string) []forgery {
	private := attacker()
	jwk, _ := must(jws.NewKey("attacker", "ES256", &private.PublicKey)).JWK()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: landing.Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))
	sum := sha256.Sum256(der)
	var list []forgery
	for name, value := range map[string]string{
		"jku": strconv.Quote(lure + "/jwks.json"), "x5u": strconv.Quote(lure + "/cert.pem"), "jwk": string(jwk),
		"x5c": `["` + base64.StdEncoding.EncodeToString(der) + `"]`,
	} {
		add := func(what string, edits ...edit) {
			list = append(list, forgery{name + what, name + " is refused", all(append(edits, header(name, value))...), nil, "", invalid})
		}
		add(" that nothing depends on")
		add(" of the attacker, who signed", key(signer("ES256", private)))
		add(" of the attacker, who signed, with its kid", key(signer("ES256", private)), header("kid", `"attacker"`))
		add(" of the attacker, who signed, without a kid", key(signer("ES256", private)), header("kid", ""))
	}
	thumb := all(key(signer("ES256", private)), header("x5t#S256", strconv.Quote(base64.RawURLEncoding.EncodeToString(sum[:]))))
	return append(list, forgery{"the thumbprint of the attacker's certificate", notGood, thumb, nil, "", invalid})
}

// kids name a key, and that is all that they do.
func kids() []forgery {
	rows := map[string]edit{"kid is missing, of several keys": header("kid", "")}
	for name, kid := range map[string]string{
		"is empty": "", "is unknown": "key-2", "is a path": "../../../../dev/null", "is a path of ours": "./" + kidOf("ES256"),
		"is SQL": kidOf("ES256") + "' OR '1'='1", "is a union": "x' UNION SELECT 'secret' --", "is a command": "$(cat /etc/passwd)", "is a URL": "https://mordor.example/key.pem",
		"has a NUL behind": kidOf("ES256") + "\x00", "has a space behind": kidOf("ES256") + " ", "has a space before": " " + kidOf("ES256"),
		"is in upper case": strings.ToUpper(kidOf("ES256")), "has another hyphen": "key‐ES256", "is a number in a string": "0", "has 256 bytes": strings.Repeat("k", 256),
	} {
		rows["kid "+name] = header("kid", string(must(jsonText(kid))))
	}
	list := refusedFor("there is no such key", "", rows)
	list = append(list, refusedFor("there is no such key", "HS256", map[string]edit{
		"kid is an empty file, which is the secret": all(header("kid", `"../../../../dev/null"`), key(keyed(sha256.New, nil))),
		"kid is SQL that makes the secret":          all(header("kid", `"x' UNION SELECT 'secret"`), key(keyed(sha256.New, []byte("secret")))),
	})...)
	list = append(list, refusedFor("kid is no string", "", map[string]edit{
		"kid is an array": header("kid", `["`+kidOf("ES256")+`"]`), "kid is a number": header("kid", "0"), "kid is an object": header("kid", `{"kid":"`+kidOf("ES256")+`"}`),
		"kid is true": header("kid", "true"),
	})...)
	return append(list,
		forgery{"kid is null", "null for a string", header("kid", "null"), nil, "", invalid},
		forgery{"kid has 257 bytes", "kid is longer than 256 bytes", header("kid", quote(strings.Repeat("k", 257))), nil, "", invalid},
		forgery{"kid has 5,000 bytes", "kid is longer than 256 bytes", header("kid", quote(strings.Repeat("k", 5000))), nil, "", invalid},
		forgery{"kid is that of a key which has ended", "there is no such key", all(header("kid", `"retired"`), header("alg", `"RS512"`), key(signer("RS512", retiredKey()))), nil, "", invalid},
		forgery{"kid is that of another key, which signed", notGood, all(header("kid", quote(kidOf("ES256"))), key(signer("ES256", attacker()))), nil, "", invalid},
	)
}

// types are what an issuer makes for other purposes: RFC 8725 section 3.11.
func types() []forgery {
	rows := map[string]edit{"typ is missing": header("typ", ""), "typ is empty": header("typ", `""`)}
	for _, typ := range []string{"JWT", "jwt", "AT+JWT", "at+jwt ", "application/at+jwt", "id+jwt", "rt+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE", "at+jwt\u0000"} {
		rows["typ is "+strconv.Quote(typ)] = header("typ", string(must(jsonText(typ))))
	}
	return append(refusedFor("a token of another type", "", rows),
		forgery{"typ is a number", "typ is no string", header("typ", "1"), nil, "", invalid},
		forgery{"typ is an array", "typ is no string", header("typ", `["at+jwt"]`), nil, "", invalid},
		forgery{"typ is null", "null for a string", header("typ", "null"), nil, "", invalid},
	)
}
