package strategies_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
)

const basicChallenge = `Basic realm="Restricted", charset="UTF-8"`

// A wicket is a page behind Basic, which notes whom verify was asked about.
type wicket struct {
	asked  []strategies.Credentials
	answer error
	nobody bool
	events []app.Event
	steps  []app.Step
	basic  *strategies.Basic
	app    *app.App
}

func newWicket(o strategies.BasicOptions) *wicket {
	w := new(wicket)
	w.basic = strategies.NewBasic(func(_ context.Context, c strategies.Credentials) (*hobbit, error) {
		w.asked = append(w.asked, c)
		if w.nobody || w.answer != nil {
			return nil, w.answer
		}
		return &hobbit{Name: c.Name}, nil
	}, o)
	w.app = app.New().Use(app.Authenticate(w.basic), func(ctx *app.Context, _ app.Handler) error {
		if ctx.Request.URL.Path == "/logout" {
			return ctx.Logout()
		}
		return fine(ctx)
	})
	w.app.Logger = slog.New(slog.DiscardHandler)
	w.app.OnEvent = func(_ *app.Context, e app.Event) { w.events = append(w.events, e) }
	w.app.OnError = func(ctx *app.Context, _ error) { w.steps = ctx.Explain() }
	return w
}

func (w *wicket) send(method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header = header
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	return rec
}

func (w *wicket) names() (names []app.EventName) {
	for _, e := range w.events {
		names = append(names, e.Name)
	}
	return names
}

