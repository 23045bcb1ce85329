package app

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// SessionOptions are the options of [NewSessions]. The zero value is safe.
type SessionOptions struct {
	// Kind names the kind of user and is part of every key: a cookie of one kind never
	// opens a session of another. Letters, digits, '-' and '_'; "": session.
	Kind string

	// Idle ends a session that is not used for so long; 0: 30 minutes. It is written at
	// most once a minute, so a session may end up to a minute early.
	Idle time.Duration

	// Absolute ends a session this long after login, used or not; 0: 12 hours.
	Absolute time.Duration

	// Cookie says what is to be unusual about the cookie.
	Cookie SessionCookie

	// MaxPerUser bounds how many sessions a user has at once; a login beyond it ends the
	// oldest. 1: whoever logs in is logged out elsewhere, and remembered nowhere else. A client
	// that is remembered is forgotten in place of brought back, if that many have logged in since
	// and have their sessions. 0: no limit. The store has to be a [SessionLimiter], and with
	// Remember a [SessionLister].
	MaxPerUser int

	// Stamp returns a text of a user, such as a digest of the password's hash, to which each
	// session is bound: when it is another one, the session has ended, whoever changed it. It is asked
	// for each request that asks for its user, so it should be loaded with them, and may not be
	// empty. nil: sessions are not bound. serializer.TableOptions.Stamp loads one.
	Stamp func(user any) string

	// Remember brings back who was logged in with the option [Remember] and has no session any
	// more; nil: nobody. It has to be of the same Kind. With a Stamp it needs one too: a new
	// password forgets who is remembered. A client that is remembered has one session at a time.
	Remember Rememberer

	// LoginPage is where [RequireLogin] sends a browser that came for a page and is not logged in,
	// a path on this site; [Context.ReturnToOrRedirect] sends it back. "": nowhere, that is
	// answered 401 as to everybody else. Where to send it back is kept in its session, so that each
	// visit to such a page by nobody stores one: put a throttle before it.
	LoginPage string

	// ConfirmPage is where [RequireRecentLogin] sends a browser whose login is not recent: it
	// asks for the password again and calls [Context.ConfirmLogin]. "": 401.
	ConfirmPage string

	// Valid is asked once a request, when a session is loaded, whether it may go on; nil: all
	// may. If not it is ended, as is what remembers its client, and the request is nobody's.
	// It may use the session, and ask for its user. An error is a fault, 503, and so is a user
	// who could not be asked for, whatever it returns. Logout and [Context.WhileLoggedIn] do
	// not ask it.
	Valid func(ctx *Context, x *Session) (bool, error)

	// BeforeSave is called before values that were changed are saved, and may set more; at
	// the end of a request the answer is made already and stays. If it returns an error
	// nothing is saved: see [Session] for when that is, and [Session.Save]. [KeepSession]
	// and [Session.Regenerate] keep of what it sets what they name. nil: nothing is called.
	BeforeSave func(ctx *Context, x *Session) error

	// TrustedOrigins may send unsafe requests with the cookie although they are other
	// sites: "https://example.com", with a port if it is not the scheme's own.
	TrustedOrigins []string

	// InsecureAllowCrossOrigin lets every site use the cookie. Then SameSite is all that
	// stands between your users and cross-site request forgery.
	InsecureAllowCrossOrigin bool

	// Timeout bounds each question to the store and the Serializer; 0: 2 seconds. What
	// takes longer is a fault. Saving has 5 seconds, which a client that hangs up does not cut.
	Timeout time.Duration

	// MaxBytes bounds the data of one session as JSON; 0: 64 KiB.
	MaxBytes int

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

const (
	defaultKind  = "session"
	maxPerUser   = 10_000
	touchEvery   = time.Minute
	writeTimeout = 5 * time.Second
)

func (o *SessionOptions) setDefaults() {
	if o.Kind == "" {
		o.Kind = defaultKind
	}
	if len(o.Kind) > 64 || strings.Trim(o.Kind, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		panic(fmt.Sprintf("app: SessionOptions.Kind %q: letters, digits, '-' and '_', at most 64", o.Kind))
	}
	setDuration(&o.Idle, 30*time.Minute, "Idle")
	setDuration(&o.Absolute, 12*time.Hour, "Absolute")
	setDuration(&o.Timeout, 2*time.Second, "Timeout")
	for _, page := range []string{o.LoginPage, o.ConfirmPage} {
		if page != "" && !localPath(page) {
			panic("app: SessionOptions: LoginPage and ConfirmPage are paths on this site")
		}
	}
	switch {
	case o.MaxPerUser < 0 || o.MaxPerUser > maxPerUser:
		panic("app: SessionOptions.MaxPerUser is negative or over 10,000")
	case o.Remember != nil && isNil(o.Remember):
		panic("app: SessionOptions.Remember is a nil pointer")
	case o.Remember != nil && kindOf(o.Remember) != o.Kind:
		panic(fmt.Sprintf("app: SessionOptions.Remember is of the kind %q and the sessions are of %q: it would bring users of one kind back as another", kindOf(o.Remember), o.Kind))
	case o.Stamp != nil && unstamped(o.Remember):
		panic("app: SessionOptions.Remember has no Stamp: whom a Stamp logs out would be brought back by it")
	case o.MaxBytes < 0 || o.MaxBytes > math.MaxInt32:
		panic("app: SessionOptions.MaxBytes is out of range")
	case o.MaxBytes == 0:
		o.MaxBytes = 64 << 10
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// setDuration fills in a default and refuses what would never or always expire.
func setDuration(d *time.Duration, unset time.Duration, name string) {
	switch {
	case *d == 0:
		*d = unset
	case *d < 0 || *d > 10*365*24*time.Hour:
		panic("app: SessionOptions." + name + " must be positive and at most ten years")
	}
}

// crossOrigin returns the check that the options ask for.
func crossOrigin(o SessionOptions) *http.CrossOriginProtection {
	if o.InsecureAllowCrossOrigin {
		return nil
	}
	p := http.NewCrossOriginProtection()
	for _, origin := range o.TrustedOrigins {
		if err := p.AddTrustedOrigin(origin); err != nil {
			panic("app: SessionOptions.TrustedOrigins: " + err.Error())
		}
	}
	return p
}
