package strategies_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

func TestRememberReplacesTheCookieAtEachUse(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		c := h.guest(t, "frodo")
		first := h.series(t, "frodo")
		seen := map[string]bool{cookieOf(c): true}
		for range 3 {
			h.clock.Advance(time.Minute)
			res := c.Get("/direct")
			require.Equal(t, "frodo by remember", res.Body)
			require.NotNil(t, res.SetCookie(remembering))
			require.False(t, seen[cookieOf(c)])
			seen[cookieOf(c)] = true
		}
		now := h.series(t, "frodo")
		require.Len(t, now, 1, "one row for a series")
		assert.Equal(t, first[0].ID, now[0].ID)
		assert.Equal(t, first[0].Created, now[0].Created)
		assert.Equal(t, landing.Add(3*time.Minute), now[0].LastUsed)
	})
}

func TestRememberIdentity(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	h.clock.Advance(time.Hour)
	var id *app.Identity
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) (err error) {
		id, err = h.remember.Authenticate(ctx)
		again, second := h.remember.Authenticate(ctx)
		assert.Same(t, id, again, "a request uses its cookie once")
		assert.NoError(t, second)
		return err
	})
	res := newVisitor(t, h, a, cookieOf(c)).Get("/")
	require.Equal(t, 404, res.Status)
	row := id.Info.(*tokenstores.Token)
	assert.Equal(t, &app.Identity{
		User: ringBearer, Scopes: []string{"*"}, Info: row, Via: "remember", Subject: "frodo", Handle: row.ID, LoggedIn: landing,
	}, id)
	assert.Equal(t, h.series(t, "frodo")[0].ID, row.ID)
	assert.False(t, id.Deliberate)
	for _, secret := range []string{partsOf(cookieOf(c)).secret, partsOf(cookieOf(c)).proof} {
		assert.NotContains(t, fmt.Sprintf("%+v", row), secret)
	}
}

func TestRememberRow(t *testing.T) {
	for name, c := range map[string]struct{ agent, want string }{
		"a browser":             {"Palantir/3.0 (Orthanc)", "Palantir/3.0 (Orthanc)"},
		"nothing":               {"", ""},
		"control characters":    {"Pal\x01an\ttir\x7f", "Palantir"},
		"invalid UTF-8":         {"Pal\xff\xfeantir", "Palantir"},
		"what turns text round": {"Pal\u202eantir", "Palantir"},
		"long":                  {strings.Repeat("é", 200), strings.Repeat("é", 127)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth()
			v := h.visitor(t)
			v.Header["User-Agent"] = []string{c.agent}
			require.Equal(t, 204, v.Post("/login?remember&as=frodo", "", "").Status)
			list := h.series(t, "frodo")
			require.Len(t, list, 1)
			assert.Equal(t, c.want, list[0].Name)
			assert.Equal(t, "192.0.2.1", list[0].Address)
			assert.Equal(t, landing.Add(30*day), list[0].Expires)
		})
	}
}

func TestRememberCookieLivesNoLongerThanItsSeries(t *testing.T) {
	for name, c := range map[string]struct {
		o     strategies.RememberOptions
		pause time.Duration
		first int // seconds
		then  int
	}{
		"as it is":                     {strategies.RememberOptions{}, 10 * day, 30 * 86400, 20 * 86400},
		"half a second is cut":         {strategies.RememberOptions{}, 10*day + 500*time.Millisecond, 30 * 86400, 20*86400 - 1},
		"with a limit of idleness":     {strategies.RememberOptions{IdleLimit: 5 * day}, 4 * day, 5 * 86400, 5 * 86400},
		"near the end with one":        {strategies.RememberOptions{IdleLimit: 20 * day}, 19 * day, 20 * 86400, 11 * 86400},
		"when less than a second left": {strategies.RememberOptions{}, 30*day - time.Millisecond, 30 * 86400, -1},
		"the longest":                  {strategies.RememberOptions{Expiry: 400 * day}, day, 400 * 86400, 399 * 86400},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) {
				o.remember.Expiry, o.remember.IdleLimit = c.o.Expiry, c.o.IdleLimit
			})
			v := h.visitor(t)
			res := v.Post("/login?remember&as=frodo", "", "")
			assert.Equal(t, c.first, res.SetCookie(remembering).MaxAge)
			text := cookieOf(v)
			h.clock.Advance(c.pause)
			res = h.thief(t, text).Get("/direct")
			assert.Equal(t, "frodo by remember", res.Body)
			assert.Equal(t, c.then, res.SetCookie(remembering).MaxAge)
		})
	}
}

