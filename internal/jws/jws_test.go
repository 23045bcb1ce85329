package jws_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/jws"
)

func hmacOf(input string) []byte {
	mac := hmac.New(sha256.New, secret(32))
	mac.Write([]byte(input))
	return mac.Sum(nil)
}

const claims = `{"sub":"frodo"}`

func TestSignAndVerify(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			text, err := jws.Sign(newKey(t, "bag-end", algorithm), "at+jwt", []byte(claims))
			require.NoError(t, err)
			m, err := jws.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, jws.Header{Algorithm: algorithm, KeyID: "bag-end", Type: "at+jwt"}, m.Header)
			assert.Equal(t, claims, string(m.Payload))
			assert.NoError(t, m.Verify(newKey(t, "bag-end", algorithm)))
			assert.NoError(t, m.Verify(publicKey(t, "another id", algorithm)), "which key is asked is the caller's choice")
			assert.NoError(t, m.Verify(publicKey(t, "", algorithm)), "once more")
			for i := range 3 {
				assert.ErrorIs(t, damaged(t, text, i).Verify(publicKey(t, "", algorithm)), jws.ErrSignature, "part %d", i)
			}
		})
	}
}

// damaged changes one bit of a part, so that it is still what Parse reads.
func damaged(t *testing.T, text string, part int) *jws.Message {
	t.Helper()
	parts := strings.Split(text, ".")
	switch part {
	case 0: // the same header, written in another way
		raw := must(decode(parts[0]))
		parts[0] = b64([]byte(strings.Replace(string(raw), "{", "{ ", 1)))
	default:
		raw := must(decode(parts[part]))
		raw[len(raw)/2] ^= 1
		parts[part] = b64(raw)
	}
	m, err := jws.Parse(strings.Join(parts, "."))
	require.NoError(t, err)
	return m
}

func TestSignWritesTheHeaderInOneOrder(t *testing.T) {
	for _, c := range []struct{ id, typ, want string }{
		{"a:b/c", "JWT", `{"alg":"EdDSA","kid":"a:b/c","typ":"JWT"}`},
		{"", "at+jwt", `{"alg":"EdDSA","typ":"at+jwt"}`},
		{"", "", `{"alg":"EdDSA"}`},
	} {
		text, err := jws.Sign(newKey(t, c.id, "EdDSA"), c.typ, []byte(claims))
		require.NoError(t, err)
		header, _, _ := strings.Cut(text, ".")
		assert.Equal(t, c.want, string(must(decode(header))))
	}
}

func TestSignRefuses(t *testing.T) {
	t.Run("a key that can only verify", func(t *testing.T) {
		_, err := jws.Sign(publicKey(t, "", "ES256"), "JWT", []byte(claims))
		assert.ErrorContains(t, err, "can only verify")
	})
	t.Run("a message that Parse would refuse", func(t *testing.T) {
		k := newKey(t, "", "HS256")
		_, err := jws.Sign(k, "", make([]byte, 6*1024+200))
		assert.ErrorContains(t, err, "8 KiB")
		text, err := jws.Sign(k, "", make([]byte, 6*1024-64))
		require.NoError(t, err)
		_, err = jws.Parse(text)
		assert.NoError(t, err)
	})
}

// A message of one algorithm never verifies with a key of another, though the material were
// right: what the header says is compared, and decides nothing.
func TestVerifyTakesTheKeysAlgorithmOnly(t *testing.T) {
	for _, says := range algorithms {
		text, err := jws.Sign(newKey(t, "", says), "", []byte(claims))
		require.NoError(t, err)
		m, err := jws.Parse(text)
		require.NoError(t, err)
		for _, other := range algorithms {
			if other == says {
				continue
			}
			assert.ErrorIs(t, m.Verify(newKey(t, "", other)), jws.ErrSignature, "%s with a key for %s", says, other)
			m.Header.Algorithm = other // as received, that is
			assert.ErrorIs(t, m.Verify(newKey(t, "", other)), jws.ErrSignature, "%s with a key for %s", says, other)
		}
	}
}

func TestVerifyWithoutAKey(t *testing.T) {
	m, err := jws.Parse(signed(t, `{"alg":"HS256"}`, claims))
	require.NoError(t, err)
	assert.ErrorIs(t, m.Verify(nil), jws.ErrSignature)
}

