package strategies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/jws"
)

// Publish is an app.Handler that answers with the JWK Set (RFC 7517 section 5) of the
// public keys that have not ended, for whom verifies elsewhere. Secrets are never in it,
// so for HMAC it is empty. Clients may keep it for 5 minutes: let a new key verify as long
// before it signs.
func (k *JWTKeys) Publish(ctx *app.Context) error {
	keys := []json.RawMessage{}
	now := k.now()
	for _, key := range k.set.Load().all {
		if key.live(now) == nil {
			continue
		}
		if public, ok := key.JWK(); ok {
			keys = append(keys, public)
		}
	}
	body, err := json.Marshal(map[string][]json.RawMessage{"keys": keys})
	if err != nil {
		return fmt.Errorf("strategies: publish the keys: %w", err)
	}
	ctx.Header().Set("Content-Type", "application/jwk-set+json")
	ctx.Header().Set("Cache-Control", "public, max-age=300")
	ctx.Body = body
	return nil
}

func (k *JWTKeys) now() time.Time {
	if k.Clock != nil {
		return k.Clock()
	}
	return time.Now()
}

// maxRemoteKeys is how many keys a set may have.
const maxRemoteKeys = 100

// A remoteKeySet is what can be used of a foreign JWK Set, and what is wrong with it.
type remoteKeySet struct {
	keys       map[string]*jws.Key
	sum        [sha256.Size]byte
	unusable   []error
	duplicates []string
}

// parseKeySet takes the keys that can verify one of the algorithms. Others are no fault of
// the set, which may hold keys for anything.
func parseKeySet(body []byte, algorithms []string) (*remoteKeySet, error) {
	entries, err := keySetEntries(body)
	switch {
	case err != nil:
		return nil, err
	case len(entries) > maxRemoteKeys:
		return nil, fmt.Errorf("the set has over %d keys", maxRemoteKeys)
	}
	set := &remoteKeySet{keys: map[string]*jws.Key{}, sum: sha256.Sum256(body)}
	for i, raw := range entries {
		k, err := jws.ParseJWK(raw, algorithms...)
		if err == nil && k.CanSign() {
			err = errors.New("it is a private key, with which everybody can sign")
		}
		if err != nil {
			set.unusable = append(set.unusable, fmt.Errorf("key %d of %d: %w", i+1, len(entries), err))
			continue
		}
		set.add(k)
	}
	for _, id := range set.duplicates {
		delete(set.keys, id)
	}
	return set, nil
}

// add notes an ID that is there already: which key is meant cannot be told.
func (s *remoteKeySet) add(k *jws.Key) {
	if _, twice := s.keys[k.ID()]; twice {
		s.duplicates = append(s.duplicates, k.ID())
	}
	s.keys[k.ID()] = k
}

// complain logs what is wrong with the set.
func (s *remoteKeySet) complain(ctx context.Context, logger *slog.Logger) {
	for _, err := range s.unusable {
		logger.InfoContext(ctx, "a key of a JWT issuer is left out", "error", err)
	}
	for _, id := range s.duplicates {
		logger.WarnContext(ctx, "keys of a JWT issuer have one ID and are left out", "kid", id)
	}
	if len(s.keys) == 0 {
		logger.WarnContext(ctx, "a JWT issuer has no key that can be used")
	}
}

// keySetEntries returns the members of "keys", undecoded. It looks at the outermost object
// alone, so that one bad key does not cost the others.
func keySetEntries(body []byte) (entries []json.RawMessage, err error) {
	if !json.Valid(body) {
		return nil, errors.New("the set is no JSON")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("the set is no object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if name != "keys" {
			continue
		}
		if entries != nil || json.Unmarshal(value, &entries) != nil || entries == nil {
			return nil, errors.New("the set does not have one list of keys")
		}
	}
	if entries == nil {
		return nil, errors.New("the set does not have one list of keys")
	}
	return entries, nil
}
