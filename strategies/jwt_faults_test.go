package strategies_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func onAllowlist(_ *harbour, o *strategies.JWTOptions) { o.Denylist, o.Allowlist = nil, true }

// 1.17.5's contrary: what cannot be found out is 503, never 401 and never let in.
func TestJWTFaultsAreNeverInvalidTokens(t *testing.T) {
	for name, test := range map[string]struct {
		edit   func(*harbour, *strategies.JWTOptions)
		damage func(h *harbour)
	}{
		"the denylist":                          {func(*harbour, *strategies.JWTOptions) {}, func(h *harbour) { h.denylist.Fail("Find") }},
		"the denylist, whose answer is lost":    {func(*harbour, *strategies.JWTOptions) {}, func(h *harbour) { h.denylist.Fail("Find"); h.denylist.LoseAnswers() }},
		"the allowlist":                         {onAllowlist, func(h *harbour) { h.store.Fail("Find") }},
		"the Serializer":                        {func(*harbour, *strategies.JWTOptions) {}, func(h *harbour) { h.users.err = errDown }},
		"the Serializer, of an allowlist":       {onAllowlist, func(h *harbour) { h.users.err = errDown }},
		"the Serializer, which was interrupted": {func(*harbour, *strategies.JWTOptions) {}, func(h *harbour) { h.users.err = context.Canceled }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, test.edit)
			text := h.issue(t, strategies.PairOptions{}).Access()
			h.letsIn(t, text)
			test.damage(h)
			h.log.Reset()
			reached := h.reached
			for _, layer := range []app.Middleware{app.Authenticate(h.jwt), app.Identify(h.jwt), app.Authenticate(h.guard)} {
				w := h.under(withHeader("Authorization", "Bearer "+text), layer, func(ctx *app.Context, _ app.Handler) error { h.reached++; return nil })
				assert.Equal(t, 503, w.Code)
				assert.Empty(t, w.Header()["Www-Authenticate"])
			}
			h.under(withHeader("Authorization", "Bearer "+text), func(ctx *app.Context, _ app.Handler) error {
				in, err := h.guard.Check(ctx)
				assert.Error(t, err)
				assert.False(t, in)
				_, err = h.guard.Logout(ctx)
				assert.Error(t, err, "what could not be verified may be alive")
				assert.False(t, h.guard.State(ctx).LoggedOut)
				return nil
			})
			found, err := h.jwt.Introspect(t.Context(), text)
			assert.Nil(t, found)
			assert503(t, err)
			assert.Equal(t, reached, h.reached)
			assert.NotContains(t, h.log.String(), "a JWT was refused")
			h.tellsNothing(t, text)

			h.store.Heal()
			h.denylist.Heal()
			h.users.err = nil
			h.letsIn(t, text)
		})
	}
}

func assert503(t testing.TB, err error, what ...any) {
	t.Helper()
	e, ok := errors.AsType[*app.Error](err)
	if assert.True(t, ok, what...) {
		assert.Equal(t, 503, e.Status, what...)
	}
}

