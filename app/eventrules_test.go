package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestEventsAreToldOnce(t *testing.T) {
	rejection := &app.Rejection{Message: "No"}
	twins := struct{ any }{map[string]int{}} // comparable by type, and not by value
	token := &broochInfo{"b1"}
	for _, test := range []struct {
		name string
		tell []app.Event
		want int
	}{
		{"the use of one credential", []app.Event{{Name: app.EventUsed, Info: token}, {Name: app.EventUsed, Info: token}}, 1},
		{"the use of two credentials", []app.Event{{Name: app.EventUsed, Info: token}, {Name: app.EventUsed, Info: &broochInfo{"b1"}}}, 2},
		{"the use of credentials without Info", []app.Event{{Name: app.EventUsed}, {Name: app.EventUsed}}, 2},
		{"Info that cannot be compared", []app.Event{{Name: app.EventUsed, Info: []int{1}}, {Name: app.EventUsed, Info: []int{1}}}, 2},
		{"Info that holds what cannot be compared", []app.Event{{Name: app.EventUsed, Info: twins}, {Name: app.EventUsed, Info: twins}}, 2},
		{"one refusal whatever it is called", []app.Event{{Name: app.EventLoginFailed, Reason: rejection}, {Name: app.EventRefused, Reason: rejection}, {Name: app.EventDenied, Reason: rejection}}, 1},
		{"refusals for reasons that look alike", []app.Event{{Name: app.EventRefused, Reason: rejection}, {Name: app.EventRefused, Reason: &app.Rejection{Message: "No"}}}, 2},
		{"refusals without a reason", []app.Event{{Name: app.EventRefused}, {Name: app.EventRefused}}, 2},
		{"a typed nil for a reason", []app.Event{{Name: app.EventRefused, Reason: (*app.Rejection)(nil)}, {Name: app.EventRefused, Reason: (*app.Rejection)(nil)}}, 2},
		{"what is no question of once", []app.Event{{Name: app.EventLoginThrottled, Reason: rejection}, {Name: app.EventLoginThrottled, Reason: rejection}, {Name: app.EventRevoked, Info: token}, {Name: app.EventRevoked, Info: token}}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := quiet().Use(last(func(ctx *app.Context) error {
				for _, e := range test.tell {
					ctx.Emit(e)
				}
				return nil
			}))
			told := chronicled(t, a)
			for range 2 { // each request begins anew
				record(a, get("/"))
				assert.Len(t, told.take(), test.want)
			}
		})
	}
	t.Run("a strategy that tells itself is not told of again", func(t *testing.T) {
		a := quiet().Use(app.Authenticate(wicket{}), last(ok))
		told := chronicled(t, a)
		record(a, post("/", "application/x-www-form-urlencoded", "name=frodo&password=x"))
		assert.Len(t, told.take(), 1)
	})
}

func TestEventsOutsideOfARequest(t *testing.T) {
	w := newRivendell(t, app.SessionOptions{})
	frodo := &hobbit{"frodo"}
	_, err := w.sessions.LogoutAll(t.Context(), frodo)
	require.NoError(t, err)
	assert.Empty(t, w.told.take(), "nobody was logged in, and nobody listens yet")
	login(w.device(t, "192.0.2.1"), "speak-friend")
	login(w.device(t, "192.0.2.2"), "speak-friend")
	w.told.take()
	w.clock.Advance(time.Hour / 4)
	var outside []*app.Context
	listen := w.app.OnEvent
	w.app.OnEvent = func(ctx *app.Context, e app.Event) { outside = append(outside, ctx); listen(ctx, e) }
	list, err := w.sessions.List(t.Context(), frodo)
	require.NoError(t, err)
	there, err := w.sessions.End(t.Context(), frodo, list[0].Handle)
	require.NoError(t, err)
	assert.True(t, there)
	there, err = w.sessions.End(t.Context(), frodo, list[0].Handle)
	require.NoError(t, err)
	assert.False(t, there)
	n, err := w.sessions.LogoutAll(t.Context(), frodo)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, []string{
		"12:15 session revoked via session of frodo in " + w.told.alias(list[0].Handle) + ": it was ended from elsewhere",
		"12:15 session revoked via session of frodo: it was ended from elsewhere",
	}, w.told.take())
	assert.Equal(t, []*app.Context{nil, nil}, outside)
	assert.Equal(t, "session", w.told.events[len(w.told.events)-1].Kind)
}

