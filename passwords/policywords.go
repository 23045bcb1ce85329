package passwords

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// leastWord is how many letters a word has that counts: shorter ones are in half of all words.
const leastWord = 3

// wordsOf returns the words of texts in lower case. Of what looks like an e-mail address it takes the part before the last @.
func wordsOf(texts []string) []string {
	var words []string
	for _, text := range texts {
		if at := strings.LastIndexByte(text, '@'); at > 0 {
			text = text[:at]
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(text), isNoLetter) {
			if utf8.RuneCountInString(word) >= leastWord {
				words = append(words, word)
			}
		}
	}
	return words
}

func isNoLetter(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

// madeOf reports whether password is little more than words of the lists: see [Policy.Check].
func madeOf(password string, lists ...[]string) bool {
	password = strings.ToLower(password)
	covered := make([]bool, len(password))
	for _, words := range lists {
		for _, word := range words {
			cover(covered, password, word)
		}
	}
	var rest strings.Builder
	for i, r := range password {
		if !covered[i] {
			rest.WriteRune(r)
		}
	}
	left, all := utf8.RuneCountInString(rest.String()), utf8.RuneCountInString(password)
	if left == all {
		return false
	}
	return left < leastCharacters && 3*(all-left) > all || isCommon(strings.TrimFunc(rest.String(), isNoLetter))
}

// cover marks every place where word stands in password; places may overlap.
func cover(covered []bool, password, word string) {
	for from := 0; ; {
		i := strings.Index(password[from:], word)
		if i < 0 {
			return
		}
		for j := range len(word) {
			covered[from+i+j] = true
		}
		from += i + 1
	}
}
