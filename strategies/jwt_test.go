package strategies_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

func TestJWTProvesItsUser(t *testing.T) {
	h := newHarbour(t)
	pair := h.issue(t, strategies.PairOptions{Scopes: []string{"rings:read", "rings:write"}, Client: "palantir", Name: "phone"})
	w := h.do(withHeader("Authorization", "Bearer "+pair.Access()), func(ctx *app.Context) error {
		id, err := ctx.Identity()
		require.NoError(t, err)
		assert.Equal(t, "frodo", id.User.(*hobbit).Name)
		assert.Equal(t, "jwt", id.Via)
		assert.True(t, id.Deliberate)
		assert.Equal(t, []string{"rings:read", "rings:write"}, id.Scopes)
		c := id.Info.(*strategies.JWTClaims)
		assert.Equal(t, pair.Claims, c, "what Issue told is what is there")
		id.Scopes[0] = "*"
		assert.Equal(t, "rings:read", c.Scopes[0], "the claims are not the identity's")

		assert.Equal(t, shire, c.Issuer)
		assert.Equal(t, []string{shireAPI}, c.Audience)
		assert.Equal(t, "frodo", c.Subject)
		assert.Equal(t, "palantir", c.Client)
		assert.Len(t, c.ID, 22)
		assert.Len(t, c.Device, 22)
		assert.Equal(t, landing.Truncate(time.Second), c.IssuedAt)
		assert.Equal(t, landing.Add(15*time.Minute).Truncate(time.Second), c.Expires)
		assert.True(t, c.NotBefore.IsZero())
		return nil
	})
	assert.Equal(t, 404, w.Code, "the handler said nothing")
	assert.Equal(t, 1, h.reached)
	assert.True(t, h.users.bounded, "the Serializer was asked with a time limit")
	assert.NotEqual(t, pair.Claims.ID, h.issue(t, strategies.PairOptions{}).Claims.ID)
}

// R65: a token says what it has to, and nothing of the user's struct.
func TestJWTSaysNothingThatIsNotListed(t *testing.T) {
	h := newHarbour(t)
	parts := strings.Split(h.issue(t, strategies.PairOptions{}).Access(), ".")
	require.Len(t, parts, 3)
	assert.JSONEq(t, `{"alg":"ES256","kid":"key-ES256","typ":"at+jwt"}`, decodedPart(parts[0]))
	claims := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(decodedPart(parts[1])), &claims))
	assert.Equal(t, []string{"aud", "exp", "iat", "iss", "jti", "sid", "sub"}, slices.Sorted(maps.Keys(claims)))

	alone := h.issue(t, strategies.PairOptions{NoRefresh: true})
	assert.Empty(t, alone.Refresh())
	assert.Empty(t, alone.Claims.Device)
	h.letsIn(t, alone.Access())
}

func TestJWTEndsOnTime(t *testing.T) {
	end := func(edit func(o *strategies.JWTOptions), life time.Duration) func(t *testing.T) {
		return func(t *testing.T) {
			h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { edit(o) })
			text := h.issue(t, strategies.PairOptions{}).Access()
			h.clock.Advance(life - 600*time.Millisecond - time.Microsecond)
			h.letsIn(t, text)
			h.clock.Advance(time.Microsecond)
			h.refuses(t, text, strategies.ErrTokenExpired.Error())
		}
	}
	t.Run("after 15 minutes unless said otherwise", end(func(*strategies.JWTOptions) {}, 15*time.Minute))
	t.Run("after the Expiry", end(func(o *strategies.JWTOptions) { o.Expiry = time.Hour }, time.Hour))
	t.Run("later by the leeway", end(func(o *strategies.JWTOptions) { o.Leeway = time.Minute }, 16*time.Minute))
	t.Run("with its device, if that is sooner", end(func(o *strategies.JWTOptions) { o.Refresh.Absolute = 5 * time.Minute }, 5*time.Minute))
}

func TestJWTLeewayIsForClocksThatAreAhead(t *testing.T) {
	for _, name := range []string{"nbf", "iat"} {
		for leeway, at := range map[time.Duration]int64{0: 0, 10 * time.Second: 10, time.Minute: 60} {
			h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Leeway = leeway })
			good, early := newDraft("ES256"), newDraft("ES256")
			claim(name, seconds(at))(good)
			claim(name, seconds(at+1))(early)
			h.letsIn(t, good.text(), name, leeway)
			h.refuses(t, early.text(), "a token from the future", name, leeway)
		}
	}
}