// A tag of another length is none, though it begins or ends with the right one.
func TestVerifyComparesWholeTags(t *testing.T) {
	k := newKey(t, "", "HS256")
	input := []byte("a.b")
	tag := hmacOf("a.b")
	require.NoError(t, k.VerifyRaw(input, tag))
	for _, wrong := range [][]byte{nil, {}, tag[:31], tag[1:], tag[:16], append(tag[:32:32], 0), make([]byte, 32)} {
		assert.ErrorIs(t, k.VerifyRaw(input, wrong), jws.ErrSignature)
	}
}

// r and s have a fixed width: RFC 7518 section 3.4.
func TestVerifyWantsECDSAInFixedWidth(t *testing.T) {
	k := newKey(t, "", "ES256")
	text, err := jws.Sign(k, "", []byte(claims))
	require.NoError(t, err)
	parts := strings.Split(text, ".")
	input, signature := []byte(parts[0]+"."+parts[1]), must(decode(parts[2]))
	require.NoError(t, k.VerifyRaw(input, signature))
	zero := make([]byte, 1)
	wide := append(append(append(append([]byte{}, zero...), signature[:32]...), zero...), signature[32:]...)
	for _, wrong := range [][]byte{nil, signature[:63], append(signature[:64:64], 0), wide, make([]byte, 64), make([]byte, 64<<10)} {
		assert.ErrorIs(t, k.VerifyRaw(input, wrong), jws.ErrSignature, "%d bytes", len(wrong))
	}
}

func TestParseTakes(t *testing.T) {
	k := newKey(t, "", "HS256")
	for _, c := range []struct {
		name, header string
		want         jws.Header
	}{
		{"a header with nothing but alg", `{"alg":"HS256"}`, jws.Header{Algorithm: "HS256"}},
		{"white space", " {\r\n\t\"alg\" : \"HS256\" } ", jws.Header{Algorithm: "HS256"}},
		{"escapes", `{"\u0061lg":"\u0048S256","kid":"\ud83d\udc8d\""}`, jws.Header{Algorithm: "HS256", KeyID: `💍"`}},
		{"names that are not ours", `{"alg":"HS256","rings":[1,{"a":null}],"x":{"alg":1}}`, jws.Header{Algorithm: "HS256"}},
		{"thumbprints of certificates", `{"alg":"HS256","x5t":"eA","x5t#S256":"eA"}`, jws.Header{Algorithm: "HS256"}},
		{"100 values", `{"alg":"HS256","a":[` + strings.Repeat("0,", 97) + `0]}`, jws.Header{Algorithm: "HS256"}},
		{"empty strings", `{"alg":"HS256","kid":"","typ":""}`, jws.Header{Algorithm: "HS256"}},
		{"a kid of 256 bytes", `{"alg":"HS256","kid":"` + strings.Repeat("k", 256) + `"}`, jws.Header{Algorithm: "HS256", KeyID: strings.Repeat("k", 256)}},
		{"a kid that is a path", `{"alg":"HS256","kid":"../../dev/null"}`, jws.Header{Algorithm: "HS256", KeyID: "../../dev/null"}},
		{"a kid that is SQL", `{"alg":"HS256","kid":"x' UNION SELECT 'k"}`, jws.Header{Algorithm: "HS256", KeyID: "x' UNION SELECT 'k"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := jws.Parse(signed(t, c.header, claims))
			require.NoError(t, err)
			assert.Equal(t, c.want, m.Header)
			assert.NoError(t, m.Verify(k))
		})
	}
	t.Run("an empty payload", func(t *testing.T) {
		m, err := jws.Parse(signed(t, `{"alg":"HS256"}`, ""))
		require.NoError(t, err)
		assert.Empty(t, m.Payload)
		assert.NoError(t, m.Verify(k))
	})
	t.Run("an algorithm of nobody, which no key has", func(t *testing.T) {
		m, err := jws.Parse(signed(t, `{"alg":"HS1"}`, claims))
		require.NoError(t, err)
		assert.ErrorIs(t, m.Verify(k), jws.ErrSignature)
	})
}

