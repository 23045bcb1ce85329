package strategies

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
)

// RememberOptions are the options of [NewRemember]. The zero value is safe.
type RememberOptions struct {
	// Kind tells the clients of one kind of user from those of another in the same store, and
	// names their cookie: letters, digits, '-' and '_'. It is the Kind of the
	// [app.SessionOptions] that this is the Remember of. "": the default kind, "session".
	Kind string

	// Cookie says what is unusual about the cookie. Its name is __Host-remember, with '-' and the
	// Kind if there is one; without __Host- if InsecureHTTP. MaxAge and InsecureReadable are
	// refused: the cookie lives as long as its series, and no script has to read it.
	Cookie app.SessionCookie

	// Expiry is how long after the login a client is remembered, however often it comes back;
	// 0: 30 days, at most 400.
	Expiry time.Duration

	// IdleLimit forgets a client that was not brought back for so long; 0: no limit. It comes
	// back when its session is over, so this has to be longer than a session lives.
	IdleLimit time.Duration

	// Grace is how long the cookie before the last one is good still, for requests that a browser
	// sends at once and for answers that are lost; 0: 10 seconds, at most a minute, [NoGrace]:
	// not at all. It counts from when the last one was made, which is good for so long without
	// being replaced.
	Grace time.Duration

	// Stamp returns a text of a user, such as a digest of the password's hash, to which each
	// client is bound: when it is another one, the client is forgotten. It may not be empty. Give
	// it the same as [app.SessionOptions].Stamp. nil: clients are not bound.
	Stamp func(user any) string

	// TrustedOrigins may send unsafe requests with the cookie although they are other sites, as
	// in [app.SessionOptions].
	TrustedOrigins []string

	// InsecureAllowCrossOrigin lets every site use the cookie.
	InsecureAllowCrossOrigin bool

	// Prefix begins every cookie's value, so that leaked ones can be searched for;
	// "": kahu_remember_.
	Prefix string

	// Keys make MACs of the hashes; nil: SHA-256.
	Keys *TokenKeys

	// Timeout bounds each question to the store and the Serializer; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what must not fail a request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

const maxRemembered = 400 * 24 * time.Hour // what browsers keep (RFC 6265bis section 5.5)

func (o *RememberOptions) setDefaults() {
	o.Expiry = cmp.Or(o.Expiry, month)
	o.Grace = cmp.Or(o.Grace, 10*time.Second)
	o.Prefix = cmp.Or(o.Prefix, "kahu_remember_")
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// mustBeSafe panics for options that contradict each other or are unsafe.
func (o *RememberOptions) mustBeSafe() {
	switch {
	case len(o.Kind) > 50 || strings.Trim(o.Kind, digits+"-_") != "":
		panic("strategies: RememberOptions.Kind: letters, digits, '-' and '_', at most 50")
	case o.Expiry < time.Minute || o.Expiry > maxRemembered:
		panic("strategies: RememberOptions.Expiry is under a minute or over 400 days, which browsers do not keep")
	case o.IdleLimit != 0 && (o.IdleLimit < 2*touchEvery || o.IdleLimit > maxRemembered):
		panic("strategies: RememberOptions.IdleLimit is under 2 minutes or over 400 days")
	case o.Grace != NoGrace && (o.Grace < 0 || o.Grace > time.Minute):
		panic("strategies: RememberOptions.Grace is negative or over a minute")
	case o.Timeout < 0:
		panic("strategies: RememberOptions.Timeout is negative")
	case len(o.Prefix) > 32 || strings.Trim(o.Prefix, digits+"-_.") != "":
		panic("strategies: RememberOptions.Prefix: letters, digits, '-', '_' and '.', at most 32")
	case o.Cookie.MaxAge != 0 || o.Cookie.InsecureReadable:
		panic("strategies: RememberOptions.Cookie: Expiry says how long it lives, and scripts must not read it")
	}
}

// typ is the Type of the rows.
func (o *RememberOptions) typ() string {
	if o.Kind == "" {
		return "remember"
	}
	return "remember." + o.Kind
}

// cookie returns the cookie with its defaults, and panics for one that browsers would drop.
func (o *RememberOptions) cookie() app.Cookie {
	c := app.Cookie{
		Name: o.Cookie.Name, Path: o.Cookie.Path, Domain: o.Cookie.Domain, SameSite: o.Cookie.SameSite,
		Unsigned: true, InsecureHTTP: o.Cookie.InsecureHTTP,
	}
	if c.Name == "" {
		c.Name = strings.ReplaceAll(o.typ(), ".", "-")
		if !c.InsecureHTTP {
			c.Name = "__Host-" + c.Name
		}
	}
	if err := c.Valid(); err != nil {
		panic("strategies: RememberOptions.Cookie: " + err.Error())
	}
	return c
}

// origins returns the check of where unsafe requests come from, nil if every site may.
func (o *RememberOptions) origins() *http.CrossOriginProtection {
	if o.InsecureAllowCrossOrigin {
		return nil
	}
	p := http.NewCrossOriginProtection()
	for _, origin := range o.TrustedOrigins {
		if err := p.AddTrustedOrigin(origin); err != nil {
			panic("strategies: RememberOptions.TrustedOrigins: " + err.Error())
		}
	}
	return p
}