// By hand too: each call says what it could not do, and what it did not do is not told.
func TestJWTFaultsOfChanges(t *testing.T) {
	frodo := &hobbit{Name: "frodo"}
	for name, test := range map[string]struct {
		damage func(h *harbour)
		call   func(h *harbour, p *strategies.TokenPair) error
	}{
		"Issue without the denylist": {func(h *harbour) { h.denylist.Fail("Find") }, func(h *harbour, _ *strategies.TokenPair) error {
			pair, err := h.jwt.Issue(t.Context(), frodo, strategies.PairOptions{})
			assert.Equal(t, err == nil, pair != nil)
			return err
		}},
		"Issue without the store": {func(h *harbour) { h.store.Fail("Insert") }, func(h *harbour, _ *strategies.TokenPair) error {
			pair, err := h.jwt.Issue(t.Context(), frodo, strategies.PairOptions{})
			assert.Equal(t, err == nil, pair != nil)
			return err
		}},
		"Revoke without the store":       {func(h *harbour) { h.store.Fail("Find") }, revokeDevice},
		"Revoke without the denylist":    {func(h *harbour) { h.denylist.Fail("Deny") }, revokeDevice},
		"Revoke that deletes nothing":    {func(h *harbour) { h.store.Fail("Delete") }, revokeDevice},
		"RevokeAll without the store":    {func(h *harbour) { h.store.Fail("DeleteAll") }, revokeAll},
		"RevokeAll without the denylist": {func(h *harbour) { h.denylist.Fail("Deny") }, revokeAll},
		"Devices": {func(h *harbour) { h.store.Fail("List") }, func(h *harbour, _ *strategies.TokenPair) error {
			_, err := h.jwt.Devices(t.Context(), frodo)
			return err
		}},
		"EndIssued": {func(h *harbour) { h.denylist.Fail("Deny") }, func(h *harbour, p *strategies.TokenPair) error { return h.jwt.EndIssued(t.Context(), p) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			pair := h.issue(t, strategies.PairOptions{})
			test.damage(h)
			assert503(t, test.call(h, pair))
			h.store.Heal()
			h.denylist.Heal()
			require.NoError(t, test.call(h, pair), "what failed can be done again")
		})
	}
}

func revokeDevice(h *harbour, p *strategies.TokenPair) error {
	_, err := h.jwt.Revoke(context.Background(), &hobbit{Name: "frodo"}, p.Claims.Device)
	return err
}

func revokeAll(h *harbour, _ *strategies.TokenPair) error {
	_, err := h.jwt.RevokeAll(context.Background(), &hobbit{Name: "frodo"}, "")
	return err
}

// A logout that could not be written is no logout, and can be tried again.
func TestJWTLogoutFaults(t *testing.T) {
	for name, damage := range map[string]func(h *harbour){"the denylist": func(h *harbour) { h.denylist.Fail("Deny") }, "the denylist, whose answer is lost": func(h *harbour) { h.denylist.Fail("Deny"); h.denylist.LoseAnswers() }} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t)
			text := h.issue(t, strategies.PairOptions{}).Access()
			damage(h)
			w := h.do(withHeader("Authorization", "Bearer "+text), func(ctx *app.Context) error {
				err := ctx.Logout()
				assert.Error(t, err)
				assert.Equal(t, "frodo", ctx.User().(*hobbit).Name)
				return err
			})
			assert.Equal(t, 503, w.Code)
			h.denylist.Heal()
			if name == "the denylist" {
				assert.Equal(t, 204, h.logout(text).Code)
			}
			h.refuses(t, text, strategies.ErrTokenRevoked.Error())
		})
	}
	t.Run("the store of an allowlist", func(t *testing.T) {
		h := newHarbour(t, onAllowlist)
		text := h.issue(t, strategies.PairOptions{}).Access()
		h.store.Fail("Delete")
		assert.Equal(t, 503, h.logout(text).Code)
		h.store.Heal()
		h.letsIn(t, text)
		assert.Equal(t, 204, h.logout(text).Code)
		h.refuses(t, text, strategies.ErrTokenRevoked.Error())
	})
}

// A client that hangs up does not undo its logout.
func TestJWTLogoutIsFinishedWithoutTheClient(t *testing.T) {
	h := newHarbour(t)
	pair := h.issue(t, strategies.PairOptions{})
	r := withHeader("Authorization", "Bearer "+pair.Access())
	c, hangUp := context.WithCancel(r.Context())
	h.do(r.WithContext(c), func(ctx *app.Context) error { hangUp(); return ctx.Logout() })
	h.refuses(t, pair.Access(), strategies.ErrTokenRevoked.Error())
	left, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	assert.Empty(t, left)
}

// An odd list answers what it likes.
type oddList struct {
	tokenstores.Denylist
	found *tokenstores.Denials
}

