package strategies

import (
	"context"
	"time"

	"github.com/kahu-go/kahu/internal/jws"
)

func (k *JWTKeys) Find(id string, now time.Time) *jws.Key { return k.find(id, now) }

func (k *JWTKeys) Signing() *jws.Key { return k.signing() }

func (k *RemoteKeys) Find(ctx context.Context, id string) (*jws.Key, error) { return k.find(ctx, id) }

// Asking reports whether a question to the issuer is out.
func (k *RemoteKeys) Asking() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.flight != nil
}

// KeySetIDs returns the IDs of the keys of a set that can be used.
func KeySetIDs(body []byte) ([]string, error) {
	set, err := parseKeySet(body, []string{"EdDSA", "ES256", "RS256"})
	if err != nil {
		return nil, err
	}
	var ids []string
	for id := range set.keys {
		ids = append(ids, id)
	}
	return ids, nil
}
