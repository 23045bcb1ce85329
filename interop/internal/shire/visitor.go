package shire

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Visitor is a browser without the looks: it keeps cookies and follows no redirects.
type Visitor struct {
	URL    string
	Client *http.Client
	t      testing.TB
}

// Serve starts a server and returns its first visitor.
func Serve(t testing.TB, h http.Handler) *Visitor {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return (&Visitor{URL: server.URL, Client: server.Client(), t: t}).Another()
}

// Another is a visitor of the same server without cookies.
func (v *Visitor) Another() *Visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(v.t, err)
	client := *v.Client
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Visitor{v.URL, &client, v.t}
}

// An Answer is one that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Try sends a request. Headers come in pairs.
func (v *Visitor) Try(method, path string, headers ...string) (*Answer, error) {
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.URL+path, nil)
	require.NoError(v.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return &Answer{res.StatusCode, res.Header, string(body)}, err
}

// Do is Try for what must be answered.
func (v *Visitor) Do(method, path string, headers ...string) *Answer {
	v.t.Helper()
	a, err := v.Try(method, path, headers...)
	require.NoError(v.t, err)
	return a
}

// Get reads a page.
func (v *Visitor) Get(path string) *Answer {
	v.t.Helper()
	return v.Do(http.MethodGet, path)
}

// Login is a visitor who has logged in by POST /login.
func (v *Visitor) Login() *Visitor {
	v.t.Helper()
	a := v.Do(http.MethodPost, "/login")
	require.Equal(v.t, http.StatusNoContent, a.Status, a.Body)
	require.NotEmpty(v.t, v.Cookies())
	return v
}

// Cookies are those that the visitor has.
func (v *Visitor) Cookies() []*http.Cookie {
	u, err := url.Parse(v.URL)
	require.NoError(v.t, err)
	return v.Client.Jar.Cookies(u)
}
