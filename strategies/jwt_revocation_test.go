package strategies_test

import (
	"crypto/elliptic"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

func nothingSpecial(*harbour, *strategies.JWTOptions) {}

func withoutRevocation(_ *harbour, o *strategies.JWTOptions) {
	o.Denylist, o.InsecureIrrevocable = nil, true
}

// twin is another signature of an ES256 token that is as good.
func twin(text string) string {
	p := strings.Split(text, ".")
	r, s := halves([]byte(decodedPart(p[2])))
	p[2] = encoded(string(pairOf(32, r, new(big.Int).Sub(elliptic.P256().Params().N, s))))
	return strings.Join(p, ".")
}

// R61, S63's contrary: what ends is the token, not a text of it.
func TestJWTRevocationIsOfNoText(t *testing.T) {
	h := newHarbour(t)
	ended, live := h.issue(t, strategies.PairOptions{}).Access(), h.issue(t, strategies.PairOptions{}).Access()
	require.NotEqual(t, live, twin(live))
	h.letsIn(t, twin(live), "a signature that is as good")
	require.Equal(t, 204, h.logout(ended).Code)
	h.refuses(t, ended, strategies.ErrTokenRevoked.Error())
	h.refuses(t, twin(ended), strategies.ErrTokenRevoked.Error())
	for name, change := range map[string]func(string) string{"unused bits": unusedBits, "padding": behind("=="), "a newline": behind("\n")} {
		h.refuses(t, change(ended), noBase64, name)
		h.refuses(t, change(live), noBase64, name)
	}
	other := newDraft("ES256").text()
	require.Equal(t, 204, h.logout(twin(other)).Code)
	h.refuses(t, other, strategies.ErrTokenRevoked.Error(), "ended by its twin")
	h.refuses(t, draftWith(claim("x", "1")), strategies.ErrTokenRevoked.Error(), "another token with its id")
	h.letsIn(t, draftWith(claim("jti", `"token-2"`)))
	h.letsIn(t, live)
}

// The same jti of another issuer is another token's, in one list.
func TestJWTRevocationIsOfOneIssuer(t *testing.T) {
	h := newHarbour(t)
	other := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Issuer, o.Denylist = "https://rohan.example", h.denylist })
	ours, theirs := newDraft("ES256").text(), draftWith(claim("iss", `"https://rohan.example"`))
	require.Equal(t, 204, h.logout(ours).Code)
	other.letsIn(t, theirs)
	_, err := h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, "")
	require.NoError(t, err)
	other.letsIn(t, theirs)
	h.refuses(t, ours, strategies.ErrTokenRevoked.Error())
}

func TestJWTLogout(t *testing.T) {
	for name, edit := range map[string]func(*harbour, *strategies.JWTOptions){"with a denylist": nothingSpecial, "with an allowlist": onAllowlist} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, edit)
			phone, tablet := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
			w := h.do(withHeader("Authorization", "Bearer "+phone.Access()), func(ctx *app.Context) error {
				require.NoError(t, ctx.Logout())
				assert.Nil(t, ctx.User())
				assert.False(t, ctx.IsAuthenticated())
				require.NoError(t, ctx.Logout(), "twice is no error")
				ctx.Status = 204
				return nil
			})
			assert.Equal(t, 204, w.Code)
			h.refuses(t, phone.Access(), strategies.ErrTokenRevoked.Error())
			h.letsIn(t, tablet.Access(), "another device")
			left, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
			require.NoError(t, err)
			require.Len(t, left, 1)
			assert.Equal(t, tablet.Claims.Device, left[0].ID)
			assert.Equal(t, 401, h.logout(phone.Access()).Code)
			assert.Equal(t, 401, h.logout(h.issue(t, strategies.PairOptions{}).Access()+"x").Code, "a forged one ends nothing")
			h.letsIn(t, tablet.Access())
		})
	}
	t.Run("with a denylist ends a token without a device", func(t *testing.T) {
		h := newHarbour(t)
		text := h.issue(t, strategies.PairOptions{NoRefresh: true}).Access()
		require.Equal(t, 204, h.logout(text).Code)
		h.refuses(t, text, strategies.ErrTokenRevoked.Error())
	})
	t.Run("without either ends the device, and says openly that the token lives", func(t *testing.T) {
		h := newHarbour(t, withoutRevocation)
		pair := h.issue(t, strategies.PairOptions{})
		require.Equal(t, 204, h.logout(pair.Access()).Code)
		left, err := h.jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
		require.NoError(t, err)
		assert.Empty(t, left)
		h.letsIn(t, pair.Access())
		h.clock.Advance(15 * time.Minute)
		h.refuses(t, pair.Access(), strategies.ErrTokenExpired.Error())
	})
	t.Run("without anything cannot be, and is told", func(t *testing.T) {
		h := newHarbour(t, withoutRevocation)
		text := h.issue(t, strategies.PairOptions{NoRefresh: true}).Access()
		w := h.do(withHeader("Authorization", "Bearer "+text), func(ctx *app.Context) error {
			err := ctx.Logout()
			assert.ErrorIs(t, err, app.ErrCannotEnd)
			assert.True(t, ctx.IsAuthenticated())
			return err
		})
		assert.Equal(t, 500, w.Code)
		h.letsIn(t, text)
	})
	t.Run("by somebody else's strategy is refused", func(t *testing.T) {
		assert.ErrorContains(t, newHarbour(t).jwt.End(nil, &app.Identity{Info: "token"}), "cannot end a string")
	})
}

