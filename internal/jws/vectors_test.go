package jws_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/daemon"
	"github.com/kahu-go/kahu/internal/jws"
)

// The public vectors are beside the repository, with a README.
const vectors = "../../../shared/vectors"

func read(t *testing.T, v any, path ...string) {
	t.Helper()
	if _, err := os.Stat(vectors); err != nil {
		daemon.Missing(t, "THE PUBLIC VECTORS ARE NOT THERE: "+err.Error())
	}
	raw, err := os.ReadFile(filepath.Join(append([]string{vectors}, path...)...))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v))
}

// A group of Wycheproof's, of all the files.
type group struct {
	Comment, KeyJwk, Pk, PublicKeyPem string
	Private, Public                   json.RawMessage
	KeyJWK                            json.RawMessage `json:"keyJwk"`
	PublicKeyJWK                      json.RawMessage `json:"publicKeyJwk"`
	PublicKey                         struct{ Uncompressed, Pk string }
	KeySize, TagSize                  int
	Tests                             []vector
}

type vector struct {
	TcID               int `json:"tcId"`
	Comment, Result    string
	JWS                message
	Key, Msg, Sig, Tag string
	Flags              []string
	group              *group
}

// A message is one in the JSON serialization as text, too.
type message string

func (m *message) UnmarshalJSON(raw []byte) error {
	if raw[0] != '"' {
		*m = message(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(m))
}

func (g *group) key() json.RawMessage {
	for _, raw := range []json.RawMessage{g.Public, g.KeyJWK, g.PublicKeyJWK} {
		if raw != nil {
			return raw
		}
	}
	return g.Private
}

func wycheproof(t *testing.T, file string) map[int]*vector {
	t.Helper()
	var all struct {
		NumberOfTests int
		TestGroups    []group
	}
	read(t, &all, "wycheproof", file)
	found := map[int]*vector{}
	for i := range all.TestGroups {
		for j := range all.TestGroups[i].Tests {
			v := &all.TestGroups[i].Tests[j]
			v.group = &all.TestGroups[i]
			found[v.TcID] = v
		}
	}
	require.Len(t, found, all.NumberOfTests)
	return found
}

// pinned returns a JWK with an algorithm of our choice.
func pinned(t *testing.T, raw json.RawMessage, algorithm string) json.RawMessage {
	t.Helper()
	var key map[string]any
	require.NoError(t, json.Unmarshal(raw, &key))
	key["alg"] = algorithm
	changed, err := json.Marshal(key)
	require.NoError(t, err)
	return changed
}

func verify(key json.RawMessage, text string) error {
	k, err := jws.ParseJWK(key)
	if err != nil {
		return err
	}
	m, err := jws.Parse(text)
	if err != nil {
		return err
	}
	return m.Verify(k)
}

// Each case of the JWS file comes out as expected_jws.json says, with the key's algorithm
// pinned: "either" by what the header says, "skip" is a copy of a good one, and "-if-jwk" and
// "-if-ps" apply, since keys come as JWK and PS256 is offered.
func TestVectorsOfWycheproofJWS(t *testing.T) {
	var expected struct {
		Cases []struct {
			TcID      int    `json:"tcId"`
			Algorithm string `json:"pinned_alg"`
			Ours, Why string
		}
	}
	read(t, &expected, "wycheproof", "expected_jws.json")
	cases := wycheproof(t, "json_web_signature_test.json")
	require.Len(t, cases, 401)
	require.Len(t, expected.Cases, 401)
	for _, want := range expected.Cases {
		t.Run(strconv.Itoa(want.TcID), func(t *testing.T) {
			v := cases[want.TcID]
			err := verify(pinned(t, v.group.key(), want.Algorithm), string(v.JWS))
			switch want.Ours {
			case "valid", "skip":
				assert.NoError(t, err, v.Comment)
			case "invalid", "invalid-if-jwk", "invalid-if-ps":
				assert.Error(t, err, v.Comment)
			case "either":
				m, malformed := jws.Parse(string(v.JWS))
				require.NoError(t, malformed)
				assert.Equal(t, m.Header.Algorithm == want.Algorithm, err == nil, "%s: %v", v.Comment, err)
				assert.NoError(t, verify(pinned(t, v.group.key(), m.Header.Algorithm), string(v.JWS)))
			default:
				t.Fatalf("what is %q?", want.Ours)
			}
		})
	}
}

// The keys of these files stand in sets, and go with one message each: that verifies if and
// only if a key of its kid can be used and is the only one of it.
func TestVectorsOfWycheproofKeys(t *testing.T) {
	for _, file := range []string{"json_web_key_test.json", "json_web_crypto_test.json"} {
		for id, v := range wycheproof(t, file) {
			if v.JWS == "" {
				continue // encryption
			}
			t.Run(file[:12]+"/"+strconv.Itoa(id), func(t *testing.T) {
				err := verifyWithSet(v.group.key(), string(v.JWS))
				assert.Equal(t, v.Result == "valid", err == nil, "%s, %s: %v", v.group.Comment, v.Comment, err)
			})
		}
	}
}

func verifyWithSet(raw json.RawMessage, text string) error {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(raw, &set); err != nil {
		return err
	}
	if set.Keys == nil {
		return verify(raw, text)
	}
	m, err := jws.Parse(text)
	if err != nil {
		return err
	}
	var fitting []*jws.Key
	kinds := map[bool]bool{}
	for _, raw := range set.Keys {
		k, err := jws.ParseJWK(raw)
		if err != nil {
			return err
		}
		kinds[k.Symmetric()] = true
		if k.ID() == m.Header.KeyID {
			fitting = append(fitting, k)
		}
	}
	if len(fitting) != 1 || len(kinds) != 1 {
		return jws.ErrSignature
	}
	return m.Verify(fitting[0])
}

// The raw primitives. Where the file says acceptable both would do.
func TestVectorsOfWycheproofPrimitives(t *testing.T) {
	for _, c := range []struct {
		file, algorithm string
		count           int
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", "ES256", 262},
		{"ed25519_test.json", "EdDSA", 151},
		{"rsa_signature_2048_sha256_test.json", "RS256", 259},
		{"hmac_sha256_test.json", "HS256", 174},
	} {
		t.Run(c.algorithm, func(t *testing.T) {
			cases := wycheproof(t, c.file)
			require.Len(t, cases, c.count)
			for id, v := range cases {
				k, want := v.rawKey(t, c.algorithm)
				if k == nil {
					continue
				}
				err := k.VerifyRaw(unhex(t, v.Msg), unhex(t, v.Sig+v.Tag))
				if v.Result != "acceptable" {
					assert.Equal(t, want, err == nil, "%d %s: %v", id, v.Comment, err)
				}
				if err != nil {
					assert.ErrorIs(t, err, jws.ErrSignature)
				}
			}
		})
	}
}

// rawKey returns the key of a case, nil if it must be refused, and the verdict about its
// signature.
func (v *vector) rawKey(t *testing.T, algorithm string) (k *jws.Key, valid bool) {
	t.Helper()
	valid = v.Result == "valid"
	if algorithm == "HS256" {
		k, err := jws.NewKey("", algorithm, unhex(t, v.Key))
		if v.group.KeySize < 256 {
			require.ErrorContains(t, err, "32")
			return nil, false
		}
		require.NoError(t, err)
		return k, valid && v.group.TagSize == 256 // a shorter tag is refused
	}
	raw := v.group.key()
	if raw == nil {
		raw = ecJWK(t, v.group.PublicKey.Uncompressed)
	}
	k, err := jws.ParseJWK(pinned(t, raw, algorithm))
	require.NoError(t, err)
	return k, valid
}

// ecJWK makes the key of a group that has none as JWK.
func ecJWK(t *testing.T, point string) json.RawMessage {
	t.Helper()
	b := unhex(t, point)
	require.Len(t, b, 65)
	return json.RawMessage(`{"kty":"EC","crv":"P-256","x":"` + b64(b[1:33]) + `","y":"` + b64(b[33:]) + `"}`)
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestVectorsOfTheRFCs(t *testing.T) {
	var examples struct {
		Cases []struct {
			ID, Alg, Token, Signature string
			Key                       json.RawMessage
			JSON                      json.RawMessage `json:"token_json"`
		}
	}
	read(t, &examples, "rfc", "rfc_jws_examples.json")
	require.NotEmpty(t, examples.Cases)
	for _, c := range examples.Cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Alg == "none" || c.JSON != nil {
				_, err := jws.Parse(c.Token + string(c.JSON))
				assert.ErrorIs(t, err, jws.ErrMalformed)
				return
			}
			err := verify(pinned(t, c.Key, c.Alg), c.Token)
			if c.Signature == "valid" {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, jws.ErrSignature)
			}
		})
	}
}

