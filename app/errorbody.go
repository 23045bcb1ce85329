package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// givenUp are the headers that describe an answer, beside those of its body.
var givenUp = []string{
	"Accept-Ranges", "Cache-Control", "Expires", "Location", "Refresh",
	"X-Accel-Redirect", "X-Accel-Expires", "X-Sendfile", "X-Lighttpd-Send-File", // a proxy would send that file
}

// prepareError makes err the prepared answer. Headers that describe the answer
// which is given up go; cookies, CORS, Vary and the like stay.
func (c *Context) prepareError(err error) {
	c.forgetBody()
	h := c.Header()
	private := strings.Contains(cacheControl(h), "no-store")
	for _, name := range givenUp {
		delete(h, name)
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool { return targetsCaches(name) })
	if private {
		h.Set("Cache-Control", "no-store") // an error about a secret is nobody's to keep either
	}
	if c.w.encoding == nil {
		h.Del("Content-Encoding")
	} else {
		h["Content-Encoding"] = c.w.encoding
	}
	r := replyTo(err)
	c.Status = r.status
	for name, values := range r.header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values) // err may be a variable that many requests return
	}
	if ch, ok := errors.AsType[*challenged](err); ok && ch.status == r.status {
		h["Www-Authenticate"] = ch.challenges
	}
	if r.status >= 400 {
		c.prepareErrorBody(r)
	}
}

// words returns what a status is called; those without a name by their number.
func words(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return strconv.Itoa(status)
}

// prepareErrorBody writes an error for whoever asks: JSON, problem details if asked
// for (RFC 9457), a page for browsers, or text.
func (c *Context) prepareErrorBody(r reply) {
	title := c.titleOf(r)
	h, steps := c.Header(), c.explained(r.status)
	const (
		jsonType    = "application/json"
		problemType = "application/problem+json"
		pageType    = "text/html"
		textType    = "text/plain"
	)
	switch c.Accepts(jsonType, problemType, pageType, textType) {
	case problemType:
		h.Set("Content-Type", problemType)
		c.Body = c.extended(mustMarshal(struct {
			Type   string `json:"type"`
			Title  string `json:"title"`
			Status int    `json:"status"`
		}{"about:blank", title, r.status}), r.extensions)
	case pageType:
		h.Set("Content-Type", typePage)
		h.Set("Content-Security-Policy", errorPolicy)
		c.Body = c.errorPage(r.status, title, steps)
	case textType:
		h.Set("Content-Type", typeText)
		c.Body = []byte(title)
	default:
		h.Set("Content-Type", typeJSON)
		entry := c.extended(mustMarshal(struct {
			Title  string `json:"title"`
			Status int    `json:"status"`
			Steps  []Step `json:"explanation,omitempty"`
		}{title, r.status, steps}), r.extensions)
		c.Body = mustMarshal(map[string][]json.RawMessage{"errors": {entry}})
	}
}

// titleOf is what the client reads of an error, in its language.
func (c *Context) titleOf(r reply) string {
	title := r.title
	if title == "" {
		title = words(r.status)
	}
	if c.app != nil && c.app.Translate != nil {
		title = c.app.Translate(c, title)
	}
	return title
}

// extended adds members to a JSON object that has some. Those that are no JSON are reported, and
// nobody's answer.
func (c *Context) extended(object []byte, members map[string]any) []byte {
	others := maps.Clone(members)
	maps.DeleteFunc(others, func(name string, _ any) bool {
		return slices.Contains([]string{"type", "title", "status"}, strings.ToLower(name))
	})
	if len(others) == 0 {
		return object
	}
	more, err := c.marshal(others)
	if err != nil {
		c.report(&Error{Status: http.StatusInternalServerError, Cause: fmt.Errorf("app: Error.Extensions are no JSON: %w", err)})
		return object
	}
	return slices.Concat(object[:len(object)-1], []byte(","), more[1:])
}

const errorPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// errorPage is the App's page, or a plain one.
func (c *Context) errorPage(status int, title string, steps []Step) []byte {
	var page []byte
	if c.app != nil && c.app.ErrorPage != nil {
		if err := c.protect(func(*Context) error { page = c.app.ErrorPage(c, status, title); return nil }); err != nil {
			c.report(err)
		}
	}
	if len(page) > 0 {
		return page
	}
	text := html.EscapeString(title)
	return fmt.Appendf(nil, plainPage, text, status, text, explanation(steps))
}

const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%s</title><style>body{font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:32rem;padding:0 1rem}</style></head>
<body><h1>%d</h1><p>%s</p>%s<p><a href="/">Home</a></p></body></html>
`

// explained is what [App].InsecureExplain shows of an answer with this status.
func (c *Context) explained(status int) []Step {
	if c.app == nil || !c.app.InsecureExplain || status < 500 && status != http.StatusUnauthorized && status != http.StatusForbidden {
		return nil
	}
	var steps []Step
	if err := c.protect(func(*Context) error { steps = c.Explain(); return nil }); err != nil {
		c.app.log().WarnContext(c.Context(), "authentication cannot be explained", "error", err)
	}
	for _, s := range steps {
		c.app.log().InfoContext(c.Context(), "authentication explained", "route", c.Request.Pattern, "status", status, "step", s.String())
	}
	return steps
}

// explanation is a list for the error page.
func explanation(steps []Step) string {
	if len(steps) == 0 {
		return ""
	}
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("<li>" + html.EscapeString(s.String()) + "</li>")
	}
	return "<ol>" + b.String() + "</ol>"
}

// mustMarshal encodes what is made of strings and numbers.
func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
