package app

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
)

// Keys sign cookies, with HMAC-SHA256 over the cookie's name, its value and the time.
// The first key signs, all verify: to rotate put a new one first and drop the last one
// when MaxAge of your cookies is over. Keys print as nothing but their number.
type Keys struct{ keys [][]byte }

// NewKeys takes the secrets, the newest first. It is an error if there is none, or if
// one is shorter than 32 bytes or the same few bytes again and again.
func NewKeys(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("app: NewKeys needs a secret")
	}
	k := new(Keys)
	for i, secret := range secrets {
		if err := checkSecret(secret); err != nil {
			return nil, fmt.Errorf("app: secret %d of %d: %w", i+1, len(secrets), err)
		}
		k.keys = append(k.keys, bytes.Clone(secret))
	}
	return k, nil
}

func checkSecret(secret []byte) error {
	if len(secret) < 32 {
		return fmt.Errorf("%d bytes are too short, it takes 32 random ones", len(secret))
	}
	distinct := map[byte]bool{}
	for _, b := range secret {
		distinct[b] = true
	}
	if len(distinct) < 8 {
		return errors.New("too few different bytes, it takes 32 random ones")
	}
	return nil
}

func (k Keys) String() string { return fmt.Sprintf("%d keys", len(k.keys)) }

// Format keeps the secrets out of every verb.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// sign returns value with its signature.
func (k *Keys) sign(c Cookie, value string) (string, error) {
	if k == nil {
		return "", ErrNoKeys
	}
	signed, err := codec(k.keys[0], c.MaxAge).Encode(c.Name, []byte(value))
	if err != nil {
		return "", fmt.Errorf("app: cookie %s: %w", c.Name, err)
	}
	return signed, nil
}

// verify returns the value in a signed text, and whether it is an older key's.
func (k *Keys) verify(c Cookie, signed string) (value string, old bool, err error) {
	if k == nil {
		return "", false, ErrNoKeys
	}
	for i, key := range k.keys {
		var b []byte
		if codec(key, c.MaxAge).Decode(c.Name, signed, &b) == nil {
			return string(b), i > 0, nil
		}
	}
	return "", false, http.ErrNoCookie
}

func codec(key []byte, maxAge time.Duration) *securecookie.SecureCookie {
	// Rounded up: 0 would be for ever.
	seconds := int((maxAge + time.Second - 1) / time.Second)
	return securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(seconds).MaxLength(maxCookieBytes)
}

func (c *Context) keys() *Keys {
	if c.app == nil {
		return nil
	}
	return c.app.Keys
}
