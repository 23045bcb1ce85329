package strategies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// ErrTokenReused is the cause for which a refresh token is refused that was used before:
// either its owner or somebody else has stolen goods, and nobody can tell who. Its device
// has to log in again.
var ErrTokenReused = errors.New("strategies: the refresh token was used before")

// ErrRefreshToken is a cause for which [JWT.Refresh] refuses the refresh token itself, and
// not the access token that came along or the request.
var ErrRefreshToken = errors.New("strategies: the refresh token is not accepted")

// A RefreshRequest is what comes with a refresh token.
type RefreshRequest struct {
	Client  string   // who asks, as in [PairOptions]
	Scopes  []string // what the access token is to allow, of what the login allowed; nil: all of it
	Access  string   // the access token that RefreshOptions.NeedsAccess wants; "": that of the request
	Address string   // where it was asked for; "": the request's
}

// Refresh takes a refresh token and gives a new pair for it (RFC 9700 section 4.14.2). Of
// many calls at once one makes the successor; within the Grace all are answered with it.
// Later the token is known to be used: then its device is ended, with all access tokens
// that it has, and [app.EventReused] tells of it.
//
// The errors to return are an *[app.Rejection], with a challenge and one of ErrTokenExpired,
// ErrTokenRevoked and ErrTokenReused for its cause where that is why, and faults. A request
// for more scopes than the login's is 400, and uses nothing up.
func (j *JWT) Refresh(ctx *app.Context, text string, r RefreshRequest) (*TokenPair, error) {
	if isNil(j.o.Refresh.Store) {
		return nil, errors.New("strategies: JWTOptions has no Refresh.Store")
	}
	ctx.Header().Set("Cache-Control", "no-store") // RFC 6749 section 5.1
	r.Address = cmp.Or(r.Address, addressOf(ctx))
	pair, user, err := j.refresh(ctx, text, r)
	switch {
	case errors.Is(err, ErrTokenReused):
		ctx.Emit(app.Event{Name: app.EventReused, Via: "jwt", User: user, Reason: err})
	case refused(err):
		ctx.Emit(app.Event{Name: app.EventRefused, Via: "jwt", User: user, Reason: err})
	case err == nil:
		ctx.Emit(app.Event{Name: app.EventRefreshed, Via: "jwt", User: user, Info: pair.Claims})
	}
	if err != nil {
		return nil, ctx.Challenged(j.logged(ctx.Context(), err), j)
	}
	return pair, nil
}

