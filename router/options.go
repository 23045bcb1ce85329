package router

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options say how a table compares paths. The zero value is that of [New]: upper and
// lower case differ, and so do /rings and /rings/.
//
// They are those of the table that serves: a child that is included takes on its
// parent's. Guards hold for every spelling that leads to a route.
type Options struct {
	// IgnoreCase leads /Rings/One to "/rings/{id}". Parameters keep their case, and so
	// does the path that a mounted handler is given: http.StripPrefix minds it.
	IgnoreCase bool

	// IgnoreSlash leads /rings/ to "/rings" and /shire to "/shire/", without a redirect.
	// Routes that differ in nothing else conflict.
	IgnoreSlash bool

	// Strict refuses routes of which nobody said who may call them, as [NewStrict] does.
	Strict bool
}

// NewWith returns a Router without routes whose table has these options.
func NewWith(o Options) *Router { return &Router{table: newTable(o)} }

// loose reports whether a route may be asked for by other paths than its own.
func (o Options) loose() bool { return o.IgnoreCase || o.IgnoreSlash }

// key returns a pattern as it is compared.
func (o Options) key(p pattern) pattern {
	if o.IgnoreSlash && len(p.segments) > 0 {
		p = p.withoutSlash()
	}
	if o.IgnoreCase {
		p = p.folded()
	}
	return p
}

// path returns a clean path, encoded, as it is compared with keys.
func (o Options) path(clean string) string {
	if o.IgnoreSlash && len(clean) > 1 {
		clean = strings.TrimSuffix(clean, "/")
	}
	if o.IgnoreCase {
		clean = foldPath(clean)
	}
	return clean
}

// keys returns the segments of a path, decoded, as they are compared.
func (o Options) keys(path []string) []string {
	if !o.IgnoreCase {
		return path
	}
	keys := make([]string, len(path))
	for i, s := range path {
		keys[i] = fold(s)
	}
	return keys
}

// folded returns p in lower case, but for the names of its parameters.
func (p pattern) folded() pattern {
	segments := make([]segment, len(p.segments))
	var b strings.Builder
	for i, s := range p.segments {
		if s.kind == literal {
			s.text = fold(s.text)
		}
		segments[i] = s
		b.WriteByte('/')
		b.WriteString(s.String())
	}
	if p.slash {
		b.WriteByte('/')
	}
	return pattern{text: b.String(), segments: segments, slash: p.slash}
}

// foldPath folds the segments of an encoded path. One that stays as it is keeps its
// encoding: decoded and encoded again, %2e%2e would lead out.
func foldPath(escaped string) string {
	if !strings.ContainsFunc(escaped, func(c rune) bool { return c == '%' || c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' }) {
		return escaped
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		decoded := unescape(s)
		if lower := fold(decoded); lower != decoded {
			segments[i] = url.PathEscape(lower)
		}
	}
	return strings.Join(segments, "/")
}

// fold returns s in lower case, letter by letter: those that are upper and lower case of
// each other come out alike, and bytes that are no UTF-8 stay.
func fold(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(unicode.ToLower(unicode.ToUpper(c)))
		}
		i += n
	}
	return b.String()
}

// unescape decodes a segment, and leaves what cannot be decoded as it is.
func unescape(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
