package strategies

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ErrName is returned for a text that cannot be the name of an account.
var ErrName = errors.New("strategies: no name: empty, over 256 bytes, no UTF-8, or with characters that do not show")

// CanonicalName is the one rule for names of accounts, which e-mail addresses are too:
// white space around it is dropped, it is in lower case and in Unicode's composed form
// (NFC), at most 256 bytes, and without characters that do not show: controls, line
// separators, fillers, variation selectors and the like. Everything else is [ErrName].
// Store names as it returns them: spellings that differ in these are then one account.
// Different letters that look alike, such as a Latin and a Cyrillic a, stay different.
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

// invisible are characters that do not show, and those that are none.
var invisible = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
	unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point,
}

// hidden reports characters with which two names would look the same.
func hidden(r rune) bool {
	const brailleBlank = '\u2800'
	return r == utf8.RuneError || r == brailleBlank || unicode.In(r, invisible...)
}
