package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	maxCookieAge   = 400 * 24 * time.Hour // what browsers keep (RFC 6265bis section 5.5)
	maxCookieBytes = 4096
)

// ErrNoKeys is returned for a signed cookie by an App that has no Keys.
var ErrNoKeys = errors.New("app: signed cookies need App.Keys")

// A Cookie says how a value is kept by the browser. Declare it once and use its
// methods with each request:
//
//	var theme = app.Cookie{Name: "theme", MaxAge: 30 * 24 * time.Hour}
//
// The zero values of its fields are the safe ones.
type Cookie struct {
	Name         string
	Path         string        // "": /
	Domain       string        // "": this host alone
	MaxAge       time.Duration // 0: until the browser is closed; whole seconds, at most 400 days
	SameSite     http.SameSite // 0: Lax
	Unsigned     bool          // anyone can forge it; otherwise App.Keys signs name, value and time
	Readable     bool          // by scripts: no HttpOnly
	InsecureHTTP bool          // no Secure, for development
}

// Set keeps value. One response has at most one cookie of a name: the last Set counts.
// It is an error after the headers were sent ([ErrHeadersSent]), without keys
// ([ErrNoKeys]), for what no cookie can be, and for more than 4096 bytes.
func (k Cookie) Set(ctx *Context, value string) error {
	if ctx.settled || ctx.sent {
		return ErrHeadersSent
	}
	if !k.Unsigned {
		signed, err := ctx.keys().sign(k, value)
		if err != nil {
			return err
		}
		value = signed
	}
	cookie, err := k.cookie(value, int(k.MaxAge/time.Second))
	if err != nil {
		return err
	}
	addCookie(ctx.Header(), cookie)
	return nil
}

// Valid returns why Set would refuse every value, or nil: for options that hold a Cookie.
func (k Cookie) Valid() error {
	_, err := k.cookie("x", int(k.MaxAge/time.Second))
	return err
}

// Get returns the value, or http.ErrNoCookie if there is none, if there are several
// that differ, if its signature is wrong, or if it is older than MaxAge. A value that
// an older key signed is signed anew with the newest.
func (k Cookie) Get(ctx *Context) (string, error) {
	cookies := ctx.Request.CookiesNamed(k.Name)
	if len(cookies) == 0 {
		return "", http.ErrNoCookie
	}
	for _, other := range cookies[1:] {
		if other.Value != cookies[0].Value {
			return "", http.ErrNoCookie
		}
	}
	if k.Unsigned {
		return cookies[0].Value, nil
	}
	value, old, err := ctx.keys().verify(k, cookies[0].Value)
	if err == nil && old && !ctx.settled && !ctx.sent {
		err = k.Set(ctx, value)
	}
	return value, err
}

// Clear makes the browser forget the cookie.
func (k Cookie) Clear(ctx *Context) error {
	if ctx.settled || ctx.sent {
		return ErrHeadersSent
	}
	cookie, err := k.cookie("", -1)
	if err != nil {
		return err
	}
	addCookie(ctx.Header(), cookie)
	return nil
}

func (k Cookie) cookie(value string, maxAge int) (*http.Cookie, error) {
	c := &http.Cookie{Name: k.Name, Value: value, Path: k.Path, Domain: k.Domain, MaxAge: maxAge, Secure: !k.InsecureHTTP, HttpOnly: !k.Readable, SameSite: k.SameSite}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	return c, k.check(c)
}

// check refuses what browsers would drop without a word.
func (k Cookie) check(c *http.Cookie) error {
	prefix := strings.ToLower(k.Name)
	host := strings.HasPrefix(prefix, "__host-")
	switch {
	case k.MaxAge < 0 || k.MaxAge > maxCookieAge:
		return fmt.Errorf("app: cookie %s: MaxAge is negative or over 400 days", k.Name)
	case k.MaxAge%time.Second != 0:
		return fmt.Errorf("app: cookie %s: MaxAge counts whole seconds", k.Name)
	case c.SameSite == http.SameSiteNoneMode && k.InsecureHTTP:
		return fmt.Errorf("app: cookie %s: SameSite=None needs Secure", k.Name)
	case (host || strings.HasPrefix(prefix, "__secure-")) && k.InsecureHTTP:
		return fmt.Errorf("app: cookie %s: its prefix needs Secure", k.Name)
	case host && (c.Domain != "" || c.Path != "/"):
		return fmt.Errorf("app: cookie %s: __Host- has no Domain and the Path /", k.Name)
	case len(c.Name)+len(c.Value) > maxCookieBytes:
		return fmt.Errorf("app: cookie %s: over %d bytes", k.Name, maxCookieBytes)
	}
	if err := c.Valid(); err != nil {
		return fmt.Errorf("app: cookie %s: %w", k.Name, err)
	}
	return nil
}

// addCookie adds one Set-Cookie line in place of those of the same name (RFC 6265bis
// section 4.1.1 wants one for a name).
func addCookie(h http.Header, cookie *http.Cookie) {
	prefix := cookie.Name + "="
	kept := make([]string, 0, len(h["Set-Cookie"])+1)
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, prefix) {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, cookie.String())
}