func TestRememberEndsBySeriesNotByCookie(t *testing.T) {
	for name, c := range map[string]struct {
		idle   time.Duration
		pauses []time.Duration // between uses
		over   bool
	}{
		"just before the end":                        {0, []time.Duration{30*day - 2*time.Second}, false},
		"at the end":                                 {0, []time.Duration{30 * day}, true},
		"at the end though it was used":              {0, []time.Duration{10 * day, 10 * day, 10 * day}, true},
		"at the end though it was used a moment ago": {0, []time.Duration{30*day - 2*time.Second, 3 * time.Second}, true},
		"not used for too long":                      {5 * day, []time.Duration{4 * day, 5 * day}, true},
		"used often enough":                          {5 * day, []time.Duration{4 * day, 4 * day}, false},
		"used often enough and yet at the end":       {5 * day, []time.Duration{4 * day, 4 * day, 4 * day, 4 * day, 4 * day, 4 * day, 4 * day, 2 * day}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) { o.remember.IdleLimit = c.idle })
			text := cookieOf(h.guest(t, "frodo"))
			for i, pause := range c.pauses {
				h.clock.Advance(pause)
				v := h.thief(t, text)
				res := v.Get("/direct")
				if over := c.over && i == len(c.pauses)-1; over {
					assert.Equal(t, 401, res.Status)
					assert.Equal(t, -1, res.SetCookie(remembering).MaxAge)
					assert.Empty(t, h.series(t, "frodo"))
					return
				}
				require.Equal(t, 200, res.Status)
				text = v.Cookie(remembering).Value
			}
		})
	}
}

func TestRememberAnswers(t *testing.T) {
	h := newHearth()
	good := cookieOf(h.guest(t, "frodo"))
	other := partsOf(cookieOf(h.guest(t, "sam")))
	mine := partsOf(good)
	zeros := strings.Repeat("0", 43)
	h.clock.Advance(time.Minute)
	for _, c := range []struct {
		name, cookies string
		status        int
		cleared       bool
		asks          []string
	}{
		{"no cookie", "", 401, false, nil},
		{"another cookie", "theme=dark", 401, false, nil},
		{"an empty cookie", remembering + "=", 401, true, nil},
		{"garbage", remembering + "=garbage", 401, true, nil},
		{"a typing error", remembering + "=" + good[:30] + flipped(good[30:31]) + good[31:], 401, true, nil},
		{"a letter more", remembering + "=" + good + "0", 401, true, nil},
		{"another prefix", remembering + "=kahu_refresh_" + good[rememberParts:], 401, true, nil},
		{"quotes", remembering + "=" + resummed("kahu_remember_"+strings.Repeat("' OR 1=1 --", 8)[:87]), 401, true, nil},
		{"two that differ", remembering + "=" + good + "; " + remembering + "=garbage", 401, false, nil},
		{"an id of nobody", remembering + "=" + cookieParts{zeros[:22], mine.proof, mine.secret}.text(), 401, true, []string{"Find"}},
		{"another's proof", remembering + "=" + cookieParts{mine.id, other.proof, mine.secret}.text(), 401, true, []string{"Find"}},
		{"another's proof and secret", remembering + "=" + cookieParts{mine.id, other.proof, other.secret}.text(), 401, true, []string{"Find"}},
		{"the good one", remembering + "=" + good, 200, false, []string{"Find", "Renew"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.calls()
			v := h.visitor(t)
			r := v.NewRequest(http.MethodGet, "/direct", nil)
			r.Header["Cookie"] = []string{c.cookies}
			res := v.Do(r)
			assert.Equal(t, c.status, res.Status)
			set := res.SetCookie(remembering)
			assert.Equal(t, c.cleared, set != nil && set.MaxAge < 0)
			if c.status == 401 {
				assert.Equal(t, `Cookie realm="remember"`, res.Header.Get("WWW-Authenticate"))
			}
			var asked []string
			asked = append(asked, h.store.Calls()[before:]...)
			assert.Equal(t, c.asks, asked)
		})
	}
	assert.Len(t, h.series(t, "frodo"), 1, "what was made up has ended nothing")
	assert.NotContains(t, h.names(), "credential reused")
}

