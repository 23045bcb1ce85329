package strategies_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestNewRememberRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		o    strategies.RememberOptions
		says string
	}{
		"a kind with a dot":             {strategies.RememberOptions{Kind: "a.b"}, "RememberOptions.Kind"},
		"a long kind":                   {strategies.RememberOptions{Kind: strings.Repeat("a", 51)}, "RememberOptions.Kind"},
		"a negative expiry":             {strategies.RememberOptions{Expiry: -time.Hour}, "RememberOptions.Expiry"},
		"an expiry of never":            {strategies.RememberOptions{Expiry: strategies.Never}, "RememberOptions.Expiry"},
		"a tiny expiry":                 {strategies.RememberOptions{Expiry: time.Second}, "RememberOptions.Expiry"},
		"more than browsers keep":       {strategies.RememberOptions{Expiry: 400*day + 1}, "over 400 days"},
		"a negative idle limit":         {strategies.RememberOptions{IdleLimit: -1}, "RememberOptions.IdleLimit"},
		"a tiny idle limit":             {strategies.RememberOptions{IdleLimit: time.Minute}, "RememberOptions.IdleLimit"},
		"a huge idle limit":             {strategies.RememberOptions{IdleLimit: 401 * day}, "RememberOptions.IdleLimit"},
		"a negative grace":              {strategies.RememberOptions{Grace: -2}, "RememberOptions.Grace"},
		"a long grace":                  {strategies.RememberOptions{Grace: time.Minute + 1}, "RememberOptions.Grace"},
		"a negative timeout":            {strategies.RememberOptions{Timeout: -1}, "RememberOptions.Timeout"},
		"a prefix with a semicolon":     {strategies.RememberOptions{Prefix: "a;"}, "RememberOptions.Prefix"},
		"a long prefix":                 {strategies.RememberOptions{Prefix: strings.Repeat("a", 33)}, "RememberOptions.Prefix"},
		"a lifetime of the cookie":      {strategies.RememberOptions{Cookie: app.SessionCookie{MaxAge: time.Hour}}, "Expiry says how long it lives"},
		"a cookie for scripts":          {strategies.RememberOptions{Cookie: app.SessionCookie{InsecureReadable: true}}, "scripts must not read it"},
		"__Host- with a domain":         {strategies.RememberOptions{Cookie: app.SessionCookie{Domain: "example.com"}}, "__Host-"},
		"__Host- without Secure":        {strategies.RememberOptions{Cookie: app.SessionCookie{Name: "__Host-a", InsecureHTTP: true}}, "Secure"},
		"SameSite=None without Secure":  {strategies.RememberOptions{Cookie: app.SessionCookie{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}}, "SameSite=None"},
		"what is no name of a cookie":   {strategies.RememberOptions{Cookie: app.SessionCookie{Name: "a b"}}, "RememberOptions.Cookie"},
		"what is no origin":             {strategies.RememberOptions{TrustedOrigins: []string{"mordor"}}, "RememberOptions.TrustedOrigins"},
		"an origin with more than that": {strategies.RememberOptions{TrustedOrigins: []string{"https://mordor.example/pit"}}, "RememberOptions.TrustedOrigins"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				said, _ := recover().(string)
				assert.Contains(t, said, "strategies: ")
				assert.Contains(t, said, c.says)
			}()
			strategies.NewRemember(tokenstores.NewMemory(), &people{}, c.o)
		})
	}
	t.Run("no store and no serializer", func(t *testing.T) {
		var none *tokenstores.Memory
		assert.PanicsWithValue(t, "strategies: NewRemember needs a store and a Serializer", func() { strategies.NewRemember(none, &people{}, strategies.RememberOptions{}) })
		assert.PanicsWithValue(t, "strategies: NewRemember needs a store and a Serializer", func() { strategies.NewRemember(tokenstores.NewMemory(), nil, strategies.RememberOptions{}) })
	})
}

func TestRememberCookieAttributes(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		cookie app.SessionCookie
		base   string
		want   string
	}{
		"as it is":        {"", app.SessionCookie{}, "https://example.com", "__Host-remember=; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"},
		"of a kind":       {"admin", app.SessionCookie{}, "https://example.com", "__Host-remember-admin=; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"},
		"for development": {"", app.SessionCookie{InsecureHTTP: true}, "http://localhost", "remember=; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"},
		"of its own": {"", app.SessionCookie{Name: "__Secure-hearth", Domain: "example.com", Path: "/shire", SameSite: http.SameSiteStrictMode}, "https://example.com",
			"__Secure-hearth=; Path=/shire; Domain=example.com; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) {
				o.remember.Kind, o.remember.Cookie = c.kind, c.cookie
				o.session.Cookie.InsecureHTTP = c.cookie.InsecureHTTP
			})
			v := h.visitor(t)
			v.Base = c.base
			cookie := v.Post("/login?remember&as=frodo", "", "").SetCookie(strings.SplitN(c.want, "=", 2)[0])
			require.NotNil(t, cookie)
			value := cookie.Value
			assert.Equal(t, strings.Replace(c.want, "=", "="+value, 1), cookie.String())
			assert.True(t, strings.HasPrefix(value, "kahu_remember_"))
		})
	}
}

// What would make a remembered client a hole in the sessions is refused where it is put together.
func TestSessionsRefuseARememberThatDoesNotFit(t *testing.T) {
	remember := func() *strategies.Remember {
		return strategies.NewRemember(tokenstores.NewMemory(), &people{}, strategies.RememberOptions{})
	}
	t.Run("without the stamp that they have", func(t *testing.T) {
		assert.PanicsWithValue(t, "app: SessionOptions.Remember has no Stamp: whom a Stamp logs out would be brought back by it", func() {
			app.NewSessions(sessionstores.NewMemory(), &people{}, app.SessionOptions{Remember: remember(), Stamp: func(any) string { return "x" }})
		})
	})
	t.Run("of another kind of user", func(t *testing.T) {
		for kind, of := range map[string]string{"": "admin", "admin": "", "session": "admin", "Admin": "admin"} {
			o := app.SessionOptions{Kind: of, Remember: strategies.NewRemember(tokenstores.NewMemory(), &people{}, strategies.RememberOptions{Kind: kind})}
			assert.Panics(t, func() { app.NewSessions(sessionstores.NewMemory(), &people{}, o) }, kind)
		}
		for kind, of := range map[string]string{"": "session", "session": "", "admin": "admin"} {
			o := app.SessionOptions{Kind: of, Remember: strategies.NewRemember(tokenstores.NewMemory(), &people{}, strategies.RememberOptions{Kind: kind})}
			assert.NotPanics(t, func() { app.NewSessions(sessionstores.NewMemory(), &people{}, o) }, kind)
		}
	})
}
