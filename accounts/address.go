package accounts

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrAddress is in the error about an e-mail address to which no mail can go.
var ErrAddress = errors.New("accounts: no e-mail address")

const maxAddress = 254 // bytes, of RFC 5321 section 4.5.3.1.3

// checkAddress takes nothing but local@domain. What RFC 5322 allows beside it (names,
// quotes, comments, lists, domains in brackets) would be read one way here and another way
// by a mail server.
func checkAddress(address string) error {
	local, domain, found := strings.Cut(address, "@")
	if !found || len(address) > maxAddress || len(local) > 64 || !utf8.ValidString(address) || !isLocal(local) || !isDomain(domain) {
		return ErrAddress
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return fmt.Errorf("%w: not in the form of RFC 5322", ErrAddress)
	}
	return nil
}

// isLocal reports whether s is a dot-atom (RFC 5322 section 3.2.3, RFC 6531), which needs
// no quotes in a command, and no encoded word (RFC 2047), which a header would decode.
func isLocal(s string) bool {
	return !strings.Contains(s, "=?") && dotted(s, func(r rune) bool {
		return strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) || unicode.In(r, unicode.L, unicode.M, unicode.N)
	})
}

func isDomain(s string) bool {
	return dotted(s, func(r rune) bool { return r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.N) }) &&
		!strings.HasPrefix(s, "-")
}

// dotted reports whether s is words of such letters with a dot between them.
func dotted(s string, letter func(rune) bool) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !letter(r) }) {
			return false
		}
	}
	return true
}
