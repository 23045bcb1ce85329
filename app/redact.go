package app

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxReason  = 4096   // bytes of a reason; a longer one is not told
	maxSecrets = 50_000 // spellings; where there are more of them no reason is told
	pieceOf    = 8      // bytes of a part of a secret, such as the id in a token
)

// Secrets are what no text about a request may quote: what it holds of credentials, in each
// spelling in which an error is likely to quote one.
type secrets struct {
	min       int // bytes of the shortest
	spellings map[string]bool
}

// redact leaves out of text what is part of a secret. Capital letters are as small ones.
func (s *secrets) redact(text string) string {
	if len(text) > maxReason {
		return "a reason of " + strconv.Itoa(len(text)) + " bytes"
	}
	if len(s.spellings) > maxSecrets {
		return "[redacted]"
	}
	lower, hidden := asciiLower(text), make([]bool, len(text))
	for secret := range s.spellings {
		for from := 0; ; {
			i := strings.Index(lower[from:], secret)
			if i < 0 {
				break
			}
			for j := range len(secret) {
				hidden[from+i+j] = true
			}
			from += i + 1 // the next may overlap this one
		}
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString("[redacted]")
		}
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
	s.note(text)
	s.decodeBase64(text)
	for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if plain, err := unescape(text); err == nil && plain != text {
			s.note(plain)
			s.decodeBase64(plain)
		}
	}
}

// decodeBase64 finds above all the name and the password in Basic credentials.
func (s *secrets) decodeBase64(text string) {
	raw := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
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
	case text == "", len(text) > maxReason, len(s.spellings) > maxSecrets:
		return
	case len(text) < s.min:
		if s.min == shortSecret {
			s.keep(`"` + text + `"`)
		}
		return
	}
	encoded, _ := json.Marshal(text) // a string can be encoded
	for _, quoted := range []string{strconv.Quote(text), strconv.QuoteToASCII(text), string(encoded)} {
		s.keep(quoted[1 : len(quoted)-1])
	}
	for _, spelling := range []string{text, html.EscapeString(text), url.QueryEscape(text), url.PathEscape(text)} {
		s.keep(spelling)
	}
}

func (s *secrets) keep(spelling string) { s.spellings[asciiLower(spelling)] = true }

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
