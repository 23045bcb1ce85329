package strategies_test

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

const wrongTime = "a time that is no whole number of seconds"

// names are those that encoding/json would take for ours.
func names() []forgery {
	rows := map[string]edit{}
	for _, name := range []string{"Exp", "EXP", "ISS", "Iss", "Sub", "SUB", "Aud", "Nbf", "Iat", "JTI", "Sid", "Scope", "Client_ID", "Kahu", "ſub", "iſſ", "\u212aahu", `e\u0058p`} {
		rows["a claim "+strconv.Quote(name)] = claim(name, "1")
	}
	for _, name := range []string{"ALG", "Alg", "Kid", "KID", "\u212aid", "Typ", "Crit", "CRIT", "B64", "JKU", "Jwk", "X5C"} {
		rows["a header "+strconv.Quote(name)] = header(name, `"x"`)
	}
	list := refusedFor("is not written as it should be", "", rows)
	for _, name := range []string{"iss", "sub", "aud", "exp", "jti", "scope"} {
		list = append(list, forgery{"the claim " + name + " twice", "is there twice", func(d *draft) {
			for _, m := range d.claims {
				if m.name == name {
					d.claims = append(d.claims, m)
					return
				}
			}
		}, nil, "", invalid})
	}
	for _, name := range []string{"alg", "kid", "typ"} {
		list = append(list, forgery{"the header's " + name + " twice", "is there twice", func(d *draft) { d.header = append(d.header, member{name, `"none"`}) }, nil, "", invalid})
	}
	return append(list, forgery{"the claim sub twice, once escaped", "is there twice", func(d *draft) { d.claims = append(d.claims, member{`s\u0075b`, `"sauron"`}) }, nil, "", invalid})
}

func expiries() []forgery {
	list := []forgery{
		{"exp is missing", "no expiry", claim("exp", ""), nil, "", invalid},
		{"it has expired", "the token has expired", claim("exp", seconds(-1)), nil, "", invalid},
		{"it expires in this second", "the token has expired", claim("exp", seconds(0)), nil, "", invalid},
		{"it expired when time began", "the token has expired", claim("exp", "1"), nil, "", invalid},
	}
	rows := map[string]edit{}
	for name, value := range map[string]string{
		"a string": quote(seconds(900)), "null": "null", "true": "true", "false": "false", "negative": "-1", "zero": "0", "negative zero": "-0", "a fraction": seconds(900) + ".5", "a whole fraction": seconds(900) + ".0",
		"in the manner of a float": "1e9", "with a large exponent": "1e400", "with a small exponent": "1e-400", "beyond 63 bits": "9223372036854775808", "beyond 64 bits": "18446744073709551617",
		"of a hundred digits": strings.Repeat("9", 100), "in milliseconds": seconds(900) + "000", "in the year 10000": "253402300800", "an array": "[" + seconds(900) + "]", "an object": "{}", "an empty string": `""`,
	} {
		rows["exp is "+name] = claim("exp", value)
	}
	return append(list, refusedFor(wrongTime, "", rows)...)
}

func dates() []forgery {
	rows := map[string]edit{}
	for _, name := range []string{"nbf", "iat"} {
		for what, value := range map[string]string{"a string": quote(seconds(0)), "null": "null", "a fraction": seconds(0) + ".5", "negative": "-1", "an array": "[]", "huge": "1e400"} {
			rows[name+" is "+what] = claim(name, value)
		}
	}
	return append(refusedFor(wrongTime, "", rows), refusedFor("a token from the future", "", map[string]edit{
		"nbf is in a second": claim("nbf", seconds(1)), "iat is in a second": claim("iat", seconds(1)), "nbf is in a thousand years": claim("nbf", "63072000000"), "iat is in a thousand years": claim("iat", "63072000000"),
	})...)
}

func audiences() []forgery {
	rows := map[string]edit{"aud is missing": claim("aud", "")}
	for name, value := range map[string]string{
		"an empty string": `""`, "an empty array": "[]", "null": "null", "another": `"https://mordor.example"`, "several others": `["https://mordor.example","` + shire + `"]`, "an array with an empty string": `[""]`,
		"ours in capitals": quote(strings.ToUpper(shireAPI)), "ours and a slash": quote(shireAPI + "/"), "ours and more": quote(shireAPI + ".mordor.example"), "ours cut": quote(shireAPI[:len(shireAPI)-1]),
		"ours and a space": quote(shireAPI + " "), "ours beside another in one string": quote(shireAPI + " https://mordor.example"), "the issuer": quote(shire), "a wildcard": `"*"`,
	} {
		rows["aud is "+name] = claim("aud", value)
	}
	list := refusedFor("a token for another audience", "", rows)
	for name, value := range map[string]string{
		"a number": "1", "true": "true", "an object": `{"` + shireAPI + `":true}`, "an array with a number": `["` + shireAPI + `",1]`, "an array in an array": `[["` + shireAPI + `"]]`,
	} {
		list = append(list, forgery{"aud is " + name, "wireClaims.aud of type", claim("aud", value), nil, "", invalid})
	}
	return append(list, forgery{"aud is an array with null", "null in the audience", claim("aud", `["`+shireAPI+`",null]`), nil, "", invalid})
}

