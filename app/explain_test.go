package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A named is a strategy with a name and a place where it looks.
type named struct {
	app.Strategy
	name, looks string
	_           [0]func()
}

func (n named) Describe() (name, looksAt string) { return n.name, n.looks }

func called(name string, s app.Strategy) app.Strategy {
	return named{Strategy: s, name: name, looks: "the palantir"}
}

// stepsOf are those of a request, as they are printed.
func stepsOf(r *http.Request, layers ...app.Middleware) (lines []string) {
	collect := func(ctx *app.Context, next app.Handler) error {
		err := next(ctx)
		for _, s := range ctx.Explain() {
			lines = append(lines, s.String())
		}
		return err
	}
	record(quiet().Use(append([]app.Middleware{collect}, layers...)...), r)
	return lines
}

func TestExplainOfStrategies(t *testing.T) {
	frodo := says(func(*app.Context) (*app.Identity, error) {
		return &app.Identity{User: &hobbit{"frodo"}, Subject: "7", Via: "test"}, nil
	})
	for _, test := range []struct {
		name       string
		strategies []app.Strategy
		want       []string
	}{
		{"proved", []app.Strategy{called("a", frodo)}, []string{"a looked at the palantir: proved: 7"}},
		{"proved by one without a name", []app.Strategy{frodo}, []string{"app_test.says: proved: 7"}},
		{"passed", []app.Strategy{called("a", passes()), called("b", frodo)}, []string{"a looked at the palantir: passed: no credentials", "b looked at the palantir: proved: 7"}},
		{"passed with a reason", []app.Strategy{called("a", fails(fmt.Errorf("another scheme: %w", app.ErrNoCredentials)))}, []string{"a looked at the palantir: passed: another scheme: app: no credentials"}},
		{"anonymous", []app.Strategy{called("a", fails(app.ErrAnonymous))}, []string{"a looked at the palantir: passed: app: the request may go on without a user"}},
		{"rejected", []app.Strategy{called("a", rejects("Invalid token")), called("b", passes())}, []string{"a looked at the palantir: rejected: app: rejected: Invalid token", "b looked at the palantir: passed: no credentials"}},
		{"rejected with a cause that has no opinion", []app.Strategy{called("a", fails(&app.Rejection{Message: "No", Cause: app.ErrNoCredentials}))}, []string{"a looked at the palantir: rejected: app: rejected: No: app: no credentials"}},
		{"rejected by an error that says 4xx", []app.Strategy{called("a", fails(&app.Error{Status: 429}))}, []string{"a looked at the palantir: rejected: 429 Too Many Requests"}},
		{"redirected", []app.Strategy{called("a", fails(&app.Redirection{URL: "https://login.example.com/?state=s3cr3t"}))}, []string{"a looked at the palantir: redirected"}},
		{"redirected to nowhere", []app.Strategy{called("a", fails(&app.Redirection{URL: "javascript:0"}))}, []string{"a looked at the palantir: fault: app: a Redirection without a usable URL"}},
		{"fault", []app.Strategy{called("a", fails(errBoom)), called("b", frodo)}, []string{"a looked at the palantir: fault: boom"}},
		{"fault of a nil rejection", []app.Strategy{called("a", fails((*app.Rejection)(nil)))}, []string{"a looked at the palantir: fault: a nil *app.Rejection"}},
		{"fault of a nil error with methods", []app.Strategy{called("a", fails((*touchy)(nil)))}, []string{"a looked at the palantir: fault: a nil *app_test.touchy"}},
		{"fault of an error that has no answer of its own", []app.Strategy{called("a", fails(app.ErrLoginRequired))}, []string{"a looked at the palantir: fault: app: login required"}},
		{"fault of who proves nobody", []app.Strategy{called("a", fails(nil))}, []string{"a looked at the palantir: fault: app: app_test.named returned no user and no error"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, stepsOf(get("/"), app.Authenticate(test.strategies...), last(ok)))
		})
	}
	t.Run("nobody asked is no step", func(t *testing.T) { assert.Empty(t, stepsOf(get("/"), last(ok))) })
}

// A touchy error cannot be asked if it is nil.
type touchy struct{ text string }

func (e *touchy) Error() string { return e.text }

