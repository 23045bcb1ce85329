package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

// What a review found by attacking: each test failed before its defect was mended.

func unchanged(h http.Handler) http.Handler { return h }

// loggedIn returns the cookie of somebody who logged in to w.
func (w *shire) loggedIn(t *testing.T) *http.Cookie {
	t.Helper()
	c := w.client(t)
	require.Equal(t, 204, c.Get("/login").Status)
	return c.Cookie(cookieName)
}

// send runs layers below the Sessions of w.
func (w *shire) send(r *http.Request, layers ...app.Middleware) *httptest.ResponseRecorder {
	return record(quiet().Use(w.sessions.Layer).Use(layers...), r)
}

func with(r *http.Request, cookies ...*http.Cookie) *http.Request {
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// A form can be sent by every site, so a password in one proves who sent it and not
// that this site did.
func TestAnotherSiteCannotLogItsUserIn(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	login := func(ctx *app.Context) error { return ctx.Login(ctx.User()) }
	r := post("https://example.com/session", "application/x-www-form-urlencoded", "username=mallory")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for name, layer := range map[string]app.Middleware{
		"Authenticate": app.Authenticate(always{&hobbit{"mallory"}}), "Identify": app.Identify(always{&hobbit{"mallory"}}),
		"a token in a header": app.Authenticate(ender{new(int), nil}),
	} {
		q := r.Clone(r.Context())
		q.Header.Set("Authorization", "x")
		res := w.send(q, layer, last(login))
		assert.Equal(t, 403, res.Code, name)
		assert.Empty(t, res.Result().Cookies(), name)
	}
	t.Run("nor use the session of who is logged in here", func(t *testing.T) {
		q := with(r.Clone(r.Context()), w.loggedIn(t))
		res := w.send(q, app.Authenticate(always{&hobbit{"mallory"}}), last(setting))
		assert.Equal(t, 403, res.Code)
	})
	t.Run("while a token that a layer above did not know of lets its request through", func(t *testing.T) {
		q := r.Clone(r.Context())
		q.Header.Set("Authorization", "x")
		res := w.send(q, func(ctx *app.Context, next app.Handler) error { ctx.IsAuthenticated(); return next(ctx) }, app.Authenticate(ender{new(int), nil}), last(ok))
		assert.Equal(t, 200, res.Code)
	})
}

func TestFaultThatWasKeptIsAnsweredWhateverFollows(t *testing.T) {
	for name, then := range map[string]func(ctx *app.Context){
		"a failed hijack":     func(ctx *app.Context) { http.NewResponseController(ctx.Writer()).Hijack() },
		"two failed hijacks":  func(ctx *app.Context) { ctx.Writer().(http.Hijacker).Hijack(); ctx.Writer().(http.Hijacker).Hijack() },
		"a write":             func(ctx *app.Context) { io.WriteString(ctx.Writer(), "welcome, stranger") },
		"a logout of others":  func(ctx *app.Context) { assert.Error(t, ctx.Login(&hobbit{"sam"})) },
		"a session ignored":   func(ctx *app.Context) { s, _ := ctx.Session(); s.Get("x", new(int)); s.Set("x", 1) },
		"a writer from above": nil,
		"a streamed body":     func(ctx *app.Context) { ctx.Body = strings.NewReader("welcome, stranger") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newShire(t, app.SessionOptions{})
			cookie := w.loggedIn(t)
			w.store.Fail("Find")
			var above http.ResponseWriter
			res := w.send(with(get("/"), cookie), func(ctx *app.Context, next app.Handler) error { above = ctx.Writer(); return next(ctx) },
				app.Wrap(unchanged), last(func(ctx *app.Context) error {
					assert.Nil(t, ctx.User())
					if then == nil {
						io.WriteString(above, "welcome, stranger")
						return nil
					}
					ctx.Body = "welcome, stranger"
					then(ctx)
					return nil
				}))
			assert.Equal(t, 503, res.Code)
			assert.NotContains(t, res.Body.String(), "stranger")
		})
	}
	t.Run("after the headers it cuts the connection and is reported", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		cookie := w.loggedIn(t)
		w.store.Fail("Find")
		reported := 0
		a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			io.WriteString(ctx.Writer(), "part")
			assert.Nil(t, ctx.User())
			return nil
		}))
		a.OnError = func(*app.Context, error) { reported++ }
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { record(a, with(get("/"), cookie)) })
		assert.Equal(t, 1, reported)
	})
}