func TestJWTAllowlistTakesOnlyWhatHasADevice(t *testing.T) {
	h := newHarbour(t, onAllowlist)
	pair := h.issue(t, strategies.PairOptions{})
	h.letsIn(t, pair.Access())
	of := func(device string) edit { return claim("sid", quote(device)) }
	h.letsIn(t, draftWith(of(pair.Claims.Device)))
	for name, e := range map[string]edit{
		"no device": claim("sid", ""), "an unknown device": of(strings.Repeat("a", 22)), "a device that can be none": of("phone"), "another's device": all(of(pair.Claims.Device), claim("sub", `"sam"`)),
	} {
		h.refuses(t, draftWith(e), strategies.ErrTokenRevoked.Error(), name)
	}
	_, err := h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{NoRefresh: true})
	assert.ErrorIs(t, err, strategies.ErrTokenOptions, "what would never be let in is not issued")
	there, err := h.jwt.Revoke(t.Context(), &hobbit{Name: "sam"}, pair.Claims.Device)
	require.NoError(t, err)
	assert.False(t, there, "somebody else's")
	h.letsIn(t, pair.Access())
	there, err = h.jwt.Revoke(t.Context(), &hobbit{Name: "frodo"}, pair.Claims.Device)
	require.NoError(t, err)
	assert.True(t, there)
	h.refuses(t, pair.Access(), strategies.ErrTokenRevoked.Error())
}

// S65's contrary: no two events in one second are confused, for the clock stands still here.
func TestJWTRevokeAllHasNoHoleOfASecond(t *testing.T) {
	for name, edit := range map[string]func(*harbour, *strategies.JWTOptions){"with a denylist": nothingSpecial, "with an allowlist": onAllowlist} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, edit)
			var old []string
			for round := range 3 {
				n, err := h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, "")
				require.NoError(t, err)
				assert.Equal(t, min(round, 1), n)
				for _, text := range old {
					h.refuses(t, text, strategies.ErrTokenRevoked.Error())
				}
				young := h.issue(t, strategies.PairOptions{}).Access()
				h.letsIn(t, young)
				old = append(old, young)
			}
		})
	}
}

func TestJWTRevokeAllButOne(t *testing.T) {
	for name, edit := range map[string]func(*harbour, *strategies.JWTOptions){"with a denylist": nothingSpecial, "with an allowlist": onAllowlist} {
		t.Run(name, func(t *testing.T) {
			h := newHarbour(t, edit)
			frodo, sam := &hobbit{Name: "frodo"}, &hobbit{Name: "sam"}
			phone, tablet := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
			others, err := h.jwt.Issue(t.Context(), sam, strategies.PairOptions{})
			require.NoError(t, err)
			n, err := h.jwt.RevokeAll(t.Context(), frodo, phone.Claims.Device)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
			h.letsIn(t, phone.Access())
			h.refuses(t, tablet.Access(), strategies.ErrTokenRevoked.Error())
			h.letsIn(t, others.Access())
			h.letsIn(t, h.issue(t, strategies.PairOptions{}).Access())

			for _, keep := range []string{others.Claims.Device, "phone", strings.Repeat("a", 22)} {
				young := h.issue(t, strategies.PairOptions{}).Access()
				_, err = h.jwt.RevokeAll(t.Context(), frodo, keep)
				require.NoError(t, err)
				h.refuses(t, young, strategies.ErrTokenRevoked.Error(), "what is not the user's is not kept")
				h.refuses(t, phone.Access(), strategies.ErrTokenRevoked.Error())
			}
			h.letsIn(t, others.Access())
		})
	}
}

