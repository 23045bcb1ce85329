package strategies

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ErrName is returned for a text that cannot be the name of an account.
var ErrName = errors.New("strategies: no name: empty, over 256 bytes, no UTF-8, or with control characters")

// CanonicalName is the one rule for names of accounts, which e-mail addresses are too:
// white space around it is dropped, it is in lower case and in Unicode's composed form
// (NFC), has no control characters, and at most 256 bytes. Everything else is [ErrName].
// Store names as it returns them: what looks the same is then the same account.
func CanonicalName(name string) (string, error) {
	if len(name) > 256 || !utf8.ValidString(name) {
		return "", ErrName
	}
	name = norm.NFC.String(strings.ToLower(norm.NFC.String(strings.TrimSpace(name))))
	if name == "" || len(name) > 256 || strings.ContainsFunc(name, hidden) {
		return "", ErrName
	}
	return name, nil
}

// hidden reports characters that do not show and so make two names look the same.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
}
