package strategies_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestRememberForget(t *testing.T) {
	forgetting := func(ctx *app.Context, _ app.Handler) error { return ctx.Throw(500, "never") }
	for name, c := range map[string]struct {
		cookies func(last, former, older string) []string
		left    []int // series of frodo and of sam
		asks    int
		theft   bool
	}{
		"no cookie":             {func(_, _, _ string) []string { return nil }, []int{1, 1}, 0, false},
		"garbage":               {func(_, _, _ string) []string { return []string{"garbage"} }, []int{1, 1}, 0, false},
		"the cookie":            {func(last, _, _ string) []string { return []string{last} }, []int{0, 1}, 2, false},
		"the one before":        {func(_, former, _ string) []string { return []string{former} }, []int{0, 1}, 2, false},
		"one that was long ago": {func(_, _, older string) []string { return []string{older} }, []int{0, 1}, 2, true},
		"a secret that is made up": {func(last, _, _ string) []string {
			p := partsOf(last)
			p.proof, p.secret = strings.Repeat("a", 22), strings.Repeat("b", 43)
			return []string{p.text()}
		}, []int{1, 1}, 1, false},
		"the right secret without the proof": {func(last, _, _ string) []string {
			p := partsOf(last)
			p.proof = strings.Repeat("a", 22)
			return []string{p.text()}
		}, []int{1, 1}, 1, false},
		"the cookie beside a planted one": {func(last, _, _ string) []string { return []string{"garbage", last} }, []int{0, 1}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth()
			h.guest(t, "sam")
			v := h.guest(t, "frodo")
			texts := []string{cookieOf(v)}
			for range 2 {
				h.clock.Advance(time.Minute)
				require.Equal(t, 200, v.Get("/direct").Status)
				texts = append(texts, cookieOf(v))
			}
			before := h.calls()
			var err error
			a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
				_, err = h.remember.Forget(ctx)
				_, asked := h.remember.Authenticate(ctx)
				assert.ErrorIs(t, asked, app.ErrNoCredentials)
				assert.NoError(t, justError(h.remember.Forget(ctx)), "once more")
				return nil
			}, forgetting)
			b := newVisitor(t, h, a, "")
			r := b.NewRequest(http.MethodPost, "/", nil)
			for _, text := range c.cookies(texts[2], texts[1], texts[0]) {
				r.AddCookie(&http.Cookie{Name: remembering, Value: text})
			}
			res := b.Do(r)
			assert.Equal(t, c.theft, stolenFrom(err))
			assert.Equal(t, c.theft, err != nil)
			assert.Equal(t, len(r.Cookies()) > 0, res.SetCookie(remembering) != nil)
			assert.Len(t, h.store.Calls()[before:], c.asks)
			assert.Equal(t, c.left, []int{len(h.series(t, "frodo")), len(h.series(t, "sam"))})
		})
	}
}

func TestRememberLogoutOfWhatItProvedItself(t *testing.T) {
	h := newHearth()
	v, other := h.guest(t, "frodo"), h.guest(t, "frodo")
	v.SetCookie(sitting, "")
	text := cookieOf(v)
	res := v.Post("/direct/logout", "", "")
	require.Equal(t, 204, res.Status)
	assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
	assert.Equal(t, 401, h.thief(t, text).Get("/direct").Status)
	assert.Equal(t, 200, other.Get("/direct").Status, "the other one stays")
	assert.Contains(t, h.names(), "logout")
}

func TestRememberedDevices(t *testing.T) {
	h := newHearth()
	h.guest(t, "frodo")
	h.guest(t, "sam")
	h.clock.Advance(time.Hour)
	v := h.guest(t, "frodo")
	list := h.series(t, "frodo")
	require.Len(t, list, 2)
	newer, older := list[0].ID, list[1].ID
	assert.Equal(t, partsOf(cookieOf(v)).id, newer, "the last used first")
	ctx := t.Context()
	for _, handle := range []string{"", "x", strings.Repeat("a", 22), older + "0", "\x00", h.series(t, "sam")[0].ID} {
		assert.False(t, must(h.remember.Revoke(ctx, ringBearer, handle)), handle)
	}
	assert.True(t, must(h.remember.Revoke(ctx, ringBearer, older)))
	assert.False(t, must(h.remember.Revoke(ctx, ringBearer, older)))
	assert.Equal(t, 0, must(h.remember.RevokeAll(ctx, ringBearer, newer)))
	h.guest(t, "frodo")
	assert.Equal(t, 1, must(h.remember.RevokeAll(ctx, ringBearer, newer)))
	assert.Equal(t, 1, must(h.remember.RevokeAll(ctx, ringBearer, h.series(t, "sam")[0].ID)), "another's keeps nothing")
	assert.Zero(t, must(h.remember.RevokeAll(ctx, ringBearer, "\x00\xff")))
	assert.Len(t, h.series(t, "sam"), 1)
	for _, user := range []any{nil, (*hobbit)(nil), "frodo"} {
		_, err := h.remember.List(ctx, user)
		require.Error(t, err)
		_, err = h.remember.Revoke(ctx, user, older)
		require.Error(t, err)
		_, err = h.remember.RevokeAll(ctx, user, "")
		require.Error(t, err)
	}
}

func TestRememberPrune(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		h.guest(t, "frodo")
		h.clock.Advance(29 * day)
		h.guest(t, "sam")
		assert.Zero(t, must(h.remember.Prune(t.Context())))
		h.clock.Advance(day)
		assert.Equal(t, 1, must(h.remember.Prune(t.Context())))
		assert.Len(t, h.series(t, "sam"), 1)
	})
}
