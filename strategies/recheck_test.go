package strategies_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// identified returns whom a strategy proves by a request.
func identified(t *testing.T, s app.Strategy, r *http.Request) (id *app.Identity) {
	t.Helper()
	app.New().Use(app.Authenticate(s), func(ctx *app.Context, _ app.Handler) (err error) {
		id, err = ctx.Identity()
		return err
	}).ServeHTTP(httptest.NewRecorder(), r)
	require.NotNil(t, id)
	return id
}

// rechecked is what Recheck said: "good", "over", or "fault".
func rechecked(s app.Strategy, id *app.Identity) string {
	err := s.(app.Rechecker).Recheck(context.Background(), id)
	_, fault := errors.AsType[*app.Error](err)
	switch {
	case err == nil:
		return "good"
	case !fault && errors.Is(err, app.ErrInvalidCredentials):
		return "over"
	}
	return "fault"
}

func TestRecheckOfBearer(t *testing.T) {
	ctx, frodo := context.Background(), &hobbit{Name: "frodo"}
	for name, c := range map[string]struct {
		options strategies.BearerOptions
		change  func(w *tower, id string)
		want    string
	}{
		"says good while nothing has happened": {want: "good"},
		"says over when the token was revoked": {change: func(w *tower, id string) { must(w.bearer.Revoke(ctx, frodo, id)) }, want: "over"},
		"says over when all were":              {change: func(w *tower, _ string) { must(w.bearer.RevokeAll(ctx, frodo, "")) }, want: "over"},
		"says good when all others were":       {change: func(w *tower, id string) { must(w.bearer.RevokeAll(ctx, frodo, id)) }, want: "good"},
		"says good until the token expires":    {change: func(w *tower, _ string) { w.clock.Advance(30*24*time.Hour - time.Microsecond) }, want: "good"},
		"says over when it has":                {change: func(w *tower, _ string) { w.clock.Advance(30 * 24 * time.Hour) }, want: "over"},
		"says over when it is idle too long":   {options: strategies.BearerOptions{IdleLimit: time.Hour}, change: func(w *tower, _ string) { w.clock.Advance(time.Hour) }, want: "over"},
		"says over when the owner is gone":     {change: func(w *tower, _ string) { w.users.gone = true }, want: "over"},
		"says fault when the store is down":    {change: func(w *tower, _ string) { w.store.Fail("Find") }, want: "fault"},
		"says fault when the owner cannot be loaded": {
			change: func(w *tower, _ string) { w.users.err = tokenstest.ErrFault }, want: "fault"},
		"says over when another token has its id": {change: func(w *tower, id string) {
			t := *must(w.bearer.Find(ctx, frodo, id))
			must(w.store.Delete(ctx, t.Type, t.ID, t.Subject))
			t.Hash = must(w.bearer.Issue(ctx, frodo, strategies.TokenOptions{})).Token.Hash
			must(0, w.store.Insert(ctx, &t))
		}, want: "over"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTower(t, c.options)
			id := identified(t, w.bearer, withHeader("Authorization", "Bearer "+w.issue(t, strategies.TokenOptions{}).Text()))
			before := w.calls()
			if c.change != nil {
				c.change(w, id.Handle)
			}
			assert.Equal(t, c.want, rechecked(w.bearer, id))
			assert.NotContains(t, w.store.Calls()[before:], "Touch", "it is no use of the token")
		})
	}
	t.Run("says good until the overlap of a rotated token is over", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		token := w.issue(t, strategies.TokenOptions{})
		id := identified(t, w.bearer, withHeader("Authorization", "Bearer "+token.Text()))
		must(w.bearer.Rotate(ctx, token.Token, time.Hour))
		w.clock.Advance(time.Hour - time.Microsecond)
		assert.Equal(t, "good", rechecked(w.bearer, id))
		w.clock.Advance(time.Microsecond)
		assert.Equal(t, "over", rechecked(w.bearer, id))
	})
	t.Run("says fault of what it has not made", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		assert.Equal(t, "fault", rechecked(w.bearer, &app.Identity{User: frodo, Info: "ring"}))
	})
}

func TestRecheckOfAPIKey(t *testing.T) {
	store := tokenstores.NewMemory()
	keys := strategies.NewAPIKey(store, &people{}, strategies.APIKeyOptions{})
	key := must(keys.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{}))
	id := identified(t, keys, withHeader("X-Api-Key", key.Text()))
	assert.Equal(t, "good", rechecked(keys, id))
	must(keys.Revoke(t.Context(), id.User, id.Handle))
	assert.Equal(t, "over", rechecked(keys, id))
}

