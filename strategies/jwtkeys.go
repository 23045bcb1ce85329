package strategies

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kahu-go/kahu/internal/jws"
)

// A JWTKey is one key for one algorithm. It prints, and encodes, without the key.
type JWTKey struct {
	// ID is the kid of what the key signs: 1 to 64 letters, digits and '-', '_', '.', ':', '/'.
	// Give a retired key's ID to no other.
	ID string

	// Algorithm is HS256, HS384, HS512; RS, PS and ES likewise; or EdDSA.
	Algorithm string

	// Key is a []byte of at least 32, 48 or 64 random bytes for HS256, HS384 or HS512; an
	// *rsa.PrivateKey of at least 2048 bits; an *ecdsa.PrivateKey on the algorithm's curve;
	// an ed25519.PrivateKey; or one of their public halves, which can verify only.
	Key any

	// Until is when the key ends: from then on it verifies nothing. It is the grace of a
	// key that was retired, so that what it signed lives its time. Zero: no end.
	Until time.Time
}

// String keeps the key out of logs.
func (k JWTKey) String() string { return "JWT key " + k.ID + " for " + k.Algorithm }

// Format is String for every verb.
func (k JWTKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON leaves the key out.
func (k JWTKey) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// LogValue is String, for slog.
func (k JWTKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// JWTKeys are the keys of one issuer, made with [NewJWTKeys]. The first signs, all verify, each its own
// algorithm only (RFC 8725 section 3.1). They are for concurrent use.
type JWTKeys struct {
	// Clock is the time for Publish; nil: time.Now. It is to be set before the first
	// request.
	Clock func() time.Time

	set atomic.Pointer[jwtKeySet]
}

// NewJWTKeys takes the keys, the one that signs first. It is an error if there is none,
// if the first has no private half or has an end, if two have the same ID or are the
// same key, if secrets stand beside public-key pairs, and for a key that is weak or not
// its algorithm's.
func NewJWTKeys(keys ...JWTKey) (*JWTKeys, error) {
	k := new(JWTKeys)
	if err := k.Replace(keys...); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace puts other keys in the place of the present ones, at once and for all, by the
// rules of [NewJWTKeys]. If it is an error the present ones stay. To rotate, give the new
// key first and the old one behind it, with an Until when the last token that it
// signed is over.
func (k *JWTKeys) Replace(keys ...JWTKey) error {
	set, err := newJWTKeySet(keys)
	if err != nil {
		return err
	}
	k.set.Store(set)
	return nil
}

// String says how many there are.
func (k *JWTKeys) String() string {
	return fmt.Sprintf("%d JWT keys", len(k.set.Load().all))
}

// Format keeps the keys out of every verb.
func (k *JWTKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON leaves the keys out. [JWTKeys.Publish] is for the public ones.
func (k *JWTKeys) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// signing returns the key for new tokens.
func (k *JWTKeys) signing() *jws.Key { return k.set.Load().all[0].Key }

// find returns the live key of an id, or nil. "" is the id of the only key, if there is
// but one.
func (k *JWTKeys) find(id string, now time.Time) *jws.Key {
	set := k.set.Load()
	if id == "" && len(set.all) == 1 {
		return set.all[0].live(now)
	}
	return set.named[id].live(now)
}

// A jwtKeySet is not changed after it was made.
type jwtKeySet struct {
	all   []*jwtKey
	named map[string]*jwtKey
}

// A jwtKey is a key and when it ends.
type jwtKey struct {
	*jws.Key
	until time.Time
}

// live returns the key unless there is none or it has ended.
func (k *jwtKey) live(now time.Time) *jws.Key {
	if k == nil || !k.until.IsZero() && !now.Before(k.until) {
		return nil
	}
	return k.Key
}

func newJWTKeySet(keys []JWTKey) (*jwtKeySet, error) {
	set := &jwtKeySet{named: map[string]*jwtKey{}}
	for _, given := range keys {
		own, err := newJWTKey(given)
		if err != nil {
			return nil, err
		}
		if err := set.add(own); err != nil {
			return nil, err
		}
	}
	switch {
	case len(set.all) == 0:
		return nil, errors.New("strategies: JWT keys: it takes at least one")
	case !set.all[0].CanSign():
		return nil, fmt.Errorf("strategies: JWT key %s: the first key signs, so it takes the private half", set.all[0].ID())
	case !set.all[0].until.IsZero():
		return nil, fmt.Errorf("strategies: JWT key %s: the first key signs, so it has no Until", set.all[0].ID())
	}
	return set, nil
}

// add refuses what must not stand beside the others: RFC 8725 sections 3.1 and 3.2.
func (s *jwtKeySet) add(k *jwtKey) error {
	for _, other := range s.all {
		switch {
		case other.ID() == k.ID():
			return fmt.Errorf("strategies: two JWT keys have the ID %s", k.ID())
		case other.Symmetric() != k.Symmetric():
			return errors.New("strategies: JWT keys: secrets and public-key pairs do not go together, who has a public key could sign with it")
		case other.SameMaterial(k.Key):
			return fmt.Errorf("strategies: the JWT keys %s and %s are the same key, each takes its own", other.ID(), k.ID())
		}
	}
	s.all = append(s.all, k)
	s.named[k.ID()] = k
	return nil
}

func newJWTKey(given JWTKey) (*jwtKey, error) {
	if given.ID == "" || len(given.ID) > 64 || strings.Trim(given.ID, digits+"-_.:/") != "" {
		return nil, fmt.Errorf("strategies: the ID %q of a JWT key: 1 to 64 letters, digits and '-', '_', '.', ':', '/'", given.ID)
	}
	k, err := jws.NewKey(given.ID, given.Algorithm, given.Key)
	if err != nil {
		return nil, fmt.Errorf("strategies: JWT key %s: %w", given.ID, err)
	}
	if secret, ok := given.Key.([]byte); ok && fewBytes(secret) {
		return nil, fmt.Errorf("strategies: JWT key %s: too few different bytes, it takes random ones", given.ID)
	}
	return &jwtKey{k, given.Until}, nil
}

// fewBytes reports whether a secret is a few bytes again and again, which no random one is.
func fewBytes(secret []byte) bool {
	distinct := map[byte]bool{}
	for _, b := range secret {
		distinct[b] = true
	}
	return len(distinct) < 8
}
