package app_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// A page of another site may open a WebSocket, since CORS does not keep it from that, and the browser
// sends the cookie.
func TestAWebSocketIsNotOpenedByAnotherSite(t *testing.T) {
	const ours, others = "https://example.com", "https://mordor.example"
	for name, c := range map[string]struct {
		method  string // "": GET
		upgrade []string
		origin  string
		site    string // Sec-Fetch-Site
		bearer  bool
		want    int
	}{
		"from our own page":                       {upgrade: []string{"websocket"}, origin: ours, want: 200},
		"from our own page as browsers say today": {upgrade: []string{"websocket"}, origin: ours, site: "same-origin", want: 200},
		"by a program that is no browser":         {upgrade: []string{"websocket"}, want: 200},
		"from another site":                       {upgrade: []string{"websocket"}, origin: others, want: 403},
		"from another site as browsers say today": {upgrade: []string{"websocket"}, origin: others, site: "cross-site", want: 403},
		"from a sub-domain":                       {upgrade: []string{"websocket"}, origin: "https://mail.example.com", site: "same-site", want: 403},
		"from nowhere":                            {upgrade: []string{"websocket"}, origin: "null", want: 403},
		"from a trusted origin":                   {upgrade: []string{"websocket"}, origin: "https://gondor.example", site: "cross-site", want: 200},
		"in other letters":                        {upgrade: []string{"WebSocket"}, origin: others, want: 403},
		"among other protocols":                   {upgrade: []string{"h2c, websocket"}, origin: others, want: 403},
		"in a second line":                        {upgrade: []string{"h2c", " websocket"}, origin: others, want: 403},
		"with a version":                          {upgrade: []string{"websocket/13"}, origin: others, want: 403},
		"with a token that no other site has":     {upgrade: []string{"websocket"}, origin: others, bearer: true, want: 200},
		"as a page that only reads":               {origin: others, site: "cross-site", want: 200},
		"as another protocol":                     {upgrade: []string{"h2c"}, origin: others, want: 200},
		"as a form":                               {method: http.MethodPost, origin: others, want: 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShire(t, app.SessionOptions{TrustedOrigins: []string{"https://gondor.example"}})
			browser := w.client(t)
			browser.Get("/login")
			method := c.method
			if method == "" {
				method = http.MethodGet
			}
			r := browser.NewRequest(method, "/me", nil)
			r.Header["Upgrade"] = c.upgrade
			for field, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
				if value != "" {
					r.Header.Set(field, value)
				}
			}
			if c.bearer {
				w.app = quiet().Use(w.sessions.Layer, app.Authenticate(socketToken{}), last(w.route))
				r.AddCookie(browser.Cookie(cookieName))
				browser = apptest.NewClient(t, w.app)
			}
			assert.Equal(t, c.want, browser.Do(r).Status)
		})
	}
}

// socketToken is a strategy whose credential no browser sends by itself.
type socketToken struct{}

func (socketToken) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: &hobbit{"frodo"}, Via: "token", Deliberate: true}, nil
}