func TestRecheckOfJWT(t *testing.T) {
	ctx, frodo := context.Background(), &hobbit{Name: "frodo"}
	onlyAllowed := func(_ *harbour, o *strategies.JWTOptions) { o.Denylist, o.Allowlist = nil, true }
	for name, c := range map[string]struct {
		edit   func(h *harbour, o *strategies.JWTOptions)
		change func(h *harbour, c *strategies.JWTClaims)
		want   string
	}{
		"says good while nothing has happened":  {want: "good"},
		"says good until the token expires":     {change: func(h *harbour, _ *strategies.JWTClaims) { h.clock.Advance(14 * time.Minute) }, want: "good"},
		"says over when it has":                 {change: func(h *harbour, _ *strategies.JWTClaims) { h.clock.Advance(15 * time.Minute) }, want: "over"},
		"says over when its device was revoked": {change: func(h *harbour, c *strategies.JWTClaims) { must(h.jwt.Revoke(ctx, frodo, c.Device)) }, want: "over"},
		"says over when all devices were":       {change: func(h *harbour, _ *strategies.JWTClaims) { must(h.jwt.RevokeAll(ctx, frodo, "")) }, want: "over"},
		"says good when all others were":        {change: func(h *harbour, c *strategies.JWTClaims) { must(h.jwt.RevokeAll(ctx, frodo, c.Device)) }, want: "good"},
		"says over when the user is gone":       {change: func(h *harbour, _ *strategies.JWTClaims) { h.users.gone = true }, want: "over"},
		"says fault when the denylist is down":  {change: func(h *harbour, _ *strategies.JWTClaims) { h.denylist.Fail() }, want: "fault"},
		"says fault when the user cannot be loaded": {
			change: func(h *harbour, _ *strategies.JWTClaims) { h.users.err = tokenstest.ErrFault }, want: "fault"},
		"says good while its device is allowed": {edit: onlyAllowed, want: "good"},
		"says over when it is not any more": {edit: onlyAllowed,
			change: func(h *harbour, c *strategies.JWTClaims) { must(h.jwt.Revoke(ctx, frodo, c.Device)) }, want: "over"},
		"says fault when the allowlist is down": {edit: onlyAllowed,
			change: func(h *harbour, _ *strategies.JWTClaims) { h.store.Fail("Find") }, want: "fault"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			if c.edit != nil {
				h = newHarbour(t, c.edit)
			}
			id := identified(t, h.jwt, withHeader("Authorization", "Bearer "+h.issue(t, strategies.PairOptions{}).Access()))
			if c.change != nil {
				c.change(h, id.Info.(*strategies.JWTClaims))
			}
			assert.Equal(t, c.want, rechecked(h.jwt, id))
		})
	}
	t.Run("says over when the stamp is another", func(t *testing.T) {
		stamp := "hash-1"
		h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Stamp = func(any) string { return stamp } })
		id := identified(t, h.jwt, withHeader("Authorization", "Bearer "+h.issue(t, strategies.PairOptions{}).Access()))
		assert.Equal(t, "good", rechecked(h.jwt, id))
		stamp = "hash-2"
		assert.Equal(t, "over", rechecked(h.jwt, id))
	})
	t.Run("says fault of what it has not made", func(t *testing.T) {
		assert.Equal(t, "fault", rechecked(newHarbour(t).jwt, &app.Identity{User: frodo, Info: "ring"}))
	})
}

func TestRecheckOfGuard(t *testing.T) {
	t.Run("is that of its kind", func(t *testing.T) {
		h := newHarbour(t)
		id := identified(t, h.guard, withHeader("Authorization", "Bearer "+h.issue(t, strategies.PairOptions{}).Access()))
		assert.Equal(t, "good", rechecked(h.guard, id))
		must(h.jwt.RevokeAll(t.Context(), id.User, ""))
		assert.Equal(t, "over", rechecked(h.guard, id))
	})
	t.Run("says fault of a kind that cannot", func(t *testing.T) {
		h := newHarbour(t)
		guard := strategies.NewGuard("jwt", forgetful{h.jwt}, strategies.GuardOptions{})
		err := guard.Recheck(t.Context(), &app.Identity{})
		assert.ErrorContains(t, err, "strategies_test.forgetful is no app.Rechecker")
		assert.NotErrorIs(t, err, app.ErrInvalidCredentials)
	})
}

// forgetful is an Issuer and nothing else.
type forgetful struct {
	strategies.Issuer[*strategies.TokenPair, strategies.PairOptions]
}

