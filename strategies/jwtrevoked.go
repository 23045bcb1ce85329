package strategies

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// skew is how far the clocks of our own nodes may be apart: an entry of the denylist stays
// that much longer than any token that it ends.
const skew = time.Minute

// current returns the user of a genuine token that was not ended.
func (j *JWT) current(ctx context.Context, c *JWTClaims) (user any, err error) {
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	var joined bool
	switch {
	case j.o.Allowlist:
		user, joined, err = j.allowed(ctx, c)
	case !isNil(j.o.Denylist):
		user, joined, err = j.notDenied(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if !joined {
		user, err = j.lookUp(ctx, c)
	}
	switch {
	case noRows(err), err == nil && isNil(user):
		return nil, invalidToken(errGone)
	case err != nil:
		return nil, away("look up the token's user", err)
	case j.o.Keys != nil && !equal(c.own.Stamp, j.stamp(user)):
		return nil, invalidToken(ErrTokenRevoked)
	}
	return user, nil
}

func (j *JWT) lookUp(ctx context.Context, c *JWTClaims) (any, error) {
	if j.o.LookUp != nil {
		return j.o.LookUp(ctx, c)
	}
	return j.users.Deserialize(ctx, c.Subject)
}

// allowed asks whether the token's device is still there.
func (j *JWT) allowed(ctx context.Context, c *JWTClaims) (user any, joined bool, err error) {
	if !isTokenID(c.Device) {
		return nil, false, invalidToken(ErrTokenRevoked)
	}
	t, err := j.o.Refresh.Store.Find(ctx, j.refreshType, c.Device)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		j.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, false, invalidToken(err)
	case err != nil:
		return nil, false, away("find the token's device", err)
	case t == nil || t.Type != j.refreshType || t.Subject != c.Subject || !t.Live(j.now()):
		return nil, false, invalidToken(ErrTokenRevoked)
	}
	if f, err := decodeFamily(t); err != nil || j.o.Refresh.EndsAccess && f.Token != c.ID {
		return nil, false, invalidToken(errors.Join(ErrTokenRevoked, err))
	}
	return t.User, t.Joined, nil
}

// notDenied asks whether the token, its device, or all of its user's was ended.
func (j *JWT) notDenied(ctx context.Context, c *JWTClaims) (user any, joined bool, err error) {
	found, err := j.o.Denylist.Find(ctx, c.Subject, j.tokenKey(c), j.deviceKey(c.Device), j.userKey(c.Subject))
	switch {
	case err != nil:
		return nil, false, away("ask the denylist", err)
	case len(found.Marks) != 3:
		return nil, false, away("ask the denylist", fmt.Errorf("%d marks for 3 keys", len(found.Marks)))
	case found.Marks[0] != "", found.Marks[1] != "":
		return nil, false, invalidToken(ErrTokenRevoked)
	case !epochOf(found.Marks[2]).allows(c, j.o.Keys != nil):
		return nil, false, invalidToken(ErrTokenRevoked)
	}
	return found.User, found.Joined, nil
}

// An epoch of a user ends all tokens that were issued before it, but those of one device.
// It is drawn, and each token of ours says in which one it was issued: so neither the
// clocks of two nodes nor two events in one second can be confused. Before the first one,
// and after its entry was pruned because every token of the time before has expired, all
// tokens are of the same.
type epoch struct {
	id   string
	at   time.Time
	kept string // a device, or ""
}

func newEpoch(now time.Time, kept string) (epoch, error) {
	id, err := randomID()
	return epoch{id, now, kept}, err
}

// epochOf reads a mark of the denylist. A mark that cannot be read allows nothing.
func epochOf(mark string) (e epoch) {
	if mark == "" {
		return epoch{}
	}
	parts := strings.Split(mark, " ")
	if len(parts) != 3 || parts[0] == "" {
		return epoch{id: "?", at: time.Unix(1<<40, 0)}
	}
	at, _ := strconv.ParseInt(parts[1], 10, 64)
	return epoch{parts[0], time.UnixMicro(at), parts[2]}
}

func (e epoch) mark() string { return fmt.Sprintf("%s %d %s", e.id, e.at.UnixMicro(), e.kept) }

// allows reports whether a token was issued in this epoch. Other issuers' tokens say only
// in which second they were issued: that of the epoch itself is too early.
func (e epoch) allows(c *JWTClaims, ours bool) bool {
	switch {
	case e.id == "" || e.kept != "" && e.kept == c.Device:
		return true
	case ours:
		return c.own.Epoch == e.id
	}
	return c.IssuedAt.After(e.at)
}

// end ends a token and its device, as far as the options know a way. The device goes first:
// if the second step fails, the token still proves the request that tries again.
func (j *JWT) end(ctx context.Context, c *JWTClaims) error {
	device := !isNil(j.o.Refresh.Store) && isTokenID(c.Device)
	if isNil(j.o.Denylist) && !device {
		return &app.Error{Status: http.StatusInternalServerError, Cause: fmt.Errorf("strategies: a JWT that no Denylist and no Refresh.Store knows: %w", app.ErrCannotEnd)}
	}
	if device {
		if _, err := j.deleteDevice(ctx, c.Device, c.Subject); err != nil {
			return err
		}
	}
	denials := []tokenstores.Denial{{Key: j.tokenKey(c), Mark: "ended", Until: c.Expires.Add(j.o.Leeway + skew)}}
	if c.Device != "" {
		denials = append(denials, j.deviceDenial(c.Device))
	}
	return j.deny(ctx, denials...)
}

// endDevice ends a device by its row, and reports whether this call did. Here the denial
// comes first, and is kept as long as the row could be: if the second step fails, the
// device is ended all the same, and whoever tries again finds the row.
func (j *JWT) endDevice(ctx context.Context, t *tokenstores.Token) (bool, error) {
	d := j.deviceDenial(t.ID)
	if t.Expires.After(d.Until) {
		d.Until = t.Expires
	}
	if err := j.deny(ctx, d); err != nil {
		return false, err
	}
	return j.deleteDevice(ctx, t.ID, t.Subject)
}

// deny writes to the denylist, if there is one.
func (j *JWT) deny(ctx context.Context, d ...tokenstores.Denial) error {
	if isNil(j.o.Denylist) {
		return nil
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := j.o.Denylist.Deny(ctx, d...); err != nil {
		return away("end a token", err)
	}
	return nil
}

// deviceDenial ends all access tokens of a device, those too that are being issued now.
func (j *JWT) deviceDenial(id string) tokenstores.Denial {
	return tokenstores.Denial{Key: j.deviceKey(id), Mark: "ended", Until: j.now().Add(j.life())}
}

// life is how long a token can live that was issued until now. Other issuers do not say how
// long theirs do: as long as ours ever can.
func (j *JWT) life() time.Duration {
	if j.o.Keys == nil {
		return month + j.o.Leeway + skew
	}
	return j.o.Expiry + j.o.Leeway + skew
}

// epoch returns the id of the user's epoch, which new tokens say. Whoever issues one asks
// before the row of the device is written: then a revocation that comes in between finds
// either the row or an older epoch in the token.
func (j *JWT) epoch(ctx context.Context, subject string) (string, error) {
	if isNil(j.o.Denylist) {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.o.Timeout)
	defer cancel()
	found, err := j.o.Denylist.Find(ctx, subject, j.userKey(subject))
	if err != nil {
		return "", away("ask the denylist", err)
	}
	if len(found.Marks) != 1 {
		return "", away("ask the denylist", fmt.Errorf("%d marks for 1 key", len(found.Marks)))
	}
	return epochOf(found.Marks[0]).id, nil
}

// The keys of the denylist are made of names, never of a token's text, of which there may
// be several for one token.
func (j *JWT) tokenKey(c *JWTClaims) string  { return denyKey("token", j.o.Issuer, c.ID) }
func (j *JWT) deviceKey(id string) string    { return denyKey("device", j.o.Issuer, id) }
func (j *JWT) userKey(subject string) string { return denyKey("user", j.o.Issuer, j.o.Kind, subject) }

func denyKey(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return parts[0] + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// stamp returns what a token says of the user's Stamp.
func (j *JWT) stamp(user any) string {
	if j.o.Stamp == nil {
		return ""
	}
	sum := sha256.Sum256([]byte("stamp\x00" + j.o.Issuer + "\x00" + j.o.Kind + "\x00" + j.o.Stamp(user)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
