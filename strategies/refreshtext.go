package strategies

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A refreshText is a refresh token as its owner has it. Its id and its proof are those of
// the device; its secret is good for one use. Who knows the proof has had a token of the
// device: only then does a secret that is not the last one tell of a theft.
type refreshText struct{ prefix, id, proof, secret string }

const (
	proofBytes, proofChars = 16, 22
	refreshChars           = idChars + proofChars + secretChars + sumChars // behind the prefix
)

func newRefreshText(prefix string) (refreshText, error) {
	var b [idBytes + proofBytes + secretBytes]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		return refreshText{}, fmt.Errorf("strategies: no random token: %w", err)
	}
	return refreshText{
		prefix, base62(b[:idBytes], idChars), base62(b[idBytes:idBytes+proofBytes], proofChars), base62(b[idBytes+proofBytes:], secretChars),
	}, nil
}

// parseRefreshText reads a token and reports whether it can be one: garbage costs no query.
func parseRefreshText(prefix, text string) (t refreshText, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != refreshChars || strings.Trim(rest, digits) != "" {
		return refreshText{}, false
	}
	t = refreshText{prefix, rest[:idChars], rest[idChars : idChars+proofChars], rest[idChars+proofChars : refreshChars-sumChars]}
	return t, t.String() == text
}

func (t refreshText) String() string { return summed(t.prefix + t.id + t.proof + t.secret) }

// hashes returns what the store keeps of the secret and of the proof.
func (t refreshText) hashes(keys *TokenKeys, typ string) (secret, proof string) {
	return keys.hash(typ, tokenText{id: t.id, secret: t.secret}), keys.hash(typ+".proof", tokenText{id: t.id, secret: t.proof})
}

// secretIs reports whether a stored hash is that of the secret.
func (t refreshText) secretIs(keys *TokenKeys, typ, stored string) bool {
	return keys.matches(stored, typ, tokenText{id: t.id, secret: t.secret})
}

func (t refreshText) proofIs(keys *TokenKeys, typ, stored string) bool {
	return keys.matches(stored, typ+".proof", tokenText{id: t.id, secret: t.proof})
}

// newNonce returns what, together with the secret that it follows, makes a successor. It
// names the key that is needed too, if there are keys.
func newNonce(keys *TokenKeys) (string, error) {
	random, err := randomID()
	if err != nil || keys == nil {
		return random, err
	}
	return keys.keys[0].ID + ":" + random, nil
}

// successor returns the next token of the device. It takes this one and the nonce of the
// row to make it: so the same can be answered again, though it is stored nowhere. With
// keys, who has the database and an old token has not enough to make it.
func (t refreshText) successor(keys *TokenKeys, nonce string) refreshText {
	mac := hmac.New(sha256.New, []byte(t.secret))
	_, _ = io.WriteString(mac, "kahu refresh token\x00"+t.id+"\x00"+nonce)
	secret := mac.Sum(nil)
	if id, _, keyed := strings.Cut(nonce, ":"); keyed {
		mac = hmac.New(sha256.New, keys.secret(id))
		_, _ = mac.Write(secret)
		secret = mac.Sum(nil)
	}
	t.secret = base62(secret, secretChars)
	return t
}

// A rotation says how the secrets of one type of tokens follow each other.
type rotation struct {
	typ   string
	keys  *TokenKeys
	grace time.Duration
}

// last reports whether the secret that was sent is the device's last one.
func (r rotation) last(d *device) bool { return d.sent.secretIs(r.keys, r.typ, d.row.Hash) }

// former reports whether it is the one before.
func (r rotation) former(d *device) bool {
	return d.state.Former != "" && d.sent.secretIs(r.keys, r.typ, d.state.Former)
}

// inGrace reports whether the last secret took the place of another not long ago. The time
// counts from then on, for nothing is written when the former one is used again.
func (r rotation) inGrace(d *device, now time.Time) bool {
	age := now.Sub(time.UnixMicro(d.state.Issued))
	return d.state.Former != "" && r.grace != NoGrace && age < r.grace && age > -skew // a clock that was set back does not stretch it
}

// turn returns the token that follows the one that was sent, with its hash, and notes in
// state how it did. All is with the present key: one that was retired is needed until each
// device was used.
func (r rotation) turn(sent refreshText, state *family, now time.Time) (next refreshText, hash string, err error) {
	if next, state.Nonce, err = r.next(sent); err != nil {
		return next, "", err
	}
	state.Issued = now.UnixMicro()
	state.Former, _ = sent.hashes(r.keys, r.typ)
	hash, state.Proof = next.hashes(r.keys, r.typ)
	return next, hash, nil
}

// next returns a successor, and what it was made with, if it is to be made again within the
// grace.
func (r rotation) next(sent refreshText) (next refreshText, nonce string, err error) {
	if r.grace == NoGrace {
		next, err = newRefreshText(sent.prefix)
		next.id, next.proof = sent.id, sent.proof
		return next, "", err
	}
	if nonce, err = newNonce(r.keys); err != nil {
		return next, "", err
	}
	return sent.successor(r.keys, nonce), nonce, nil
}

// again makes the successor once more that the former token has, and reports whether it is
// that one.
func (r rotation) again(d *device) (next refreshText, ok bool) {
	next = d.sent.successor(r.keys, d.state.Nonce)
	return next, next.secretIs(r.keys, r.typ, d.row.Hash)
}

var errNoSuccessor = errors.New("its successor cannot be made again")
