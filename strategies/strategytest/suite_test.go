package strategytest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies/strategytest"
)

func TestRunRefusesASuiteThatShowsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(s *strategytest.Suite)
		says string
	}{
		"no strategy":                 {func(s *strategytest.Suite) { s.Strategy = nil }, "Suite.Strategy is nil"},
		"a typed nil":                 {func(s *strategytest.Suite) { s.Strategy = (*tickets)(nil) }, "Suite.Strategy is nil"},
		"one user":                    {func(s *strategytest.Suite) { s.Good = s.Good[:1] }, "two users"},
		"one user twice":              {func(s *strategytest.Suite) { s.Good[1].User = &hobbit{"Frodo"} }, "two users"},
		"nothing wrong":               {func(s *strategytest.Suite) { s.Wrong = nil }, "Suite.Wrong needs a credential"},
		"nobody's good credential":    {func(s *strategytest.Suite) { s.Good[1].User = nil }, "Suite.Good[1].User"},
		"somebody's wrong credential": {func(s *strategytest.Suite) { s.Wrong[0].User = sam }, "Suite.Wrong[0].User"},
		"a secret too short":          {func(s *strategytest.Suite) { s.Good[0].Secret = "havens"[:5] }, "less than 6 bytes"},
		"no way to send":              {func(s *strategytest.Suite) { s.Send = nil }, "how does it get on a request?"},
		"an app that stops requests": {func(s *strategytest.Suite) {
			s.App = app.New().Use(func(ctx *app.Context, _ app.Handler) error { return ctx.Throw(403, "") })
		}, "a layer of Suite.App did not let the request through"},
	} {
		t.Run(name, func(t *testing.T) {
			got := failuresOf(t, "proves each user and says how", func(t testing.TB) strategytest.Suite {
				s := suiteOf(func(*tickets) {})(t)
				c.edit(&s)
				return s
			})
			assert.Contains(t, got, c.says)
		})
	}
}

// What is sent by the browser itself, or by a page of another site, is not sent on purpose.
func TestRunKnowsWhatIsDeliberate(t *testing.T) {
	for name, c := range map[string]struct {
		send func(r *http.Request, secret string)
		says string
	}{
		"a header of one's own":    {strategytest.InHeader("X-Ticket"), ""},
		"a scheme of one's own":    {strategytest.InAuthorization("Ticket"), ""},
		"a scheme of the browsers": {strategytest.InAuthorization("Basic"), "of the scheme Basic, which browsers send by themselves"},
		"in other letters":         {strategytest.InAuthorization("NEGOTIATE"), "which browsers send by themselves"},
		"a cookie":                 {strategytest.InCookie("ticket"), "came in no header but the cookies'"},
		"a query":                  {strategytest.InQuery("ticket"), "came in no header but the cookies'"},
		"a form":                   {strategytest.InForm("ticket", "name", "frodo"), "came in no header but the cookies'"},
	} {
		t.Run(name, func(t *testing.T) {
			got := failuresOf(t, "proves each user and says how", anywhereBy(c.send))
			if c.says == "" {
				assert.Empty(t, got)
			} else {
				assert.Contains(t, got, c.says)
			}
		})
	}
}

// anywhere looks for a ticket in all places, and calls each deliberate.
type anywhere struct{}

func (anywhere) Authenticate(ctx *app.Context) (*app.Identity, error) {
	form, err := ctx.BindStrings(0, "ticket")
	if err != nil {
		return nil, err
	}
	texts := []string{form["ticket"], ticket(ctx), ctx.Request.Header.Get("X-Ticket"), ctx.Request.URL.Query().Get("ticket")}
	if c, err := ctx.Request.Cookie("ticket"); err == nil {
		texts = append(texts, c.Value)
	}
	for _, scheme := range []string{"Basic ", "NEGOTIATE "} {
		if text := ctx.Request.Header.Get("Authorization"); len(text) > len(scheme) && text[:len(scheme)] == scheme {
			texts = append(texts, text[len(scheme):])
		}
	}
	for _, text := range texts {
		switch text {
		case "":
		case "Grey-Havens":
			return &app.Identity{User: frodo, Via: "anywhere", Deliberate: true}, nil
		case "Bag-End":
			return &app.Identity{User: sam, Via: "anywhere", Deliberate: true}, nil
		default:
			return nil, &app.Rejection{}
		}
	}
	return nil, app.ErrNoCredentials
}

