package jws

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/kahu-go/kahu/internal/strictjson"
)

// A Header is all that is read of a message's header. None of it is to be believed
// before the signature is verified.
type Header struct {
	Algorithm string
	KeyID     string // at most 256 bytes
	Type      string
}

// knownHeader has the names that no other may resemble: those of RFC 7515 section 4.1,
// RFC 7516 section 4.1 and RFC 7797 section 3.
type knownHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
	X5T       any    `json:"x5t"`
	X5T256    any    `json:"x5t#S256"`
	refusedHeader
}

type refusedHeader struct {
	Critical    any `json:"crit"`
	Encoded     any `json:"b64"`
	Compression any `json:"zip"`
	Encryption  any `json:"enc"`
	ContentType any `json:"cty"`
	KeySetURL   any `json:"jku"`
	Key         any `json:"jwk"`
	CertURL     any `json:"x5u"`
	Certs       any `json:"x5c"`
}

var (
	headerType = reflect.TypeFor[knownHeader]()
	refused    = strictjson.Fields(reflect.TypeFor[refusedHeader]())
)

const maxKeyID = 256

// parseHeader reads the header, which is checked before any of it is used.
func parseHeader(part string) (Header, error) {
	raw, err := decode(part)
	if err != nil {
		return Header{}, err
	}
	var h Header
	var wrong error
	err = strictjson.Check(raw, headerType, strictjson.Limits{Values: 100, Depth: 8}, func(name, value string) {
		wrong = errors.Join(wrong, h.set(name, value))
	})
	switch {
	case err != nil:
		return Header{}, err
	case wrong != nil:
		return Header{}, wrong
	case h.Algorithm == "" || strings.EqualFold(h.Algorithm, "none"):
		return Header{}, errors.New("it says that nothing is signed")
	case len(h.KeyID) > maxKeyID:
		return Header{}, errors.New("kid is longer than 256 bytes")
	}
	return h, nil
}

func (h *Header) set(name, raw string) error {
	var field *string
	switch name {
	case "alg":
		field = &h.Algorithm
	case "kid":
		field = &h.KeyID
	case "typ":
		field = &h.Type
	default:
		if _, ok := refused[name]; ok {
			return fmt.Errorf("%s is refused", name)
		}
		return nil
	}
	switch {
	case raw[0] != '"':
		return fmt.Errorf("%s is no string", name)
	case strings.IndexByte(raw, '\\') >= 0:
		return json.Unmarshal([]byte(raw), field)
	}
	*field = raw[1 : len(raw)-1]
	return nil
}
