package apptest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/kahu-go/kahu/app"
)

// ActAs logs c in as user, who is asked for no password: from now on it has a session as a
// login over HTTP makes one, in place of the one that it had. The application is told of no
// events. When the test ends the session ends too, if the store still can.
//
//	apptest.ActAs(t, client, sessions, frodo)
//	client.Get("/rings")
//
// The test fails if nobody can be logged in, and if a browser would not keep the cookie: that
// of a site with https needs a Base with https.
func ActAs(t testing.TB, c *Client, sessions *app.Sessions, user any, opts ...app.LoginOption) {
	t.Helper()
	s := sessions.With(func(*app.SessionOptions) {}) // which tells its events to no App of the application's
	handle := logIn(t, c, c.NewRequest(http.MethodGet, "/", nil), s, user, opts)
	t.Cleanup(func() { _, _ = s.End(t.Context(), user, handle) })
}

// ExpiredSession gives c the cookie of a session of user that has just expired, by the clock of
// sessions.
func ExpiredSession(t testing.TB, c *Client, sessions *app.Sessions, user any) {
	t.Helper()
	badSession(t, c, sessions, user, func(o *app.SessionOptions) {
		ago, now := min(o.Idle, o.Absolute), o.Clock
		o.Clock = func() time.Time { return now().Add(-ago) }
	})
}

// RevokedSession gives c the cookie of a session of user that was ended from elsewhere: an id
// that once was somebody's and is nobody's.
func RevokedSession(t testing.TB, c *Client, sessions *app.Sessions, user any) {
	t.Helper()
	s, handle := badSession(t, c, sessions, user, func(*app.SessionOptions) {})
	ended, err := s.End(t.Context(), user, handle)
	if err == nil && !ended {
		err = errors.New("the session is gone already")
	}
	if err != nil {
		t.Fatalf("apptest: RevokedSession: %v", err)
	}
}

// ForeignSession gives c, under the name of sessions' cookie, the id of a session that is of
// another kind: it is live, in the same store, and its subject is user's, as when a user and an
// administrator have the same number.
func ForeignSession(t testing.TB, c *Client, sessions *app.Sessions, user any) {
	t.Helper()
	badSession(t, c, sessions, user, func(o *app.SessionOptions) { o.Kind = foreign(o.Kind) })
}

// foreign names another kind, or type, of as many letters at most.
func foreign(kind string) string {
	const most = 64
	name := "foreign-" + kind
	if len(name) > most {
		name = name[:most-1] + "x"
	}
	return name
}

// badSession logs user in, as far as the store knows, and gives c the cookie. Whatever c has of
// its own stays, and so do the other sessions of user.
func badSession(t testing.TB, c *Client, sessions *app.Sessions, user any, change func(o *app.SessionOptions)) (*app.Sessions, string) {
	t.Helper()
	s := sessions.With(func(o *app.SessionOptions) {
		o.MaxPerUser, o.Remember = 0, nil
		change(o)
	})
	r := c.NewRequest(http.MethodGet, "/", nil)
	r.Header["Cookie"] = nil // not those of c: their session would be replaced
	handle := logIn(t, c, r, s, user, nil)
	t.Cleanup(func() { _, _ = s.End(t.Context(), user, handle) })
	return s, handle
}

// logIn answers a request with a login and returns the handle of the session. c takes the
// cookies of the answer.
func logIn(t testing.TB, c *Client, r *http.Request, s *app.Sessions, user any, opts []app.LoginOption) (handle string) {
	t.Helper()
	var failed error
	login := app.New().Use(s.Layer, func(ctx *app.Context, _ app.Handler) error {
		failed = s.Login(ctx, user, opts...)
		if x, err := s.Session(ctx); err == nil {
			handle = x.Handle()
		}
		return failed
	})
	login.OnError = func(_ *app.Context, err error) { failed = err }
	if agent := c.Header.Get("User-Agent"); agent != "" {
		r.Header.Set("User-Agent", agent)
	}
	res := c.exchange(login, r)
	if failed == nil {
		failed = c.lacks(res.Header["Set-Cookie"])
	}
	if failed != nil {
		t.Fatalf("apptest: nobody could be logged in: %v", failed)
	}
	return handle
}

var errNoCookie = errors.New("the login set no cookie")

// lacks says which of the cookies c has not kept.
func (c *Client) lacks(lines []string) error {
	if len(lines) == 0 {
		return errNoCookie
	}
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		if err == nil && cookie.MaxAge >= 0 && !c.jar.has(cookie) {
			return errors.New("a browser would not keep the cookie " + cookie.Name + " for " + c.Base)
		}
	}
	return nil
}
