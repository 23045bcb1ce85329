package app

import (
	"fmt"
	"time"
)

// MaxAge keeps the user logged in for so long from this login on, whether the session is
// used or not, in place of [SessionOptions].Idle and Absolute; the browser keeps the
// cookie as long. It is kept in the session, and [Context.ConfirmLogin] begins it anew.
// [RequireRecentLogin] asks for the password as ever. With [Remember], the client is brought
// back after that as after any other session.
//
// 0 is as without it; less than a second and more than 400 days, for which no browser
// keeps a cookie, are an error of Login.
func MaxAge(d time.Duration) LoginOption {
	return func(o *loginOptions) { o.maxAge = d }
}

func (o *loginOptions) check() error {
	if o.maxAge != 0 && (o.maxAge < time.Second || o.maxAge > maxCookieAge) {
		return fmt.Errorf("app: Login with MaxAge: %s is less than a second or over 400 days", o.maxAge)
	}
	return nil
}

// stay makes a session that begins last for d; 0: as long as any other.
func (x *Session) stay(rec *SessionRecord, d time.Duration) {
	if d == 0 {
		return
	}
	setNote(rec, maxAgeName, d.String())
	rec.Until = rec.Created.Add(d)
	rec.IdleUntil = rec.Until
}

// maxAgeOf is for how long the user of a session stays logged in; 0: as long as in any other.
func maxAgeOf(rec *SessionRecord) time.Duration {
	text := noted(rec, maxAgeName)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxCookieAge {
		return 0
	}
	return d
}

// cookieAge is for how many seconds the browser is to keep the cookie; 0: until it is closed.
func (x *Session) cookieAge() int {
	if maxAgeOf(x.rec) == 0 {
		return int(x.s.o.Cookie.MaxAge / time.Second)
	}
	left := x.rec.Until.Sub(x.s.now())
	return max(1, int((left+time.Second-1)/time.Second))
}
