package strategies_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestRememberStamp(t *testing.T) {
	stamp := "mithril"
	h := newHearth(func(o *hearthOptions) {
		o.remember.Stamp = func(any) string { return stamp }
		o.session.Stamp = o.remember.Stamp
	})
	v, w := h.guest(t, "frodo"), h.guest(t, "frodo")
	h.later()
	require.Equal(t, "frodo by session", who(v))
	stamp = "sting"
	assert.Equal(t, "nobody", who(v), "the session is bound to it")
	assert.Equal(t, "nobody", who(v), "and what would bring it back")
	res := w.Get("/direct")
	assert.Equal(t, 401, res.Status)
	assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
	assert.Empty(t, h.series(t, "frodo"))
	stamp = "mithril"
	assert.Equal(t, "nobody", who(w), "what has ended stays so")
	v = h.guest(t, "frodo")
	h.later()
	assert.Equal(t, "frodo by session", who(v))
	stamp = ""
	h.later()
	assert.Equal(t, "nobody", who(v))
	assert.Equal(t, 500, h.visitor(t).Post("/login?remember&as=frodo", "", "").Status, "nobody logs in without a stamp")
}

func TestRememberStampOfAUserWhoCameWithoutIt(t *testing.T) {
	h := newHearth(func(o *hearthOptions) {
		o.remember.Stamp = func(user any) string {
			if user.(*hobbit) == ringBearer { // not loaded
				return ""
			}
			return "mithril"
		}
	})
	var handle string
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) (err error) {
		handle, err = h.remember.Remember(ctx, ringBearer)
		return err
	})
	v := newVisitor(t, h, a, "")
	v.Get("/")
	require.NotEmpty(t, handle)
	assert.Equal(t, "frodo by remember", h.thief(t, cookieOf(v)).Get("/direct").Body)
	h.users.err = errors.New("the shire is out of reach")
	assert.Equal(t, 503, v.Get("/").Status)
}

func TestRememberUserWhoIsGone(t *testing.T) {
	h := newHearth()
	v := h.guest(t, "frodo")
	v.SetCookie(sitting, "")
	h.users.gone = true
	res := v.Get("/")
	assert.Equal(t, "nobody", res.Body)
	assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
	h.users.gone = false
	assert.Empty(t, h.series(t, "frodo"), "the next user of that name is another one")
}

func TestRememberKindsDoNotMix(t *testing.T) {
	store := tokenstores.NewMemory()
	users := newHearth(func(o *hearthOptions) { o.tokens = store })
	admins := newHearth(func(o *hearthOptions) { o.tokens, o.remember.Kind = store, "admin" })
	v := users.guest(t, "frodo")
	for _, name := range []string{remembering, "__Host-remember-admin"} {
		w := admins.visitor(t)
		w.SetCookie(name, cookieOf(v))
		assert.Equal(t, 401, w.Get("/direct").Status)
	}
	w := admins.visitor(t)
	require.Equal(t, 204, w.Post("/login?remember&as=frodo", "", "").Status)
	assert.NotNil(t, w.Cookie("__Host-remember-admin"))
	assert.Equal(t, 1, must(admins.remember.RevokeAll(t.Context(), ringBearer, "")))
	assert.Equal(t, "frodo by remember", v.Get("/direct").Body)
}

func TestRememberKeysRotate(t *testing.T) {
	store := tokenstores.NewMemory()
	withSecrets := func(keys *strategies.TokenKeys) *hearth {
		return newHearth(func(o *hearthOptions) { o.tokens, o.remember.Keys = store, keys })
	}
	oldKey := strategies.TokenKey{ID: "old", Secret: []byte(strings.Repeat("speak friend", 3))}
	newKey := strategies.TokenKey{ID: "new", Secret: []byte(strings.Repeat("and enter it", 3))}
	plain := withSecrets(nil)
	text := cookieOf(plain.guest(t, "frodo"))
	for hour, keys := range [][]strategies.TokenKey{{oldKey}, {newKey, oldKey}, {newKey}} {
		h := withSecrets(must(strategies.NewTokenKeys(keys...)))
		h.clock.Advance(time.Duration(hour+1) * time.Hour)
		v, again := h.thief(t, text), h.thief(t, text)
		require.Equal(t, 200, v.Get("/direct").Status)
		require.Equal(t, 200, again.Get("/direct").Status)
		require.Equal(t, cookieOf(v), cookieOf(again))
		require.NotEqual(t, text, cookieOf(v))
		text = cookieOf(v)
	}
	assert.Equal(t, 401, plain.thief(t, text).Get("/direct").Status, "who has no key can verify none")
}

func TestRememberDescribesItself(t *testing.T) {
	h := newHearth(func(o *hearthOptions) { o.remember.Cookie.Name = "__Secure-hearth" })
	name, looksAt := h.remember.Describe()
	assert.Equal(t, "remember", name)
	assert.Equal(t, "the cookie __Secure-hearth", looksAt)
}