// A panic that somebody recovers from is no "not logged in".
func TestPanicOfTheStoreOrTheSerializerIsNoAnswer(t *testing.T) {
	for _, where := range []string{"store", "serializer"} {
		t.Run(where, func(t *testing.T) {
			memory, p := sessionstores.NewMemory(), &panicky{}
			s := app.NewSessions(p.store(memory), p, app.SessionOptions{})
			cookie := serve(get("/"), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) })).Result().Cookies()[0]
			p.where = where
			res := serve(with(get("/"), cookie), s.Layer, func(ctx *app.Context, next app.Handler) error {
				func() {
					defer func() { assert.NotNil(t, recover()) }()
					ctx.User()
				}()
				return next(ctx)
			}, last(func(ctx *app.Context) error {
				assert.False(t, ctx.IsAuthenticated())
				if x, err := ctx.Session(); err == nil {
					assert.NoError(t, x.Set("cart", 1))
				}
				ctx.Body = "anonymous"
				return nil
			}))
			assert.Equal(t, 503, res.Code)
			assert.Empty(t, res.Result().Cookies())
			p.where = ""
			assert.Equal(t, 200, serve(with(get("/"), cookie), s.Layer, app.RequireLogin, last(ok)).Code, "logged in as before")
		})
	}
}

type panicky struct {
	hobbits
	where string
}

func (p *panicky) Deserialize(ctx context.Context, subject string) (any, error) {
	if p.where == "serializer" {
		panic("serializer")
	}
	return p.hobbits.Deserialize(ctx, subject)
}

type panickyStore struct {
	*sessionstores.Memory
	p *panicky
}

func (p *panicky) store(m *sessionstores.Memory) app.SessionStore { return panickyStore{m, p} }

func (s panickyStore) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	if s.p.where == "store" {
		panic("store")
	}
	return s.Memory.Find(ctx, key)
}

func TestForeignCodeInForeignCode(t *testing.T) {
	timeout := func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "late") }
	for name, layers := range map[string][]app.Middleware{
		"Adapt inside Wrap":              {app.Wrap(app.Adapt(nothingElse))},
		"Wrap inside Adapt inside Wrap":  {app.Wrap(app.Adapt(app.Wrap(unchanged)))},
		"twice":                          {app.Wrap(app.Adapt(app.Wrap(app.Adapt(app.Wrap(unchanged)))))},
		"with TimeoutHandlers":           {app.Wrap(timeout), app.Wrap(app.Adapt(app.Wrap(timeout)))},
		"Mount of Adapt":                 {last(app.Mount(app.Adapt(nothingElse)(app.Adapt(nothingElse)(hello))))},
		"Mount of TimeoutHandler, Adapt": {last(app.Mount(http.TimeoutHandler(app.Adapt(nothingElse)(hello), time.Minute, "late")))},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShire(t, app.SessionOptions{})
			res := w.send(get("/"), append(layers, last(func(ctx *app.Context) error { ctx.Body = "hello"; return nil }))...)
			assert.Equal(t, 200, res.Code)
			assert.Equal(t, "hello", res.Body.String())
		})
	}
}

func nothingElse(ctx *app.Context, next app.Handler) error { return next(ctx) }

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// The client has hung up before the inner handler begins: two goroutines must not be
// in one Context. It shows under the race detector.
func TestClientThatHungUpBelowATimeoutHandler(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	set := func(name string) func(ctx *app.Context) error {
		return func(ctx *app.Context) error {
			s, err := ctx.Session()
			if err != nil {
				return err
			}
			return s.Set(name, time.Now().UnixNano())
		}
	}
	for _, foreign := range []app.Middleware{
		app.Wrap(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") }),
		func(ctx *app.Context, next app.Handler) error {
			return app.Mount(http.TimeoutHandler(app.Adapt(func(ctx *app.Context, next app.Handler) error { _ = set("below")(ctx); return next(ctx) })(hello), time.Minute, ""))(ctx)
		},
	} {
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r := with(post("/", "text/plain", ""), cookie).WithContext(ctx)
			w.send(r, func(ctx *app.Context, next app.Handler) error { _ = set("above")(ctx); return next(ctx) }, foreign, last(set("below")))
		}
	}
}