// A session that is saved for what it holds is renewed no less than one that is only read.
func TestEventOfARenewalByChange(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "")
	w.told.take()
	w.clock.Advance(59 * time.Second)
	require.Equal(t, 204, c.Get("/set").Status)
	assert.Empty(t, w.told.take(), "at most once a minute")
	w.clock.Advance(time.Minute)
	require.Equal(t, 204, c.Get("/unset").Status)
	assert.Equal(t, []string{"12:01 session renewed via session of frodo in #1 from 192.0.2.1"}, w.told.take())
}

// A logout is told of who leaves, though nobody asked who that is, and of nobody else.
func TestEventOfALogout(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "")
	old := c.Cookie(cookieName).Value
	w.told.take()
	require.Equal(t, 204, c.Get("/logout").Status)
	assert.Equal(t, []string{"12:00 logout via session of frodo in #1 from 192.0.2.1"}, w.told.take())
	for name, prepare := range map[string]func(c *apptest.Client){
		"ended before":   func(c *apptest.Client) { c.SetCookie(cookieName, old) },
		"made up":        func(c *apptest.Client) { c.SetCookie(cookieName, strings.Repeat("A", 43)) },
		"a visitor's":    func(c *apptest.Client) { c.Get("/set") },
		"expired before": func(c *apptest.Client) { c.Get("/login?name=frodo"); w.lapse() },
	} {
		c := w.client()
		prepare(c)
		w.told.take()
		require.Equal(t, 204, c.Get("/logout").Status, name)
		assert.Empty(t, w.told.take(), name)
	}
	t.Run("that cannot be looked up is told of all the same", func(t *testing.T) {
		c := w.in("frodo", "")
		w.told.take()
		w.store.fail["Find"] = errBoom
		require.Equal(t, 204, c.Get("/logout").Status)
		lines := w.told.take()
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0], "logout via session in #")
	})
	t.Run("that fails is not told of", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "")
		w.told.take()
		w.store.fail["Delete"] = errBoom
		require.Equal(t, 503, c.Get("/logout").Status)
		assert.Empty(t, w.told.take())
	})
}

// What is about another session is not told of this one.
func TestEventsNameTheRightSession(t *testing.T) {
	store := sessionstores.NewMemory()
	users, admins := app.NewSessions(store, &hobbits{}, app.SessionOptions{}), app.NewSessions(store, &hobbits{}, app.SessionOptions{Kind: "admin"})
	a := quiet().Use(users.Layer, admins.Layer, last(func(ctx *app.Context) error {
		require.NoError(t, ctx.Login(&hobbit{"frodo"}))
		user, err := ctx.Session()
		require.NoError(t, err)
		require.NoError(t, admins.Login(ctx, &hobbit{"gandalf"}))
		admin, err := admins.Session(ctx)
		require.NoError(t, err)
		ctx.SetValue("user", user.Handle())
		ctx.SetValue("admin", admin.Handle())
		return admins.RequireLogin(ctx, last2(app.RequireScopes("x"), func(ctx *app.Context) error {
			return app.RequireRecentLogin(time.Nanosecond)(ctx, func(*app.Context) error {
				ctx.Emit(app.Event{Name: app.EventIssued})
				return nil
			})
		}))
	}))
	var events []app.Event
	var user, admin any
	a.OnEvent = func(ctx *app.Context, e app.Event) {
		events, user, admin = append(events, e), ctx.Value("user"), ctx.Value("admin")
	}
	record(a, get("/"))
	require.Len(t, events, 5)
	for i, want := range []any{user, user, admin, admin, admin} {
		assert.Equal(t, want, events[i].Session, i)
	}
	assert.Equal(t, []string{"session", "admin"}, []string{events[1].Kind, events[3].Kind})
}