func TestRunKnowsWhatBrowsersSend(t *testing.T) {
	const says = "Good[1] in a POST from a page of another site: got a proof of &{Name:Sam}"
	for name, c := range map[string]struct {
		send func(r *http.Request, secret string)
		says string
	}{
		"a header":                 {strategytest.InHeader("X-Ticket"), ""},
		"a form":                   {strategytest.InForm("ticket"), ""},
		"a cookie":                 {strategytest.InCookie("ticket"), says},
		"a scheme of the browsers": {strategytest.InAuthorization("Basic"), says},
		"a cookie beside a header": {func(r *http.Request, secret string) {
			strategytest.InHeader("X-Palantir")(r, "seen")
			strategytest.InCookie("ticket")(r, secret)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := failuresOf(t, "refuses what other sites make browsers send", anywhereBy(c.send))
			if c.says == "" {
				assert.Empty(t, got)
			} else {
				assert.Contains(t, got, c.says)
			}
		})
	}
}

func anywhereBy(send func(r *http.Request, secret string)) func(testing.TB) strategytest.Suite {
	return func(testing.TB) strategytest.Suite {
		return strategytest.Suite{
			Strategy: anywhere{}, Send: send,
			Good:  []strategytest.Credential{{User: frodo, Secret: "Grey-Havens"}, {User: sam, Secret: "Bag-End"}},
			Wrong: []strategytest.Credential{{Secret: "Black-Gate"}},
		}
	}
}

// clumsy panics over damage that is done in each place and nowhere else.
type clumsy struct{}

func (c clumsy) Authenticate(ctx *app.Context) (*app.Identity, error) {
	body, _ := io.ReadAll(ctx.Request.Body)
	if strings.Contains(ctx.Request.Header.Get("Cookie")+ctx.Request.URL.RawQuery+string(body), "X-Palantir: 1") {
		panic("an injected header")
	}
	return nil, app.ErrNoCredentials
}

func TestDamageIsDoneInEachPlace(t *testing.T) {
	for place, send := range map[string]func(*http.Request, string){
		"the cookie ticket": strategytest.InCookie("ticket"), "the query's ticket": strategytest.InQuery("ticket"), "the body": strategytest.InForm("ticket"),
	} {
		t.Run(place, func(t *testing.T) {
			got := failuresOf(t, "withstands hostile requests", func(t testing.TB) strategytest.Suite {
				s := anywhereBy(send)(t)
				s.Strategy = clumsy{}
				return s
			})
			assert.Contains(t, got, place+" as ")
			assert.Contains(t, got, "a panic: an injected header")
		})
	}
}

func TestEachWayToSendIsTestedWhole(t *testing.T) {
	for name, send := range map[string]func(*http.Request, string){
		"cookie": strategytest.InCookie("ticket"), "query": strategytest.InQuery("ticket"), "form": strategytest.InForm("ticket"),
	} {
		t.Run(name, func(t *testing.T) {
			strategytest.Run(t, func(t testing.TB) strategytest.Suite {
				s := anywhereBy(send)(t)
				s.Strategy = carefully{}
				s.Foreign = []func(*http.Request){func(r *http.Request) { r.Method = "DELETE" }}
				return s
			})
		})
	}
}

// carefully calls nothing deliberate, and hears no other sites.
type carefully struct{ anywhere }

func (c carefully) Authenticate(ctx *app.Context) (*app.Identity, error) {
	if err := http.NewCrossOriginProtection().Check(ctx.Request); err != nil {
		return nil, &app.Error{Status: 403, Cause: err}
	}
	id, err := c.anywhere.Authenticate(ctx)
	if id != nil {
		id.Deliberate = false
	}
	return id, err
}

