package router

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

type kind int

const (
	literal  kind = iota
	wildcard      // {name}
	tail          // {name...}
)

type segment struct {
	kind kind
	text string // a literal, decoded, or the name of a parameter
}

// A pattern is the path of a route or the prefix of a group.
type pattern struct {
	text     string // as ServeMux writes it, but for the {$} at the end
	segments []segment
	slash    bool // it ends in "/"
}

// parse reads a path as it is written in a program: with {id} or Koa's :id. Something
// that Koa's router would read as more than a literal is refused, lest it be one here.
func parse(path string) (pattern, error) {
	if path == "" {
		return pattern{}, nil
	}
	if path[0] != '/' {
		return pattern{}, errors.New("it does not begin with /")
	}
	if strings.HasSuffix(path, "/{$}") {
		path = strings.TrimSuffix(path, "{$}")
	}
	texts := strings.Split(path[1:], "/")
	p := pattern{slash: texts[len(texts)-1] == ""}
	if p.slash {
		texts = texts[:len(texts)-1]
	}
	for _, text := range texts {
		s, err := parseSegment(text)
		if err != nil {
			return pattern{}, err
		}
		if p.rest() {
			return pattern{}, errTail
		}
		if s.kind != literal && p.has(s.text) {
			return pattern{}, fmt.Errorf("duplicate parameter {%s}", s.text)
		}
		p.segments = append(p.segments, s)
		p.text += "/" + s.written(text)
	}
	if p.slash && p.rest() {
		return pattern{}, errTail
	}
	if p.slash {
		p.text += "/"
	}
	return p, nil
}

var errTail = errors.New("something follows {name...}")

func parseSegment(text string) (segment, error) {
	if name, ok := strings.CutPrefix(text, ":"); ok && isName(name) {
		return segment{wildcard, name}, nil
	}
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		inner, ok = strings.CutSuffix(inner, "}")
		name, all := strings.CutSuffix(inner, "...")
		if !ok || !isName(name) {
			return segment{}, fmt.Errorf("%q is no parameter: write {name} or {name...}", text)
		}
		if all {
			return segment{tail, name}, nil
		}
		return segment{wildcard, name}, nil
	}
	if strings.ContainsAny(text, ":*?{}()") {
		return segment{}, fmt.Errorf("%q: parameters are whole segments, {name} or {name...}; as a literal, encode : as %%3A and so on", text)
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return segment{}, err
	}
	if decoded == "" || decoded == "." || decoded == ".." || decoded == "/" {
		return segment{}, fmt.Errorf("no request has the segment %q", text)
	}
	return segment{literal, decoded}, nil
}

// written returns the segment as ServeMux writes it.
func (s segment) written(text string) string {
	if s.kind == wildcard {
		return "{" + s.text + "}"
	}
	return text
}

// String returns the segment as ServeMux reads it.
func (s segment) String() string {
	switch s.kind {
	case wildcard:
		return "{" + s.text + "}"
	case tail:
		return "{" + s.text + "...}"
	}
	return url.PathEscape(s.text)
}

// isName reports whether s is a Go identifier, which ServeMux wants for parameters.
func isName(s string) bool {
	for i, c := range s {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return s != ""
}

// has reports whether p has a parameter.
func (p pattern) has(name string) bool {
	return slices.ContainsFunc(p.segments, func(s segment) bool { return s.kind != literal && s.text == name })
}

// wild reports whether p has any parameter.
func (p pattern) wild() bool {
	return slices.ContainsFunc(p.segments, func(s segment) bool { return s.kind != literal })
}

// rest reports whether p ends in {name...}.
func (p pattern) rest() bool {
	n := len(p.segments)
	return n > 0 && p.segments[n-1].kind == tail
}

func (p pattern) withoutSlash() pattern {
	p.text, p.slash = strings.TrimSuffix(p.text, "/"), false
	return p
}

// exact returns what ServeMux takes for p alone: a slash at its end would match all
// that follows.
func (p pattern) exact() string {
	if p.slash {
		return p.text + "{$}"
	}
	return p.text
}

// shape returns what two patterns have in common that match the same paths.
func (p pattern) shape() string {
	var b strings.Builder
	for _, s := range p.segments {
		if s.kind != literal {
			s.text = ""
		}
		b.WriteString("/" + s.String())
	}
	if p.slash {
		b.WriteString("/{$}")
	}
	return b.String()
}

// covers reports whether p, a prefix, is at or above the path with these segments.
func (p pattern) covers(path []string) bool {
	if len(path) < len(p.segments) {
		return false
	}
	for i, s := range p.segments {
		if path[i] == "" || s.kind == literal && s.text != path[i] {
			return false
		}
	}
	return true
}

// reaches reports whether a wildcard leads p to paths below a prefix that p does not
// spell out. subtree: p matches all that is below it.
func (p pattern) reaches(prefix pattern, subtree bool) bool {
	wild := false
	for i, s := range prefix.segments {
		if i == len(p.segments) {
			// ServeMux takes the segment %2F, which a wildcard covers, for a slash at the end.
			return subtree || p.slash && s.kind == wildcard && i == len(prefix.segments)-1
		}
		switch own := p.segments[i]; {
		case own.kind == tail:
			return true
		case own.kind == wildcard:
			wild = wild || s.kind == literal
		case s.kind == literal && s.text != own.text:
			return false
		}
	}
	return wild
}

// url fills in the parameters.
func (p pattern) url(params []string) (string, error) {
	var b strings.Builder
	for _, s := range p.segments {
		b.WriteByte('/')
		if s.kind == literal {
			b.WriteString(url.PathEscape(s.text))
			continue
		}
		if len(params) == 0 {
			return "", fmt.Errorf("{%s} is missing", s.text)
		}
		escaped, err := s.escape(params[0])
		if err != nil {
			return "", err
		}
		b.WriteString(escaped)
		params = params[1:]
	}
	if len(params) > 0 {
		return "", fmt.Errorf("%d parameters too many", len(params))
	}
	if p.slash {
		b.WriteByte('/')
	}
	return b.String(), nil
}

func (s segment) escape(value string) (string, error) {
	if s.kind == wildcard {
		// ServeMux reads the segment %2F as a slash at the end of the path.
		if value == "" || value == "." || value == ".." || value == "/" {
			return "", fmt.Errorf("{%s} cannot be %q", s.text, value)
		}
		return url.PathEscape(value), nil
	}
	parts := strings.Split(value, "/")
	for i, part := range parts {
		if part == "." || part == ".." || part == "" && i < len(parts)-1 {
			return "", fmt.Errorf("{%s...} cannot be %q", s.text, value)
		}
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/"), nil
}