func TestRememberTakesNoUnsafeRequestOfAnotherSite(t *testing.T) {
	for name, c := range map[string]struct {
		method, site, origin string
		edit                 func(o *strategies.RememberOptions)
		status               int
	}{
		"a page of its own":              {"POST", "same-origin", "https://example.com", nil, 200},
		"a form of another site":         {"POST", "cross-site", "https://mordor.example", nil, 403},
		"a form of a sister":             {"DELETE", "same-site", "https://mordor.example.com", nil, 403},
		"an old browser":                 {"POST", "", "https://mordor.example", nil, 403},
		"a link on another site":         {"GET", "cross-site", "", nil, 200},
		"a program":                      {"POST", "", "", nil, 200},
		"a trusted origin":               {"POST", "cross-site", "https://rivendell.example", func(o *strategies.RememberOptions) { o.TrustedOrigins = []string{"https://rivendell.example"} }, 200},
		"another than the trusted one":   {"POST", "cross-site", "https://mordor.example", func(o *strategies.RememberOptions) { o.TrustedOrigins = []string{"https://rivendell.example"} }, 403},
		"every site if it is so desired": {"POST", "cross-site", "https://mordor.example", func(o *strategies.RememberOptions) { o.InsecureAllowCrossOrigin = true }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearth(func(o *hearthOptions) {
				o.session.InsecureAllowCrossOrigin = true
				if c.edit != nil {
					c.edit(&o.remember)
				}
			})
			v := h.guest(t, "frodo")
			text, before := cookieOf(v), h.calls()
			r := v.NewRequest(c.method, "/direct", nil)
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			assert.Equal(t, c.status, v.Do(r).Status)
			if c.status == 403 {
				assert.Equal(t, before, h.calls())
				assert.Equal(t, text, cookieOf(v), "it is the browser's still")
			}
		})
	}
}

func TestRememberReplacesNothingAfterTheHeaders(t *testing.T) {
	h := newHearth()
	text := cookieOf(h.guest(t, "frodo"))
	before := h.calls()
	var errs []error
	a := app.New().Use(func(ctx *app.Context, _ app.Handler) error {
		_, _ = io.WriteString(ctx.Writer(), "too late")
		_, err := h.remember.Authenticate(ctx)
		_, second := h.remember.Remember(ctx, gardener)
		errs = append(errs, err, second, justError(h.remember.Forget(ctx)))
		return nil
	})
	res := newVisitor(t, h, a, text).Get("/")
	assert.Equal(t, "too late", res.Body)
	assert.Nil(t, res.SetCookie(remembering))
	require.ErrorIs(t, errs[0], app.ErrNoCredentials)
	require.ErrorIs(t, errs[1], app.ErrHeadersSent)
	require.ErrorIs(t, errs[2], app.ErrHeadersSent)
	assert.Equal(t, before, h.calls())
	assert.Equal(t, "frodo by remember", h.thief(t, text).Get("/direct").Body)
}
