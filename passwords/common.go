package passwords

import (
	_ "embed"
	"strings"
)

// commonPasswords has one password a line, in lower case: those of eight characters or more among the 30,000 most frequent in
// published leaks, as zxcvbn 4.4.2 counts them (MIT License: see common.LICENSE.txt). They are 11,611 in 110 KB.
//
//go:embed common.txt
var commonPasswords string

// isCommon reports whether password is in the list, whatever its case. Going through all of it takes some microseconds, which
// is nothing beside the hash that follows, and needs no memory of its own.
func isCommon(password string) bool {
	if strings.ContainsRune(password, '\n') {
		return false // it could match two lines
	}
	line := strings.ToLower(password) + "\n"
	return strings.HasPrefix(commonPasswords, line) || strings.Contains(commonPasswords, "\n"+line)
}