func TestVectorsOfRFC7520(t *testing.T) {
	read(t, new(any), "rfc", "rfc_jws_examples.json") // is the folder there?
	files, err := filepath.Glob(vectors + "/rfc/rfc7520/*.json")
	require.NoError(t, err)
	require.Len(t, files, 10)
	compact := 0
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var c struct {
				Input struct {
					Payload, Alg any
					Key          json.RawMessage
				}
				Output struct {
					Compact string
					JSON    json.RawMessage
				}
			}
			read(t, &c, "rfc", "rfc7520", filepath.Base(file))
			_, err := jws.Parse(string(c.Output.JSON))
			require.ErrorIs(t, err, jws.ErrMalformed, "the JSON serialization is not ours")
			if c.Output.Compact == "" {
				return
			}
			compact++
			key := pinned(t, c.Input.Key, c.Input.Alg.(string))
			m, err := jws.Parse(c.Output.Compact)
			require.NoError(t, err)
			if strings.Contains(c.Output.Compact, "..") { // detached
				assert.Empty(t, m.Payload)
				assert.ErrorIs(t, verify(key, c.Output.Compact), jws.ErrSignature)
				return
			}
			assert.Equal(t, c.Input.Payload, string(m.Payload))
			assert.NoError(t, verify(key, c.Output.Compact))
		})
	}
	assert.Equal(t, 6, compact)
}

func TestVectorWithUnencodedPayload(t *testing.T) {
	var c struct {
		Input   struct{ Payload string }
		Signing struct {
			Protected string `json:"protected_b64u"`
			Sig       string
		}
	}
	read(t, &c, "rfc", "rfc7520", "4.2.hmac-sha2_b64_false.json")
	for _, payload := range []string{c.Input.Payload, "", b64([]byte(c.Input.Payload))} {
		_, err := jws.Parse(c.Signing.Protected + "." + payload + "." + c.Signing.Sig)
		assert.ErrorIs(t, err, jws.ErrMalformed)
	}
}
