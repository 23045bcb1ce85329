package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Redirect answers 303 with a place on this site: a path such as /login?next=1. It is
// an error, answered 500, for anything that a browser may read as another site:
// a scheme, //host, a backslash, a control character.
func (c *Context) Redirect(path string) error {
	if !localPath(path) {
		return fmt.Errorf("app: Redirect takes a path on this site, not %q", path)
	}
	c.dropBody()
	c.Header().Set("Location", path)
	c.Status = http.StatusSeeOther
	return nil
}

// localPath reports whether every browser stays on this site with it. Browsers follow
// the WHATWG rules, which drop tabs and line ends and read \ as /.
func localPath(path string) bool {
	if len(path) > 2048 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return false
	}
	return !strings.Contains(path, `\`) && !hasControl(path)
}

// validLocation reports whether a strategy may send its client there.
func validLocation(location string) bool {
	if localPath(location) {
		return true
	}
	u, err := url.Parse(location)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !hasControl(location) && !strings.Contains(location, `\`)
}

// hasControl reports whether s has bytes that must not stand in a header.
func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
