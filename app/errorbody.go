package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// givenUp are the headers that describe an answer.
var givenUp = []string{
	"Content-Type", "Content-Length", "Content-Language", "Content-Location", "Content-Disposition", "Content-Range",
	"Accept-Ranges", "Etag", "Last-Modified", "Cache-Control", "Expires", "Location", "Refresh",
	"X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File", // a proxy would send that file
}

// prepareError makes err the prepared answer. Headers that describe the answer
// which is given up go; cookies, CORS, Vary and the like stay.
func (c *Context) prepareError(err error) {
	c.dropBody()
	h := c.Header()
	private := strings.Contains(strings.ToLower(h.Get("Cache-Control")), "no-store")
	for _, name := range givenUp {
		delete(h, name)
	}
	if private {
		h.Set("Cache-Control", "no-store") // an error about a secret is nobody's to keep either
	}
	if c.w.encoding == nil {
		h.Del("Content-Encoding")
	} else {
		h["Content-Encoding"] = c.w.encoding
	}
	status, title, header := outcome(err)
	c.Status = status
	for name, values := range header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values) // err may be a variable that many requests return
	}
	if ch, ok := errors.AsType[*challenged](err); ok && ch.status == status {
		h["Www-Authenticate"] = ch.challenges
	}
	if status < 400 {
		return
	}
	if title == "" || status >= 500 {
		title = words(status)
	}
	c.prepareErrorBody(status, title)
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
func (c *Context) prepareErrorBody(status int, title string) {
	if c.app != nil && c.app.Translate != nil {
		title = c.app.Translate(c, title)
	}
	h, steps := c.Header(), c.explained(status)
	const (
		jsonType    = "application/json"
		problemType = "application/problem+json"
		pageType    = "text/html"
		textType    = "text/plain"
	)
	switch c.Accepts(jsonType, problemType, pageType, textType) {
	case problemType:
		h.Set("Content-Type", problemType)
		c.Body = marshal(struct {
			Type   string `json:"type"`
			Title  string `json:"title"`
			Status int    `json:"status"`
		}{"about:blank", title, status})
	case pageType:
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		c.Body = fmt.Appendf(nil, errorPage, html.EscapeString(title), status, html.EscapeString(title), explanation(steps))
	case textType:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		c.Body = []byte(title)
	default:
		h.Set("Content-Type", "application/json; charset=utf-8")
		type entry struct {
			Title  string `json:"title"`
			Status int    `json:"status"`
			Steps  []Step `json:"explanation,omitempty"`
		}
		c.Body = marshal(map[string][]entry{"errors": {{title, status, steps}}})
	}
}

const errorPage = `<!doctype html>
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

// marshal encodes what is made of strings and numbers.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