func TestLoginBelowAMiddlewareThatHasAnswered(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	rec := &signalWriter{ResponseRecorder: httptest.NewRecorder(), wrote: make(chan struct{})}
	var err error
	quiet().Use(w.sessions.Layer, app.Wrap(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, 100*time.Millisecond, "late") }),
		last(func(ctx *app.Context) error {
			<-rec.wrote
			err = ctx.Login(&hobbit{"frodo"})
			return err
		})).ServeHTTP(rec, with(get("/"), cookie))
	assert.ErrorIs(t, err, app.ErrHeadersSent)
	assert.Equal(t, 200, record(w.app, with(get("/me"), cookie)).Code, "the session is still there")
}

func TestPanicBelowAMiddlewareThatHasAnsweredIsReported(t *testing.T) {
	rec := &signalWriter{ResponseRecorder: httptest.NewRecorder(), wrote: make(chan struct{})}
	var mu sync.Mutex
	var reported []error
	a := quiet().Use(app.Wrap(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, 100*time.Millisecond, "late") }),
		last(func(*app.Context) error { <-rec.wrote; panic("boom") }))
	a.OnError = func(_ *app.Context, err error) { mu.Lock(); defer mu.Unlock(); reported = append(reported, err) }
	a.ServeHTTP(rec, get("/"))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, reported, 1)
	assert.ErrorContains(t, reported[0], "boom")
}

func TestRequestMadeInsideTheProcessCarriesNoUser(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	var seen any
	inner := quiet().Use(last(func(ctx *app.Context) error {
		seen, _ = app.UserFrom[*hobbit](ctx.Context())
		return nil
	}))
	w.send(with(get("/"), w.loggedIn(t)), last(app.Mount(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		u, _ := app.UserFrom[*hobbit](r.Context())
		assert.NotNil(t, u)
		inner.ServeHTTP(httptest.NewRecorder(), get("/internal").WithContext(r.Context()))
		assert.Nil(t, seen)
		inner.ServeHTTP(httptest.NewRecorder(), get("/internal").WithContext(app.FromContext(r.Context()).Detach()))
		assert.Nil(t, seen)
	}))))
}

func TestSessionsThatGrewTogetherStayInBounds(t *testing.T) {
	w := newShire(t, app.SessionOptions{MaxBytes: 1000})
	cookie := w.loggedIn(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			res := record(w.app, with(post(fmt.Sprint("/value/k", i), "text/plain", strings.Repeat("x", 400)), cookie))
			assert.Contains(t, []int{204, 413}, res.Code)
		})
	}
	wg.Wait()
	list, err := w.store.ListSessions(t.Context(), "session", "frodo")
	require.NoError(t, err)
	total := 0
	for name, raw := range list[0].Data {
		total += len(name) + len(raw)
	}
	assert.LessOrEqual(t, total, 1000)
	for name := range list[0].Data {
		assert.Equal(t, 204, record(w.app, with(post("/value/"+name, "text/plain", "small"), cookie)).Code, "it can be made smaller")
	}
}

func TestLogoutEndsAllThatContradictingCookiesName(t *testing.T) {
	w := newShire(t, app.SessionOptions{Cookie: app.SessionCookie{InsecureHTTP: true}})
	login := func() *http.Cookie { return record(w.app, get("/login")).Result().Cookies()[0] }
	a, b := login(), login()
	assert.Equal(t, 204, record(w.app, with(get("/logout"), a, b)).Code)
	for _, c := range []*http.Cookie{a, b} {
		assert.Equal(t, 401, record(w.app, with(get("/me"), c)).Code)
	}
}

func TestLogoutOfOneKindLeavesTheOther(t *testing.T) {
	store := storetest.NewFaulty(sessionstores.NewMemory())
	users := app.NewSessions(store, &hobbits{}, app.SessionOptions{})
	admins := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Kind: "admin"})
	cookie := serve(get("/"), users.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) })).Result().Cookies()[0]
	t.Run("its user", func(t *testing.T) {
		serve(with(get("/"), cookie), users.Layer, admins.Layer, last(func(ctx *app.Context) error {
			assert.NoError(t, admins.Logout(ctx))
			assert.True(t, ctx.IsAuthenticated())
			return nil
		}))
	})
	t.Run("its fault", func(t *testing.T) {
		store.Fail("Find")
		res := serve(with(get("/"), cookie), users.Layer, admins.Layer, last(func(ctx *app.Context) error {
			assert.False(t, ctx.IsAuthenticated())
			ctx.Body = "stranger"
			return admins.Logout(ctx)
		}))
		assert.Equal(t, 503, res.Code)
	})
}

