package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Redirect answers with a place on this site: a path such as /login?next=1. The status is 303, unless Status was set to
// 301, 302, 303, 307 or 308 before. It is an error, answered 500, for anything that a browser may read as another site:
// a scheme, //host, a backslash, a control character; and [ErrHeadersSent] after the headers went out. What a URL cannot
// hold is percent-encoded. There is no body: clients follow the Location.
func (c *Context) Redirect(path string) error {
	if !localPath(path) {
		return fmt.Errorf("app: Redirect takes a path on this site, not %q", path)
	}
	return c.redirect(escapeURL(path))
}

// RedirectExternal is [Context.Redirect] to another site: an URL with https or http and a host in ASCII, without user and
// password. What is sent is what was parsed. Take it from a list of your own: who lets clients choose lends them the
// site's good name.
func (c *Context) RedirectExternal(to string) error {
	location, ok := externalURL(to)
	if !ok {
		return errNotExternal // it may hold a password
	}
	return c.redirect(location)
}

var errNotExternal = errors.New("app: RedirectExternal takes a URL with http or https and a host in ASCII, without user and password")

// Back answers with the page that the client came from, by Referer, if that is one of this site; otherwise with the
// alternative, a path on this site, "": "/". The rest is as [Context.Redirect] has it.
func (c *Context) Back(alternative string) error {
	c.Vary("Referer")
	if place, ok := c.referrer(); ok {
		return c.redirect(place)
	}
	if alternative == "" {
		alternative = "/"
	}
	return c.Redirect(alternative)
}

func (c *Context) redirect(location string) error {
	if c.sent {
		return ErrHeadersSent
	}
	c.forgetBody()
	c.Header().Set("Location", location)
	switch c.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		c.Status = http.StatusSeeOther
	}
	return nil
}

// referrer returns the path and query of the page of this site that the client came from.
func (c *Context) referrer() (place string, ok bool) {
	u, err := url.Parse(onlyLine(c.Request.Header, "Referer"))
	if err != nil || u.User != nil || u.Opaque != "" || u.Scheme != c.Scheme() {
		return "", false
	}
	host, ok := canonicalHost(u.Host)
	if !ok || withoutPort(host, u.Scheme) != withoutPort(c.Host(), u.Scheme) {
		return "", false
	}
	place = u.RequestURI()
	return escapeURL(place), localPath(place)
}

// withoutPort cuts off the port that a scheme has anyway.
func withoutPort(host, scheme string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// localPath reports whether every browser stays on this site with it. Browsers follow
// the WHATWG rules, which drop tabs and line ends and read \ as /.
func localPath(path string) bool {
	if len(path) > 2048 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return false
	}
	return !strings.Contains(path, `\`) && !hasControl(path)
}

// externalURL returns a URL of another site as it is to be sent.
func externalURL(text string) (location string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return "", false
	}
	if u.Host, ok = canonicalHost(u.Host); !ok {
		return "", false
	}
	return escapeURL(u.String()), true
}

// locationOf returns where a strategy, or another server, may send a client, as it is to be sent.
func locationOf(place string) (location string, ok bool) {
	if localPath(place) {
		return escapeURL(place), true
	}
	return externalURL(place)
}

// escapeURL percent-encodes the bytes that no URL can hold (RFC 3986 section 2).
func escapeURL(text string) string {
	return percentEncode(text, lettersAndDigits+"!#$%&'()*+,-./:;=?@[]_~")
}

// percentEncode encodes the bytes of a text but these.
func percentEncode(text, plain string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if ch := text[i]; strings.IndexByte(plain, ch) >= 0 {
			b.WriteByte(ch)
		} else {
			b.Write([]byte{'%', hex[ch>>4], hex[ch&15]})
		}
	}
	return b.String()
}

const lettersAndDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// hasControl reports whether s has bytes that must not stand in a header.
func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
