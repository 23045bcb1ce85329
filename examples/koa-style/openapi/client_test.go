package openapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func init() {
	for _, kind := range []string{"text/html", "text/css", "text/javascript", "image/svg+xml"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
}

// A client holds each request that it sends, and each answer, against the document.
type client struct {
	t       *testing.T
	base    string
	printed func() string
	doc     *openapi3.T
	router  routers.Router
	seen    map[string]bool // answers, as "GET /session 200"
	mails   map[string]int  // how many were read, by the page that they point to
}

func newClient(t *testing.T) *client {
	doc := load(t)
	base, printed := start(t)
	doc.Servers = openapi3.Servers{{URL: base}}
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	return &client{t, base, printed, doc, router, map[string]bool{}, map[string]int{}}
}

// A request is what is sent, and how it has to be answered.
type request struct {
	method, path string
	body         string
	kind         string // of the body; "": JSON or, if it does not look like it, a form
	headers      []string
	want         int
	unfit        bool // the document does not allow it
}

// An answer is what came back.
type answer struct {
	http.Header
	body string
}

// say sends what the document allows.
func (c *client) say(want int, method, path, body string, headers ...string) answer {
	c.t.Helper()
	return c.send(request{method: method, path: path, body: body, headers: headers, want: want})
}

// blunder sends what the document does not allow.
func (c *client) blunder(want int, method, path, body string, headers ...string) answer {
	c.t.Helper()
	return c.send(request{method: method, path: path, body: body, headers: headers, want: want, unfit: true})
}

var noRedirects = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *client) send(q request) answer {
	c.t.Helper()
	r := c.request(q)
	route, params, err := c.router.FindRoute(r)
	require.NoError(c.t, err, "%s %s", q.method, q.path)
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, AuthenticationFunc: presented},
	}
	unfit := openapi3filter.ValidateRequest(c.t.Context(), input)
	if q.unfit {
		assert.Error(c.t, unfit, "the document allows %s %s %.80s", q.method, q.path, q.body)
	} else {
		assert.NoError(c.t, unfit, "%s %s %.80s", q.method, q.path, q.body)
	}
	res, err := noRedirects.Do(r)
	require.NoError(c.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	got := answer{res.Header, string(body)}
	require.Equal(c.t, q.want, res.StatusCode, "%s %s %.80s: %.300s", q.method, q.path, q.body, body)
	c.checkAnswer(input, res, body)
	c.seen[q.method+" "+route.Path+" "+strconv.Itoa(res.StatusCode)] = true
	return got
}

func (c *client) request(q request) *http.Request {
	r, err := http.NewRequestWithContext(c.t.Context(), q.method, c.base+q.path, strings.NewReader(q.body))
	require.NoError(c.t, err)
	if q.kind == "" && q.body != "" {
		q.kind = "application/x-www-form-urlencoded"
		if q.body[0] == '{' || q.body[0] == '[' {
			q.kind = "application/json"
		}
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	for i := 0; i < len(q.headers); i += 2 {
		r.Header.Add(q.headers[i], q.headers[i+1])
	}
	return r
}

// checkAnswer holds an answer against the document; of headers that are there several
// times each line.
func (c *client) checkAnswer(input *openapi3filter.RequestValidationInput, res *http.Response, body []byte) {
	c.t.Helper()
	about := res.Request.Method + " " + res.Request.URL.Path + ": " + res.Status + ": " + string(body[:min(len(body), 300)])
	for i := range max(1, len(res.Header["Www-Authenticate"]), len(res.Header["Set-Cookie"])) {
		header := res.Header.Clone()
		for _, name := range []string{"Www-Authenticate", "Set-Cookie"} {
			if lines := header[name]; len(lines) > 1 {
				header[name] = lines[min(i, len(lines)-1):][:1]
			}
		}
		assert.NoError(c.t, openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: res.StatusCode, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
		}), about)
	}
	if res.StatusCode == http.StatusNoContent {
		assert.Empty(c.t, body, about)
	}
}

// presented reports whether a request has something of the kind that a scheme wants.
func presented(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r, scheme := in.RequestValidationInput.Request, in.SecurityScheme
	there := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
	if scheme.Type == "apiKey" {
		_, err := r.Cookie(scheme.Name)
		there = err == nil
	}
	if !there {
		return in.NewError(errors.New("it is not there"))
	}
	return nil
}

// field returns the text of the first field of this name in a JSON answer.
func (c *client) field(a answer, name string) string {
	c.t.Helper()
	m := regexp.MustCompile(`"` + name + `":"([^"]+)"`).FindStringSubmatch(a.body)
	require.NotNil(c.t, m, "%s in %s", name, a.body)
	return m[1]
}

// mailed returns the token of the next mail that points to a page. Mails are sent after the
// answer, so each has to be taken, or the next one could be mistaken for it.
func (c *client) mailed(page string) string {
	c.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(c.base+page+"?token=") + `(kahu_once_\w+)`)
	next := c.mails[page]
	c.mails[page]++
	var all [][]string
	require.Eventually(c.t, func() bool {
		all = link.FindAllStringSubmatch(c.printed(), -1)
		return len(all) > next
	}, 20*time.Second, 10*time.Millisecond, "no mail to %s", page)
	return all[next][1]
}
