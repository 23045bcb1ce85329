package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

var publicHeaders = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Content-Length": true, "Content-Type": true, "Origin": true, "Upgrade-Insecure-Requests": true, "User-Agent": true,
}

// holdsMoreThan reports whether what may be secret in a request is more than limit bytes. It
// reads none of them.
func (c *Context) holdsMoreThan(limit int) bool {
	r := c.Request
	n := len(r.URL.RawQuery) + len(r.URL.Path) + len(c.body)
	for name, values := range r.Header {
		if !public(name) {
			n += sizeOf(values)
		}
	}
	for _, form := range parsedForms(r) {
		for _, values := range form {
			n += sizeOf(values)
		}
	}
	return n > limit
}

// parsedForms are those that net/http has parsed, which does not put the values of a multipart one into Form.
func parsedForms(r *http.Request) []url.Values {
	if r.MultipartForm == nil {
		return []url.Values{r.Form}
	}
	return []url.Values{r.Form, r.MultipartForm.Value}
}

func sizeOf(values []string) (n int) {
	for _, v := range values {
		n += len(v) + 1
	}
	return n
}

func (s *secrets) ofRequest(c *Context) {
	s.ofHeaders(c.Request.Header)
	s.ofURL(c.Request)
	for _, form := range parsedForms(c.Request) {
		for _, values := range form {
			for _, v := range values {
				s.add(v)
			}
		}
	}
	s.ofBody(c.body)
}

// public reports whether headers of a name hold no credentials of any strategy.
func public(name string) bool {
	return publicHeaders[name] || strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "Sec-Ch-")
}

func (s *secrets) ofHeaders(h http.Header) {
	for name, values := range h {
		switch {
		case public(name):
		case name == "Cookie":
			s.ofPairs(strings.Join(values, ";"), ";")
		case strings.HasSuffix(name, "Authorization"):
			for _, v := range values {
				if _, credentials, found := strings.Cut(v, " "); found {
					v = credentials // the scheme is no secret
				}
				s.addFields(v)
			}
		default:
			for _, v := range values {
				s.addFields(v)
			}
		}
	}
}

// addFields adds a text and the words in it, which may be as short as any secret.
func (s *secrets) addFields(text string) {
	s.add(text)
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
		s.add(field)
		if _, value, found := strings.Cut(field, "="); found {
			s.add(value)
		}
	}
}

// ofPairs adds the values of pairs, also of those that nobody can parse; what has no name is a value.
func (s *secrets) ofPairs(text, between string) {
	for pair := range strings.SplitSeq(text, between) {
		if _, value, found := strings.Cut(pair, "="); found {
			pair = value
		}
		s.add(pair)
	}
}

// ofURL adds the query, the password before the host, and segments of the path that are as long as
// those in links that are sent by mail.
func (s *secrets) ofURL(r *http.Request) {
	s.ofPairs(strings.ReplaceAll(r.URL.RawQuery, ";", "&"), "&")
	s.ofPairs(r.URL.RawQuery, "&") // a value may have a semicolon in it
	if password, ok := r.URL.User.Password(); ok {
		s.add(password)
	}
	for segment := range strings.SplitSeq(r.URL.EscapedPath(), "/") {
		if len(segment) >= longSecret {
			s.add(segment)
		}
	}
}

// ofBody adds every text and number in a body that was read, as JSON or as a form.
func (s *secrets) ofBody(body []byte) {
	if len(body) == 0 {
		return
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&value) == nil {
		s.ofJSON(value)
	}
	if d.Decode(new(any)) != io.EOF { // that was not all of it, so it is a form
		s.ofPairs(string(body), "&")
	}
}

func (s *secrets) ofJSON(value any) {
	switch v := value.(type) {
	case string:
		s.add(v)
	case json.Number:
		s.add(v.String())
	case []any:
		for _, inner := range v {
			s.ofJSON(inner)
		}
	case map[string]any:
		for _, inner := range v {
			s.ofJSON(inner)
		}
	}
}
