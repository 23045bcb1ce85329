package strategies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// Whatever the reason, the client learns one thing; the log and the event have it.
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
