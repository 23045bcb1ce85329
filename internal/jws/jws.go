// Package jws reads and writes JSON Web Signatures in their compact serialization
// (RFC 7515), more strictly than the library whose primitives it uses: a key has one
// algorithm, the header is compared with it and decides nothing (RFC 8725 section 3.1).
package jws

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxLength is how many bytes a message may have. It is looked at before anything else.
const MaxLength = 8 << 10

var (
	// ErrMalformed is in the error for a text that is no message of ours: not in the one
	// way in which it can be written, or with a header that we must not ignore.
	ErrMalformed = errors.New("jws: malformed")

	// ErrSignature is in the error for a signature that is not good, and for a message
	// that does not say the key's algorithm.
	ErrSignature = errors.New("jws: the signature is not good")
)

// A Message is what was read, its parts in memory of their own.
type Message struct {
	Header  Header
	Payload []byte

	algorithm string // as received, whatever becomes of Header
	input     string // what is signed, as received
	signature []byte
}

// Parse reads a message and verifies nothing. The errors are ErrMalformed. A payload may
// be empty; of the header it refuses what would have to be understood, and what says
// where to find a key: crit, b64, zip, enc, cty, jku, jwk, x5u and x5c.
func Parse(text string) (*Message, error) {
	if len(text) > MaxLength {
		return nil, malformed("it is longer than 8 KiB")
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, found := strings.Cut(rest, ".")
	switch {
	case !found || header == "" || signature == "":
		return nil, malformed("it has fewer than three parts")
	case strings.IndexByte(signature, '.') >= 0:
		return nil, malformed("it has more than three parts")
	}
	m := &Message{input: text[:len(header)+1+len(payload)]}
	if err := m.read(header, payload, signature); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return m, nil
}

func (m *Message) read(header, payload, signature string) (err error) {
	if m.Payload, err = decode(payload); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	if m.signature, err = decode(signature); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if m.Header, err = parseHeader(header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	m.algorithm = m.Header.Algorithm
	return nil
}

// Verify reports whether the message says the key's algorithm and the signature over the
// text as it was received is good. Any other error than nil is ErrSignature.
func (m *Message) Verify(k *Key) error {
	if k == nil || m.algorithm != k.algorithm.name {
		return fmt.Errorf("%w: it is of another algorithm than the key", ErrSignature)
	}
	return k.verify(m.input, m.signature)
}

// Sign makes a message. Its header has the key's algorithm, its id, and typ, both unless
// they are "". It is an error if the key can only verify, and if the message is so long
// that Parse would refuse it.
func Sign(k *Key, typ string, payload []byte) (string, error) {
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid,omitempty"`
		Type      string `json:"typ,omitempty"`
	}{k.Algorithm(), k.ID(), typ})
	if err != nil {
		return "", fmt.Errorf("jws: sign: %w", err)
	}
	input := encoding.EncodeToString(header) + "." + encoding.EncodeToString(payload)
	signature, err := k.sign(input)
	if err != nil {
		return "", fmt.Errorf("jws: sign: %w", err)
	}
	text := input + "." + encoding.EncodeToString(signature)
	if len(text) > MaxLength {
		return "", errors.New("jws: sign: the message is longer than 8 KiB")
	}
	return text, nil
}

// encoding wants unused bits to be zero. With decode there is one text for each sequence
// of bytes.
var encoding = base64.RawURLEncoding.Strict()

var errBase64 = errors.New("no base64url")

func decode(part string) ([]byte, error) {
	if strings.IndexByte(part, '\n') >= 0 || strings.IndexByte(part, '\r') >= 0 {
		return nil, errBase64 // the library would skip them
	}
	b, err := encoding.DecodeString(part)
	if err != nil {
		return nil, errBase64
	}
	return b, nil
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
