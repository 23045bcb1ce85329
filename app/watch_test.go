package app_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

// wardens serializes users, what it says of whom may change while it is asked.
type wardens struct {
	mu     sync.Mutex
	answer func(subject string) (any, error) // nil: who it is
	stamp  string
}

func (w *wardens) Serialize(_ context.Context, user any) (string, error) {
	return user.(*gaffer).Name, nil
}

func (w *wardens) Deserialize(_ context.Context, subject string) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil {
		return w.answer(subject)
	}
	return &gaffer{subject, w.stamp}, nil
}

func (w *wardens) say(answer func(subject string) (any, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

func (w *wardens) setStamp(stamp string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stamp = stamp
}

// A beacon is an application with an answer that goes on while its user is logged in. Times are
// those of the test's bubble.
type beacon struct {
	t        *testing.T
	store    *storetest.Faulty
	memory   *sessionstores.Memory
	users    *wardens
	sessions *app.Sessions
	app      *app.App
	every    time.Duration
	lasted   time.Duration // how long the answer went on
	cause    error         // why it ended
	err      error         // of WhileLoggedIn
}

func newBeacon(t *testing.T, o app.SessionOptions) *beacon {
	b := &beacon{t: t, memory: sessionstores.NewMemory(), users: &wardens{stamp: "one"}}
	b.store = storetest.NewFaulty(b.memory)
	b.sessions = app.NewSessions(b.store, b.users, o)
	b.app = quiet().Use(b.sessions.Layer, last(func(ctx *app.Context) error {
		if ctx.Request.URL.Path == "/login" {
			ctx.Status = 204
			return ctx.Login(&gaffer{"sam", "one"})
		}
		return b.watch(ctx)
	}))
	return b
}

// watch answers until it has to end.
func (b *beacon) watch(ctx *app.Context) error {
	began := time.Now()
	open, cancel, err := ctx.WhileLoggedIn(b.every)
	if b.err = err; err != nil {
		return err
	}
	defer cancel()
	<-open.Done()
	b.lasted, b.cause = time.Since(began), context.Cause(open)
	ctx.Status = 204
	return nil
}

// light logs in, opens the answer, and ends the request after 100 seconds. Meanwhile is called a while
// after it was opened.
func (b *beacon) light(after time.Duration, meanwhile func()) {
	b.t.Helper()
	c := apptest.NewClient(b.t, b.app)
	require.Equal(b.t, 204, c.Get("/login").Status)
	limited, cancel := context.WithTimeout(b.t.Context(), 100*time.Second)
	defer cancel()
	time.AfterFunc(after, meanwhile)
	c.Do(c.NewRequest("GET", "/watch", nil).WithContext(limited))
	require.NoError(b.t, b.err)
}

// logoutAll ends the sessions of sam, as another node would.
func (b *beacon) logoutAll() {
	n, err := b.sessions.LogoutAll(context.Background(), &gaffer{Name: "sam"})
	assert.NoError(b.t, err)
	assert.Equal(b.t, 1, n)
}

func TestWhileLoggedIn(t *testing.T) {
	stamped := app.SessionOptions{Stamp: hashOf}
	for name, c := range map[string]struct {
		options   app.SessionOptions
		every     time.Duration
		meanwhile func(b *beacon) // 7.5 seconds after
		lasted    time.Duration
		loggedOut bool
	}{
		"goes on until the request ends":           {lasted: 100 * time.Second},
		"ends with a logout from elsewhere":        {meanwhile: (*beacon).logoutAll, lasted: 10 * time.Second, loggedOut: true},
		"asks as often as it is told":              {every: time.Second, meanwhile: (*beacon).logoutAll, lasted: 8 * time.Second, loggedOut: true},
		"ends when the session is idle too long":   {options: app.SessionOptions{Idle: 32 * time.Second}, lasted: 35 * time.Second, loggedOut: true},
		"ends when the session is too old":         {options: app.SessionOptions{Absolute: 42 * time.Second}, lasted: 45 * time.Second, loggedOut: true},
		"ends when the user is gone":               {meanwhile: beaconSays(nil, nil), lasted: 10 * time.Second, loggedOut: true},
		"ends when the user is a nil pointer":      {meanwhile: beaconSays((*gaffer)(nil), nil), lasted: 10 * time.Second, loggedOut: true},
		"ends when the user has no row":            {meanwhile: beaconSays(nil, sql.ErrNoRows), lasted: 10 * time.Second, loggedOut: true},
		"ends when the stamp is another":           {options: stamped, meanwhile: func(b *beacon) { b.users.setStamp("two") }, lasted: 10 * time.Second, loggedOut: true},
		"ends when the stamp is empty":             {options: stamped, meanwhile: func(b *beacon) { b.users.setStamp("") }, lasted: 10 * time.Second, loggedOut: true},
		"goes on while the stamp is the same":      {options: stamped, lasted: 100 * time.Second},
		"outlives two faults of the store":         {meanwhile: beaconFails(10*time.Second, "Find"), lasted: 100 * time.Second},
		"ends with the third fault of the store":   {meanwhile: beaconFails(14*time.Second, "Find"), lasted: 20 * time.Second},
		"outlives two faults and two faults":       {meanwhile: beaconFailsTwice, lasted: 100 * time.Second},
		"ends with the third fault of Deserialize": {meanwhile: beaconSays(nil, errBoom), lasted: 20 * time.Second},
		"ends with the third panic of Deserialize": {meanwhile: beaconPanics("the palantir"), lasted: 20 * time.Second},
		"takes a panic with a rejection for fault": {meanwhile: beaconPanics(app.ErrNoCredentials), lasted: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBeacon(t, c.options)
				b.every = c.every
				meanwhile := func() {}
				if c.meanwhile != nil {
					meanwhile = func() { c.meanwhile(b) }
				}
				b.light(7500*time.Millisecond, meanwhile)
				assert.Equal(t, c.lasted, b.lasted)
				assert.Equal(t, c.loggedOut, errors.Is(b.cause, app.ErrLoggedOut), b.cause)
				if !c.loggedOut && c.lasted < 100*time.Second {
					_, fault := errors.AsType[*app.Error](b.cause)
					assert.True(t, fault, b.cause)
				}
			})
		})
	}
}