func TestSecondLogoutEndsNothingElse(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	r := with(get("/"), cookie)
	r.Header.Set("Authorization", "x")
	w.send(r, app.Authenticate(ender{new(int), nil}), last(func(ctx *app.Context) error {
		assert.NoError(t, ctx.Logout())
		return ctx.Logout()
	}))
	assert.Equal(t, 200, record(w.app, with(get("/me"), cookie)).Code)
}

func TestLoginReplacesTheFaultOfWhoWasThere(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	users := &hobbits{err: errBoom}
	s := app.NewSessions(w.store, deserializerThatFails{users}, app.SessionOptions{Clock: w.clock.Now})
	res := serve(with(get("/"), cookie), s.Layer, last(func(ctx *app.Context) error {
		assert.Nil(t, ctx.User())
		ctx.Status = 204
		return ctx.Login(&hobbit{"sam"})
	}))
	assert.Equal(t, 204, res.Code)
	assert.Len(t, res.Result().Cookies(), 1)
}

type deserializerThatFails struct{ *hobbits }

func (deserializerThatFails) Serialize(_ context.Context, user any) (string, error) {
	return user.(*hobbit).Name, nil
}

func TestCopyOfTheContextKnowsNobodyAndSaysSo(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	res := w.send(with(get("/"), w.loggedIn(t)), last(func(ctx *app.Context) error {
		assert.False(t, copyOf(ctx).IsAuthenticated())
		return ok(ctx)
	}))
	assert.Equal(t, 500, res.Code)
}

func TestScopesOfSessionsAreNotShared(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	w.send(with(get("/"), cookie), last(func(ctx *app.Context) error {
		id, err := ctx.Identity()
		id.Scopes[0] = "read"
		return err
	}))
	assert.Equal(t, 200, w.send(with(get("/"), cookie), app.RequireScopes("write"), last(ok)).Code)
}

func TestFlashesAreNotForTheNextUser(t *testing.T) {
	s, _ := memorySessions()
	var got []app.Flash
	a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
		x, err := ctx.Session()
		if err != nil {
			return err
		}
		switch name, _ := strings.CutPrefix(ctx.Request.URL.Path, "/login/"); {
		case ctx.Request.URL.Path == "/flash":
			return x.Flash("info", "for frodo's eyes")
		case name != ctx.Request.URL.Path:
			return ctx.Login(&hobbit{name})
		}
		got, err = x.Flashes()
		return err
	}))
	var cookies []*http.Cookie
	for _, path := range []string{"/login/frodo", "/flash", "/login/sam", "/"} {
		if set := record(a, with(get(path), cookies...)).Result().Cookies(); len(set) > 0 {
			cookies = set
		}
	}
	assert.Empty(t, got)
}

func TestTwoKindsOfWhichOneCannotBeSaved(t *testing.T) {
	one, _ := memorySessions()
	faulty := storetest.NewFaulty(sessionstores.NewMemory())
	two := app.NewSessions(faulty, &hobbits{}, app.SessionOptions{Kind: "admin"})
	faulty.Fail("Insert")
	res := serve(get("/"), one.Layer, two.Layer, last(func(ctx *app.Context) error {
		for _, s := range []*app.Sessions{one, two} {
			x, err := s.Session(ctx)
			require.NoError(t, err)
			require.NoError(t, x.Set("a", 1))
		}
		return nil
	}))
	assert.Equal(t, 503, res.Code)
	assert.Empty(t, res.Result().Cookies())
}

func TestPersonalAnswersAreNeverPublic(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	cookie := w.loggedIn(t)
	for given, want := range map[string]string{"public, max-age=60": "no-store", "s-maxage=60": "no-store", "private, max-age=60": "private, max-age=60"} {
		res := w.send(with(get("/"), cookie), app.RequireLogin, last(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", given)
			return ok(ctx)
		}))
		assert.Equal(t, want, res.Header().Get("Cache-Control"))
	}
	t.Run("also when a middleware has headers of its own", func(t *testing.T) {
		copying := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				w.WriteHeader(401)
			})
		}
		res := w.send(with(get("/"), cookie), app.Wrap(copying), app.RequireLogin, last(ok))
		assert.Equal(t, "no-store", res.Header().Get("Cache-Control"))
		assert.NotEmpty(t, res.Header().Get("WWW-Authenticate"), "and a 401 of its own a challenge")
	})
}

