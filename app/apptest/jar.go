package apptest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A jar keeps cookies by the rules of RFC 6265bis section 5.7, without public suffixes.
type jar struct {
	mu   sync.Mutex
	kept map[slot]stored
}

// A slot is what a cookie of the same kind replaces.
type slot struct{ name, domain, path string }

type stored struct {
	cookie   *http.Cookie
	hostOnly bool
	expires  time.Time // zero: with the browser
}

// keep takes the Set-Cookie lines of an answer.
func (j *jar) keep(u *url.URL, lines []string, now time.Time) {
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		if err == nil && acceptable(u, cookie) {
			j.put(u, cookie, now)
		}
	}
}

// acceptable reports whether browsers would keep the cookie.
func acceptable(u *url.URL, c *http.Cookie) bool {
	prefix := strings.ToLower(c.Name)
	host := strings.HasPrefix(prefix, "__host-")
	switch {
	case len(c.Name)+len(c.Value) > 4096:
		return false
	case c.Secure && u.Scheme != "https":
		return false
	case !c.Secure && (host || strings.HasPrefix(prefix, "__secure-") || c.SameSite == http.SameSiteNoneMode):
		return false
	case host && (c.Domain != "" || c.Path != "/"):
		return false
	}
	return c.Domain == "" || within(u.Hostname(), strings.TrimPrefix(c.Domain, "."))
}

// put keeps a cookie, or removes it if it has expired.
func (j *jar) put(u *url.URL, c *http.Cookie, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := stored{cookie: c, hostOnly: c.Domain == ""}
	key := slot{c.Name, strings.TrimPrefix(c.Domain, "."), c.Path}
	if s.hostOnly {
		key.domain = u.Hostname()
	}
	if !strings.HasPrefix(key.path, "/") {
		key.path = u.Path[:max(1, strings.LastIndex(u.Path, "/"))]
	}
	switch {
	case c.MaxAge > 0:
		s.expires = now.Add(time.Duration(c.MaxAge) * time.Second)
	case c.MaxAge == 0:
		s.expires = c.Expires
	}
	if c.MaxAge < 0 || over(s, now) {
		delete(j.kept, key)
		return
	}
	if j.kept == nil {
		j.kept = map[slot]stored{}
	}
	j.kept[key] = s
}

// cookies returns what is sent with a request for u: longer paths first, then by name.
func (j *jar) cookies(u *url.URL, now time.Time) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(j.kept), func(a, b slot) int {
		return cmp.Or(len(b.path)-len(a.path), strings.Compare(a.name, b.name), strings.Compare(a.domain, b.domain))
	})
	var sent []*http.Cookie
	for _, key := range keys {
		if s := j.kept[key]; !over(s, now) && sentTo(u, key, s) {
			sent = append(sent, s.cookie)
		}
	}
	return sent
}

// has reports whether a cookie is kept with this value.
func (j *jar) has(c *http.Cookie) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.kept {
		if s.cookie.Name == c.Name && s.cookie.Value == c.Value {
			return true
		}
	}
	return false
}

func (j *jar) replace(from *jar) {
	from.mu.Lock()
	kept := maps.Clone(from.kept)
	from.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = kept
}

func over(s stored, now time.Time) bool { return !s.expires.IsZero() && !s.expires.After(now) }

func sentTo(u *url.URL, key slot, s stored) bool {
	if s.cookie.Secure && u.Scheme != "https" {
		return false
	}
	if s.hostOnly && u.Hostname() != key.domain || !within(u.Hostname(), key.domain) {
		return false
	}
	path := cmp.Or(u.Path, "/")
	return path == key.path || strings.HasPrefix(path, strings.TrimSuffix(key.path, "/")+"/")
}

// within reports whether host is domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
