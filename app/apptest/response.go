package apptest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// A Response is what the handler answered.
type Response struct {
	Status  int
	Header  http.Header
	Body    string
	Aborted bool // the handler cut the connection (http.ErrAbortHandler): clients see a broken answer

	t testing.TB
}

// JSON decodes the body into v. The test fails if it is no JSON.
func (r *Response) JSON(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.Body), v); err != nil {
		r.t.Errorf("apptest: the body is no JSON: %v: %q", err, r.Body)
	}
}

// SetCookie returns the cookie of this name that the answer sets or clears, or nil.
// The test fails if there are several.
func (r *Response) SetCookie(name string) *http.Cookie {
	r.t.Helper()
	var found *http.Cookie
	for _, line := range r.Header["Set-Cookie"] {
		cookie, err := http.ParseSetCookie(line)
		if err != nil || cookie.Name != name {
			continue
		}
		if found != nil {
			r.t.Errorf("apptest: several Set-Cookie lines for %s", name)
		}
		found = cookie
	}
	return found
}