// pairText is a pair as RFC 7617 section 2 wants it sent.
func pairText(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func withPair(pair string) http.Header { return http.Header{"Authorization": {pairText(pair)}} }

func TestBasicAnswers(t *testing.T) {
	good := pairText("frodo:precious")
	for _, test := range []struct {
		name   string
		header []string
		status int
		asked  string // what verify was asked: name, a line, password
	}{
		{"no header", nil, 401, ""},
		{"an empty header", []string{""}, 401, ""},
		{"another scheme", []string{"Bearer " + good[6:]}, 401, ""},
		{"another scheme that begins with Basic", []string{"Basically " + good[6:]}, 401, ""},
		{"another scheme that goes on after a hyphen", []string{"Basic-x " + good[6:]}, 401, ""},
		{"another scheme that ends with Basic", []string{"XBasic " + good[6:]}, 401, ""},
		{"Basic behind another scheme", []string{"Negotiate " + good}, 401, ""},
		{"a space before the scheme", []string{" " + good}, 401, ""},
		{"a good pair", []string{good}, 200, "frodo\nprecious"},
		{"the scheme in any case", []string{"bAsIc " + good[6:]}, 200, "frodo\nprecious"},
		{"a password with colons", []string{pairText("frodo:a:b::c:")}, 200, "frodo\na:b::c:"},
		{"a password of a colon", []string{pairText("frodo::")}, 200, "frodo\n:"},
		{"letters beyond ASCII in UTF-8", []string{pairText("éomer:ungöttlich€")}, 200, "éomer\nungöttlich€"},
		{"spaces that belong to the pair", []string{pairText(" frodo : x ")}, 200, " frodo \n x "},
		{"a kilobyte", []string{pairText("frodo:" + strings.Repeat("x", 1018))}, 200, "frodo\n" + strings.Repeat("x", 1018)},
		{"an empty name", []string{pairText(":precious")}, 401, ""},
		{"an empty password", []string{pairText("frodo:")}, 401, ""},
		{"a colon alone", []string{pairText(":")}, 401, ""},
		{"the scheme alone", []string{"Basic"}, 400, ""},
		{"the scheme and a space", []string{"Basic "}, 400, ""},
		{"two spaces", []string{"Basic  " + good[6:]}, 400, ""},
		{"a tab instead of the space", []string{"Basic\t" + good[6:]}, 400, ""},
		{"something behind it", []string{good + " x"}, 400, ""},
		{"a space behind it", []string{good + " "}, 400, ""},
		{"two pairs in one header", []string{good + ", " + good}, 400, ""},
		{"two headers", []string{good, good}, 400, ""},
		{"a header of another scheme beside it", []string{"Bearer x", good}, 400, ""},
		{"a header of another scheme behind it", []string{good, "Bearer x"}, 400, ""},
		{"no base64", []string{"Basic frodo:precious"}, 400, ""},
		{"half of a base64", []string{good[:len(good)-3]}, 400, ""},
		{"base64 without its padding", []string{"Basic ZnJvZG86eA"}, 400, ""},
		{"base64 with too much padding", []string{"Basic ZnJvZG86eA==="}, 400, ""},
		{"base64 of which bits are left over", []string{"Basic ZnJvZG86eB=="}, 400, ""},
		{"base64 in the alphabet for URLs", []string{"Basic " + base64.URLEncoding.EncodeToString([]byte("frodo:??>>"))}, 400, ""},
		{"base64 with a line end in it", []string{good[:10] + "\r\n" + good[10:]}, 400, ""},
		{"no colon", []string{pairText("frodo")}, 400, ""},
		{"NUL in the name", []string{pairText("fro\x00do:x")}, 400, ""},
		{"NUL in the password", []string{pairText("frodo:precious\x00")}, 400, ""},
		{"a line end in the name", []string{pairText("frodo\n:x")}, 400, ""},
		{"DEL", []string{pairText("frodo:x\x7f")}, 400, ""},
		{"a control character beyond ASCII", []string{pairText("frodo:\u0085x")}, 400, ""},
		{"Latin-1", []string{pairText("frodo:ungl\xfccklich")}, 400, ""},
		{"half a rune", []string{pairText("frodo:x\xc3")}, 400, ""},
		{"more than a kilobyte", []string{pairText("frodo:" + strings.Repeat("x", 1022))}, 400, ""},
		{"a megabyte", []string{pairText("frodo:" + strings.Repeat("x", 1<<20))}, 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWicket(strategies.BasicOptions{})
			header := http.Header{}
			if test.header != nil {
				header["Authorization"] = test.header
			}
			got := w.send(http.MethodGet, "/", header)
			assert.Equal(t, test.status, got.Code)
			if test.status == 200 {
				assert.Empty(t, got.Header().Values("WWW-Authenticate"))
			} else {
				assert.Equal(t, []string{basicChallenge}, got.Header().Values("WWW-Authenticate"))
			}
			var asked string
			for _, c := range w.asked {
				asked += c.Name + "\n" + c.Password
			}
			assert.Equal(t, test.asked, asked)
			for _, secret := range []string{"frodo", "precious", good[6:]} {
				if test.status != 200 {
					assert.NotContains(t, got.Body.String(), secret)
				}
			}
		})
	}
}