func TestNobodyListensAtNoCost(t *testing.T) {
	guarded := func(onEvent func(*app.Context, app.Event), layers ...app.Middleware) func() {
		a := quiet().Use(layers...).Use(last(func(ctx *app.Context) error { ctx.Status = 204; return nil }))
		a.OnEvent = onEvent
		r := get("/")
		return func() { a.ServeHTTP(nowhere{}, r) }
	}
	strategy := says(func(*app.Context) (*app.Identity, error) { return frodosIdentity, nil })
	emitting := func(ctx *app.Context, next app.Handler) error {
		ctx.Emit(app.Event{Name: app.EventUsed, User: frodosIdentity.User, Info: frodosIdentity})
		ctx.Emit(app.Event{Name: app.EventDenied, Reason: app.ErrLoginRequired})
		return next(ctx)
	}
	guard := func(onEvent func(*app.Context, app.Event), more ...app.Middleware) float64 {
		return leastAllocs(guarded(onEvent, append([]app.Middleware{app.Authenticate(strategy), app.RequireLogin}, more...)...))
	}
	silent := guard(nil)
	assert.InDelta(t, silent, guard(nil, emitting), 0.1)
	assert.Greater(t, guard(func(*app.Context, app.Event) {}, emitting), silent, "this test can tell")
	refused := func(onEvent func(*app.Context, app.Event), by app.Strategy) float64 {
		return leastAllocs(guarded(onEvent, app.Authenticate(by)))
	}
	nameless := fails(frodosRejection)
	assert.InDelta(t, refused(nil, called("a", nameless)), refused(nil, nameless), 0.1, "nobody makes a name for nobody")
	assert.Greater(t, refused(func(*app.Context, app.Event) {}, nameless), refused(nil, nameless))
}

// leastAllocs counts what is always allocated: the pools of other packages are emptied now and then.
func leastAllocs(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 100 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

var frodosRejection = &app.Rejection{Message: "No"}

var frodosIdentity = &app.Identity{User: &hobbit{"frodo"}, Via: "test"}

// nowhere is a ResponseWriter without allocations of its own.
type nowhere struct{}

var discarded = http.Header{}

func (nowhere) Header() http.Header         { clear(discarded); return discarded }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

func TestListenerThatPanicsLetsNobodyIn(t *testing.T) {
	rescuing := func(ctx *app.Context, next app.Handler) (err error) {
		defer func() { // a layer that knows better
			if v := recover(); v != nil {
				err = next(ctx)
			}
		}()
		return app.RequireLogin(ctx, next)
	}
	for _, test := range []struct {
		name    app.EventName
		prepare func(w *rivendell, r *http.Request, stamp *string)
	}{
		{app.EventUsed, func(_ *rivendell, r *http.Request, _ *string) { r.Header.Set("Authorization", "Bearer "+brooch) }},
		{app.EventRefused, func(_ *rivendell, r *http.Request, _ *string) { r.Header.Set("Authorization", "Bearer x") }},
		{app.EventDenied, func(_ *rivendell, r *http.Request, _ *string) { r.Header.Del("Cookie") }},
		{app.EventSessionExpired, func(w *rivendell, _ *http.Request, _ *string) { w.clock.Advance(time.Hour) }},
		{app.EventSessionRevoked, func(_ *rivendell, _ *http.Request, stamp *string) { *stamp = "new" }},
		{app.EventSessionRenewed, func(w *rivendell, _ *http.Request, _ *string) { w.clock.Advance(time.Minute) }},
	} {
		t.Run(string(test.name), func(t *testing.T) {
			for _, rescued := range []bool{false, true} {
				stamp, entered := "old", 0
				w := newRivendell(t, app.SessionOptions{Stamp: func(any) string { return stamp }})
				a := quiet().Use(w.sessions.Layer)
				if rescued {
					a.Use(rescuing)
				}
				a.Use(app.Identify(brooches{}), app.RequireLogin, last(func(ctx *app.Context) error { entered++; return ok(ctx) }))
				a.OnEvent = func(_ *app.Context, e app.Event) {
					if e.Name == test.name {
						panic("the palantir is dark")
					}
				}
				c := w.device(t, "192.0.2.1")
				login(c, "speak-friend")
				r := get("/")
				r.AddCookie(c.Cookie(cookieName))
				test.prepare(w, r, &stamp)
				res := record(a, r)
				assert.GreaterOrEqual(t, res.Code, 401)
				if !rescued {
					assert.Equal(t, 500, res.Code)
				}
				assert.NotEqual(t, "ok", res.Body.String())
				assert.Equal(t, test.name == app.EventSessionRenewed, entered == 1, "which is told when the handler is done")
			}
		})
	}
}
