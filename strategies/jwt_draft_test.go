package strategies_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
)

// A member of a JSON object, as it stands there, but for the quotes around the name.
type member struct{ name, value string }

// An object is one that may have a name twice.
type object []member

func (o object) String() string {
	parts := make([]string, len(o))
	for i, m := range o {
		parts[i] = `"` + m.name + `":` + m.value
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// with returns the object with another value of a member; "" leaves it out.
func (o object) with(name, value string) object {
	var out object
	for _, m := range o {
		if m.name != name {
			out = append(out, m)
		}
	}
	if value != "" {
		out = append(out, member{name, value})
	}
	return out
}

// A draft is a good token that is not written yet.
type draft struct {
	header, claims object
	head, body     string // stand in for them unless ""
	sign           func(input string) []byte
}

// newDraft is a token as the strategy itself would issue it, signed by another program.
func newDraft(alg string) *draft {
	return &draft{
		header: object{{"alg", quote(alg)}, {"kid", quote(kidOf(alg))}, {"typ", `"at+jwt"`}},
		claims: object{
			{"iss", quote(shire)}, {"aud", quote(shireAPI)}, {"sub", `"frodo"`}, {"jti", `"token-1"`},
			{"iat", seconds(0)}, {"exp", seconds(900)}, {"scope", `"rings:read"`}, {"role", `"bearer"`},
		},
		sign: signer(alg, material()[alg]),
	}
}

func signer(alg string, key any) func(input string) []byte {
	return func(input string) []byte { return must(jwt.GetSigningMethod(alg).Sign(input, key)) }
}

func quote(text string) string { return strconv.Quote(text) }

// seconds is a NumericDate that far from the start.
func seconds(n int64) string { return strconv.FormatInt(landing.Unix()+n, 10) }

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func (d *draft) text() string {
	if d.head == "" {
		d.head = d.header.String()
	}
	if d.body == "" {
		d.body = d.claims.String()
	}
	return signed(encoded(d.head)+"."+encoded(d.body), d.sign)
}

func signed(input string, sign func(input string) []byte) string {
	return input + "." + encoded(string(sign(input)))
}

// An edit makes one thing of a draft another.
type edit = func(d *draft)

func header(name, value string) edit {
	return func(d *draft) { d.header = d.header.with(name, value) }
}

func claim(name, value string) edit { return func(d *draft) { d.claims = d.claims.with(name, value) } }

// headed and paid write the header and the claims by hand, from how they would be.
func headed(write func(good string) string) edit {
	return func(d *draft) { d.head = write(d.header.String()) }
}

func paid(write func(good string) string) edit {
	return func(d *draft) { d.body = write(d.claims.String()) }
}

func key(sign func(input string) []byte) edit { return func(d *draft) { d.sign = sign } }

// signature changes a good one.
func signature(change func(good []byte) []byte) edit {
	return func(d *draft) {
		sign := d.sign
		d.sign = func(input string) []byte { return change(sign(input)) }
	}
}

// all makes several edits, where one thing takes them.
func all(edits ...edit) edit {
	return func(d *draft) {
		for _, e := range edits {
			e(d)
		}
	}
}

// instead is a text for whatever there was.
func instead(text string) func(string) string { return func(string) string { return text } }

// behind writes more after a text, inside before its last letter.
func behind(more string) func(string) string { return func(good string) string { return good + more } }

func inside(more string) func(string) string {
	return func(good string) string { return good[:len(good)-1] + more + good[len(good)-1:] }
}

// Everything that is forged below begins with one of these, and they are good.
func TestJWTLetsInWhatOthersSignWithTheKey(t *testing.T) {
	for alg := range material() {
		t.Run(alg, func(t *testing.T) {
			h := newHarbour(t, withKeys(keysFor(t, alg)))
			text := newDraft(alg).text()
			w := h.send(text)
			assert.Equal(t, 200, w.Code, h.log.String())
			assert.Equal(t, "frodo", w.Body.String())
		})
	}
}

func decodedPart(part string) string {
	return string(must(base64.RawURLEncoding.DecodeString(part)))
}

// decodedInput is what a signature is over, without the encoding.
func decodedInput(input string) string {
	head, body, _ := strings.Cut(input, ".")
	return decodedPart(head) + "." + decodedPart(body)
}