// Each of these is signed with the right key over the text as it stands.
func TestParseRefusesHeaders(t *testing.T) {
	for _, c := range []struct{ name, header string }{
		{"none", `{"alg":"none"}`},
		{"none in capitals", `{"alg":"NONE"}`},
		{"none in mixed case", `{"alg":"nOnE"}`},
		{"none, escaped", `{"alg":"\u006eone"}`},
		{"no alg", `{"typ":"JWT"}`},
		{"an empty alg", `{"alg":""}`},
		{"an empty header", `{}`},
		{"alg that is null", `{"alg":null}`},
		{"alg that is a number", `{"alg":256}`},
		{"alg that is a list", `{"alg":["HS256"]}`},
		{"alg that is an object", `{"alg":{"alg":"HS256"}}`},
		{"alg that is true", `{"alg":true}`},
		{"kid that is null", `{"alg":"HS256","kid":null}`},
		{"kid that is a number", `{"alg":"HS256","kid":1}`},
		{"kid that is a list", `{"alg":"HS256","kid":["a"]}`},
		{"kid of 257 bytes", `{"alg":"HS256","kid":"` + strings.Repeat("k", 257) + `"}`},
		{"typ that is a list", `{"alg":"HS256","typ":["JWT"]}`},
		{"typ that is null", `{"alg":"HS256","typ":null}`},
		{"crit", `{"alg":"HS256","crit":["exp"],"exp":1}`},
		{"crit with b64", `{"alg":"HS256","crit":["b64"],"b64":false}`},
		{"crit that is empty", `{"alg":"HS256","crit":[]}`},
		{"crit that is null", `{"alg":"HS256","crit":null}`},
		{"crit that is no list", `{"alg":"HS256","crit":"b64"}`},
		{"b64 false", `{"alg":"HS256","b64":false}`},
		{"b64 true", `{"alg":"HS256","b64":true}`},
		{"zip", `{"alg":"HS256","zip":"DEF"}`},
		{"enc", `{"alg":"HS256","enc":"A256GCM"}`},
		{"a token in the token", `{"alg":"HS256","cty":"JWT"}`},
		{"jku", `{"alg":"HS256","jku":"https://mordor.example/keys"}`},
		{"x5u", `{"alg":"HS256","x5u":"https://mordor.example/cert"}`},
		{"jwk", `{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`},
		{"x5c", `{"alg":"HS256","x5c":["MIIB"]}`},
		{"jku, escaped", `{"alg":"HS256","\u006aku":"https://mordor.example/keys"}`},
		{"alg twice", `{"alg":"HS256","alg":"HS256"}`},
		{"alg twice, once none", `{"alg":"none","alg":"HS256"}`},
		{"alg twice, once escaped", `{"alg":"HS256","\u0061lg":"none"}`},
		{"kid twice", `{"alg":"HS256","kid":"a","kid":"b"}`},
		{"an unknown name twice", `{"alg":"HS256","a":1,"a":2}`},
		{"a name twice further down", `{"alg":"HS256","a":{"b":1,"b":2}}`},
		{"a name twice in a list", `{"alg":"HS256","a":[{"b":1,"b":2}]}`},
		{"Alg", `{"Alg":"HS256"}`},
		{"ALG beside alg", `{"alg":"HS256","ALG":"none"}`},
		{"Kid", `{"alg":"HS256","Kid":"a"}`},
		{"kid with the Kelvin sign", `{"alg":"HS256","` + "\u212a" + `id":"a"}`},
		{"TYP", `{"alg":"HS256","TYP":"JWT"}`},
		{"CRIT", `{"alg":"HS256","CRIT":["exp"]}`},
		{"Jwk", `{"alg":"HS256","Jwk":{}}`},
		{"X5C", `{"alg":"HS256","X5C":[]}`},
		{"x5t#s256", `{"alg":"HS256","x5t#s256":"a"}`},
		{"B64", `{"alg":"HS256","B64":false}`},
		{"invalid UTF-8", "{\"alg\":\"HS256\",\"kid\":\"\xff\"}"},
		{"invalid UTF-8 in a name", "{\"alg\":\"HS256\",\"\xff\":1}"},
		{"an overlong character", "{\"alg\":\"HS256\",\"kid\":\"\xc0\xaf\"}"},
		{"half of a surrogate pair", `{"alg":"HS256","kid":"\ud83d"}`},
		{"a byte order mark", "\ufeff" + `{"alg":"HS256"}`},
		{"UTF-16", "{\x00}\x00"},
		{"a list", `[{"alg":"HS256"}]`},
		{"a string", `"HS256"`},
		{"null", `null`},
		{"a number", `1`},
		{"two objects", `{"alg":"HS256"}{"alg":"HS256"}`},
		{"something behind the object", `{"alg":"HS256"}x`},
		{"a NUL behind the object", "{\"alg\":\"HS256\"}\x00"},
		{"half an object", `{"alg":"HS256"`},
		{"a comma too many", `{"alg":"HS256",}`},
		{"single quotes", `{'alg':'HS256'}`},
		{"a comment", `{"alg":"HS256"/**/}`},
		{"nine levels", `{"alg":"HS256","a":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}`},
		{"2,000 levels", `{"alg":"HS256","a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`},
		{"101 values", `{"alg":"HS256","a":[` + strings.Repeat("0,", 98) + `0]}`},
	} {
		t.Run(c.name, func(t *testing.T) { assertMalformed(t, signed(t, c.header, claims)) })
	}
}