func TestRecheckOfRemember(t *testing.T) {
	ctx, frodo := context.Background(), &hobbit{Name: "frodo"}
	stamp := ""
	for name, c := range map[string]struct {
		change func(h *hearth, series string)
		want   string
	}{
		"says good while nothing has happened":  {want: "good"},
		"says over when the series has ended":   {change: func(h *hearth, series string) { must(h.remember.Revoke(ctx, frodo, series)) }, want: "over"},
		"says over when all have":               {change: func(h *hearth, _ string) { must(h.remember.RevokeAll(ctx, frodo, "")) }, want: "over"},
		"says good when all others have":        {change: func(h *hearth, series string) { must(h.remember.RevokeAll(ctx, frodo, series)) }, want: "good"},
		"says over when the series has expired": {change: func(h *hearth, _ string) { h.clock.Advance(30 * 24 * time.Hour) }, want: "over"},
		"says over when the user is gone":       {change: func(h *hearth, _ string) { h.users.gone = true }, want: "over"},
		"says over when the stamp is another":   {change: func(*hearth, string) { stamp = "sting" }, want: "over"},
		"says over when the stamp is empty":     {change: func(*hearth, string) { stamp = "" }, want: "over"},
		"says fault when the store is down":     {change: func(h *hearth, _ string) { h.store.Fail("Find") }, want: "fault"},
		"says fault when the user cannot be loaded": {
			change: func(h *hearth, _ string) { h.users.err = tokenstest.ErrFault }, want: "fault"},
	} {
		t.Run(name, func(t *testing.T) {
			stamp = "mithril"
			h := newHearth(func(o *hearthOptions) {
				o.remember.Stamp = func(any) string { return stamp }
				o.session.Stamp = o.remember.Stamp
			})
			cookie := h.guest(t, "frodo").Cookie(remembering)
			id := identified(t, h.remember, withHeader("Cookie", cookie.String()))
			if c.change != nil {
				c.change(h, id.Handle)
			}
			before := len(h.store.Calls())
			assert.Equal(t, c.want, rechecked(h.remember, id))
			assert.Equal(t, []string{"Find"}, h.store.Calls()[before:], "nothing is replaced or ended")
		})
	}
}

// Each is watched as an application does it, for two minutes at most.
func TestWhileLoggedInByCredentials(t *testing.T) {
	ctx, frodo := context.Background(), &hobbit{Name: "frodo"}
	for name, open := range map[string]func() (s app.Strategy, r *http.Request, revoke func()){
		"a bearer token": func() (app.Strategy, *http.Request, func()) {
			bearer := strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{})
			token := must(bearer.Issue(ctx, frodo, strategies.TokenOptions{}))
			return bearer, withHeader("Authorization", "Bearer "+token.Text()), func() { must(bearer.RevokeAll(ctx, frodo, "")) }
		},
		"a JWT": func() (app.Strategy, *http.Request, func()) {
			jwt := watchedJWT(10 * time.Minute)
			return jwt, withHeader("Authorization", "Bearer "+must(jwt.Issue(ctx, frodo, strategies.PairOptions{})).Access()),
				func() { must(jwt.RevokeAll(ctx, frodo, "")) }
		},
		"a JWT that expires": func() (app.Strategy, *http.Request, func()) {
			jwt := watchedJWT(8 * time.Second)
			return jwt, withHeader("Authorization", "Bearer "+must(jwt.Issue(ctx, frodo, strategies.PairOptions{})).Access()), func() {}
		},
		"a guard": func() (app.Strategy, *http.Request, func()) {
			jwt := watchedJWT(10 * time.Minute)
			guard := strategies.NewGuard("jwt", jwt, strategies.GuardOptions{})
			return guard, withHeader("Authorization", "Bearer "+must(jwt.Issue(ctx, frodo, strategies.PairOptions{})).Access()),
				func() { must(jwt.RevokeAll(ctx, frodo, "")) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, r, revoke := open()
				limited, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				time.AfterFunc(7*time.Second, revoke)
				began, lasted := time.Now(), time.Duration(0)
				app.New().Use(app.Authenticate(s), func(ctx *app.Context, _ app.Handler) error {
					open, cancel, err := ctx.WhileLoggedIn(0)
					require.NoError(t, err)
					defer cancel()
					<-open.Done()
					lasted = time.Since(began)
					assert.ErrorIs(t, context.Cause(open), app.ErrLoggedOut)
					return nil
				}).ServeHTTP(httptest.NewRecorder(), r.WithContext(limited))
				assert.Equal(t, 10*time.Second, lasted)
			})
		})
	}
}

func watchedJWT(expiry time.Duration) *strategies.JWT {
	keys := must(strategies.NewJWTKeys(strategies.JWTKey{ID: "1", Algorithm: "HS256", Key: material()["HS256"]}))
	return strategies.NewJWT(&people{}, strategies.JWTOptions{
		Issuer: shire, Audience: shireAPI, Keys: keys, Expiry: expiry, Denylist: tokenstores.NewMemoryDenylist(),
	})
}
