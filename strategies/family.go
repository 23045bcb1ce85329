package strategies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/kahu-go/kahu/tokenstores"
)

// A family is what the row of a device keeps beside the hash of its refresh token.
type family struct {
	Proof   string `json:"proof"`             // hash of the proof in each of its tokens
	Client  string `json:"client,omitempty"`  // who may refresh; "": anybody
	Stamp   string `json:"stamp,omitempty"`   // of the user, at the login
	Token   string `json:"token"`             // the id of the access token that was issued last
	Issued  int64  `json:"issued"`            // when that was, in microseconds since 1970
	Former  string `json:"former,omitempty"`  // hash of the refresh token before this one
	Nonce   string `json:"nonce,omitempty"`   // makes this one of the one before
	Retired string `json:"retired,omitempty"` // the id of the access token before, if it has to end
}

func decodeFamily(t *tokenstores.Token) (f family, err error) {
	if err := json.Unmarshal([]byte(t.State), &f); err != nil || f.Proof == "" {
		return family{}, fmt.Errorf("strategies: the stored device %s cannot be read", t.ID)
	}
	return f, nil
}

func (f family) encode() (string, error) {
	text, err := json.Marshal(f)
	return string(text), err
}

// newDevice returns a device that is not stored yet and its first refresh token.
func (j *JWT) newDevice(a *access, o PairOptions) (*tokenstores.Token, string, error) {
	text, err := newRefreshText(j.o.Refresh.Prefix)
	if err != nil {
		return nil, "", err
	}
	hash, proof := text.hashes(j.o.Refresh.Keys, j.refreshType)
	state, err := family{Proof: proof, Client: a.client, Stamp: j.stamp(a.user), Token: a.id, Issued: a.issued.UnixMicro()}.encode()
	if err != nil {
		return nil, "", err
	}
	t := &tokenstores.Token{
		ID: text.id, Type: j.refreshType, Subject: a.subject, Hash: hash, State: state, Name: o.Name, Scopes: slices.Clone(o.Scopes),
		Meta: a.claims, Created: a.issued, Expires: a.issued.Add(j.o.Refresh.Absolute), IdleLimit: j.o.Refresh.Idle, Address: o.Address,
	}
	a.device, a.noLater = t.ID, t.Expires
	return t, text.String(), nil
}

func (j *JWT) insertDevice(ctx context.Context, t *tokenstores.Token) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := j.o.Refresh.Store.Insert(ctx, t); err != nil {
		return away("store the refresh token", err)
	}
	return nil
}

// A device is a row as one call found it, with the token that was sent.
type device struct {
	sent  refreshText
	row   *tokenstores.Token
	state family
	user  any
	epoch string // of the user, before the row was read for the last time
}

// device returns the row of a token that was ours, though it may have been used.
func (j *JWT) device(ctx context.Context, sent refreshText) (*device, error) {
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	t, err := j.o.Refresh.Store.Find(ctx, j.refreshType, sent.id)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		j.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, invalidRefresh(err)
	case err != nil:
		return nil, away("find the refresh token", err)
	case t == nil || t.Type != j.refreshType:
		return nil, invalidRefresh(fmt.Errorf("there is none with this id: %w", ErrTokenRevoked))
	}
	state, err := decodeFamily(t)
	switch {
	case err != nil:
		j.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, invalidRefresh(err)
	case !sent.proofIs(j.o.Refresh.Keys, j.refreshType, state.Proof):
		return nil, invalidRefresh(errors.New("its proof is wrong"))
	case !t.Live(j.now()):
		return nil, invalidRefresh(ErrTokenExpired)
	}
	d := &device{sent: sent, row: t, state: state}
	d.user, err = j.owner(ctx, d)
	return d, err
}

// owner returns the user of a device. A device that was logged in under another Stamp has
// ended.
func (j *JWT) owner(ctx context.Context, d *device) (user any, err error) {
	user = d.row.User
	if !d.row.Joined {
		user, err = j.lookUp(ctx, &JWTClaims{Issuer: j.o.Issuer, Subject: d.row.Subject, Device: d.row.ID, Client: d.state.Client, payload: []byte("{}")})
	}
	switch {
	case noRows(err), err == nil && isNil(user):
		return nil, invalidRefresh(errGone)
	case err != nil:
		return nil, away("look up the token's user", err)
	case !equal(d.state.Stamp, j.stamp(user)):
		return nil, invalidRefresh(ErrTokenRevoked)
	}
	return user, nil
}
