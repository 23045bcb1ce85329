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

// S62, 1.17.6: whatever the reason, the client learns one thing; the log and the event have it.
func TestJWTTellsTheReasonToTheLogAlone(t *testing.T) {
	h := newHarbour(t)
	text := h.issue(t, strategies.PairOptions{}).Access()
	h.clock.Advance(time.Hour)
	h.log.Reset()
	w := h.under(withHeader("Authorization", "Bearer "+text), app.Authenticate(h.guard))
	assert.Equal(t, 401, w.Code)
	assert.JSONEq(t, `{"errors":[{"title":"Invalid token","status":401}]}`, w.Body.String())
	assert.Contains(t, h.log.String(), strategies.ErrTokenExpired.Error())
	require.Len(t, h.events, 1)
	assert.Equal(t, app.EventRefused, h.events[0].Name)
	require.ErrorIs(t, h.events[0].Reason, strategies.ErrTokenExpired)
	assert.Nil(t, h.events[0].User)
	h.tellsNothing(t, text)
	assert.NotContains(t, h.events[0].Reason.Error(), strings.Split(text, ".")[1])
}

func TestJWTChallengesHaveNothingOfTheClients(t *testing.T) {
	h := newHarbour(t)
	for name, value := range map[string]string{
		"an issuer": `Bearer ` + draftWith(claim("iss", `"x\", evil=\"1"`)), "a kid": `Bearer ` + draftWith(header("kid", `"x\", evil=\"1"`)), "a realm": `Bearer realm="evil"`, "a word": `Bearer evil`,
		"a malformed header": "Bearer evil evil", "another header": `evil realm="evil"`,
	} {
		w := h.do(withHeader("Authorization", value), fine)
		require.Contains(t, []int{400, 401}, w.Code, name)
		require.Len(t, w.Header()["Www-Authenticate"], 1, name)
		assert.Contains(t, []string{wantsToken, badToken, badHeader}, w.Header().Get("WWW-Authenticate"), name)
		assert.NotContains(t, w.Body.String(), "evil", name)
	}
}

func draftWith(e edit) string {
	d := newDraft("ES256")
	e(d)
	return d.text()
}

func TestJWTHeaders(t *testing.T) {
	h := newHarbour(t)
	good := h.issue(t, strategies.PairOptions{}).Access()
	for _, test := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"the scheme in any case", []string{"bEaReR " + good}, 200},
		{"a token without a scheme", []string{good}, 401},
		{"a scheme that begins alike", []string{"Bearers " + good}, 401},
		{"the scheme alone", []string{"Bearer"}, 400}, {"the scheme and a space", []string{"Bearer "}, 400}, {"two spaces", []string{"Bearer  " + good}, 400},
		{"three parts", []string{"Bearer " + good + " x"}, 400}, {"two tokens", []string{"Bearer " + good + "," + good}, 400}, {"a tab", []string{"Bearer\t" + good}, 400},
		{"the header twice", []string{"Bearer " + good, "Bearer " + good}, 400}, {"one of another scheme beside it", []string{"Basic x", "Bearer " + good}, 400},
	} {
		w := h.do(withHeader("Authorization", test.lines...), fine)
		assert.Equal(t, test.status, w.Code, test.name)
		if w.Code != 200 {
			assert.Equal(t, map[int]string{400: badHeader, 401: wantsToken}[w.Code], w.Header().Get("WWW-Authenticate"), test.name)
		}
	}
}
