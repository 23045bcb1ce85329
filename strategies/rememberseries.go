package strategies

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/stamp"
	"github.com/kahu-go/kahu/tokenstores"
)

var (
	errEnded = errors.New("its series has ended")
	errStamp = errors.New("what its series was bound to has changed")
)

func notRemembered(why error) error {
	return &app.Rejection{Code: "invalid_token", Message: "Not remembered any more", Cause: why}
}

// begin makes a series that is not stored yet.
func (r *Remember) begin(ctx *app.Context, user any) (*device, error) {
	c, cancel := finishing(ctx.Context())
	defer cancel()
	subject, err := subjectOf(c, r.users, user)
	if err != nil {
		return nil, err
	}
	stamp, err := r.stampOf(c, user, subject)
	if err != nil {
		return nil, err
	}
	text, err := newRefreshText(r.o.Prefix)
	if err != nil {
		return nil, err
	}
	now := r.now()
	hash, proof := text.hashes(r.o.Keys, r.typ)
	state := family{Proof: proof, Stamp: stamp, Issued: now.UnixMicro()}
	encoded, err := state.encode()
	return &device{sent: text, state: state, user: user, row: &tokenstores.Token{
		ID: text.id, Type: r.typ, Subject: subject, Hash: hash, State: encoded,
		Name: deviceName(ctx.Request.UserAgent()), Address: addressOf(ctx),
		Created: now, Expires: now.Add(r.o.Expiry), IdleLimit: r.o.IdleLimit,
	}}, err
}

// find returns a series by its id, nil if there is none that can be read.
func (r *Remember) find(ctx context.Context, id string) (*tokenstores.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	t, err := r.store.Find(ctx, r.typ, id)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		r.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, nil
	case err != nil:
		return nil, away("find the series", err)
	case t == nil || t.Type != r.typ:
		return nil, nil
	}
	return t, nil
}

// genuine returns the series of a cookie that was ours, though it may have been used, or be over.
func (r *Remember) genuine(ctx context.Context, sent refreshText) (*device, error) {
	t, err := r.find(ctx, sent.id)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, notRemembered(errEnded)
	}
	state, err := decodeFamily(t)
	switch {
	case err != nil:
		r.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, notRemembered(err)
	case !sent.proofIs(r.o.Keys, r.typ, state.Proof):
		return nil, notRemembered(errors.New("its proof is wrong"))
	}
	return &device{sent: sent, row: t, state: state}, nil
}

// series returns the live series of a cookie with its user. One whose user is gone, or has
// changed what it was bound to, is ended.
func (r *Remember) series(ctx context.Context, sent refreshText) (*device, error) {
	d, err := r.genuine(ctx, sent)
	switch {
	case err != nil:
		return nil, err
	case !d.row.Live(r.now()):
		return nil, notRemembered(ErrTokenExpired)
	}
	switch d.user, err = r.owner(ctx, d.row); {
	case err != nil:
		return nil, err
	case isNil(d.user):
		return nil, r.drop(ctx, d, errGone)
	case !r.bound(d):
		return nil, r.drop(ctx, d, errStamp)
	}
	return d, nil
}