func beaconSays(user any, err error) func(b *beacon) {
	return func(b *beacon) { b.users.say(func(string) (any, error) { return user, err }) }
}

func beaconPanics(with any) func(b *beacon) {
	return func(b *beacon) { b.users.say(func(string) (any, error) { panic(with) }) }
}

// fails takes the store down for so long.
func beaconFails(d time.Duration, methods ...string) func(b *beacon) {
	return func(b *beacon) {
		b.store.Fail(methods...)
		time.AfterFunc(d, b.store.Heal)
	}
}

func beaconFailsTwice(b *beacon) {
	beaconFails(10*time.Second, "Find")(b)
	time.AfterFunc(15*time.Second, func() { beaconFails(10*time.Second, "Find")(b) })
}

func TestWhileLoggedInAsksOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBeacon(t, app.SessionOptions{})
		asked := make(chan []string, 1)
		b.light(62*time.Second, func() { asked <- b.store.Calls() })
		want := append([]string{"Insert", "Find"}, slices.Repeat([]string{"Find"}, 12)...)
		assert.Equal(t, want, <-asked, "login, the request, one for each 5 s; and it is no use of the session")
	})
}

func TestWhileLoggedInEndsItsGoroutine(t *testing.T) {
	for name, end := range map[string]func(cancel, endRequest context.CancelFunc){
		"when it is cancelled":       func(cancel, _ context.CancelFunc) { cancel() },
		"with the request":           func(_, endRequest context.CancelFunc) { endRequest() },
		"when it is cancelled twice": func(cancel, _ context.CancelFunc) { cancel(); cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
				b := newBeacon(t, app.SessionOptions{})
				c := apptest.NewClient(t, b.app)
				c.Get("/login")
				request, endRequest := context.WithCancel(context.Background())
				defer endRequest()
				asked := 0
				b.app = quiet().Use(b.sessions.Layer, last(func(ctx *app.Context) error {
					open, cancel, err := ctx.WhileLoggedIn(0)
					require.NoError(t, err)
					end(cancel, endRequest)
					<-open.Done()
					require.ErrorIs(t, context.Cause(open), context.Canceled)
					asked = len(b.store.Calls())
					return nil
				}))
				r := c.NewRequest("GET", "/watch", nil).WithContext(request)
				r.AddCookie(c.Cookie(cookieName))
				b.app.ServeHTTP(httptest.NewRecorder(), r)
				synctest.Wait()
				<-time.After(time.Minute)
				assert.Len(t, b.store.Calls(), asked, "nobody asks any more")
			})
		})
	}
}