func issuers() []forgery {
	list := refusedFor("no issuer", "", map[string]edit{"iss is missing": claim("iss", ""), "iss is empty": claim("iss", `""`)})
	for name, value := range map[string]string{"a number": "1", "an array": `["` + shire + `"]`, "an object": "{}", "true": "true"} {
		list = append(list, forgery{"iss is " + name, "wireClaims.iss of type string", claim("iss", value), nil, "", invalid})
	}
	list = append(list, forgery{"iss is null", "null for a string", claim("iss", "null"), nil, "", invalid})
	for name, issuer := range map[string]string{
		"another": "https://mordor.example", "ours and a slash": shire + "/", "ours in capitals": strings.ToUpper(shire), "ours and a NUL": shire + "\x00", "ours and a space": shire + " ", "ours cut": shire[:len(shire)-1], "ours by another scheme": "http" + shire[5:],
	} {
		list = append(list, forgery{"iss is " + name, "", claim("iss", string(must(jsonText(issuer)))), nil, "", foreign})
	}
	return list
}

func subjects() []forgery {
	rows := map[string]edit{"sub is missing": claim("sub", "")}
	for name, subject := range map[string]string{
		"empty": "", "a NUL": "\x00", "a name with a NUL": "frodo\x00", "a name with a newline": "frodo\nsam", "a name that is not shown": "frodo\u200b", "a replacement character": "frodo\ufffd", "256 bytes long": strings.Repeat("f", 256),
	} {
		rows["sub is "+name] = claim("sub", string(must(jsonText(subject))))
	}
	list := refusedFor("no subject", "", rows)
	for name, value := range map[string]string{"a number": "7", "an array": `["frodo"]`, "an object": `{"name":"frodo"}`, "true": "true"} {
		list = append(list, forgery{"sub is " + name, "wireClaims.sub of type string", claim("sub", value), nil, "", invalid})
	}
	return append(list, forgery{"sub is null", "null for a string", claim("sub", "null"), nil, "", invalid})
}

func ids() []forgery {
	list := refusedFor("no usable id", "", map[string]edit{
		"jti is missing": claim("jti", ""), "jti is empty": claim("jti", `""`), "jti has 256 bytes": claim("jti", quote(strings.Repeat("j", 256))), "sid has 256 bytes": claim("sid", quote(strings.Repeat("s", 256))),
	})
	return append(list,
		forgery{"jti is a number", "wireClaims.jti of type string", claim("jti", "1"), nil, "", invalid},
		forgery{"jti is an array", "wireClaims.jti of type string", claim("jti", `["token-1"]`), nil, "", invalid},
		forgery{"jti is null", "null for a string", claim("jti", "null"), nil, "", invalid},
	)
}

func otherClaims() []forgery {
	list := refusedFor("a token of another kind of user", "", map[string]edit{
		"a token of another kind of user": claim("kahu", `{"kind":"admin"}`), "a token of another kind and more": claim("kahu", `{"kind":"admin","epoch":"1","stamp":"1"}`),
	})
	for name, value := range map[string]string{"scope": `["rings:read"]`, "sid": "1", "client_id": "{}"} {
		list = append(list, forgery{name + " is no string", "wireClaims." + name + " of type string", claim(name, value), nil, "", invalid})
	}
	return append(list,
		forgery{"scope is null", "null for a string", claim("scope", "null"), nil, "", invalid},
	)
}

// othersTokens are good for something else.
func othersTokens() []forgery {
	from := func(issue func() string) func(string) string { return func(string) string { return issue() } }
	pair := func(edit func(o *strategies.JWTOptions)) func() *strategies.TokenPair {
		return func() *strategies.TokenPair {
			keys := must(strategies.NewJWTKeys(strategies.JWTKey{ID: kidOf("ES256"), Algorithm: "ES256", Key: material()["ES256"]}))
			o := strategies.JWTOptions{Issuer: shire, Audience: shireAPI, Keys: keys, InsecureIrrevocable: true, Clock: func() time.Time { return landing }}
			o.Refresh.Store = tokenstores.NewMemory()
			edit(&o)
			return must(strategies.NewJWT(&people{}, o).Issue(context.Background(), &hobbit{Name: "frodo"}, strategies.PairOptions{}))
		}
	}
	access := func(edit func(o *strategies.JWTOptions)) func(string) string {
		return from(func() string { return pair(edit)().Access() })
	}
	opaque := strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{})
	return []forgery{
		{"a refresh token", fewParts, nil, from(func() string { return pair(func(*strategies.JWTOptions) {})().Refresh() }), "", invalid},
		{"an opaque token", fewParts, nil, from(func() string {
			return must(opaque.Issue(context.Background(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})).Text()
		}), "", invalid},
		{"an ID token of the same issuer", "a token of another type", all(header("typ", `"JWT"`), claim("aud", `"client"`), claim("nonce", `"1"`), claim("jti", ""), claim("scope", "")), nil, "", invalid},
		{"an access token for another kind of user", "a token of another kind of user", nil, access(func(o *strategies.JWTOptions) { o.Kind = "admin" }), "", invalid},
		{"an access token for another audience", "a token for another audience", nil, access(func(o *strategies.JWTOptions) { o.Audience = shire }), "", invalid},
		{"an access token of another type", "a token of another type", nil, access(func(o *strategies.JWTOptions) { o.Typ = "mail+jwt" }), "", invalid},
		{"an access token of another issuer", "", nil, access(func(o *strategies.JWTOptions) { o.Issuer = "https://mordor.example" }), "", foreign},
	}
}