// What a Suite says of its strategy is believed, and checked where it can be.
func TestRunHeedsWhatASuiteSays(t *testing.T) {
	elsewhere := func(url string) func(*tickets) {
		return whenever(func(_ *app.Context, id *app.Identity, err error) (*app.Identity, error) {
			if errors.Is(err, app.ErrNoCredentials) {
				err = &app.Redirection{URL: url}
			}
			return id, err
		})
	}
	type key struct{}
	fromAbove := func(x *tickets) {
		x.after(func(ctx *app.Context, id *app.Identity, err error) (*app.Identity, error) {
			return id, errors.Join(err, app.Cookie{Name: "seen"}.Set(ctx, ctx.Value(key{}).(string)))
		})
	}
	otherUsers := whenProved(func(_ *app.Context, id *app.Identity) { id.User = id.User.(*hobbit).Name })
	for name, c := range map[string]struct {
		spoil       func(*tickets)
		edit        func(s *strategytest.Suite)
		check, says string
	}{
		"any case is the same":     {reading(known(strings.EqualFold)), func(s *strategytest.Suite) { s.AnyCase = true }, "withstands hostile secrets", ""},
		"nobody is sent elsewhere": {elsewhere("/harbour"), func(s *strategytest.Suite) { s.Redirects = true }, "passes on what is not its own", ""},
		"but stays":                {func(*tickets) {}, func(s *strategytest.Suite) { s.Redirects = true }, "passes on what is not its own", "got ErrNoCredentials (app: no credentials), want a Redirection"},
		"to a script":              {elsewhere("javascript:alert(1)"), func(s *strategytest.Suite) { s.Redirects = true }, "passes on what is not its own", "neither a path on this site"},
		"users in another form": {otherUsers, func(s *strategytest.Suite) {
			s.Same = func(want, got any) bool { return want.(*hobbit).Name == got }
			s.Good = []strategytest.Credential{{User: frodo, Secret: "to the Grey Havens"}, {User: sam, Secret: "to Bag End"}}
		}, "proves each user and says how", ""},
		"an app with keys and a layer": {fromAbove, func(s *strategytest.Suite) {
			keys, err := app.NewKeys([]byte("speak-friend-and-enter-0123456789-mellon"))
			require.NoError(t, err)
			s.App = app.New().Use(func(ctx *app.Context, next app.Handler) error {
				ctx.SetValue(key{}, "above")
				return next(ctx)
			})
			s.App.Keys = keys
		}, "proves each user and says how", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := failuresOf(t, c.check, func(t testing.TB) strategytest.Suite {
				s := suiteOf(c.spoil)(t)
				c.edit(&s)
				return s
			})
			if c.says == "" {
				assert.Empty(t, got)
			} else {
				assert.Contains(t, got, c.says)
			}
		})
	}
}

func TestInFormWantsPairs(t *testing.T) {
	odd := []string{"name"}
	assert.PanicsWithValue(t, "strategytest: InForm: a field without a value", func() { strategytest.InForm("ticket", odd...) })
}

func TestWellFormed(t *testing.T) {
	for _, good := range []string{
		"", "Ticket", "Negotiate YWJj=", `Basic realm="a b", charset="UTF-8"`, "Ticket realm=havens", "Ticket realm=", `Ticket a = "\"," , b=c`, `Bearer realm="é"`,
	} {
		assert.NoError(t, strategytest.WellFormed(good), good)
	}
	for _, bad := range []string{
		" ", "Ticket ", `"Ticket"`, "Ticket\n", "Ticket\x7f", `Ticket realm="`, `Ticket realm="\`, `Ticket realm="a" b`, "Ticket a=b,", "Ticket a=b=",
		"Ticket a=b, A=c", `Ticket realm="a", Basic realm="b"`, "Ticket: no", "Tickét", `Ticket =a`, `Ticket realm="a"x`,
	} {
		assert.Error(t, strategytest.WellFormed(bad), bad)
	}
}