// A wrong pair is 401, a fault is none, and neither becomes a request that goes on.
func TestBasicTellsWrongPairsFromFaults(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		status int
		event  app.EventName
	}{
		"no user":                          {nil, 401, app.EventLoginFailed},
		"no rows":                          {fmt.Errorf("find: %w", sql.ErrNoRows), 401, app.EventLoginFailed},
		"a rejection":                      {&app.Rejection{Message: "No"}, 401, app.EventLoginFailed},
		"a rejection of the request":       {&app.Rejection{Status: 400, Message: "No"}, 400, app.EventLoginFailed},
		"invalid credentials":              {app.ErrInvalidCredentials, 401, app.EventLoginFailed},
		"a password that does not match":   {passwords.ErrMismatch, 401, app.EventLoginFailed},
		"no credentials":                   {app.ErrNoCredentials, 401, app.EventLoginFailed},
		"anonymous":                        {app.ErrAnonymous, 401, app.EventLoginFailed},
		"too many attempts":                {&app.Error{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 429, app.EventLoginThrottled},
		"a fault":                          {errDown, 503, ""},
		"a fault that says what to answer": {&app.Error{Status: 502, Cause: errDown}, 502, ""},
		"a client that is gone":            {context.Canceled, 503, ""},
		"a redirection":                    {&app.Redirection{URL: "/"}, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWicket(strategies.BasicOptions{})
			w.nobody, w.answer = true, test.answer
			w.app = app.New().Use(app.Authenticate(w.basic, strategies.Anonymous()), func(ctx *app.Context, _ app.Handler) error {
				ctx.Status = 204
				return nil
			})
			w.app.Logger = slog.New(slog.DiscardHandler)
			w.app.OnEvent = func(_ *app.Context, e app.Event) { w.events = append(w.events, e) }
			got := w.send(http.MethodGet, "/", withPair("frodo:wrong"))
			assert.Equal(t, test.status, got.Code)
			assert.Len(t, w.asked, 1)
			if test.event == "" {
				assert.Empty(t, w.names())
			} else {
				assert.Equal(t, []app.EventName{test.event}, w.names())
				assert.Equal(t, "basic", w.events[0].Via)
			}
			if test.status == 401 {
				assert.Equal(t, basicChallenge, got.Header().Get("WWW-Authenticate"))
			}
			if test.status == 429 {
				assert.Equal(t, "7", got.Header().Get("Retry-After"))
				assert.Empty(t, got.Header().Get("WWW-Authenticate"))
			}
		})
	}
	t.Run("asked outside of a layer a fault is 5xx, too", func(t *testing.T) {
		w := newWicket(strategies.BasicOptions{})
		w.nobody, w.answer = true, errDown
		w.app = app.New().Use(func(ctx *app.Context, _ app.Handler) error {
			_, err := w.basic.Authenticate(ctx)
			return err
		})
		w.app.Logger = slog.New(slog.DiscardHandler)
		assert.Equal(t, 503, w.send(http.MethodGet, "/", withPair("frodo:x")).Code)
	})
	t.Run("a rejection behind which another strategy proves the user", func(t *testing.T) {
		wrong, right := newWicket(strategies.BasicOptions{}), newWicket(strategies.BasicOptions{})
		wrong.nobody = true
		right.app = app.New().Use(app.Authenticate(wrong.basic, right.basic), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) })
		assert.Equal(t, 200, right.send(http.MethodGet, "/", withPair("frodo:x")).Code)
	})
}

// Behind Local each wrong pair costs the same, attempts are counted before they cost
// anything, and what cannot be right costs nothing.
func TestBasicWithLocal(t *testing.T) {
	behind := func(g *gate) func(pair string) *httptest.ResponseRecorder {
		w := newWicket(strategies.BasicOptions{})
		w.app = app.New().Use(app.Authenticate(strategies.NewBasic(g.local.Verify, strategies.BasicOptions{})), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) })
		w.app.Logger = slog.New(slog.NewTextHandler(&g.log, nil))
		return func(pair string) *httptest.ResponseRecorder { return w.send(http.MethodGet, "/", withPair(pair)) }
	}
	t.Run("a good pair is in and every wrong one is alike", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		send := behind(g)
		assert.Equal(t, "frodo", send("frodo:"+password).Body.String())
		assert.Equal(t, "frodo", send(" FRODO :"+password).Body.String(), "the names of Local")
		g.computed()
		want := send("sauron:" + password)
		assert.Equal(t, 401, want.Code)
		assert.Equal(t, []int{5}, g.computed())
		for _, pair := range []string{"frodo:wrong", "bilbo:" + password, "gollum:" + password, "frodo:" + password + ":", "frodo:" + strings.Repeat("x", 1000)} {
			got := send(pair)
			assert.Equal(t, want.Code, got.Code, pair)
			assert.Equal(t, want.Body.String(), got.Body.String(), pair)
			assert.Equal(t, want.Header(), got.Header(), pair)
			assert.Equal(t, []int{5}, g.computed(), pair)
		}
		for _, pair := range []string{"frodo:", ":" + password, ":"} {
			got := send(pair)
			assert.Equal(t, want.Code, got.Code, pair)
			assert.Equal(t, want.Body.String(), got.Body.String(), pair)
			assert.Empty(t, g.computed(), "%s: nothing that depends on the name", pair)
		}
		assert.NotContains(t, g.log.String(), password)
	})
	t.Run("too many attempts are 429 as Local says it", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AccountLimit: 3})
		send := behind(g)
		for range 3 {
			require.Equal(t, 401, send("frodo:wrong").Code)
		}
		g.computed()
		got := send("frodo:" + password)
		assert.Equal(t, 429, got.Code)
		assert.Equal(t, "3600", got.Header().Get("Retry-After"))
		assert.Empty(t, got.Header().Get("WWW-Authenticate"), "no browser is to ask for the password again")
		assert.Empty(t, g.computed())
	})
	t.Run("attempts are counted by address", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{AddressLimit: 3})
		send := behind(g)
		for i := range 3 {
			require.Equal(t, 401, send(fmt.Sprintf("orc%d:wrong", i)).Code)
		}
		assert.Equal(t, 429, send("frodo:"+password).Code)
	})
	t.Run("a fault of the look-up is 503", func(t *testing.T) {
		g := newGate(t, strategies.LocalOptions{})
		g.err = errDown
		got := behind(g)("frodo:" + password)
		assert.Equal(t, 503, got.Code)
		assert.Empty(t, got.Header().Get("WWW-Authenticate"))
	})
}

