// Package apptest is for tests of applications: a browser-like client that needs no
// network and can act as any user, a clock that stands still, sessions and tokens in every
// state that they can be in, and the events that an application tells. It sits beside app as
// httptest does beside http.
package apptest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A Client calls a handler as a browser would: it keeps cookies and sends them back,
// drops those that browsers drop (a __Host- cookie with a Domain, Secure over http,
// over 4096 bytes), and forgets them when they expire. It follows no redirects.
//
// Several goroutines may use it, as long as none changes its fields.
type Client struct {
	// Base is where the application lives; set by NewClient to https://example.com.
	Base string

	// Header is sent with every request that does not set the same name itself.
	Header http.Header

	// Now is the time by which cookies expire; set by NewClient to time.Now.
	Now func() time.Time

	t       testing.TB
	handler http.Handler
	jar     jar
}

// NewClient returns a client without cookies.
func NewClient(t testing.TB, h http.Handler) *Client {
	return &Client{Base: "https://example.com", Header: http.Header{}, Now: time.Now, t: t, handler: h}
}

// Get requests a path, with its query if it has one.
func (c *Client) Get(path string) *Response {
	c.t.Helper()
	return c.Do(c.NewRequest(http.MethodGet, path, nil))
}

// Post sends a body of the given type.
func (c *Client) Post(path, contentType, body string) *Response {
	c.t.Helper()
	r := c.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return c.Do(r)
}

// PostJSON sends v as JSON.
func (c *Client) PostJSON(path string, v any) *Response {
	c.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		c.t.Fatalf("apptest: PostJSON: %v", err)
	}
	return c.Post(path, "application/json", string(body))
}

// Delete sends a DELETE without a body.
func (c *Client) Delete(path string) *Response {
	c.t.Helper()
	return c.Do(c.NewRequest(http.MethodDelete, path, nil))
}

// NewRequest returns a request below Base for [Client.Do]. It panics for what is no
// request at all, as httptest.NewRequest does.
func (c *Client) NewRequest(method, path string, body io.Reader) *http.Request {
	return httptest.NewRequest(method, c.Base+path, body)
}

// Do adds the client's headers and cookies, serves the request and keeps the cookies
// of the answer. The request's own Cookie header, if it has one, replaces the jar's.
func (c *Client) Do(r *http.Request) *Response {
	c.t.Helper()
	for name, values := range c.Header {
		if _, set := r.Header[name]; !set {
			r.Header[name] = values
		}
	}
	return c.exchange(c.handler, r)
}

// exchange adds the cookies and keeps those of the answer.
func (c *Client) exchange(h http.Handler, r *http.Request) *Response {
	if _, set := r.Header["Cookie"]; !set {
		for _, cookie := range c.jar.cookies(r.URL, c.Now()) {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value, Quoted: cookie.Quoted})
		}
	}
	w := httptest.NewRecorder()
	aborted := serve(h, w, r)
	result := w.Result()
	c.jar.keep(r.URL, result.Header["Set-Cookie"], c.Now())
	return &Response{Status: result.StatusCode, Header: result.Header, Body: w.Body.String(), Aborted: aborted, t: c.t}
}

// serve reports whether the handler cut the connection.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			aborted = true
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// Cookie returns the cookie that the client would send to the path /, or nil.
func (c *Client) Cookie(name string) *http.Cookie {
	for _, cookie := range c.jar.cookies(c.url(), c.Now()) {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}

// SetCookie plants a cookie for Base and all its paths, as somebody would who has
// stolen or made up a value; no rule of browsers is applied. An empty value removes it.
func (c *Client) SetCookie(name, value string) {
	maxAge := 0
	if value == "" {
		maxAge = -1
	}
	c.jar.put(c.url(), &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge}, c.Now())
}

// CopyCookies gives this client the cookies that another has now.
func (c *Client) CopyCookies(from *Client) { c.jar.replace(&from.jar) }

func (c *Client) url() *url.URL {
	u, err := url.Parse(c.Base + "/")
	if err != nil {
		panic("apptest: Client.Base: " + err.Error())
	}
	return u
}