func (j *JWT) refresh(ctx *app.Context, text string, r RefreshRequest) (pair *TokenPair, user any, err error) {
	sent, ok := parseRefreshText(j.o.Refresh.Prefix, text)
	if !ok {
		return nil, nil, invalidRefresh(errors.New("it cannot be one of ours"))
	}
	accompanying, err := j.accompanying(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	// Each turn that is lost was won by another call, with whose row the next one begins.
	for range 3 {
		var d *device
		if d, err = j.device(ctx.Context(), sent); err != nil {
			return nil, nil, err
		}
		user = d.user
		if pair, err = j.renew(ctx.Context(), d, accompanying, r); !errors.Is(err, tokenstores.ErrTokenRotated) {
			return pair, user, err
		}
	}
	return nil, user, away("refresh", errors.New("the device is refreshed by too many at once"))
}

// accompanying returns the claims of the access token that has to come along, if one has.
func (j *JWT) accompanying(ctx *app.Context, r RefreshRequest) (*JWTClaims, error) {
	if !j.o.Refresh.NeedsAccess {
		return nil, nil
	}
	if r.Access != "" {
		return j.genuine(ctx.Context(), r.Access)
	}
	return j.Presented(ctx)
}

// NeedsAccess reports whether a refresh token is good only together with an access token.
func (j *JWT) NeedsAccess() bool { return j.o.Refresh.NeedsAccess }

// Presented returns the claims of the request's token if it was made for us: it may have
// expired or be revoked, so it proves nobody.
func (j *JWT) Presented(ctx *app.Context) (*JWTClaims, error) {
	text, _, err := j.find(ctx)
	if err != nil {
		return nil, err
	}
	return j.genuine(ctx.Context(), text)
}

// renew gives a pair for the token that was sent, or ends the device.
func (j *JWT) renew(ctx context.Context, d *device, with *JWTClaims, r RefreshRequest) (*TokenPair, error) {
	turns := j.rotation()
	last := turns.last(d)
	again := !last && turns.former(d) && turns.inGrace(d, j.now())
	if !last && !again {
		return nil, j.reused(ctx, d)
	}
	if err := j.fits(d, with, again, r); err != nil {
		return nil, err
	}
	if err := j.undenied(ctx, d, with); err != nil {
		return nil, err
	}
	if again {
		return j.answerAgain(ctx, d, r)
	}
	return j.rotate(ctx, d, r)
}

// reused ends a device whose token was used by two.
func (j *JWT) reused(ctx context.Context, d *device) error {
	if _, err := j.endDevice(ctx, d.row); err != nil {
		return err
	}
	j.o.Logger.WarnContext(ctx, "a refresh token was used again: its device was ended", "device", d.row.ID, "subject", d.row.Subject)
	return invalidRefresh(ErrTokenReused)
}

// fits refuses what the token is not bound to.
func (j *JWT) fits(d *device, with *JWTClaims, again bool, r RefreshRequest) error {
	switch {
	case d.state.Client != "" && d.state.Client != r.Client:
		return invalidRefresh(errors.New("it was issued to another client"))
	case with != nil && (with.Device != d.row.ID || with.Subject != d.row.Subject):
		return invalidRefresh(errors.New("the access token is of another device"))
	case with != nil && j.o.Refresh.EndsAccess && with.ID != d.state.Token && !(again && with.ID == d.state.Retired):
		return invalidToken(ErrTokenRevoked)
	}
	allowed := app.Identity{Scopes: d.row.Scopes}
	asked := TokenOptions{Scopes: r.Scopes}
	if asked.check() != nil {
		return moreScopes()
	}
	for _, scope := range r.Scopes {
		if !allowed.Allows(scope) {
			return moreScopes()
		}
	}
	return nil
}

func moreScopes() error {
	return &app.Rejection{Status: http.StatusBadRequest, Code: "invalid_scope", Message: "More than the login allows"}
}

// undenied asks the denylist about the device, and what epoch the user has. Whatever else
// ends an access token ends its device: so it is not asked about the one that came along.
func (j *JWT) undenied(ctx context.Context, d *device, with *JWTClaims) error {
	if isNil(j.o.Denylist) {
		return nil
	}
	keys := []string{j.userKey(d.row.Subject), j.deviceKey(d.row.ID)}
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	found, err := j.o.Denylist.Find(ctx, d.row.Subject, keys...)
	switch {
	case err != nil:
		return away("ask the denylist", err)
	case len(found.Marks) != len(keys):
		return away("ask the denylist", fmt.Errorf("%d marks for %d keys", len(found.Marks), len(keys)))
	case found.Marks[1] != "":
		return invalidRefresh(ErrTokenRevoked)
	}
	epoch := epochOf(found.Marks[0])
	if with != nil && !epoch.allows(with, true) {
		return invalidToken(ErrTokenRevoked)
	}
	d.epoch = epoch.id
	return nil
}

// rotate makes the successor of the device's last token. It is [tokenstores.ErrTokenRotated]
// if another call was sooner.
func (j *JWT) rotate(ctx context.Context, d *device, r RefreshRequest) (*TokenPair, error) {
	id, err := randomID()
	if err != nil {
		return nil, err
	}
	now := j.now()
	state := d.state
	state.Token, state.Retired = id, d.state.Token
	next, hash, err := j.rotation().turn(d.sent, &state, now)
	if err != nil {
		return nil, err
	}
	renewal := tokenstores.Renewal{Hash: hash, Used: now, Address: r.Address}
	if renewal.State, err = state.encode(); err != nil {
		return nil, err
	}
	c, cancel := finishing(ctx)
	defer cancel()
	err = j.o.Refresh.Store.Renew(c, j.refreshType, d.row.ID, d.row.Hash, renewal)
	switch {
	case errors.Is(err, tokenstores.ErrTokenRotated):
		return nil, err
	case errors.Is(err, tokenstores.ErrTokenGone):
		return nil, invalidRefresh(ErrTokenRevoked)
	case err != nil:
		return nil, away("refresh", err)
	}
	d.state = state
	return j.answer(ctx, d, next, r)
}

// answerAgain gives the successor that the token has already.
func (j *JWT) answerAgain(ctx context.Context, d *device, r RefreshRequest) (*TokenPair, error) {
	next, ok := j.rotation().again(d)
	if !ok {
		return nil, invalidRefresh(errNoSuccessor)
	}
	// A revocation deletes rows first and begins the user's epoch then: so a row that is
	// there after the epoch was asked for says that the epoch is not too young for it.
	now, err := j.device(ctx, d.sent)
	switch {
	case err != nil:
		return nil, err
	case now.row.Hash != d.row.Hash:
		return nil, tokenstores.ErrTokenRotated
	}
	return j.answer(ctx, d, next, r)
}

// answer issues the access token that belongs to the device's last refresh token.
func (j *JWT) answer(ctx context.Context, d *device, next refreshText, r RefreshRequest) (*TokenPair, error) {
	if j.o.Refresh.EndsAccess && d.state.Retired != "" {
		retired := &JWTClaims{ID: d.state.Retired}
		until := j.now().Add(j.life())
		if err := j.deny(ctx, tokenstores.Denial{Key: j.tokenKey(retired), Mark: "ended", Until: until}); err != nil {
			return nil, err
		}
	}
	scopes := d.row.Scopes
	if r.Scopes != nil {
		scopes = r.Scopes
	}
	return j.pair(ctx, access{
		user: d.user, id: d.state.Token, subject: d.row.Subject, client: d.state.Client, device: d.row.ID, scopes: scopes,
		epoch: d.epoch, claims: d.row.Meta, issued: time.UnixMicro(d.state.Issued).UTC(), noLater: d.row.Expires,
	}, next.String())
}

func (j *JWT) rotation() rotation {
	return rotation{j.refreshType, j.o.Refresh.Keys, j.o.Refresh.Grace}
}

func invalidRefresh(why error) error {
	return &app.Rejection{Code: "invalid_token", Message: "Invalid refresh token", Cause: fmt.Errorf("%w: %w", ErrRefreshToken, why)}
}