func assertMalformed(t *testing.T, text string) {
	t.Helper()
	m, err := jws.Parse(text)
	require.ErrorIs(t, err, jws.ErrMalformed)
	assert.Nil(t, m)
}

func TestParseRefusesTexts(t *testing.T) {
	good := signed(t, `{"alg":"HS256"}`, claims)
	parts := strings.Split(good, ".")
	_, err := jws.Parse(good)
	require.NoError(t, err)
	// One byte, so that two of its last six bits are used: "QQ" and "QR" are both 'A' to a lax decoder.
	short := "QR"
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"a dot", "."},
		{"two dots", ".."},
		{"one part", parts[0]},
		{"two parts", parts[0] + "." + parts[1]},
		{"no header", "." + parts[1] + "." + parts[2]},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"four parts", good + ".a"},
		{"four parts, the last empty", good + "."},
		{"five parts, as encryption has", good + ".a.b"},
		{"a dot before", "." + good},
		{"padding behind the payload", parts[0] + "." + parts[1] + "=." + parts[2]},
		{"padding behind the signature", good + "="},
		{"padding behind the header", parts[0] + "==." + parts[1] + "." + parts[2]},
		{"standard base64", parts[0] + ".+/+/." + parts[2]},
		{"a line feed in the header", "\n" + good},
		{"a line feed in the payload", signedInput(t, parts[0]+"."+parts[1][:4]+"\n"+parts[1][4:])},
		{"a carriage return in the payload", signedInput(t, parts[0]+"."+parts[1][:4]+"\r"+parts[1][4:])},
		{"a line feed in the signature", parts[0] + "." + parts[1] + "." + parts[2][:3] + "\n" + parts[2][3:]},
		{"a line feed behind it", good + "\n"},
		{"a blank before it", " " + good},
		{"a blank in it", parts[0] + "." + parts[1] + " ." + parts[2]},
		{"a tab behind it", good + "\t"},
		{"a NUL", good + "\x00"},
		{"a comma", good + ","},
		{"percent signs", strings.ReplaceAll(good, ".", "%2e")},
		{"another character", parts[0] + ".ab?d." + parts[2]},
		{"invalid UTF-8", parts[0] + ".\xff\xff\xff\xff." + parts[2]},
		{"full-width dots", strings.ReplaceAll(good, ".", "．")},
		{"unused bits in the payload", signedInput(t, parts[0]+"."+short)},
		{"unused bits in the signature", parts[0] + "." + parts[1] + "." + withUnusedBit(parts[2])},
		{"unused bits in the header", signedInput(t, withUnusedBit(b64([]byte(`{"alg":"HS256" }`)))+"."+parts[1])},
		{"a length that no bytes have", signedInput(t, parts[0]+".AAAAA")},
		{"JSON", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		{"a scheme before it", "Bearer " + good},
		{"over 8 KiB", signed(t, `{"alg":"HS256"}`, strings.Repeat("a", 7000))},
	} {
		t.Run(c.name, func(t *testing.T) { assertMalformed(t, c.text) })
	}
}

// withUnusedBit sets the last of the bits that carry nothing.
func withUnusedBit(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last|1])
}

