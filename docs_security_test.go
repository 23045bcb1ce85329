package kahu_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A claim is what docs/security.md says, with its numbers, and how the code shows it: a function of
// *testing.T and of each number, a time.Duration where its unit is one of time, a float64 for
// what has a point, an int for the rest. Sizes are in bytes.
type claim struct {
	says  string
	shown any
}

var securityClaims = slices.Concat(securityOfLogins, securityOfPasswords, securityOfSessions, securityOfTokens, securityOfKeySets,
	securityOfRequests, securityOfTimeouts, securityOfServices, securityOfAlgorithms, securityOfFailures)

// Each number in docs/security.md is what the code does, and no number is there that nobody checks.
func TestSecurityPage(t *testing.T) {
	page := securityPage(t)
	covered := make([]bool, len(page))
	for _, c := range securityClaims {
		t.Run(strings.Join(words.FindAllString(c.says, -1), " "), func(t *testing.T) {
			at := strings.Index(page, c.says)
			require.GreaterOrEqual(t, at, 0, "the page does not say so")
			require.Equal(t, at, strings.LastIndex(page, c.says), "the page says so twice: which one is meant?")
			for i := range c.says {
				covered[at+i] = true
			}
			c.check(t)
		})
	}
	var unchecked []string
	for _, at := range numbersIn(page) {
		if !covered[at[0]] || !covered[at[1]-1] {
			unchecked = append(unchecked, page[at[0]:at[1]]+" in …"+page[max(0, at[0]-60):min(len(page), at[1]+40)]+"…")
		}
	}
	assert.Empty(t, unchecked, "numbers that nobody checks")
}

var words = regexp.MustCompile(`[\pL\d]+`)

// securityPage is the page on one line, without its headings and without the digits that are no numbers of kahu's:
// those of standards, of their sections, and of requirements.
func securityPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	page := regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(string(text), "")
	page = strings.Join(strings.Fields(page), " ")
	return standard.ReplaceAllString(page, "…")
}

var standard = regexp.MustCompile(`\b\d+\.\d+\.\d+\b|ASVS \d+(\.\d+)+|RFC \d+|SP 800-[\w-]+|section \d+(\.\d+)*`)

var number = regexp.MustCompile(`\d[\d,]*\d(?:\.\d+)?|\d(?:\.\d+)?`)

// numbersIn finds the numbers in a text. Digits right behind a letter, or behind a letter and a hyphen, are of a name: SHA-256, IPv6, R9.
func numbersIn(text string) (found [][]int) {
	for _, at := range number.FindAllStringIndex(text, -1) {
		if !ofAName.MatchString(text[:at[0]]) {
			found = append(found, at)
		}
	}
	return found
}

var ofAName = regexp.MustCompile(`\pL-?$`)

var unit = regexp.MustCompile(`^ (milliseconds?|seconds?|minutes?|hours?|days?|years?|KiB|MiB|GiB)\b`)

var units = map[string]time.Duration{
	"millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute,
	"hour": time.Hour, "day": 24 * time.Hour, "year": 365 * 24 * time.Hour,
}

var sizes = map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// check gives the numbers of the claim to what shows them.
func (c claim) check(t *testing.T) {
	t.Helper()
	shown := reflect.ValueOf(c.shown)
	in := []reflect.Value{reflect.ValueOf(t)}
	for _, at := range numbersIn(c.says) {
		in = append(in, quantity(t, c.says[at[0]:at[1]], c.says[at[1]:]))
	}
	require.Len(t, in, shown.Type().NumIn(), "what the claim says and what is checked are not as many numbers")
	for i, v := range in[1:] {
		require.Equal(t, shown.Type().In(i+1), v.Type(), "number %d", i+1)
	}
	shown.Call(in)
}

func quantity(t *testing.T, text, behind string) reflect.Value {
	t.Helper()
	if strings.Contains(text, ".") {
		f, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		return reflect.ValueOf(f)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	require.NoError(t, err)
	if match := unit.FindStringSubmatch(behind); match != nil {
		if d, ok := units[strings.TrimSuffix(match[1], "s")]; ok {
			return reflect.ValueOf(time.Duration(n) * d)
		}
		n *= sizes[match[1]]
	}
	return reflect.ValueOf(n)
}

var numberWords = regexp.MustCompile(`(?i)\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundreds?|thousands?|millions?|dozens?)\b|` +
	`(?i)\b(a|an|one|each|every|half) (millisecond|second|minute|hour|day|week|month|year)\b`)

// A number that is written as a word would pass unseen.
func TestSecurityPageWritesNumbersAsDigits(t *testing.T) {
	assert.Empty(t, numberWords.FindAllString(securityPage(t), -1))
}

// least checks that n is taken and what is a little less is refused.
func least[N int | time.Duration](t *testing.T, n N, build func(N)) {
	t.Helper()
	assert.NotPanics(t, func() { build(n) }, "%v", n)
	assert.Panics(t, func() { build(n - 1) }, "%v", n-1)
}

// most checks that n is taken and what is a little more is refused.
func most[N int | time.Duration](t *testing.T, n N, build func(N)) {
	t.Helper()
	assert.NotPanics(t, func() { build(n) }, "%v", n)
	assert.Panics(t, func() { build(n + 1) }, "%v", n+1)
}
