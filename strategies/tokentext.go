package strategies

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"
)

// The text of a token: prefix, id, secret and checksum, all of fixed length, in
// letters and digits only, so that a double click selects it and a scanner for leaked
// secrets can recognize it.
const (
	idBytes, idChars         = 16, 22
	secretBytes, secretChars = 32, 43
	sumChars                 = 6
	textChars                = idChars + secretChars + sumChars // behind the prefix
)

// A tokenText is a token as its owner has it.
type tokenText struct{ prefix, id, secret string }

// newTokenText makes one of fresh random bits: 128 for the id, 256 for the secret.
func newTokenText(prefix string) (tokenText, error) {
	var b [idBytes + secretBytes]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		return tokenText{}, fmt.Errorf("strategies: no random token: %w", err)
	}
	return tokenText{prefix, base62(b[:idBytes], idChars), base62(b[idBytes:], secretChars)}, nil
}

// randomID returns 128 random bits as an id is written.
func randomID() (string, error) {
	var b [idBytes]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		return "", fmt.Errorf("strategies: no random id: %w", err)
	}
	return base62(b[:], idChars), nil
}

// parseTokenText reads a token and reports whether it can be one: garbage, and a
// token with a typing error, costs no query.
func parseTokenText(prefix, text string) (t tokenText, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != textChars || strings.Trim(rest, digits) != "" {
		return tokenText{}, false
	}
	t = tokenText{prefix, rest[:idChars], rest[idChars : idChars+secretChars]}
	return t, t.String() == text
}

// isTokenID tells before any query whether a text from a client can be an id.
func isTokenID(id string) bool { return len(id) == idChars && strings.Trim(id, digits) == "" }

func (t tokenText) String() string { return summed(t.prefix + t.id + t.secret) }

// summed adds the checksum.
func summed(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return body + base62([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}, sumChars)
}

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// base62 writes a number with at least n digits.
func base62(b []byte, n int) string {
	text := new(big.Int).SetBytes(b).Text(62)
	return strings.Repeat("0", max(0, n-len(text))) + text
}

// TokenKeys turn the hashes of tokens into MACs: who has the database alone can then
// not even tell whether a token that they found is in it. The first key is for new
// tokens, all are for verifying; each token says which one it needs. Give a retired
// key's ID to no other.
type TokenKeys struct{ keys []TokenKey }

// A TokenKey is a secret of at least 32 random bytes and its name.
type TokenKey struct {
	ID     string // letters and digits
	Secret []byte
}

// String keeps the secret out of logs.
func (k TokenKey) String() string { return "token key " + k.ID }

// Format is String for every verb.
func (k TokenKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// MarshalJSON leaves the secret out.
func (k TokenKey) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// NewTokenKeys takes the keys, the newest first. It is an error if there is none, for
// a secret under 32 bytes, and for an ID that is empty, twice there, or more than
// letters and digits.
func NewTokenKeys(keys ...TokenKey) (*TokenKeys, error) {
	if len(keys) == 0 {
		return nil, errors.New("strategies: NewTokenKeys needs a key")
	}
	seen := map[string]bool{}
	for _, k := range keys {
		switch {
		case k.ID == "" || len(k.ID) > 32 || strings.Trim(k.ID, digits) != "":
			return nil, fmt.Errorf("strategies: the ID %q of a token key: 1 to 32 letters and digits", k.ID)
		case seen[k.ID]:
			return nil, fmt.Errorf("strategies: two token keys have the ID %s", k.ID)
		case len(k.Secret) < 32:
			return nil, fmt.Errorf("strategies: the token key %s is too short, it takes 32 random bytes", k.ID)
		}
		seen[k.ID] = true
	}
	return &TokenKeys{append([]TokenKey(nil), keys...)}, nil
}

// String says how many there are, and no secret.
func (k *TokenKeys) String() string { return fmt.Sprintf("%d token keys", len(k.keys)) }

// Format keeps the secrets out of every verb.
func (k *TokenKeys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// hash returns what the store keeps of a secret. The type and the id are part of it,
// so that a row that is moved or renamed proves nothing.
func (k *TokenKeys) hash(typ string, t tokenText) string {
	if k == nil {
		sum := sha256.Sum256(hashed(typ, t))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return k.keys[0].mac(typ, t)
}

func (k TokenKey) mac(typ string, t tokenText) string {
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write(hashed(typ, t))
	return "hmac-sha256:" + k.ID + ":" + hex.EncodeToString(mac.Sum(nil))
}

func hashed(typ string, t tokenText) []byte {
	return []byte(typ + "\x00" + t.id + "\x00" + t.secret)
}

// matches reports, in constant time, whether stored is the hash of the secret. A token
// that was stored without a key stays good when keys come: its secret has 256 bits.
func (k *TokenKeys) matches(stored, typ string, t tokenText) bool {
	want := (*TokenKeys)(nil).hash(typ, t)
	if rest, mac := strings.CutPrefix(stored, "hmac-sha256:"); mac {
		id, _, _ := strings.Cut(rest, ":")
		want = ""
		if secret := k.secret(id); secret != nil {
			want = TokenKey{id, secret}.mac(typ, t)
		}
	}
	return want != "" && subtle.ConstantTimeCompare([]byte(stored), []byte(want)) == 1
}

// secret returns the secret of a key, nil if there is no such key.
func (k *TokenKeys) secret(id string) []byte {
	if k == nil {
		return nil
	}
	for _, key := range k.keys {
		if key.ID == id {
			return key.Secret
		}
	}
	return nil
}