// What is too long costs a comparison, whatever is in it; what is full of dots two searches.
func TestParseCostsLittle(t *testing.T) {
	for _, c := range []struct {
		name, text string
		bytes      int
	}{
		{"100,000 dots", strings.Repeat(".", 100_000), 256},
		{"8,192 dots", strings.Repeat(".", jws.MaxLength), 256},
		{"4,096 dots behind a header", b64([]byte(`{"alg":"HS256"}`)) + strings.Repeat(".", 4096), 256},
		{"a megabyte", strings.Repeat("a", 1<<20), 256},
		{"8 KiB of header without a dot", strings.Repeat("a", jws.MaxLength), 256},
		{"a header of names", dotted(`{` + strings.Repeat(`"":0,`, 1200) + `"":0}`), 128 << 10},
		{"a header of escapes", dotted(`{"` + strings.Repeat(`\u0061`, 1000) + `":0}`), 64 << 10},
		{"a header of brackets", dotted(`{"a":` + strings.Repeat("[", 5900)), 256 << 10},
		{"a header of brackets that close", dotted(`{"a":` + strings.Repeat("[", 2900) + strings.Repeat("]", 2900) + `}`), 256 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			cost := allocated(func() { _, _ = jws.Parse(c.text) })
			_, err := jws.Parse(c.text)
			require.ErrorIs(t, err, jws.ErrMalformed)
			assert.Less(t, cost, c.bytes)
		})
	}
}

// allocated returns how many bytes f allocates, the least of some runs.
func allocated(f func()) int {
	least := math.MaxInt
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	return least
}

func dotted(header string) string { return b64([]byte(header)) + ".e30.AAAA" }

// There is one text for each message: nothing that is the same to us can be written in two ways.
func TestParsedMessagesHaveOneText(t *testing.T) {
	for _, text := range []string{signed(t, `{"alg":"HS256"}`, claims), signed(t, " {\n\"alg\":\"HS256\"}", ""), signed(t, `{"alg":"HS256"}`, "ab")} {
		m, err := jws.Parse(text)
		require.NoError(t, err)
		assert.True(t, canonical(text, m))
	}
}

// canonical reports whether what was read from a text gives that text again.
func canonical(text string, m *jws.Message) bool {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[1] != b64(m.Payload) {
		return false
	}
	for _, i := range []int{0, 2} {
		raw, err := decode(parts[i])
		if err != nil || b64(raw) != parts[i] {
			return false
		}
	}
	return true
}

// What one caller does to a message changes nothing about its signature.
func TestMessagesAreOnTheirOwn(t *testing.T) {
	k := newKey(t, "", "HS256")
	text := signed(t, `{"alg":"HS256"}`, claims)
	m, err := jws.Parse(text)
	require.NoError(t, err)
	other, err := jws.Parse(text)
	require.NoError(t, err)
	m.Payload = append(m.Payload, make([]byte, 1000)...)
	clear(m.Payload)
	m.Header = jws.Header{}
	assert.NoError(t, m.Verify(k), "it is the received text that is signed")
	assert.NoError(t, other.Verify(k))
	assert.Equal(t, claims, string(other.Payload))
}

func FuzzParse(f *testing.F) {
	k := newKey(f, "", "HS256")
	good := signed(f, `{"alg":"HS256","kid":"a","typ":"JWT"}`, claims)
	for _, seed := range []string{
		good, good + "=", good + ".", "..", signed(f, `{"alg":"none"}`, ""), signed(f, `{"alg":"HS256","crit":[]}`, claims), signed(f, `{"alg":"HS256","\ud83d":1}`, claims),
		signed(f, "{\"alg\":\"HS256\",\n\"a\":[{\"b\":{}}]}", ""), strings.ReplaceAll(good, "e", "\n"), signed(f, `{"Alg":"HS256","alg":"\u0048S256"}`, claims),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := jws.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, jws.ErrMalformed)
			require.Nil(t, m)
			return
		}
		require.LessOrEqual(t, len(text), jws.MaxLength)
		require.True(t, canonical(text, m), "%q was accepted", text)
		var header map[string]any
		require.NoError(t, json.Unmarshal(must(decode(text[:strings.IndexByte(text, '.')])), &header))
		require.Equal(t, header["alg"], m.Header.Algorithm)
		for _, name := range []string{"crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c"} {
			require.NotContains(t, header, name)
		}
		if m.Verify(k) == nil {
			input := text[:strings.LastIndexByte(text, '.')]
			require.Equal(t, input+"."+b64(hmacOf(input)), text)
		}
	})
}

func ExampleSign() {
	k, err := jws.NewKey("2024-05", "HS256", []byte("a secret of 32 bytes, or of more"))
	if err != nil {
		panic(err)
	}
	text, err := jws.Sign(k, "at+jwt", []byte(`{"sub":"frodo"}`))
	if err != nil {
		panic(err)
	}
	m, err := jws.Parse(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Header.KeyID, m.Verify(k), string(m.Payload))
	// Output: 2024-05 <nil> {"sub":"frodo"}
}
