package strategies_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// What a browser sends by itself opens no WebSocket for a page of another site.
func TestAWebSocketIsNotOpenedByAnotherSiteWithACookie(t *testing.T) {
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.Sources = []strategies.Source{strategies.FromCookie("jwt")}
	})
	fire := newHearth()
	for name, c := range map[string]struct {
		strategy app.Strategy
		cookie   *http.Cookie
	}{
		"of a JWT":       {h.jwt, &http.Cookie{Name: "jwt", Value: h.issue(t, strategies.PairOptions{}).Access()}},
		"that remembers": {fire.remember, fire.guest(t, "frodo").Cookie(remembering)},
	} {
		t.Run(name, func(t *testing.T) {
			for origin, want := range map[string]int{shireAPI: 200, "": 200, "https://mordor.example": 403, "null": 403} {
				r := withHeader("Upgrade", "websocket")
				r.AddCookie(c.cookie)
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				assert.Equal(t, want, h.under(r, app.Authenticate(c.strategy), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) }).Code, origin)
			}
		})
	}
}
