package passwords

import (
	"context"
	"fmt"
	"strings"
)

// AnyOf is a [Hasher] that makes hashes of one kind and checks those of several, so that users of another program, or of an earlier
// choice, keep their passwords: the hash of each is replaced at the next login.
type AnyOf struct {
	current Hasher
	others  []Verifier
}

var (
	_ Hasher   = (*AnyOf)(nil)
	_ Verifier = (*AnyOf)(nil)
)

// NewAnyOf returns a hasher that makes hashes with current and also checks those that others know. It panics if one of them is nil,
// or if a hash could be of two of them.
func NewAnyOf(current Hasher, others ...Verifier) *AnyOf {
	if current == nil {
		panic("passwords: AnyOf needs a hasher to make hashes with")
	}
	a := &AnyOf{current, others}
	var taken []string
	if v, ok := current.(Verifier); ok {
		taken = v.Prefixes()
	}
	for _, v := range others {
		if v == nil {
			panic("passwords: one of AnyOf's verifiers is nil")
		}
		mustNotMeet(v.Prefixes(), taken)
		taken = append(taken, v.Prefixes()...)
	}
	return a
}

func mustNotMeet(prefixes, taken []string) {
	for _, p := range prefixes {
		for _, t := range taken {
			if strings.HasPrefix(p, t) || strings.HasPrefix(t, p) {
				panic(fmt.Sprintf("passwords: two of AnyOf's would check a hash that begins with %q: only one of them can be right", p))
			}
		}
	}
}

// Hash returns a new hash, made by the current hasher.
func (a *AnyOf) Hash(ctx context.Context, password string) (string, error) {
	return a.current.Hash(ctx, password)
}

// Verify checks password against hash with the one that knows it by what it begins with. An empty hash, and one that nobody knows, is
// left to the current hasher and costs what it costs. Always one computes and the others do not: a wrong password for a hash of
// another kind takes that kind's time, and until it was replaced its account may be told from others by that.
func (a *AnyOf) Verify(ctx context.Context, hash, password string) error {
	if v := a.other(hash); v != nil {
		return v.Verify(ctx, hash, password)
	}
	return a.current.Verify(ctx, hash, password)
}

// NeedsRehash reports whether hash is not of the current hasher's kind, or weaker than what that makes now.
func (a *AnyOf) NeedsRehash(hash string) bool {
	return a.current.NeedsRehash(hash)
}

// Prefixes returns those of all.
func (a *AnyOf) Prefixes() []string {
	var all []string
	if v, ok := a.current.(Verifier); ok {
		all = append(all, v.Prefixes()...)
	}
	for _, v := range a.others {
		all = append(all, v.Prefixes()...)
	}
	return all
}

// other returns the one of the others that knows hash, or nil.
func (a *AnyOf) other(hash string) Verifier {
	for _, v := range a.others {
		for _, prefix := range v.Prefixes() {
			if strings.HasPrefix(hash, prefix) {
				return v
			}
		}
	}
	return nil
}