// owner returns the user of a series, nil if they are gone.
func (r *Remember) owner(ctx context.Context, t *tokenstores.Token) (any, error) {
	if t.Joined {
		return t.User, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	user, err := r.users.Deserialize(ctx, t.Subject)
	switch {
	case noRows(err):
		return nil, nil
	case err != nil:
		return nil, away("deserialize the user of a series", err)
	}
	return user, nil
}

func (r *Remember) drop(ctx context.Context, d *device, why error) error {
	if _, err := r.end(ctx, d.row.ID, d.row.Subject); err != nil {
		return err
	}
	return notRemembered(why)
}

// use replaces the secret that was sent if it is the last one. The one before is answered with
// its successor for a while, and the successor is left alone for so long: a browser sends both
// at once.
func (r *Remember) use(ctx *app.Context, d *device) error {
	last, young := r.turns.last(d), r.turns.inGrace(d, r.now())
	switch {
	case last && young:
		return nil
	case last:
		return r.rotate(ctx, d)
	case young && r.turns.former(d):
		return r.giveAgain(ctx, d)
	}
	return r.stolen(ctx, d)
}

// rotate is [tokenstores.ErrTokenRotated] if another request was sooner.
func (r *Remember) rotate(ctx *app.Context, d *device) error {
	now := r.now()
	state := d.state
	next, hash, err := r.turns.turn(d.sent, &state, now)
	if err != nil {
		return err
	}
	renewal := tokenstores.Renewal{Hash: hash, Used: now, Address: addressOf(ctx)}
	if renewal.State, err = state.encode(); err != nil {
		return err
	}
	row, undo := *d.row, r.before(ctx)
	row.Hash, row.State, row.LastUsed, row.Address = hash, renewal.State, now, renewal.Address
	if err := r.give(ctx, next, &row); err != nil {
		return app.ErrNoCredentials // headers are being sent: nothing was written yet
	}
	c, cancel := finishing(ctx.Context())
	defer cancel()
	if err := r.store.Renew(c, r.typ, d.row.ID, d.row.Hash, renewal); err != nil {
		undo()
		return whyNotRenewed(err)
	}
	d.row, d.state = &row, state
	return nil
}

func whyNotRenewed(err error) error {
	switch {
	case errors.Is(err, tokenstores.ErrTokenRotated):
		return err
	case errors.Is(err, tokenstores.ErrTokenGone):
		return notRemembered(errEnded)
	}
	return away("replace the cookie", err)
}

// giveAgain gives the client the successor that its cookie has already.
func (r *Remember) giveAgain(ctx *app.Context, d *device) error {
	next, ok := r.turns.again(d)
	if !ok {
		return notRemembered(errNoSuccessor)
	}
	if err := r.give(ctx, next, d.row); err != nil {
		return app.ErrNoCredentials
	}
	return nil
}

// stolen ends all sessions and series of a user whose cookie two have, the series last: while
// they are there the theft can be found. That is told once, by who ended them.
func (r *Remember) stolen(ctx *app.Context, d *device) error {
	theft := &app.Stolen{Subject: d.row.Subject, User: d.user}
	if err := ctx.EndStolen(r, theft); err != nil {
		return err
	}
	n, err := r.endAll(ctx.Context(), d.row.Subject, "")
	if err != nil {
		return err
	}
	r.o.Logger.WarnContext(ctx.Context(), "a cookie that remembers a user was used again: all series of the user were ended",
		"series", d.row.ID, "subject", d.row.Subject)
	if n > 0 {
		ctx.Emit(app.Event{Name: app.EventReused, Via: "remember", User: d.user, Subject: d.row.Subject, Info: d.row, Reason: theft})
	}
	return notRemembered(theft)
}

// forgetSeries ends the series of a cookie that is good still, or over, and returns whose it was.
func (r *Remember) forgetSeries(ctx *app.Context, sent refreshText) (*app.Identity, error) {
	d, err := r.genuine(ctx.Context(), sent)
	switch {
	case refused(err):
		return nil, nil
	case err != nil:
		return nil, err
	case r.turns.last(d) || r.turns.former(d) && r.turns.inGrace(d, r.now()) || !d.row.Live(r.now()):
		_, err := r.end(ctx.Context(), d.row.ID, d.row.Subject)
		return r.identity(d), err
	}
	if d.user, err = r.owner(ctx.Context(), d.row); err != nil { // which is no reason to leave the thief what they have
		r.o.Logger.WarnContext(ctx.Context(), "the user of a stolen cookie cannot be loaded", "error", err)
	}
	return nil, r.stolen(ctx, d)
}

// stampOf returns the digest of what a series of user is bound to, "" if it is to nothing.
func (r *Remember) stampOf(ctx context.Context, user any, subject string) (string, error) {
	digest, err := r.stamp().Digest(ctx, user, subject, func(ctx context.Context, subject string) (any, error) {
		loaded, err := r.users.Deserialize(ctx, subject)
		if err == nil && isNil(loaded) {
			return nil, nil
		}
		return loaded, err
	})
	switch {
	case errors.Is(err, stamp.ErrNone):
		return "", fmt.Errorf("strategies: RememberOptions.%w for a user who logs in", err)
	case err != nil:
		return "", away("load the user's stamp", err)
	}
	return digest, nil
}

// bound reports whether the user of a series has still what it was bound to.
func (r *Remember) bound(d *device) bool {
	return r.stamp().Holds(d.state.Stamp, d.user, d.row.Subject)
}

func (r *Remember) stamp() stamp.Stamp { return stamp.Stamp{Of: r.o.Stamp, Domain: r.typ} }
