package tokenstores

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/cell"
)

var errIDTaken = errors.New("tokenstores: another token of this type and id is stored already")

// A record is a token as it is stored, with scopes and meta as JSON. It shares nothing
// with the token that it was made of.
type record struct {
	Token
	scopes, meta string
}

// encode returns what is stored of t, or why it cannot be stored. No error quotes the
// token.
func encode(t *Token) (*record, error) {
	r := &record{Token: *t}
	if err := checkTexts(t); err != nil {
		return nil, err
	}
	if err := checkTimes(t); err != nil {
		return nil, err
	}
	for _, at := range []*time.Time{&r.Created, &r.LastUsed, &r.Expires} {
		*at = cell.Micro(*at)
	}
	r.IdleLimit = t.IdleLimit.Truncate(time.Microsecond)
	r.Address = cell.Clean(t.Address, maxAddress)
	r.User, r.Joined = nil, false
	return r, r.encodeJSON(t)
}

// encodeJSON also takes what is decoded again for the record's own, which no caller can
// change.
func (r *record) encodeJSON(t *Token) (err error) {
	if r.scopes, err = encodeScopes(t.Scopes); err != nil {
		return err
	}
	if r.meta, err = encodeMeta(t.Meta); err != nil {
		return err
	}
	if r.Scopes, err = decodeScopes([]byte(r.scopes)); err != nil {
		return err
	}
	r.Meta, err = decodeMeta([]byte(r.meta))
	return err
}

func checkTexts(t *Token) error {
	if !isName(t.Type, t.ID, t.Hash) {
		return fmt.Errorf("tokenstores: a type, an id and a hash are UTF-8 without NUL of 1 to %d bytes", maxName)
	}
	if !isSubject(t.Subject) {
		return fmt.Errorf("tokenstores: a subject is UTF-8 without NUL of 1 to %d bytes", maxSubject)
	}
	if !cell.Valid(t.Name, maxName) || !cell.Valid(t.Successor, maxName) {
		return fmt.Errorf("tokenstores: a name is UTF-8 without NUL of at most %d bytes", maxName)
	}
	return checkState(t.State)
}

func checkState(state string) error {
	if !cell.Valid(state, maxState) {
		return fmt.Errorf("tokenstores: a state is UTF-8 without NUL of at most %d bytes", maxState)
	}
	return nil
}

func checkTimes(t *Token) error {
	if t.Created.IsZero() {
		return errors.New("tokenstores: a token needs the time when it was made")
	}
	for _, at := range []time.Time{t.Created, t.LastUsed, t.Expires} {
		if !storable(at) {
			return errors.New("tokenstores: a time outside of the years 1 to 9999")
		}
	}
	// Less would be stored as 0, which is no limit.
	if t.IdleLimit != 0 && t.IdleLimit < time.Microsecond {
		return errors.New("tokenstores: an idle limit is at least a microsecond, or 0 for none")
	}
	return nil
}

// storable reports whether t's microseconds fit, with room for an idle limit.
func storable(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }

func encodeScopes(scopes []string) (string, error) {
	for _, one := range scopes {
		if !isName(one) {
			return "", fmt.Errorf("tokenstores: a scope is UTF-8 without NUL of 1 to %d bytes", maxName)
		}
	}
	if len(scopes) == 0 {
		return "[]", nil
	}
	return marshal("scopes", scopes)
}

func encodeMeta(meta map[string]json.RawMessage) (string, error) {
	for key := range meta {
		if !cell.Valid(key, maxName) {
			return "", fmt.Errorf("tokenstores: a key of meta is UTF-8 without NUL of at most %d bytes", maxName)
		}
	}
	if len(meta) == 0 {
		return "{}", nil
	}
	return marshal("meta", meta)
}

func marshal(what string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		// The error of encoding/json can quote the value: it is left out.
		return "", fmt.Errorf("tokenstores: %s: a value is no JSON", what)
	}
	if len(text) > maxJSON || !utf8.Valid(text) { // strings in a RawMessage may have any bytes
		return "", fmt.Errorf("tokenstores: %s: at most %d bytes of JSON in UTF-8 can be stored", what, maxJSON)
	}
	return string(text), nil
}

// decodeScopes reads what encodeScopes made; none are nil.
func decodeScopes(text []byte) ([]string, error) {
	var scopes []string
	if len(text) > maxJSON || json.Unmarshal(text, &scopes) != nil || slices.Contains(scopes, "") {
		return nil, damaged("scopes that are no JSON array of names")
	}
	if len(scopes) == 0 {
		return nil, nil
	}
	return scopes, nil
}

// decodeMeta reads what encodeMeta made; none is nil. The values stay JSON: nothing
// that is stored chooses a type.
func decodeMeta(text []byte) (map[string]json.RawMessage, error) {
	var meta map[string]json.RawMessage
	if len(text) > maxJSON || json.Unmarshal(text, &meta) != nil {
		return nil, damaged("meta that is no JSON object")
	}
	if len(meta) == 0 {
		return nil, nil
	}
	return meta, nil
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrTokenDamaged, what) }

// successor returns what is stored of next, or why no token can be rotated into it.
func successor(typ, id string, until time.Time, next *Token) (*record, error) {
	if next.Type != typ || next.ID == id {
		return nil, errors.New("tokenstores: a successor has the type of the token and another id")
	}
	if until.IsZero() || !storable(until) {
		return nil, errors.New("tokenstores: a rotated token needs a time when it ends")
	}
	return encode(next)
}

// renewed returns what is stored of r, or why the token with this hash cannot be renewed so.
func renewed(hash string, r Renewal) (Renewal, error) {
	if !isName(r.Hash) || r.Hash == hash {
		return r, fmt.Errorf("tokenstores: a renewal has another hash than before, UTF-8 without NUL of 1 to %d bytes", maxName)
	}
	if r.Used.IsZero() || !storable(r.Used) {
		return r, errors.New("tokenstores: a renewal needs the time when it was asked for")
	}
	r.Used, r.Address = cell.Micro(r.Used), cell.Clean(r.Address, maxAddress)
	return r, checkState(r.State)
}

// clone shares nothing with t.
func (t *Token) clone() *Token {
	c := *t
	c.Scopes, c.Meta = slices.Clone(t.Scopes), maps.Clone(t.Meta)
	for key, value := range c.Meta {
		c.Meta[key] = bytes.Clone(value)
	}
	return &c
}

// sortTokens puts the last used or made first.
func sortTokens(list []Token) {
	slices.SortFunc(list, func(a, b Token) int {
		return cmp.Or(b.Used().Compare(a.Used()), cmp.Compare(a.ID, b.ID))
	})
}
