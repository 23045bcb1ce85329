package app

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"index/suffixarray"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxReason = 4096     // bytes of a reason; a longer one is not told
	maxTexts  = 16 << 10 // bytes of what may be secret; of a request with more no reason is told
	pieceOf   = 8        // bytes of a part of a secret, such as the id in a token

	redacted = "[redacted]"
)

// Secrets are what texts about a request may not quote: what it holds of credentials, in each
// spelling in which an error is likely to quote one. They are not kept but looked up in the texts
// at once, each in a time that hardly depends on how long these are: clients choose both.
type secrets struct {
	min   int                // bytes of the shortest
	texts *suffixarray.Index // in small letters
	found []int              // at each byte of them, how long the longest secret is that begins there

	decoded, noted map[string]bool // what was done already
}

// redact leaves out of texts what the request holds of secrets that are at least so long, in bytes.
// Capital letters are as small ones.
func (c *Context) redact(shortest int, texts ...*string) {
	if len(texts) == 0 {
		return
	}
	if c.holdsMoreThan(maxTexts) {
		for _, text := range texts {
			*text = redacted
		}
		return
	}
	var all strings.Builder
	for _, text := range texts {
		all.WriteString(*text)
	}
	s := newSecrets(shortest, all.String())
	s.ofRequest(c)
	rest := s.found
	for _, text := range texts {
		found := rest[:len(*text)]
		rest = rest[len(*text):]
		*text = without(*text, found)
	}
}

func newSecrets(shortest int, texts string) *secrets {
	index := suffixarray.New([]byte(asciiLower(texts)))
	return &secrets{min: shortest, texts: index, found: make([]int, len(texts)), decoded: map[string]bool{}, noted: map[string]bool{}}
}

// without returns a text in which what was found is left out.
func without(text string, found []int) string {
	var b strings.Builder
	end, before := 0, false
	for i := range len(text) {
		end = max(end, i+found[i])
		hidden := i < end
		switch {
		case !hidden:
			b.WriteByte(text[i])
		case !before:
			b.WriteString(redacted)
		}
		before = hidden
	}
	return b.String()
}

// add notes a credential and its parts.
func (s *secrets) add(text string) {
	text = strings.Trim(text, " \t\"")
	s.decode(text)
	for piece := range strings.FieldsFuncSeq(text, separates) {
		if len(piece) >= pieceOf {
			s.decode(piece)
		}
	}
}

func separates(r rune) bool { return strings.ContainsRune(" \t\r\n.,;:=&?/|~$\"'()<>[]{}", r) }

// decode notes a text, and what it becomes for who decodes it.
func (s *secrets) decode(text string) {
	if s.decoded[text] {
		return
	}
	s.decoded[text] = true
	s.note(text)
	s.decodeBase64(text)
	for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if plain, err := unescape(text); err == nil && plain != text {
			s.note(plain)
			s.decodeBase64(plain)
		}
	}
}

var standardBase64 = strings.NewReplacer("-", "+", "_", "/")

// decodeBase64 finds above all the name and the password in Basic credentials.
func (s *secrets) decodeBase64(text string) {
	raw := standardBase64.Replace(strings.TrimRight(text, "="))
	plain, err := base64.RawStdEncoding.DecodeString(raw)
	if err != nil || !utf8.Valid(plain) {
		return
	}
	s.note(string(plain))
	for part := range strings.SplitSeq(string(plain), ":") {
		s.note(part)
	}
	if _, password, found := strings.Cut(string(plain), ":"); found {
		s.note(password)
	}
}

// note keeps a text as it is, and as %q, JSON, HTML and URLs have it. What is so short that it
// would blot out words counts where it is quoted.
func (s *secrets) note(text string) {
	switch {
	case text == "", len(text) > len(s.found), s.noted[text]:
		return
	case len(text) < s.min:
		if s.min == shortSecret {
			s.keep(`"` + text + `"`)
		}
		return
	}
	s.noted[text] = true
	s.keep(text)
	encoded, _ := json.Marshal(text) // a string can be encoded
	for _, quoted := range []string{strconv.Quote(text), strconv.QuoteToASCII(text), string(encoded)} {
		s.keepOther(text, quoted[1:len(quoted)-1])
	}
	for _, spelling := range []string{html.EscapeString(text), url.QueryEscape(text), url.PathEscape(text)} {
		s.keepOther(text, spelling)
	}
}

func (s *secrets) keepOther(text, spelling string) {
	if spelling != text {
		s.keep(spelling)
	}
}

func (s *secrets) keep(spelling string) {
	for _, at := range s.texts.Lookup([]byte(asciiLower(spelling)), -1) {
		s.found[at] = max(s.found[at], len(spelling))
	}
}

// asciiLower makes letters small and leaves everything where it is.
func asciiLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
