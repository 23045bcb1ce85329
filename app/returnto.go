package app

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// loginRequired returns why, or sends a browser that came to see a page to the page where one
// logs in, and keeps in the session where it wanted to go.
func (s *Sessions) loginRequired(ctx *Context, why error) error {
	return s.goTo(ctx, s.o.LoginPage, why)
}

func (s *Sessions) goTo(ctx *Context, page string, why error) error {
	r := ctx.Request
	if page == "" || pathOf(requested(r)) == pathOf(page) || !navigates(r) {
		return why
	}
	x, err := s.session(ctx)
	if err != nil {
		return err
	}
	addVary(ctx.Header(), "Accept")
	// Without a place to return to, or room to keep it, they are sent to log in all the same.
	if err := x.KeepReturnTo(); err != nil && !errors.Is(err, errNoReturnTo) && !errors.Is(err, ErrSessionTooLarge) {
		return err
	}
	return &Redirection{page}
}

// requested returns the path and query that came, though some layer has taken a prefix away.
func requested(r *http.Request) string {
	if r.RequestURI == "" { // no server has read the request
		return r.URL.RequestURI()
	}
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.RequestURI() // of the absolute form, whose host is not to be believed
	}
	return r.RequestURI
}

func pathOf(place string) string {
	u, err := url.Parse(place)
	if err != nil {
		return place
	}
	return u.Path
}

// navigates reports whether a browser asks for something to show to its user.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	return r.Header.Get("X-Requested-With") == "" && accepted(r.Header["Accept"], "application/json", "text/html") == "text/html"
}

var errNoReturnTo = errors.New("app: not a place to return to")

// KeepReturnTo keeps in the session that its user wants to go where this request went, until
// [Session.ReturnTo] takes it. It survives Login. Only what a browser loads as a page, for its user
// to see and by GET, is a place to return to; for everything else, and for what is longer than
// 2048 bytes, nothing is kept, and that is an error. Guards call it, if there is a
// [SessionOptions].LoginPage.
func (x *Session) KeepReturnTo() error {
	place, ok := returnTo(x.ctx.Request)
	if !ok {
		return errNoReturnTo
	}
	return x.Set(returnToName, place)
}

// returnTo is the place of a request, if one can return there.
func returnTo(r *http.Request) (place string, ok bool) {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return "", false
	}
	if r.Method != http.MethodGet || !navigates(r) || prefetches(r) {
		return "", false
	}
	place = requested(r)
	return place, localPath(place)
}

// prefetches reports whether the browser asks of its own accord, by the names that browsers
// have given this.
func prefetches(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// ReturnTo returns where the user wanted to go before they had to log in, a path on this site
// with its query, and forgets it; "" if there is none.
func (x *Session) ReturnTo() (string, error) {
	var place string
	if ok, err := x.Get(returnToName, &place); err != nil || !ok {
		return "", err
	}
	if err := x.Delete(returnToName); err != nil || !localPath(place) {
		return "", err
	}
	return place, nil
}

// ReturnToOrRedirect answers 303 with where the user wanted to go before they had to log in, or
// with path, a place on this site. The session is the first in the stack.
func (c *Context) ReturnToOrRedirect(path string) error {
	x, err := c.Session()
	if err != nil {
		return err
	}
	return x.returnToOr(path)
}

// ReturnToOrRedirect is [Context.ReturnToOrRedirect] for this kind of user.
func (s *Sessions) ReturnToOrRedirect(ctx *Context, path string) error {
	x, err := s.Session(ctx)
	if err != nil {
		return err
	}
	return x.returnToOr(path)
}

func (x *Session) returnToOr(path string) error {
	place, err := x.ReturnTo()
	if err != nil {
		return err
	}
	if place == "" {
		place = path
	}
	return x.ctx.Redirect(place)
}