func TestBasicIdentity(t *testing.T) {
	identity := func(t *testing.T, o strategies.BasicOptions) *app.Identity {
		t.Helper()
		w := newWicket(o)
		var id *app.Identity
		w.app = app.New().Use(app.Authenticate(w.basic), func(ctx *app.Context, _ app.Handler) (err error) {
			id, err = ctx.Identity()
			return err
		})
		w.app.OnError = func(*app.Context, error) {}
		w.send(http.MethodGet, "/", withPair("frodo:x"))
		require.Len(t, w.asked, 1)
		return id
	}
	t.Run("allows all that the user may and can be sent by a browser", func(t *testing.T) {
		id := identity(t, strategies.BasicOptions{})
		require.NotNil(t, id)
		assert.Equal(t, &hobbit{Name: "frodo"}, id.User)
		assert.Equal(t, "basic", id.Via)
		assert.Equal(t, []string{"*"}, id.Scopes)
		assert.False(t, id.Deliberate)
		assert.Nil(t, id.Info)
		assert.Empty(t, id.Subject)
	})
	t.Run("names the user for logs if it is told how", func(t *testing.T) {
		id := identity(t, strategies.BasicOptions{Users: &people{}})
		require.NotNil(t, id)
		assert.Equal(t, "frodo", id.Subject)
	})
	t.Run("of a user whom the Serializer does not take is a fault", func(t *testing.T) {
		assert.Nil(t, identity(t, strategies.BasicOptions{Users: refusing{}}))
	})
	t.Run("has the address that attempts are counted by", func(t *testing.T) {
		for want, o := range map[string]strategies.BasicOptions{
			"192.0.2.1": {}, // httptest's
			"192.0.2.9": {Address: func(*app.Context) netip.Addr { return netip.MustParseAddr("192.0.2.9") }},
		} {
			w := newWicket(o)
			require.Equal(t, 200, w.send(http.MethodGet, "/", withPair("frodo:x")).Code)
			assert.Equal(t, want, w.asked[0].Address.String())
		}
	})
	t.Run("cannot be ended", func(t *testing.T) {
		w := newWicket(strategies.BasicOptions{})
		var reported error
		w.app.OnError = func(_ *app.Context, err error) { reported = err }
		assert.Equal(t, 500, w.send(http.MethodPost, "/logout", withPair("frodo:x")).Code)
		assert.ErrorIs(t, reported, app.ErrCannotEnd)
	})
}

// refusing is a Serializer of other users.
type refusing struct{ *people }

func (refusing) Serialize(context.Context, any) (string, error) { return "", errDown }

