package app

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A SessionCookie says what is unusual about the cookie of a session. The zero value
// is __Host- and the kind, Secure, HttpOnly, SameSite=Lax, Path=/, gone with the
// browser (ASVS 3.3). Only the server's times end a session; the cookie's never prolong it.
type SessionCookie struct {
	// Name replaces __Host- and the kind. The prefixes __Host- and __Secure- have rules
	// (RFC 6265bis section 4.1.3); breaking them panics.
	Name string

	// Domain and Path widen or narrow where the cookie is sent. Both need a Name that
	// does not begin with __Host-.
	Domain, Path string

	// SameSite replaces http.SameSiteLaxMode.
	SameSite http.SameSite

	// MaxAge makes the browser keep the cookie; at most 400 days. 0: until it is closed.
	MaxAge time.Duration

	// Rolling sends the cookie again when the session is extended, at most once a minute,
	// so that a browser keeps it for as long as it is used. It needs a MaxAge of over a
	// minute. The cookie of a login with the option [MaxAge] is sent once.
	Rolling bool

	// InsecureHTTP is for development without TLS: no Secure, and the default name has
	// no prefix. Never for a host that others can reach.
	InsecureHTTP bool

	// InsecureReadable lets scripts read the id: no HttpOnly.
	InsecureReadable bool
}

// check fills in the defaults and panics if the options contradict each other.
func (k *SessionCookie) check(kind string) {
	if k.Name == "" {
		k.Name = "__Host-" + kind
		if k.InsecureHTTP {
			k.Name = kind
		}
	}
	if k.Path == "" {
		k.Path = "/"
	}
	if k.SameSite == 0 || k.SameSite == http.SameSiteDefaultMode {
		k.SameSite = http.SameSiteLaxMode
	}
	prefix := strings.ToLower(k.Name)
	host := strings.HasPrefix(prefix, "__host-")
	switch {
	case host && (k.Domain != "" || k.Path != "/"):
		panic("app: SessionCookie: a __Host- cookie has no Domain and the Path /: set another Name")
	case (host || strings.HasPrefix(prefix, "__secure-")) && k.InsecureHTTP:
		panic("app: SessionCookie: " + k.Name + " needs Secure, InsecureHTTP takes it away")
	case k.SameSite == http.SameSiteNoneMode && k.InsecureHTTP:
		panic("app: SessionCookie: SameSite=None needs Secure")
	case k.MaxAge < 0 || k.MaxAge > maxCookieAge:
		panic("app: SessionCookie: MaxAge is negative or over 400 days")
	case k.Rolling && k.MaxAge <= touchEvery:
		panic("app: SessionCookie: Rolling needs a MaxAge of over a minute")
	}
	if err := k.cookie("x", 0).Valid(); err != nil {
		panic(fmt.Sprintf("app: SessionCookie: %v", err))
	}
}

func (k *SessionCookie) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: k.Name, Value: value, Domain: k.Domain, Path: k.Path, MaxAge: maxAge,
		Secure: !k.InsecureHTTP, HttpOnly: !k.InsecureReadable, SameSite: k.SameSite,
	}
}

const (
	idBytes  = 32
	idLength = 43 // of 32 bytes as unpadded base64url
)

// newID returns 256 random bits. A random source that fails is a fault.
func newID() (string, error) {
	var b [idBytes]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		return "", fmt.Errorf("app: no random session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

// wellFormed tells before any question to the store whether id can be one of ours.
func wellFormed(id string) bool {
	if len(id) != idLength {
		return false
	}
	var b [idBytes]byte
	n, err := strictBase64.Decode(b[:], []byte(id))
	return err == nil && n == idBytes
}

// keyOf returns what the store knows an id as.
func (s *Sessions) keyOf(id string) string {
	var room [64 + 1 + idLength]byte // on the stack: each request with a session asks
	sum := sha256.Sum256(append(append(append(room[:0], s.o.Kind...), 0), id...))
	var key [idLength]byte
	base64.RawURLEncoding.Encode(key[:], sum[:])
	return string(key[:])
}

// presented returns the id that the request's cookie holds, and whether there is such
// a cookie at all. Of several that differ none counts: which of them the browser means
// cannot be known, and one may have been planted.
func (s *Sessions) presented(r *http.Request) (id string, any bool) {
	for _, cookie := range r.CookiesNamed(s.o.Cookie.Name) {
		switch {
		case !any:
			id, any = cookie.Value, true
		case cookie.Value != id:
			return "", true
		}
	}
	if !wellFormed(id) {
		return "", any
	}
	return id, any
}

// presentedIDs returns the well-formed ids in all cookies of this name, eight at most.
func (s *Sessions) presentedIDs(r *http.Request) (ids []string, any bool) {
	for _, cookie := range r.CookiesNamed(s.o.Cookie.Name) {
		any = true
		if wellFormed(cookie.Value) && !slices.Contains(ids, cookie.Value) && len(ids) < 8 {
			ids = append(ids, cookie.Value)
		}
	}
	return ids, any
}

func (x *Session) setCookie(id string) {
	addCookie(x.ctx.Header(), x.s.o.Cookie.cookie(id, x.cookieAge()))
}

// clearCookie expires the cookie, with the attributes that it was set with.
func (x *Session) clearCookie() {
	addCookie(x.ctx.Header(), x.s.o.Cookie.cookie("", -1))
}