func TestJWTTakesWhatIsGoodInAnotherWay(t *testing.T) {
	for name, e := range map[string]edit{
		"an array with our audience":         claim("aud", `["https://mordor.example","`+shireAPI+`"]`),
		"a date before which it is not good": claim("nbf", seconds(0)), "no date of issue": claim("iat", ""), "no scope": claim("scope", ""),
		"no kid where there is one key": header("kid", ""), "a thumbprint that nobody asked for": header("x5t", `"x"`), "a header that nobody knows": header("ppt", `{"a":[1]}`),
		"spaces in the JSON": paid(func(good string) string { return " " + strings.ReplaceAll(good, `":`, "\" :\t") + "\n" }),
		"an escaped name":    all(claim("sub", ""), claim(`s\u0075b`, `"frodo"`)), "a surrogate pair": claim("role", `"\ud83d\udc8d"`), "a claim of the other's that has our name": claim("kahu", `[1]`),
		"an expiry in the year 9999": claim("exp", "253402300799"), "63 levels": claim("role", strings.Repeat("[", 62)+strings.Repeat("]", 62)),
	} {
		h, d := newHarbour(t), newDraft("ES256")
		e(d)
		h.letsIn(t, d.text(), name)
	}
	newHarbour(t).letsIn(t, ofLength(8<<10), "exactly 8 KiB")
}

func TestJWTPassesOnWhatIsNotItsOwn(t *testing.T) {
	for name, header := range map[string][]string{"no header": nil, "an empty one": {""}, "another scheme": {"Basic ZnJvZG86eA=="}, "another scheme with parameters": {`Digest a="b", c="d"`}} {
		h := newHarbour(t)
		w := h.do(withHeader("Authorization", header...), fine)
		assert.Equal(t, 401, w.Code, name)
		assert.Equal(t, []string{wantsToken}, w.Header()["Www-Authenticate"], name)
		assert.Empty(t, h.log.String(), name)
		assert.Zero(t, h.questions(), name)
	}
}

// Two issuers stand side by side, in any order.
func TestJWTStandsBesideOthers(t *testing.T) {
	ours := newHarbour(t)
	theirs := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Issuer, o.Realm = "https://rohan.example", "rohan" })
	opaque := newTower(t, strategies.BearerOptions{})
	for _, text := range []string{ours.issue(t, strategies.PairOptions{}).Access(), theirs.issue(t, strategies.PairOptions{}).Access(), opaque.issue(t, strategies.TokenOptions{}).Text()} {
		for _, order := range [][]app.Strategy{{ours.jwt, theirs.jwt, opaque.bearer}, {opaque.bearer, theirs.jwt, ours.jwt}} {
			w := ours.under(withHeader("Authorization", "Bearer "+text), app.Authenticate(order...), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) })
			assert.Equal(t, "frodo", w.Body.String())
		}
	}
	w := ours.under(withHeader("Authorization"), app.Authenticate(ours.jwt, theirs.jwt))
	assert.Equal(t, []string{wantsToken, `Bearer realm="rohan"`}, w.Header()["Www-Authenticate"])
}

func TestJWTKinds(t *testing.T) {
	kind := func(name string) *harbour {
		return newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Kind = name })
	}
	users, admins := kind(""), kind("admin")
	user, admin := users.issue(t, strategies.PairOptions{}).Access(), admins.issue(t, strategies.PairOptions{}).Access()
	users.letsIn(t, user)
	admins.letsIn(t, admin)
	users.refuses(t, admin, "a token of another kind of user")
	admins.refuses(t, user, "a token of another kind of user")
	assert.NotEqual(t, users.jwt.Type(), admins.jwt.Type())
	assert.PanicsWithValue(t, "strategies: two guards issue tokens of the Type "+users.jwt.Type()+": give each its own", func() {
		strategies.NewGuards(users.guard, strategies.NewGuard("other", newHarbour(t).jwt, strategies.GuardOptions{}))
	})
	assert.NotPanics(t, func() {
		strategies.NewGuards(users.guard, strategies.NewGuard("admins", admins.jwt, strategies.GuardOptions{}))
	})
}

func TestJWTTypesAndRealms(t *testing.T) {
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) { o.Typ, o.Realm = "JWT", "rings" })
	h.letsIn(t, h.issue(t, strategies.PairOptions{}).Access())
	w := h.send(newDraft("ES256").text())
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, `Bearer realm="rings", error="invalid_token"`, w.Header().Get("WWW-Authenticate"))
}