// Browsers send Basic credentials by themselves.
func TestBasicFromOtherSites(t *testing.T) {
	trusting := strategies.BasicOptions{TrustedOrigins: []string{"https://shire.example"}}
	for name, test := range map[string]struct {
		method string
		origin http.Header
		status int
	}{
		"an unsafe request of a page of another site": {http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"of a neighbour": {http.MethodPost, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		"of a browser that tells the origin alone": {http.MethodPost, http.Header{"Origin": {"https://mordor.example"}}, 403},
		"of a page without an origin":              {http.MethodPost, http.Header{"Origin": {"null"}}, 403},
		"to delete":                                {http.MethodDelete, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"of a trusted origin":                      {http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://shire.example"}}, 200},
		"of a page of this site":                   {http.MethodPost, http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		"of a program":                             {http.MethodPost, http.Header{}, 200},
		"to open a WebSocket":                      {http.MethodGet, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Upgrade": {"websocket"}}, 403},
		"a link from another site":                 {http.MethodGet, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWicket(trusting)
			header := withPair("frodo:x")
			for k, v := range test.origin {
				header[k] = v
			}
			got := w.send(test.method, "/", header)
			assert.Equal(t, test.status, got.Code)
			if test.status == 403 {
				assert.Empty(t, w.asked, "nothing is tried")
				assert.Equal(t, []app.EventName{app.EventDenied}, w.names())
				assert.Empty(t, got.Header().Get("WWW-Authenticate"))
			}
		})
	}
	t.Run("opens no session's door to them", func(t *testing.T) {
		sessions := app.NewSessions(sessionstores.NewMemory(), &people{}, app.SessionOptions{})
		w := newWicket(trusting)
		w.app = app.New().Use(sessions.Layer, app.Authenticate(w.basic), func(ctx *app.Context, _ app.Handler) error {
			return ctx.Login(ctx.User())
		})
		w.app.OnError = func(*app.Context, error) {}
		header := withPair("frodo:x")
		header.Set("Sec-Fetch-Site", "cross-site")
		header.Set("Origin", "https://shire.example")
		assert.Equal(t, 403, w.send(http.MethodPost, "/", header).Code, "the session does not trust it")
		header.Set("Sec-Fetch-Site", "same-origin")
		assert.NotEqual(t, 403, w.send(http.MethodPost, "/", header).Code)
	})
}

func TestBasicExplained(t *testing.T) {
	w := newWicket(strategies.BasicOptions{})
	w.answer = errors.New("no route to ldap://frodo:precious@mordor.example")
	assert.Equal(t, 503, w.send(http.MethodGet, "/", withPair("frodo:precious")).Code)
	require.Len(t, w.steps, 1)
	assert.Equal(t, "basic", w.steps[0].Strategy)
	assert.Equal(t, "the Authorization header", w.steps[0].Looked)
	assert.Equal(t, app.StepFault, w.steps[0].Result)
	assert.Contains(t, w.steps[0].Why, "no route to")
	assert.NotContains(t, w.steps[0].Why, "frodo")
	assert.NotContains(t, w.steps[0].Why, "precious")
}

func TestNewBasicRefusesWhatIsUnsafe(t *testing.T) {
	verify := func(context.Context, strategies.Credentials) (any, error) { return nil, nil }
	assert.PanicsWithValue(t, "strategies: NewBasic needs a way to verify names and passwords", func() { strategies.NewBasic[any](nil, strategies.BasicOptions{}) })
	for name, o := range map[string]strategies.BasicOptions{
		"a realm that ends a string": {Realm: `a"b`},
		"a realm that escapes":       {Realm: `a\b`},
		"a realm that ends a line":   {Realm: "a\r\nb"},
		"a realm beyond ASCII":       {Realm: "é"},
		"an origin without a scheme": {TrustedOrigins: []string{"shire.example"}},
		"an origin with a path":      {TrustedOrigins: []string{"https://shire.example/"}},
		"an empty origin":            {TrustedOrigins: []string{""}},
	} {
		assert.Panics(t, func() { strategies.NewBasic(verify, o) }, name)
	}
	w := newWicket(strategies.BasicOptions{Realm: "Bag End"})
	assert.Equal(t, `Basic realm="Bag End", charset="UTF-8"`, w.send(http.MethodGet, "/", http.Header{}).Header().Get("WWW-Authenticate"))
}

// What is asked about is what net/http reads in the header, in the one way in which it can be
// written, and nothing that RFC 7617 forbids.
func FuzzBasic(f *testing.F) {
	for _, seed := range []string{
		"", "Basic", "Basic ", "Basic x", "basic Og==", "BASIC ZnJvZG86eA==", "Basic ZnJvZG86eA", "Basic ZnJvZG86eB==", "Bearer ZnJvZG86eA==",
		"Basic ZnJv\nZG86eA==", "Basic  ZnJvZG86eA==", "Basic ZnJvZG86eA== ", pairText("frodo:a:b"), pairText("fro\x00do:x"), pairText("frodo:\xff"),
		pairText("frodo:\u0085"), pairText(strings.Repeat("x", 1025) + ":"), "Basic " + strings.Repeat("A", 1368), "Basic " + strings.Repeat("=", 4),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		w := newWicket(strategies.BasicOptions{})
		got := w.send(http.MethodGet, "/", http.Header{"Authorization": {header}})
		if len(w.asked) == 0 {
			if got.Code != 400 && got.Code != 401 || got.Header().Get("WWW-Authenticate") != basicChallenge {
				t.Fatalf("%q was answered %d with %q", header, got.Code, got.Header().Get("WWW-Authenticate"))
			}
			return
		}
		c := w.asked[0]
		name, secret, ok := (&http.Request{Header: http.Header{"Authorization": {header}}}).BasicAuth()
		if got.Code != 200 || !ok || c.Name != name || c.Password != secret {
			t.Fatalf("%q is %q and %q, not %q and %q", header, name, secret, c.Name, c.Password)
		}
		pair := c.Name + ":" + c.Password
		if !strings.EqualFold(header[:6], "Basic ") || header[6:] != pairText(pair)[6:] {
			t.Fatalf("%q is another spelling of %q", header, pair)
		}
		if c.Name == "" || c.Password == "" || len(pair) > 1026 || strings.ToValidUTF8(pair, "") != pair || strings.ContainsAny(pair, "\x00\r\n\x7f") {
			t.Fatalf("%q let %q through", header, pair)
		}
	})
}

// The passwords of a Local, with all that it does about attempts, for programs that know
// no better than Basic.
func ExampleNewBasic() {
	hasher := passwords.NewBcrypt(passwords.BcryptOptions{InsecureCost: 4}) // 12 in earnest
	hash, err := hasher.Hash(context.Background(), "precious:ring:1954")
	if err != nil {
		log.Fatal(err)
	}
	local := strategies.NewLocal(func(_ context.Context, name string) (user, hashed string, err error) {
		if name != "frodo" {
			return "", "", sql.ErrNoRows
		}
		return name, hash, nil
	}, strategies.LocalOptions{Hasher: hasher})
	basic := strategies.NewBasic(local.Verify, strategies.BasicOptions{Realm: "Bag End"})

	a := app.New().Use(app.Authenticate(basic), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = fmt.Sprint("hello ", ctx.User())
		return nil
	})
	for _, secret := range []string{"", "precious:ring:1954", "precious"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if secret != "" {
			r.SetBasicAuth("frodo", secret)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
		if challenge := w.Header().Get("WWW-Authenticate"); challenge != "" {
			fmt.Println(challenge)
		}
	}
	// Output:
	// 401 {"errors":[{"title":"Unauthorized","status":401}]}
	// Basic realm="Bag End", charset="UTF-8"
	// 200 hello frodo
	// 401 {"errors":[{"title":"Wrong username or password","status":401}]}
	// Basic realm="Bag End", charset="UTF-8"
}