func TestJWTStampEndsWhatIsOlder(t *testing.T) {
	stamp := map[string]string{"frodo": "hash-1", "sam": "hash-1"}
	h := newHarbour(t, withoutRevocation, func(_ *harbour, o *strategies.JWTOptions) {
		o.Stamp = func(user any) string { return stamp[user.(*hobbit).Name] }
	})
	old := h.issue(t, strategies.PairOptions{}).Access()
	others, err := h.jwt.Issue(t.Context(), &hobbit{Name: "sam"}, strategies.PairOptions{})
	require.NoError(t, err)
	assert.NotContains(t, decodedPart(strings.Split(old, ".")[1]), "hash-1")
	h.letsIn(t, old)
	stamp["frodo"] = "hash-2"
	h.refuses(t, old, strategies.ErrTokenRevoked.Error())
	h.letsIn(t, others.Access())
	h.letsIn(t, h.issue(t, strategies.PairOptions{}).Access())
	for name, value := range map[string]string{"none": "", "an empty one": `{"stamp":""}`, "the text itself": `{"stamp":"hash-2"}`, "no text": `{"stamp":2}`} {
		h.refuses(t, draftWith(claim("kahu", value)), strategies.ErrTokenRevoked.Error(), name)
	}
	plain := newHarbour(t)
	plain.refuses(t, draftWith(claim("kahu", `{"stamp":"x"}`)), strategies.ErrTokenRevoked.Error(), "where users have no stamp any more")
}

// Nothing comes back to life by pruning, and in the end nothing is left.
func TestJWTPruningRevivesNothing(t *testing.T) {
	frodo := &hobbit{Name: "frodo"}
	for name, end := range map[string]func(h *harbour, p *strategies.TokenPair) error{
		"a logout of what has no device": func(h *harbour, p *strategies.TokenPair) error {
			*p = *h.issue(t, strategies.PairOptions{NoRefresh: true})
			h.logout(p.Access())
			return nil
		},
		"a logout": func(h *harbour, p *strategies.TokenPair) error { h.logout(p.Access()); return nil },
		"a device that ended": func(h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.Revoke(t.Context(), frodo, p.Claims.Device)
			return err
		},
		"all that ended": func(h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.RevokeAll(t.Context(), frodo, "")
			return err
		},
		"a revocation by text": func(h *harbour, p *strategies.TokenPair) error {
			_, err := h.jwt.RevokeText(t.Context(), p.Refresh(), "")
			return err
		},
	} {
		for _, leeway := range []time.Duration{0, time.Minute} {
			for _, late := range []time.Duration{0, time.Second, 15*time.Minute - time.Second, 15*time.Minute + leeway - time.Second} {
				t.Run(fmt.Sprint(name, ", ", leeway, " of leeway, after ", late), func(t *testing.T) {
					h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Leeway = leeway })
					pair := h.issue(t, strategies.PairOptions{})
					h.clock.Advance(late)
					h.letsIn(t, pair.Access())
					require.NoError(t, end(h, pair))
					pruned := 0
					for range 40 {
						n, err := h.jwt.Prune(t.Context())
						require.NoError(t, err)
						pruned += n
						require.Equal(t, 401, h.send(pair.Access()).Code, "after %v", h.clock.Now().Sub(landing))
						h.clock.Advance(30 * time.Second)
					}
					h.clock.Advance(100 * 24 * time.Hour)
					n, err := h.jwt.Prune(t.Context())
					require.NoError(t, err)
					pruned += n
					assert.Positive(t, pruned)
					n, err = h.jwt.Prune(t.Context())
					require.NoError(t, err)
					assert.Zero(t, n)
				})
			}
		}
	}
}