// R64: the new key signs at once, the old one verifies until its end.
func TestJWTKeysAreRotated(t *testing.T) {
	keys := keysFor(t, "ES256")
	h := newHarbour(t, withKeys(keys))
	old := h.issue(t, strategies.PairOptions{}).Access()
	next := strategies.JWTKey{ID: "next", Algorithm: "EdDSA", Key: material()["EdDSA"]}
	last := strategies.JWTKey{ID: kidOf("ES256"), Algorithm: "ES256", Key: material()["ES256"], Until: landing.Add(10 * time.Minute)}
	require.NoError(t, keys.Replace(next, last))
	young := h.issue(t, strategies.PairOptions{}).Access()
	assert.Contains(t, decodedPart(strings.Split(young, ".")[0]), `"kid":"next"`)
	h.letsIn(t, old)
	h.letsIn(t, young)
	h.clock.Advance(10*time.Minute - time.Microsecond)
	h.letsIn(t, old)
	h.clock.Advance(time.Microsecond)
	h.refuses(t, old, "there is no such key")
	h.letsIn(t, young)
	require.NoError(t, keys.Replace(next))
	h.letsIn(t, young)
}

// R59: who is gone is gone at the next request.
func TestJWTAsksForTheUserEachTime(t *testing.T) {
	h := newHarbour(t)
	text := h.issue(t, strategies.PairOptions{}).Access()
	h.letsIn(t, text)
	h.users.gone = true
	h.refuses(t, text, "its owner is gone")
	h.users.gone, h.users.err = false, sql.ErrNoRows
	h.refuses(t, text, "its owner is gone")
	h.users.err = nil
	h.letsIn(t, text)
	assert.Equal(t, 4, h.users.asked)
}

func TestJWTLookUpReplacesTheSerializer(t *testing.T) {
	var user any
	var fault error
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.LookUp = func(ctx context.Context, c *strategies.JWTClaims) (any, error) {
			_, bounded := ctx.Deadline()
			assert.True(t, bounded)
			assert.Equal(t, "frodo", c.Subject)
			return user, fault
		}
	})
	text := h.issue(t, strategies.PairOptions{}).Access()
	for _, user = range []any{nil, (*hobbit)(nil)} {
		h.refuses(t, text, "its owner is gone")
	}
	fault = sql.ErrNoRows
	h.refuses(t, text, "its owner is gone")
	fault = errDown
	assert.Equal(t, 503, h.send(text).Code)
	user, fault = &hobbit{Name: "samwise"}, nil
	assert.Equal(t, "samwise", h.send(text).Body.String())
	assert.Zero(t, h.users.asked)
}

func TestJWTValidHasTheLastWord(t *testing.T) {
	var verdict error
	asked := 0
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.Valid = func(_ *app.Context, c *strategies.JWTClaims, user any) error {
			asked++
			assert.Equal(t, c.Subject, user.(*hobbit).Name)
			return verdict
		}
	})
	text := h.issue(t, strategies.PairOptions{}).Access()
	h.letsIn(t, text)
	verdict = &app.Rejection{Code: "invalid_token", Message: "Invalid token", Cause: errDown}
	h.refuses(t, text, errDown.Error())
	verdict = &app.Rejection{Status: 403, Code: "insufficient_scope"}
	w := h.send(text)
	assert.Equal(t, 403, w.Code)
	assert.Equal(t, wantsToken+`, error="insufficient_scope"`, w.Header().Get("WWW-Authenticate"))
	verdict = errDown
	assert.Equal(t, 503, h.send(text).Code)
	before := asked
	h.refuses(t, text+"x", "no base64url")
	assert.Equal(t, before, asked, "what is forged is not shown to it")
}

func TestJWTScopes(t *testing.T) {
	h := newHarbour(t)
	for scope, want := range map[string]int{"rings:write": 200, "*": 200, "rings:read": 403, "": 403} {
		o := strategies.PairOptions{Scopes: strings.Fields(scope)}
		w := h.do(withHeader("Authorization", "Bearer "+h.issue(t, o).Access()), func(ctx *app.Context) error {
			return app.RequireScopes("rings:write")(ctx, fine)
		})
		assert.Equal(t, want, w.Code, scope)
		if want == 403 {
			assert.Equal(t, wantsToken+`, error="insufficient_scope", scope="rings:write"`, w.Header().Get("WWW-Authenticate"))
		}
	}
}