func TestExplainOfSessions(t *testing.T) {
	const looks = "session looked at the cookie __Host-session: "
	valid := strings.Repeat("A", 43)
	cookie := func(values ...string) func(w *buckland, r *http.Request) {
		return func(_ *buckland, r *http.Request) {
			for _, v := range values {
				r.AddCookie(&http.Cookie{Name: cookieName, Value: v})
			}
		}
	}
	present := func(w *buckland, r *http.Request, how string) {
		c := w.in("frodo", how)
		for _, name := range []string{cookieName, "__Host-mellon-session"} {
			if k := c.Cookie(name); k != nil {
				r.AddCookie(k)
			}
		}
	}
	const noFriend = "mellon looked at the cookie __Host-mellon-session: passed: no credentials"
	for _, test := range []struct {
		name    string
		prepare func(w *buckland, r *http.Request)
		want    []string
	}{
		{"proved", func(w *buckland, r *http.Request) { present(w, r, "") }, []string{looks + "proved: frodo"}},
		{"no cookie", cookie(), []string{looks + "passed: no cookie", noFriend}},
		{"an unusable cookie", cookie("x"), []string{looks + "passed: a cookie that cannot be one of ours, or several that differ", noFriend}},
		{"two cookies", cookie(valid, valid[1:]+"B"), []string{looks + "passed: a cookie that cannot be one of ours, or several that differ", noFriend}},
		{"an unknown cookie", cookie(valid), []string{looks + "passed: the store has no such session", noFriend}},
		{"expired", func(w *buckland, r *http.Request) { present(w, r, ""); w.lapse() }, []string{looks + "passed: the session has expired", noFriend}},
		{"of a visitor", func(w *buckland, r *http.Request) {
			c := w.client()
			c.Get("/set")
			r.AddCookie(c.Cookie(cookieName))
		}, []string{looks + "passed: a session that nobody is logged in to", noFriend}},
		{"the user is gone", func(w *buckland, r *http.Request) { present(w, r, ""); w.users.gone = true }, []string{looks + "passed: the user is gone"}},
		{"the stamp has changed", func(w *buckland, r *http.Request) { present(w, r, ""); w.stamp = "new" }, []string{looks + "passed: what the session was bound to has changed"}},
		{"from another site", func(w *buckland, r *http.Request) {
			present(w, r, "")
			r.Method = http.MethodPost
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}, []string{looks + "rejected: 403 Cross-site request refused: app: an unsafe request from another site: cross-origin request detected from Sec-Fetch-Site header"}},
		{"the store is down", func(w *buckland, r *http.Request) { present(w, r, ""); w.store.fail["Find"] = errBoom }, []string{looks + "fault: 503 Service Unavailable: app: load the session: boom"}},
		{"the user cannot be loaded", func(w *buckland, r *http.Request) { present(w, r, ""); w.users.err = errBoom }, []string{looks + "fault: 503 Service Unavailable: app: deserialize the user: boom"}},
		{"remembered", func(w *buckland, r *http.Request) { present(w, r, "&remember"); w.lapse() }, []string{
			looks + "passed: the session has expired", "mellon looked at the cookie __Host-mellon-session: proved: frodo",
		}},
		{"not remembered any more", func(w *buckland, r *http.Request) { present(w, r, "&remember"); w.lapse(); clear(w.mellon.rows) }, []string{
			looks + "passed: the session has expired", "mellon looked at the cookie __Host-mellon-session: rejected: app: rejected: Not remembered: mellon: no friend any more",
		}},
		{"remembered and not to be brought back", func(w *buckland, r *http.Request) {
			present(w, r, "&remember")
			w.lapse()
			w.store.fail["Insert"] = errBoom
		}, []string{
			looks + "passed: the session has expired", "mellon looked at the cookie __Host-mellon-session: proved: frodo",
			looks + "fault: 503 Service Unavailable: app: store the session: boom",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newBuckland(t, app.SessionOptions{})
			r := get("/")
			test.prepare(w, r)
			assert.Equal(t, test.want, stepsOf(r, w.sessions.Layer, app.Authenticate(w.sessions), app.RequireLogin, last(ok)), "however often it is asked")
		})
	}
	t.Run("asks nobody", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		calls := len(w.store.Calls())
		record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			assert.Empty(t, ctx.Explain())
			assert.Len(t, w.store.Calls(), calls)
			return nil
		})), r)
	})
	t.Run("without its layer is a fault", func(t *testing.T) {
		s, _ := memorySessions()
		assert.Equal(t, []string{looks + `fault: app: there is no Sessions layer above: add app.Use(sessions.Layer) before it (kind "session")`}, stepsOf(get("/"), app.Authenticate(s), last(ok)))
	})
}

// What OnEvent and OnError are told can be explained there.
func TestExplainWhereItIsToldOf(t *testing.T) {
	a := quiet().Use(app.Authenticate(called("a", passes()), called("b", rejects("No"))), last(ok))
	var in []string
	a.OnEvent = func(ctx *app.Context, e app.Event) { in = append(in, fmt.Sprint(e.Name, " ", len(ctx.Explain()))) }
	record(a, get("/"))
	assert.Equal(t, []string{"credential refused 2"}, in)
	w := newBuckland(t, app.SessionOptions{})
	w.store.fail["Find"] = errBoom
	var explained []app.Step
	w.app.OnError = func(ctx *app.Context, _ error) { explained = ctx.Explain() }
	c := w.client()
	c.SetCookie(cookieName, strings.Repeat("A", 43))
	require.Equal(t, 503, c.Get("/me").Status)
	require.Len(t, explained, 1)
	assert.Equal(t, app.StepFault, explained[0].Result)
}