func (l *oddList) Find(context.Context, string, ...string) (*tokenstores.Denials, error) {
	return l.found, nil
}

func TestJWTDenylistsThatAreOdd(t *testing.T) {
	for name, test := range map[string]struct {
		found tokenstores.Denials
		want  int
	}{
		"no marks": {tokenstores.Denials{}, 503}, "too few marks": {tokenstores.Denials{Marks: []string{"", ""}}, 503}, "too many marks": {tokenstores.Denials{Marks: make([]string, 4)}, 503},
		"nothing": {tokenstores.Denials{Marks: make([]string, 3)}, 200}, "an epoch that cannot be read": {tokenstores.Denials{Marks: []string{"", "", "precious"}}, 401},
		"an epoch that is cut": {tokenstores.Denials{Marks: []string{"", "", "a 1"}}, 401}, "an epoch with more": {tokenstores.Denials{Marks: []string{"", "", "a 1 b c"}}, 401}, "an epoch without a name": {tokenstores.Denials{Marks: []string{"", "", "  "}}, 401},
		"a user who is gone": {tokenstores.Denials{Marks: make([]string, 3), Joined: true}, 401}, "a user of its own": {tokenstores.Denials{Marks: make([]string, 3), Joined: true, User: &hobbit{Name: "frodo"}}, 200},
		"a user who is denied": {tokenstores.Denials{Marks: []string{"ended", "", ""}, Joined: true, User: &hobbit{Name: "frodo"}}, 401},
	} {
		h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Denylist = &oddList{found: &test.found} })
		assert.Equal(t, test.want, h.send(newDraft("ES256").text()).Code, name)
	}
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Denylist = &oddList{found: &tokenstores.Denials{}} })
	pair, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{})
	assert503(t, err)
	assert.Nil(t, pair)
}

type damagedTokens struct{ *tokenstores.Memory }

func (damagedTokens) Find(context.Context, string, string) (*tokenstores.Token, error) {
	return nil, tokenstores.ErrTokenDamaged
}

func TestJWTDevicesThatCannotBeReadAreNone(t *testing.T) {
	h := newHarbour(t, onAllowlist, func(_ *harbour, o *strategies.JWTOptions) { o.Refresh.Store = damagedTokens{tokenstores.NewMemory()} })
	h.refuses(t, h.issue(t, strategies.PairOptions{}).Access(), "cannot be read")
	assert.Contains(t, h.log.String(), "level=ERROR")
}

// An issuer that does not answer is a fault, until its keys are there; then they do for a day.
func TestJWTRemoteKeysThatAreAway(t *testing.T) {
	issuer := newHarbour(t)
	up := false
	server := httptest.NewServer(app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		if !up {
			ctx.Status = 500
			return nil
		}
		return keysFor(t, "ES256").Publish(ctx)
	}))
	t.Cleanup(server.Close)
	var clock func() time.Time
	h := newHarbour(t, func(h *harbour, o *strategies.JWTOptions) {
		clock = h.clock.Now
		o.Remote = strategies.NewRemoteKeys(server.URL, strategies.RemoteKeysOptions{Algorithms: []string{"ES256"}, InsecureHTTP: true, Clock: clock, Logger: o.Logger})
		o.Refresh.Store = nil
	})
	text := issuer.issue(t, strategies.PairOptions{}).Access()
	for range 2 {
		w := h.send(text)
		assert.Equal(t, 503, w.Code)
		assert.Empty(t, w.Header()["Www-Authenticate"])
	}
	assert.Equal(t, 401, h.send(draftWith(claim("iss", `"https://mordor.example"`))).Code, "that one is not asked for")
	up = true
	h.clock.Advance(time.Minute)
	h.letsIn(t, text)
	up = false
	h.letsIn(t, text)
	h.refuses(t, draftWith(header("kid", `"unknown"`)), "there is no such key")
	assert.NotContains(t, h.log.String(), server.URL)
}