func TestProxyIsToldNothingByAnError(t *testing.T) {
	res := serve(get("/"), last(func(ctx *app.Context) error {
		for _, name := range []string{"X-Accel-Redirect", "X-Sendfile", "Refresh"} {
			ctx.Header().Set(name, "/secret")
		}
		return ctx.Throw(403, "")
	}))
	assert.Equal(t, 403, res.Code)
	assert.NotContains(t, fmt.Sprint(res.Header()), "secret")
}

func TestStatusThatIsNoneSavesNothing(t *testing.T) {
	s, store := memorySessions()
	res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
		if err := setting(ctx); err != nil {
			return err
		}
		ctx.Writer().WriteHeader(0)
		return nil
	}))
	assert.Equal(t, 500, res.Code)
	assert.Empty(t, store.Calls())
}

func TestBodyIsClosedWhoeverAnswers(t *testing.T) {
	for name, h := range map[string]app.Handler{
		"written by hand": func(ctx *app.Context) error { _, err := io.WriteString(ctx.Writer(), "x"); return err },
		"an aborted one":  func(*app.Context) error { panic(http.ErrAbortHandler) },
	} {
		body := &closing{Reader: strings.NewReader("x")}
		func() {
			defer func() { _ = recover() }()
			serve(get("/"), last(func(ctx *app.Context) error { ctx.Body = body; return h(ctx) }))
		}()
		assert.True(t, body.closed, name)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestMiddlewareThatChangesTheBodysLength(t *testing.T) {
	naive := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(doubling{w}, r) })
	}
	server := start(t, quiet().Use(app.Wrap(naive), last(ok)))
	res, err := http.Get(server.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, "okok", text(t, res.Body))
}

type doubling struct{ http.ResponseWriter }

func (d doubling) Write(b []byte) (int, error) {
	return d.ResponseWriter.Write(append(b[:len(b):len(b)], b...))
}

func TestContextPrintsNothingThatTheClientSent(t *testing.T) {
	var printed string
	serve(post("/", "application/json", `{"password":"precious"}`), last(func(ctx *app.Context) error {
		var in map[string]any
		err := ctx.Bind(&in)
		printed = fmt.Sprintf("%v %+v %#v %s %q %d", ctx, ctx, ctx, ctx, ctx, ctx)
		return err
	}))
	assert.NotContains(t, printed, "precious")
	assert.NotContains(t, printed, "112 114 101 99") // its bytes
}

// Each question and each change has its bound, and a store that hangs is a 503.
func TestQuestionsToTheStoreAreBounded(t *testing.T) {
	store := &hanging{Memory: sessionstores.NewMemory()}
	s := app.NewSessions(store, &hobbits{}, app.SessionOptions{Timeout: 20 * time.Millisecond})
	login := serve(get("/"), s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) }))
	cookie := login.Result().Cookies()[0]
	serve(with(get("/"), cookie), s.Layer, last(setting))
	serve(with(get("/"), cookie), s.Layer, last(func(ctx *app.Context) error { return ctx.Logout() }))
	assert.Equal(t, []string{"Insert", "Find", "Update", "Delete"}, store.bounded, "all of them have a deadline")
	store.hangs = true
	res := serve(with(get("/"), cookie), s.Layer, app.RequireLogin, last(ok))
	assert.Equal(t, 503, res.Code)
	assert.Empty(t, res.Result().Cookies())
}

type hanging struct {
	*sessionstores.Memory
	hangs   bool
	bounded []string
}

func (h *hanging) note(ctx context.Context, call string) {
	if _, ok := ctx.Deadline(); ok {
		h.bounded = append(h.bounded, call)
	}
}

func (h *hanging) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	h.note(ctx, "Find")
	if h.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.Memory.Find(ctx, key)
}

func (h *hanging) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	h.note(ctx, "Insert")
	return h.Memory.Insert(ctx, key, old, r)
}

func (h *hanging) Update(ctx context.Context, key string, r *app.SessionRecord) error {
	h.note(ctx, "Update")
	return h.Memory.Update(ctx, key, r)
}

func (h *hanging) Delete(ctx context.Context, key string) error {
	h.note(ctx, "Delete")
	return h.Memory.Delete(ctx, key)
}
